"""What the gate knows of a document beyond its clocks. Runs of clocks, not items."""

from bisect import bisect_right
from collections.abc import Mapping

from sync.gate.kinds import DELETED, GC, STRING, TYPE
from sync.gate.ranges import Ranges
from sync.gate.scanner import Id
from sync.gate.structs import Struct

# A list: (type, None) is the sequence of a type, (type, key) the values that one key of it has had.
List = tuple[str | Id, str | None]


class Shape:
    """Which list each id is in, which ids are types and how deep, which hold nothing, which are something else than
    text, and where surrogate pairs are."""

    __slots__ = ("begun", "empty", "lists", "other", "pairs", "starts", "types")

    def __init__(self) -> None:
        self.types: dict[Id, tuple[int, int]] = {}  # id -> (which type, how deep)
        self.starts: dict[int, list[int]] = {}  # client -> first clock of each run
        self.lists: dict[int, list[List | None]] = {}  # client -> the list that run is in; None: it went with its type
        self.begun: set[tuple[int, List]] = set()  # (client, list): who has put an item without origins there
        self.empty = Ranges()  # GC and Deleted content
        self.other = Ranges()  # neither that nor text: elements, format marks, attributes
        self.pairs: dict[int, list[tuple[int, bytes]]] = {}  # client -> (first clock, high bytes of its UTF-16 units)

    def list_at(self, client: int, clock: int) -> List | None:
        starts = self.starts.get(client)
        if starts is None:
            return None
        i = bisect_right(starts, clock) - 1
        return self.lists[client][i] if i >= 0 else None

    def splits_pair(self, client: int, clock: int) -> bool:
        """Whether a cut before this clock divides a surrogate pair."""
        pairs = self.pairs.get(client)
        if pairs is None:
            return False
        i = bisect_right(pairs, (clock, b"\xff")) - 1
        if i < 0:
            return False
        first, units = pairs[i]
        return clock - first < len(units) and 0xDC <= units[clock - first] <= 0xDF

    def _run(self, client: int, clock: int, place: List | None) -> None:
        starts = self.starts.get(client)
        if starts is None:
            self.starts[client] = [clock]
            self.lists[client] = [place]
        elif self.lists[client][-1] != place:
            starts.append(clock)
            self.lists[client].append(place)

    def add(self, client: int, struct: Struct, place: List | None, depth: int) -> None:
        """Add the client's next struct, which joins this list of a type that is `depth` types deep."""
        self._run(client, struct.clock, place)
        if place is not None and struct.origin is None and struct.right is None:
            self.begun.add((client, place))
        kind = struct.kind
        if kind == STRING:
            if struct.pairs:
                self.pairs.setdefault(client, []).append((struct.clock, struct.pairs))
            if place is not None and place[1] is None:
                return
        elif kind in (GC, DELETED):
            self.empty.add(client, [(struct.clock, struct.clock + struct.length)])
            return
        elif kind == TYPE:
            self.types[client, struct.clock] = (struct.which, depth + 1)
        self.other.extend(client, struct.clock, struct.clock + struct.length)

    def put_text(self, client: int, clock: int, place: List) -> None:
        """Add text without surrogate pairs, which has an origin: of such a struct nothing else needs to be known."""
        self._run(client, clock, place)

    def take(self, other: "Shape") -> None:
        """Take over what an update brought: its clocks come after ours."""
        self.types.update(other.types)
        self.begun |= other.begun
        for client, starts in other.starts.items():
            for clock, place in zip(starts, other.lists[client], strict=True):
                self._run(client, clock, place)
        for client, ranges in other.empty.items():
            self.empty.add(client, ranges)
        for client, ranges in other.other.items():
            for first, end in ranges:
                self.other.extend(client, first, end)
        for client, pairs in other.pairs.items():
            self.pairs.setdefault(client, []).extend(pairs)


class Draft:
    """The shape as it will be after an update, without touching the shape before all of it is accepted."""

    __slots__ = ("_base", "_clocks", "_roots", "new")

    def __init__(self, base: Shape, roots: Mapping[str, int], clocks: Mapping[int, int]) -> None:
        self.new = Shape()
        self._base = base
        self._roots = roots
        self._clocks = clocks

    def of(self, client: int, clock: int) -> Shape:
        """The half that knows this id."""
        return self._base if clock < self._clocks.get(client, 0) else self.new

    def place(self, struct: Struct) -> List | None:
        """The list that a struct joins: that of its origins, or what it says itself. What it needs was added before."""
        for neighbour in (struct.origin, struct.right):
            if neighbour is not None:
                return self.of(*neighbour).list_at(*neighbour)
        parent = struct.parent
        if parent is None or (not isinstance(parent, str) and parent not in self.of(*parent).types):
            return None
        return parent, struct.sub

    def type_of(self, place: List) -> tuple[int | None, int]:
        """Which type the list belongs to and how deep it is. A root that we do not know is of type None."""
        node = place[0]
        if isinstance(node, str):
            return self._roots.get(node), 0
        return self.of(*node).types[node]

    def has_begun(self, client: int, place: List) -> bool:
        return (client, place) in self._base.begun or (client, place) in self.new.begun

    def add(self, client: int, struct: Struct) -> None:
        """Add a struct that is known to be right."""
        place = self.place(struct)
        self.new.add(client, struct, place, 0 if place is None else self.type_of(place)[1])
