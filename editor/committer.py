"""Group commit: what waits while the disk is busy goes together into the next commit."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

import gevent

from editor.crew import Crew
from editor.log_writer import NOT_WRITTEN, Held, Outcome, Work
from sync.store import Batch, Change, NotStored

MOST_ENTRIES = 1000  # in one commit
MOST_BYTES = 1 << 20  # of updates, in one commit
BEAT = 0.0025  # seconds from the beginning of one commit to that of the next, if so much comes: it takes more along
LONGEST_BEAT = 8  # times as long, after a commit of many documents: the next one has as many, and they share its cost
MANY = 18  # documents after which it is the longest
LATE = 0.02  # seconds after which others do not wait for a commit any longer

logger = logging.getLogger(__name__)


Taken = tuple[Batch, Sequence[Change]]


class Lane(Protocol):
    """What writes a commit, one at a time, in a greenlet that may wait."""

    def __call__(self, works: Sequence[Work], patient: bool) -> Sequence[Outcome]:
        """Raises when nothing was written. Unless it is `patient`, a document that somebody else holds is `Held`."""


class Committer:
    """Takes batches, has them written, and tells them.

    The first batch after a pause is taken on the loop's next turn, so that everything that has just arrived comes
    along, and the next commit starts when the last one is done, and a beat after that has begun, or several if it was
    of many documents. Only while that one is late another lane goes on with other documents; each is in one commit at a
    time. One that somebody else holds is waited for in a commit of its own, and in all lanes but one at most.
    """

    def __init__(self, *lanes: Lane, late: float = LATE, beat: float = BEAT) -> None:
        self.on_commit: Callable[[int, float, bool], None] = lambda entries, seconds, failed: None  # how it went
        self._late = late
        self._beat = beat
        self._free = list(lanes)  # the last one is taken first: those before it may not even be connected
        self._waiting: deque[Batch] = deque()
        self._busy: dict[str, list[Batch]] = {}  # document of which something was taken -> what waits for its answer
        self._taken_last: Taken | None = None  # what was too much for the commit it was taken for
        self._next = 0.0  # when the next commit may begin
        self._held: deque[Taken] = deque()  # what somebody else holds
        self._may_wait = max(1, len(lanes) - 1)  # how many more lanes may wait for them
        self._writing: list[float] = []  # when the commits began that go on, and that wait for nobody
        self._crew = Crew()
        self._called = False  # a lane is about to look at what waits
        self._watched = False  # somebody looks whether it is late
        self._answering = 0  # lanes that look when they have told all outcomes
        self._closed = False

    def append(self, batch: Batch) -> None:
        if batch.document_id in self._busy:
            self._busy[batch.document_id].append(batch)
        else:
            self._waiting.append(batch)
            self._call()

    def close(self) -> None:
        """Once this returns, everything that waited is answered; what still comes fails."""
        self._crew.join()
        self._closed = True

    def _call(self) -> None:
        """Have a lane look at what waits: at once, or when the one that writes is late."""
        waits, held = self._waiting or self._taken_last, self._held and self._may_wait
        if not (waits or held) or not self._free or self._called or self._answering:
            return
        if held or self._is_late:
            self._called = True
            self._crew.begin(self._work)
        elif not self._watched:
            self._watched = True
            self._crew.begin(self._watch)

    @property
    def _is_late(self) -> bool:
        """Whether nobody writes who will soon be done and look."""
        return all(monotonic() - began >= self._late for began in self._writing)

    def _watch(self) -> None:
        while self._writing:
            gevent.sleep(self._late)
            if self._is_late:
                self._call()
        self._watched = False

    def _work(self) -> None:
        self._called = False
        lane = self._free.pop()
        try:
            while self._write_some(lane):
                pass
        finally:
            self._free.append(lane)
        self._call()

    def _write_some(self, lane: Lane) -> bool:
        """Whether there was something for this lane."""
        if self._held and self._may_wait:
            self._may_wait -= 1
            self._commit(lane, [self._held.popleft()], patient=True)
            self._may_wait += 1
        elif (self._waiting or self._taken_last) and self._is_late:
            self._rest()
            if taken := self._gather():
                self._commit(lane, taken)
        else:
            return False
        return True

    def _rest(self) -> None:
        """Until the next beat. The other lanes count on this one meanwhile."""
        now = monotonic()
        if now < self._next:
            self._writing.append(now)
            gevent.sleep(self._next - now)
            self._writing.remove(now)

    def _gather(self) -> Sequence[Taken]:
        """What goes into one transaction: not too much, but what is too much even alone goes alone."""
        commit: list[Taken] = []
        entries = size = 0
        if self._taken_last is not None:
            commit.append(self._taken_last)
            entries, size = len(self._taken_last[1]), _size(self._taken_last[1])
            self._taken_last = None
        # What is appended meanwhile, by a `take()` for instance, comes after what waits now.
        waiting, self._waiting = self._waiting, deque()
        while waiting and self._taken_last is None:
            batch = waiting.popleft()
            if batch.document_id in self._busy:
                self._busy[batch.document_id].append(batch)
            elif changes := self._take(batch):
                self._busy[batch.document_id] = []
                entries, size = entries + len(changes), size + _size(changes)
                if commit and (entries > MOST_ENTRIES or size > MOST_BYTES):
                    self._taken_last = (batch, changes)
                else:
                    commit.append((batch, changes))
        self._waiting.extendleft(reversed(waiting))
        return commit

    def _take(self, batch: Batch) -> Sequence[Change]:
        """What it wants to have written. If that is nothing, it is answered at once."""
        try:
            changes = batch.take()
        except Exception:
            _report("a batch of %s could not be taken", batch.document_id, exc_info=True, document=batch.document_id)
            self._answer(batch, NotStored("The server could not put these changes together."))
            return ()
        if not changes:
            self._answer(batch, ())
        return changes

    def _commit(self, lane: Lane, taken: Sequence[Taken], patient: bool = False) -> None:
        outcomes: Sequence[Outcome]
        began = monotonic()
        share = min(1.0, (len(taken) - 1) / (MANY - 1))
        self._next = began + self._beat * (1 + share * (LONGEST_BEAT - 1))
        failed = False
        if not patient:
            self._writing.append(began)
        self._call()
        try:
            if self._closed:
                raise NotStored("The server is stopping.")
            works = [Work(batch.document_id, changes, batch.epoch, batch.seq) for batch, changes in taken]
            outcomes = lane(works, patient)
        except NotStored as error:
            _report("nothing was stored: %s %r", error, error.__cause__)
            outcomes, failed = [error] * len(taken), True
        except Exception:
            _report("nothing was stored", exc_info=True)
            outcomes, failed = [NotStored(NOT_WRITTEN)] * len(taken), True
        if not patient:
            self._writing.remove(began)
        done, entries = [], 0
        for (batch, changes), outcome in zip(taken, outcomes, strict=True):
            if isinstance(outcome, Held):
                self._held.append((batch, changes))
            else:
                done.append((batch, outcome))
                entries += len(changes)
        seconds = monotonic() - began
        self._answering += 1
        for batch, outcome in done:
            self._waiting.extendleft(reversed(self._busy.pop(batch.document_id)))
            self._answer(batch, outcome)
        self._answering -= 1
        if done:
            self._tell(entries, seconds, failed)

    def _tell(self, entries: int, seconds: float, failed: bool) -> None:
        try:
            self.on_commit(entries, seconds, failed)
        except Exception:
            _report("a commit could not be counted", exc_info=True)

    def _answer(self, batch: Batch, outcome: Outcome) -> None:
        try:
            if isinstance(outcome, Exception):
                batch.failed(outcome)
            else:
                batch.committed(outcome)
        except Exception:
            # A mistake in one room must not keep the others from their answers.
            words = "a batch of %s could not be told its outcome"
            _report(words, batch.document_id, exc_info=True, document=batch.document_id)


def _report(message: str, *arguments: object, exc_info: bool = False, document: str | None = None) -> None:
    try:
        logger.error(message, *arguments, exc_info=exc_info, extra={"document": document})
    except Exception:
        # The log cannot be written either, and nobody is left to be told. People get their answers all the same.
        return


def _size(changes: Sequence[Change]) -> int:
    """Bytes of updates."""
    size = 0
    for change in changes:
        size += len(change.update)
    return size
