"""People who write one note while something goes wrong, and whether all of it is there afterwards."""

import re
import time
from collections.abc import Sequence
from itertools import count

from tests.cluster.cluster import SLOWER
from tests.people import Person, same

CONVERGED = 2.0 * SLOWER  # seconds
# What a page answers by "Reconnecting" or "Saving", and nothing else: it joins again and sends again.
NO_TROUBLE = {"not-joined", "moved", "resync", "storage", "rate"}

_words = count()


class Company:
    """Some people, and what they have typed."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = people
        self.typed: list[str] = []

    def write(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for person in self.people:
                self.word(person)
                person.tend()
                person.link.wait(0.005)

    def word(self, person: Person) -> None:
        word = f"<{next(_words)}>"
        self.typed.append(word)
        person.type(word)

    def converges(self, within: float = 30.0) -> None:
        """Everybody has read and saved everything within so many seconds; else it fails, saying who has not."""
        deadline = time.monotonic() + within
        while not all(person.joined and person.saved and self._read(person) for person in self.people):
            assert time.monotonic() < deadline, f"after {within:.1f} s:\n" + "\n".join(map(self._stands, self.people))
            for person in self.people:
                person.tend()
                person.link.wait(0.005)

    def nothing_is_lost(self, newcomer: Person) -> None:
        text = same(newcomer, *self.people)
        assert sorted(re.findall(r"<\d+>", text)) == sorted(self.typed)
        assert [person.refused for person in self.people] == [[]] * len(self.people)
        errors = {refusal["error"] for person in self.people for refusal in person.refusals}
        assert errors <= NO_TROUBLE, "people were shown an error"

    def _stands(self, person: Person) -> str:
        return (
            f"{person.link}: joined {person.joined is not None}, saved {person.saved}, has read "
            f"{len(str(person.text))} of {sum(map(len, self.typed))}, refusals {person.refusals[-3:]}"
        )

    def _read(self, person: Person) -> bool:
        return len(str(person.text)) == sum(map(len, self.typed))
