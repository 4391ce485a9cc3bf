"""A large update, cut into slices to be applied one after the other: what is applied at once holds everybody up."""

from collections.abc import Callable, Mapping

from sync.gate.order import Run as Order
from sync.gate.order import in_order
from sync.parts import Parts, Run, put_together, take_apart


class Slices:
    """Of one update, for a doc that has these clocks: first its structs, each after what it needs; then deletions."""

    def __init__(self, update: bytes, clocks: Mapping[int, int], pause: Callable[[], None]) -> None:
        """Raises `Malformed` for what the gate lets nobody write, and for what does not continue the doc."""
        parts = take_apart(update, pause)
        self._pieces = {run.client: run.pieces for run in parts.runs}
        runs = [Order(run.client, [piece.struct for piece in run.pieces]) for run in parts.runs]
        order, stuck = in_order(runs, clocks, pause)
        order += [rest.run for rest in stuck]  # Yrs keeps them until it has what they need
        self._order = [(run.client, len(run.structs)) for run in reversed(order)]  # the next one is the last
        self._done = dict.fromkeys(self._pieces, 0)
        self._deletes = [(client, ranges) for client, ranges in reversed(parts.deletes) if ranges]
        self._deleted = 0  # ranges of the last of these

    def next(self, size: int) -> bytes | None:
        """An update of at most so many structs or ranges; None after the last one."""
        if self._order:
            return self._structs(size)
        return self._ranges(size) if self._deletes else None

    def _structs(self, size: int) -> bytes:
        client, left = self._order.pop()
        first = self._done[client]
        pieces = self._pieces[client][first : first + min(size, left)]
        self._done[client] += len(pieces)
        if left > len(pieces):
            self._order.append((client, left - len(pieces)))
        return put_together(Parts([Run(client, pieces[0].struct.clock, pieces)], []))

    def _ranges(self, size: int) -> bytes:
        client, ranges = self._deletes[-1]
        some = ranges[self._deleted : self._deleted + size]
        self._deleted += len(some)
        if self._deleted == len(ranges):
            self._deletes.pop()
            self._deleted = 0
        return put_together(Parts([], [(client, some)]))
