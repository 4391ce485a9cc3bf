"""Group commit: what waits while the disk is busy goes together into the next commit."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import gevent

from editor.log_writer import NOT_WRITTEN, Outcome, Work
from sync.store import Batch, Change, NotStored

MOST_ENTRIES = 1000  # in one commit
MOST_BYTES = 1 << 20  # of updates, in one commit

logger = logging.getLogger(__name__)


Taken = tuple[Batch, Sequence[Change]]


class Committer:
    """Takes batches, has them written, and tells them; one commit at a time.

    No timer: the first batch after a pause is taken on the loop's next turn, so that everything that has just arrived
    comes along, and the next commit starts when the last one is done.
    """

    def __init__(self, write: Callable[[Sequence[Work]], Sequence[Outcome]]) -> None:
        """`write` is called in a greenlet that may wait. It raises when nothing was written."""
        self.on_commit: Callable[[int, float, bool], None] = lambda entries, seconds, failed: None  # how it went
        self._write = write
        self._waiting: deque[Batch] = deque()
        self._taken_last: Taken | None = None  # what was too much for the commit it was taken for
        self._greenlet: gevent.Greenlet[[], None] | None = None
        self._closed = False

    def append(self, batch: Batch) -> None:
        self._waiting.append(batch)
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._work)

    def close(self) -> None:
        """Once this returns, everything that waited is answered; what still comes fails."""
        if self._greenlet is not None:
            self._greenlet.join()
        self._closed = True

    def _work(self) -> None:
        while self._waiting or self._taken_last:
            commit = self._gather()
            if commit.taken:
                self._commit(list(commit.taken.values()))
        self._greenlet = None

    def _gather(self) -> "_Commit":
        commit = _Commit()
        if self._taken_last:
            commit.add(*self._taken_last)
            self._taken_last = None
        # What is appended meanwhile, by a `take()` for instance, comes after what waits now.
        waiting, self._waiting = self._waiting, deque()
        later: list[Batch] = []
        while waiting and not self._taken_last:
            batch = waiting.popleft()
            if batch.document_id in commit.taken:
                later.append(batch)
            elif (changes := self._take(batch)) and not commit.add(batch, changes):
                self._taken_last = (batch, changes)
        self._waiting.extendleft(reversed([*later, *waiting]))
        return commit

    def _take(self, batch: Batch) -> Sequence[Change]:
        """What it wants to have written. If that is nothing, it is answered at once."""
        try:
            changes = batch.take()
        except Exception:
            _report("a batch of %s could not be taken", batch.document_id, exc_info=True)
            self._answer(batch, NotStored("The server could not put these changes together."))
            return ()
        if not changes:
            self._answer(batch, ())
        return changes

    def _commit(self, taken: Sequence[Taken]) -> None:
        outcomes: Sequence[Outcome]
        began, failed = monotonic(), False
        try:
            if self._closed:
                raise NotStored("The server is stopping.")
            outcomes = self._write([Work(batch.document_id, changes, batch.epoch) for batch, changes in taken])
        except NotStored as error:
            _report("nothing was stored: %s %r", error, error.__cause__)
            outcomes, failed = [error] * len(taken), True
        except Exception:
            _report("nothing was stored", exc_info=True)
            outcomes, failed = [NotStored(NOT_WRITTEN)] * len(taken), True
        self.on_commit(sum(len(changes) for _, changes in taken), monotonic() - began, failed)
        for (batch, _), outcome in zip(taken, outcomes, strict=True):
            self._answer(batch, outcome)

    def _answer(self, batch: Batch, outcome: Outcome) -> None:
        try:
            if isinstance(outcome, Exception):
                batch.failed(outcome)
            else:
                batch.committed(outcome)
        except Exception:
            # A mistake in one room must not keep the others from their answers.
            _report("a batch of %s could not be told its outcome", batch.document_id, exc_info=True)


def _report(message: str, *arguments: object, exc_info: bool = False) -> None:
    try:
        logger.error(message, *arguments, exc_info=exc_info)
    except Exception:
        # The log cannot be written either, and nobody is left to be told. People get their answers all the same.
        return


class _Commit:
    """What goes into one transaction: each document once, and not too much."""

    def __init__(self) -> None:
        self.taken: dict[str, Taken] = {}
        self._entries = 0
        self._size = 0  # bytes of updates

    def add(self, batch: Batch, changes: Sequence[Change]) -> bool:
        """Whether it fits. What is too much even alone fits alone."""
        entries = self._entries + len(changes)
        size = self._size + sum(len(change.update) for change in changes)
        if self.taken and (entries > MOST_ENTRIES or size > MOST_BYTES):
            return False
        self._entries, self._size = entries, size
        self.taken[batch.document_id] = (batch, changes)
        return True
