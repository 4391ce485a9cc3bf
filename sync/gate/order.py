"""In which order structs integrate: each after those that it names."""

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from sync.gate.scan import Section
from sync.gate.scanner import PAUSE_EVERY, Id, no_pause
from sync.gate.structs import Struct


class Run(NamedTuple):
    client: int
    structs: Sequence[Struct]


class Stuck(NamedTuple):
    """The rest of a section, and the id that its first struct waits for."""

    run: Run
    needs: Id


def in_order(
    sections: Sequence[Run | Section], clocks: Mapping[int, int], pause: Callable[[], None] = no_pause
) -> tuple[list[Run], list[Stuck]]:
    """All structs that integrate where these clocks are known, in an order that meets what they need, and the rest."""
    clock_of = {section.client: clocks.get(section.client, 0) for section in sections}
    position = [0] * len(sections)
    blocked: dict[int, Id] = {}  # section -> what it waits for
    waiting: dict[int, list[tuple[int, int]]] = {}  # client -> heap of (clock it must pass, section)
    order: list[Run] = []
    ready = list(range(len(sections)))[::-1]
    while ready:
        n = ready.pop()
        blocked.pop(n, None)
        client, structs = sections[n].client, sections[n].structs
        start = at = position[n]
        while at < len(structs):
            struct = structs[at]
            need = _missing(struct, client, clock_of, clocks)
            if need is not None:
                blocked[n] = need
                heappush(waiting.setdefault(need[0], []), (need[1], n))
                break
            clock_of[client] = struct.clock + struct.length
            at += 1
            if at % PAUSE_EVERY == 0:
                pause()
        position[n] = at
        if at > start:
            order.append(Run(client, structs[start:at]))
            heap = waiting.get(client)
            while heap and heap[0][0] < clock_of[client]:
                ready.append(heappop(heap)[1])
    rest = [Stuck(Run(sections[n].client, sections[n].structs[position[n] :]), need) for n, need in blocked.items()]
    return order, rest


def _missing(struct: Struct, client: int, clock_of: dict[int, int], clocks: Mapping[int, int]) -> Id | None:
    """The first id this struct needs that is not there yet."""
    if struct.clock > clock_of[client]:
        return client, struct.clock - 1
    for need in (struct.origin, struct.right, struct.parent):
        if need is None or isinstance(need, str):
            continue
        there = clock_of.get(need[0])
        if need[1] >= (clocks.get(need[0], 0) if there is None else there):
            return need
    return None
