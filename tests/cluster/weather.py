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

    def converged(self, patience: float = 30.0) -> float:
        """How long it takes until everybody has read and saved everything."""
        began = time.monotonic()
        while not all(person.joined and person.saved and self._read(person) for person in self.people):
            assert time.monotonic() - began < patience, [
                (bool(each.joined), each.saved, self._read(each), each.refusals[-3:]) for each in self.people
            ]
            for person in self.people:
                person.tend()
                person.link.wait(0.005)
        return time.monotonic() - began

    def nothing_is_lost(self, newcomer: Person) -> None:
        text = same(newcomer, *self.people)
        assert sorted(re.findall(r"<\d+>", text)) == sorted(self.typed)
        assert [person.refused for person in self.people] == [[]] * len(self.people)
        errors = {refusal["error"] for person in self.people for refusal in person.refusals}
        assert errors <= NO_TROUBLE, "people were shown an error"

    def _read(self, person: Person) -> bool:
        return len(str(person.text)) == sum(map(len, self.typed))
