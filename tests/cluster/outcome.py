"""What came of many people who typed while something went on."""

from typing import NamedTuple


class Outcome(NamedTuple):
    words: int
    lost: int  # words that are not there for somebody who comes at the end
    doubled: int
    errors: list[str]  # of all refusals
    refused: int  # updates that were not taken
    reconnects: int
    longest_unsaved: float  # seconds from a word to its "Saved", of the client who waited longest
    longest_away: float  # seconds that a client was not in its note
    unsaved: list[float]  # the longest of each client, sorted
