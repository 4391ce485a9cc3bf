"""Many people who type, in one process: it is told what to do, and tells what came of it, on its standard streams.

In: a line of JSON, {url, cookies, notes, clients}; then, some time later, the end of the input. Out: a line when all
are there; at the end a line of JSON, `Outcome`. Each client does what a page does: what a drain says, and waiting ever
longer before it tries again.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import json
import random
import re
import sys
from time import monotonic
from typing import Any, NamedTuple

import gevent

from tests.cluster.outcome import Outcome
from tests.live import SocketLink, Visitor
from tests.people import Json, Person

TYPES_EVERY = 1.0  # seconds, about
SLOWEST = 15.0  # seconds between two tries to connect
PATIENCE = 60.0  # seconds in which all must agree at the end


class Place(NamedTuple):
    url: str


class PageLink(SocketLink):
    """Comes back as a page does."""

    not_before = 0.0
    tries = 0
    drained = False

    def _drained(self, news: Json) -> None:
        super()._drained(news)
        self.not_before = monotonic() + news["delay"]
        self.leave()
        self.drained = True


class Typist:
    def __init__(self, place: Place, visitor: Visitor, note: str, name: str) -> None:
        self.note = note
        self.words: list[str] = []
        self.reconnects = -1
        self.longest_unsaved = self.longest_away = 0.0
        self._name = name
        self._link = PageLink(place, visitor, note, opening=10.0)
        self.person = Person(self._link, join=False)
        self._unsaved_since: float | None = None
        self._away_since: float | None = None
        self._types_at = 0.0

    def type_until(self, stopped: gevent.event.Event) -> None:
        while not (stopped.is_set() and self.person.saved and self.person.joined is not None):
            self._turn(not stopped.is_set())
        self._link.wait(0.05)

    def come(self) -> None:
        while self.person.joined is None:
            self._turn(False)

    def _turn(self, types: bool) -> None:
        now = monotonic()
        if types and now > self._types_at:
            word = f"<{self._name}-{len(self.words)}>"
            self.words.append(word)
            self.person.type(word)
            self._types_at = now + random.uniform(0.5, 1.5) * TYPES_EVERY
        if self._link.drained:
            self._link.drained = False
            self.person.lost()
        if self.person._current < 0 and now > self._link.not_before:
            self._link.tries += 1
            self._link.not_before = now + random.uniform(0, min(SLOWEST, 0.5 * 2**self._link.tries))
            self.person.come()
        self._link.wait(0.05)
        self._measure()

    def _measure(self) -> None:
        now = monotonic()
        if self.person.joined is not None and self._away_since is not None:
            self.longest_away = max(self.longest_away, now - self._away_since)
        if self.person.joined is not None and (self._away_since is not None or self.reconnects < 0):
            self._away_since, self._link.tries = None, 0
            self.reconnects += 1
        elif self.person.joined is None and self.reconnects >= 0:
            self._away_since = self._away_since or now
        if self.person.saved:
            if self._unsaved_since is not None:
                self.longest_unsaved = max(self.longest_unsaved, now - self._unsaved_since)
            self._unsaved_since = None
        else:
            self._unsaved_since = self._unsaved_since or now


def main() -> None:
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    place = Place(told["url"])
    visitor = Visitor(place)
    for cookie in told["cookies"].split("; "):
        visitor._cookies.set(*cookie.split("=", 1))
    notes = told["notes"]
    typists = [Typist(place, visitor, notes[number % len(notes)], str(number)) for number in range(told["clients"])]
    gevent.joinall([gevent.spawn(typist.come) for typist in typists], raise_error=True)
    stopped = gevent.event.Event()
    typing = [gevent.spawn(typist.type_until, stopped) for typist in typists]
    print("ready", flush=True)
    gevent.get_hub().threadpool.apply(sys.stdin.read)
    stopped.set()
    gevent.joinall(typing, timeout=PATIENCE, raise_error=True)

    lost = doubled = 0
    for note in notes:
        expected = [word for typist in typists if typist.note == note for word in typist.words]
        newcomer = Person(SocketLink(place, visitor, note))
        deadline = monotonic() + PATIENCE
        while len(str(newcomer.text)) < sum(map(len, expected)) and monotonic() < deadline:
            newcomer.tend()
            newcomer.link.wait(0.05)
        found = re.findall(r"<[\d-]+>", str(newcomer.text))
        lost += len(set(expected) - set(found))
        doubled += len(found) - len(set(found))
        newcomer.leave()
    outcome = Outcome(
        words=sum(len(typist.words) for typist in typists),
        lost=lost,
        doubled=doubled,
        errors=sorted({refusal["error"] for typist in typists for refusal in typist.person.refusals}),
        refused=sum(len(typist.person.refused) for typist in typists),
        reconnects=sum(typist.reconnects for typist in typists),
        longest_unsaved=max(typist.longest_unsaved for typist in typists),
        longest_away=max(typist.longest_away for typist in typists),
        unsaved=sorted(round(typist.longest_unsaved, 2) for typist in typists),
    )
    print(json.dumps(outcome._asdict()), flush=True)


if __name__ == "__main__":
    main()
