"""Sets of clocks, as ranges: which are deleted."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

Range = tuple[int, int]  # (first clock, the clock after the last one)


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

    For each client one list of edges: start, end, start, end... in ascending order. A clock is in the set when an odd
    number of edges is at or below it.
    """

    __slots__ = ("edges",)

    def __init__(self) -> None:
        self.edges: dict[int, list[int]] = {}

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
            cuts = edges[i:j]
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
        inside = edges[i:j]
        if i & 1:
            inside.insert(0, first)
        if j & 1:
            inside.append(end)
        return sum(inside[1::2]) - sum(inside[::2])

    def extend(self, client: int, first: int, end: int) -> None:
        """Add a range that begins after all that is in the set."""
        edges = self.edges.setdefault(client, [])
        if edges and edges[-1] == first:
            edges[-1] = end
        else:
            edges += (first, end)

    def add(self, client: int, ranges: Sequence[Range]) -> None:
        """Add ascending, disjoint ranges of which nothing is in the set yet."""
        edges = self.edges.setdefault(client, [])
        if len(ranges) > 100:  # one by one would move the rest of the list for each
            known = zip(edges[::2], edges[1::2], strict=True)
            edges[:] = [edge for pair in disjoint([*known, *ranges]) for edge in pair]
            return
        for first, end in ranges:
            i, j = bisect_left(edges, first), bisect_right(edges, end)
            edges[i:j] = ([] if i & 1 else [first]) + ([] if j & 1 else [end])
