"""Sets of clocks, as ranges: which are deleted."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

Range = tuple[int, int]  # (first clock, the clock after the last one)


def edges_of(ranges: Iterable[Range] = ()) -> "array[int]":
    """Their edges: four bytes each, where a list of tuples takes a hundred and more for a range."""
    return array("I", [edge for pair in ranges for edge in pair])


class Spans(Sequence[Range]):
    """Many ranges, in little room: an update may delete half a million. Parts of it are lists of tuples."""

    __slots__ = ("_edges",)

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._edges = edges_of(ranges)

    def append(self, first: int, end: int) -> None:
        self._edges.append(first)
        self._edges.append(end)

    def extend(self, ranges: Iterable[Range]) -> None:
        self._edges.extend([edge for pair in ranges for edge in pair])

    def __len__(self) -> int:
        return len(self._edges) // 2

    @overload
    def __getitem__(self, at: int) -> Range: ...
    @overload
    def __getitem__(self, at: slice) -> list[Range]: ...
    def __getitem__(self, at: int | slice) -> Range | list[Range]:
        if isinstance(at, int):
            at = range(len(self))[at]
            return self._edges[2 * at], self._edges[2 * at + 1]
        first, end, step = at.indices(len(self))
        edges = self._edges[2 * first : 2 * end]
        return list(zip(edges[::2], edges[1::2], strict=True))[::step]

    def __iter__(self) -> Iterator[Range]:
        edges = iter(self._edges)
        return zip(edges, edges, strict=True)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Spans):
            return self._edges == other._edges
        return isinstance(other, Sequence) and list(self) == list(other)

    def __repr__(self) -> str:
        return f"Spans({list(self)})"


def disjoint(ranges: Iterable[Range]) -> list[Range]:
    """The same clocks in ascending ranges that do not touch."""
    out: list[Range] = []
    for first, end in sorted(ranges):
        if first >= end:
            continue
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((first, end))
    return out


class Ranges:
    """Clocks of many clients.

    For each client one array of edges: start, end, start, end... in ascending order. A clock is in the set when an odd
    number of edges is at or below it.
    """

    __slots__ = ("edges",)

    def __init__(self) -> None:
        self.edges: dict[int, array[int]] = {}

    def __contains__(self, id: tuple[int, int]) -> bool:
        edges = self.edges.get(id[0])
        return edges is not None and bisect_right(edges, id[1]) & 1 == 1

    def items(self) -> Iterator[tuple[int, list[Range]]]:
        for client, edges in self.edges.items():
            yield client, list(zip(edges[::2], edges[1::2], strict=True))

    def lacking(self, client: int, ranges: Sequence[Range]) -> Sequence[Range]:
        """What of these ranges is not in the set."""
        edges = self.edges.get(client)
        if edges is None:
            return ranges
        out: list[Range] = []
        for first, end in ranges:
            i, j = bisect_right(edges, first), bisect_left(edges, end)
            if i == j:  # no edge inside: all of it is in, or nothing
                if not i & 1:
                    out.append((first, end))
                continue
            cuts = edges[i:j].tolist()
            if not i & 1:
                cuts.insert(0, first)
            if not j & 1:
                cuts.append(end)
            out += zip(cuts[::2], cuts[1::2], strict=True)
        return out

    def overlap(self, client: int, first: int, end: int) -> int:
        """How many of these clocks are in the set."""
        edges = self.edges.get(client)
        if edges is None:
            return 0
        i, j = bisect_right(edges, first), bisect_left(edges, end)
        inside = edges[i:j].tolist()
        if i & 1:
            inside.insert(0, first)
        if j & 1:
            inside.append(end)
        return sum(inside[1::2]) - sum(inside[::2])

    def extend(self, client: int, first: int, end: int) -> None:
        """Add a range that begins after all that is in the set."""
        edges = self.edges.setdefault(client, array("I"))
        if edges and edges[-1] == first:
            edges[-1] = end
        else:
            edges.append(first)
            edges.append(end)

    def add(self, client: int, ranges: Sequence[Range]) -> None:
        """Add ascending, disjoint ranges of which nothing is in the set yet."""
        if len(ranges) > FEW:  # one by one would move the rest of the array for each
            merged = Merged(self, client)
            merged.add(ranges)
            self.edges[client] = merged.edges()
            return
        edges = self.edges.setdefault(client, array("I"))
        for first, end in ranges:
            i, j = bisect_left(edges, first), bisect_right(edges, end)
            edges[i:j] = array("I", ([] if i & 1 else [first]) + ([] if j & 1 else [end]))


FEW = 100  # ranges


class Merged:
    """What a client's edges will be with more ranges in them, put together part by part."""

    __slots__ = ("_at", "_old", "_out")

    def __init__(self, ranges: Ranges, client: int) -> None:
        self._old = ranges.edges.get(client, array("I"))
        self._at = 0  # of the old edges, those before this one are done
        self._out = array("I")

    def add(self, ranges: Iterable[Range]) -> None:
        """Ascending and disjoint, also with what was added before; of which nothing is in the set."""
        old, out, at = self._old, self._out, self._at
        for first, end in ranges:
            i = bisect_left(old, first, at)
            out.extend(old[at:i])
            at = i
            if at < len(old) and old[at] == first:  # the end of one that is there
                at += 1
            elif out and out[-1] == first:
                out.pop()
            else:
                out.append(first)
            if at < len(old) and old[at] == end:
                at += 1
            else:
                out.append(end)
        self._at = at

    def edges(self) -> "array[int]":
        return self._out + self._old[self._at :]
