"""How much one person, one connection, one address and one note may have. Operators may set each of these.

What is not here (docs/operator.md) follows from the protocol and cannot be set: the pages rely on it.
"""

from dataclasses import dataclass, fields
from typing import Final

from sync.gate import Limits as UpdateLimits
from sync.limits import Capacity


@dataclass(frozen=True)
class Limits:
    """Each is an environment variable `PALIMPSEST_<FIELD>`. See `RANGES` for what they may be."""

    update_bytes: int = 1 << 20
    updates_per_second: int = 60  # of one connection, in the long run; twice as many at once
    awareness_bytes: int = 2048
    awareness_per_second: int = 60  # the same
    joins_per_minute: int = 120  # of one connection, with its questions for all that it lacks; a sixth of it at once
    joins_per_person: int = 600  # a minute, of all connections of one person, or of one address without a name
    seconds_to_join: int = 10  # from opening a connection
    connections_per_user: int = 100
    connections_per_address: int = 2000
    people_per_note: int = 500  # tabs that have it open at once
    note_bytes: int = 64 << 20  # its state, encoded
    note_structs: int = 2_000_000  # pieces it is made of, deleted ones as well
    logins_per_minute: int = 5  # wrong ones, for one account from one address

    @property
    def capacity(self) -> Capacity:
        """What a room may hold."""
        return Capacity(
            bytes=self.note_bytes,
            structs=self.note_structs,
            people=self.people_per_note,
            update=UpdateLimits(max_bytes=self.update_bytes),
            awareness=self.awareness_bytes,
        )


# Pages send pieces of half a mebibyte, and say who is where in up to a kilobyte: what is smaller would lock them out.
RANGES: Final = {
    "update_bytes": (600_000, 1 << 20),
    "updates_per_second": (1, 1000),
    "awareness_bytes": (1024, 2048),
    "awareness_per_second": (1, 1000),
    "joins_per_minute": (6, 6000),
    "joins_per_person": (10, 100_000),
    "seconds_to_join": (1, 600),
    "connections_per_user": (1, 100_000),
    "connections_per_address": (1, 100_000),
    "people_per_note": (1, 100_000),
    "note_bytes": (1 << 20, 1 << 30),
    "note_structs": (1000, 100_000_000),
    "logins_per_minute": (1, 1000),
}
NAMES: Final = tuple(field.name.upper() for field in fields(Limits))
