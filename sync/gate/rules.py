"""What a struct may be and where it may stand, given the document. What Yjs and Yrs would treat differently, or what
would harm one of them, is refused."""

from collections.abc import Mapping, Sequence
from typing import Final

from sync.codec import Malformed
from sync.gate.kinds import (
    ANY,
    ARRAY,
    DELETED,
    EMBED,
    FORMAT,
    GC,
    MAP,
    STRING,
    TEXT,
    TYPE,
    XML_ELEMENT,
    XML_FRAGMENT,
    XML_TEXT,
    kind_name,
    type_name,
)
from sync.gate.limits import Limits
from sync.gate.ranges import Range
from sync.gate.shape import Draft, List
from sync.gate.structs import Struct

IN_TEXT: Final = frozenset((DELETED, STRING, EMBED, FORMAT))
IN_XML: Final = frozenset((DELETED, TYPE))
IN_LIST: Final = {  # what may stand in the list of each type
    ARRAY: frozenset((DELETED, TYPE, ANY)),
    MAP: frozenset[int](),
    TEXT: IN_TEXT,
    XML_TEXT: IN_TEXT,
    XML_ELEMENT: IN_XML,
    XML_FRAGMENT: IN_XML,
}
TEXTS: Final = frozenset([which for which, kinds in IN_LIST.items() if STRING in kinds])
AS_ENTRY: Final = frozenset((DELETED, STRING, TYPE, ANY))  # as the value of a key, or an attribute
XML_CHILDREN: Final = {  # a reader of XML takes no other type for a child
    XML_ELEMENT: (XML_ELEMENT, XML_TEXT),
    XML_FRAGMENT: (XML_ELEMENT,),  # an editor opens no document with text outside of every block
}

Deleted = Mapping[int, Sequence[Range]]  # what the update deletes, for each client


def check(draft: Draft, client: int, struct: Struct, deletes: Deleted, limits: Limits) -> None:
    """Add a struct, whose dependencies were added before, to the draft. Raises Malformed."""
    if struct.kind == GC:
        draft.new.add(client, struct, None, 0)
        return
    try:
        place = _place(draft, struct)
        depth = 0
        if place is not None:
            depth = _fits(draft, client, struct, place, deletes)
        if struct.kind == TYPE and depth >= limits.max_depth:
            raise Malformed(f"expected at most {limits.max_depth} types inside each other, got one more")
    except Malformed as error:
        raise Malformed(f"{client}@{struct.clock}: {error}") from None
    draft.new.add(client, struct, place, depth)


def check_deletes(draft: Draft, client: int, ranges: Sequence[Range]) -> None:
    """No range may end between the halves of a surrogate pair. Raises Malformed."""
    for first, end in ranges:
        for clock in (first, end):
            if draft.of(client, clock).splits_pair(client, clock):
                raise Malformed(f"delete of {client}@{first}..{end}: expected whole characters, got half a pair")


def _place(draft: Draft, struct: Struct) -> List | None:
    place = draft.place(struct)
    origin, right, parent = struct.origin, struct.right, struct.parent
    if origin is not None:
        client, clock = origin
        if draft.of(client, clock + 1).splits_pair(client, clock + 1):
            raise Malformed(f"expected an origin between characters, got {client}@{clock} in a pair")
    if right is not None:
        if draft.of(*right).splits_pair(*right):
            raise Malformed(f"expected a right origin between characters, got {right[0]}@{right[1]} in a pair")
        if origin is not None and (other := draft.of(*right).list_at(*right)) != place:
            # Lists are collected as a whole, so one collected neighbour is wrong as well: Yjs would drop the item,
            # Yrs would insert it.
            raise Malformed(f"expected both origins in one list, got {place} and {other}")
    if parent is not None and not isinstance(parent, str) and place is None and parent not in draft.of(*parent).empty:
        raise Malformed(f"expected a type as parent, got {parent[0]}@{parent[1]}")
    return place


def _fits(draft: Draft, client: int, struct: Struct, place: List, deletes: Deleted) -> int:
    """How deep the type is that the struct joins."""
    node, key = place
    which, depth = draft.type_of(place)
    if which is None:
        raise Malformed(f"expected a root of this document, got {node!r}")
    if struct.origin is None and struct.right is None and draft.has_begun(client, place):
        # Without origins is right only where nothing stands yet: once for a client.
        raise Malformed(f"expected origins, for {client} has put something in {place} before")
    if struct.kind not in (IN_LIST[which] if key is None else AS_ENTRY):
        where = "the list" if key is None else "an entry"
        raise Malformed(f"expected what may stand in {where} of {type_name(which)}, got {kind_name(struct.kind)}")
    if key is None and struct.kind == TYPE and struct.which not in XML_CHILDREN.get(which, (struct.which,)):
        children = " or ".join([type_name(child) for child in XML_CHILDREN[which]])
        raise Malformed(f"expected {children} in {type_name(which)}, got {type_name(struct.which)}")
    if key is not None and struct.length > 1 and struct.kind != DELETED:
        # Yjs writes one when values of a key that were replaced merge. Yrs may die when another one is split.
        end = struct.clock + struct.length
        if struct.kind != ANY or not any(a <= struct.clock and end <= b for a, b in deletes.get(client, ())):
            raise Malformed(f"expected an entry of length 1, or one that is deleted at once, got {struct.length}")
    return depth
