"""What no client may send: each is refused, says why, and changes nothing."""

import time

import pytest

from sync.codec import MAX_CLOCK, MAX_SAFE, uint_bytes, var_bytes
from sync.gate import TEXT, XML_FRAGMENT, Gate, Limits, Malformed, Refused, scan
from tests.sync.handmade import deletes, element, entry, name, section, shared, struct, text, update

ROOTS = {"body": XML_FRAGMENT, "title": TEXT, "map": 1, "array": 0}
END = (10, 4)  # the last letter of the title
UNDEFINED = b"\x7f"


@pytest.fixture
def gate() -> Gate:
    """10: the title "hello", then a paragraph (5) with a text (6) in it: "a😀b" (7 to 10)."""
    gate = Gate(ROOTS, {})
    words = text("hello", parent="title")
    paragraph = element("p", parent="body"), shared(6, parent=(10, 5)), text("a😀b", parent=(10, 6))
    gate.admit(1, update(section(10, 0, words, *paragraph)))
    return gate


def refusal(gate: Gate, data: bytes) -> tuple[str, str]:
    clocks, owners = dict(gate.clocks), dict(gate.owners)
    with pytest.raises(Refused) as refused:
        gate.admit(1, data)
    assert (gate.clocks, gate.owners) == (clocks, owners)
    good = update(section(77, clocks.get(77, 0), text("good", origin=END)))
    assert gate.admit(1, good) is not None
    return refused.value.error, str(refused.value)


def one(*structs: bytes) -> bytes:
    return update(section(11, 0, *structs))


def value(any_value: bytes) -> bytes:
    return one(struct(8, b"\1" + any_value, parent="array"))


def json(kind: int, raw: bytes) -> bytes:
    return one(struct(kind, (name("bold") if kind == 6 else b"") + var_bytes(raw), END))


GOOD = one(text("x", END))

BYTES = {
    "nothing at all": b"",
    "no delete set": b"\0",
    "something after the end": GOOD + b"\0",
    "the last byte is missing": GOOD[:-1],
    "an update that claims 2^28 clients": b"\x80\x80\x80\x80\1" + b"\0" * 6,
    "a section that claims 2^28 structs": b"\1\x80\x80\x80\x80\1\x0b\0\0\0\0",
    "an empty section": b"\1\0\x0b\0\0",
    "one client in two sections": update(section(11, 0, text("x", END)), section(11, 1, text("y", END))),
    "a count with padding": b"\x81\0" + GOOD[1:],
    "a client with padding": b"\1\1\x8b\0" + GOOD[3:],
    "a client of 2^53": update(section(MAX_SAFE + 1, 0, text("x", END))),
    "a client of 11 bytes": b"\1\1" + b"\xff" * 10 + b"\1" + GOOD[3:],
    "a clock of 2^31": update(section(11, MAX_CLOCK + 1, text("x", END))),
    "clocks that pass 2^31": one(b"\0" + uint_bytes(MAX_CLOCK), b"\0\1"),
    "a string longer than the bytes": one(struct(4, b"\x7fx", END)),
    "an empty string": one(text("", END)),
    "a string that is no UTF-8": one(struct(4, b"\2\xc3\x28", END)),
    "a string in overlong UTF-8": one(struct(4, b"\2\xc0\x80", END)),
    "a lone surrogate": one(struct(4, b"\3\xed\xa0\x80", END)),
    "a GC of no length": one(b"\0\0"),
    "a GC with flags": one(b"\x20\1"),
    "a Skip": one(b"\x0a\1"),
    "a Move": one(struct(11, b"\0\0\0", END)),
    "an unknown kind": one(struct(31, b"", END)),
    "JSON content": one(struct(2, b"\1\0011", END)),
    "binary content": one(struct(3, b"\2ab", END)),
    "a subdocument": one(struct(9, name("guid") + b"\x76\0", END)),
    "Deleted of no length": one(struct(1, b"\0", END)),
    "an XmlHook": one(struct(7, b"\5" + name("x"), parent="body")),
    "a weak link": one(struct(7, b"\7\0", parent="body")),
    "an unknown type": one(struct(7, b"\x0f", parent="body")),
    "a parent flag of 2": one(b"\4\2" + name("title") + name("x")),
    "a long name": one(element("p" * 2000, parent="body")),
    "a root named __proto__": one(text("x", parent="__proto__")),
    "a key named __proto__": one(entry("__proto__", UNDEFINED, parent="map")),
    "an Any of no values": one(struct(8, b"\0", parent="array")),
    "an Any of more values than bytes": one(struct(8, b"\xff\xff\x03" + UNDEFINED, parent="array")),
    "an unknown value": value(b"\x10"),
    "a BigInt": value(b"\x7a" + b"\0" * 8),
    "a buffer": value(b"\x74\2ab"),
    "a number cut off": value(b"\x7b\0"),
    "an integer with padding": value(b"\x7d\x80\0"),
    "an integer of 2^53": value(b"\x7d" + b"\x80" * 7 + b"\x20"),
    "a list of more than there is": value(b"\x75\x7f" + UNDEFINED),
    "an object with a key named __proto__": value(b"\x76\1" + name("__proto__") + UNDEFINED),
    "a value nested 65 times": value(b"\x75\1" * 65 + UNDEFINED),
    "JSON that is none": json(6, b"{"),
    "JSON of nothing": json(6, b""),
    "JSON that only Python takes": json(6, b"NaN"),
    "JSON with a lone surrogate": json(5, b'"\\ud800"'),
    "JSON with a number too large": json(5, b"1e999"),
    "JSON with an integer too large": json(5, b"9007199254740993"),
    "JSON with minus zero": json(5, b"-0"),
    "JSON nested 65 times": json(5, b"[" * 65 + b"]" * 65),
    "JSON nested 8000 times": json(5, b"[" * 8000 + b"]" * 8000),
    "JSON of 20 KB": json(5, b'"' + b"x" * 20_000 + b'"'),
    "JSON with something behind": json(5, b"1 2"),
    "no ranges in a delete set": b"\0\1\x0a\0",
    "one client twice in the delete set": b"\0\2\x0a\1\0\1\x0a\1\1\1",
    "a delete range of no length": update(deleted={10: [(0, 0)]}),
    "delete ranges that overlap": update(deleted={10: [(0, 2), (1, 2)]}),
    "delete ranges in falling order": update(deleted={10: [(3, 1), (0, 1)]}),
    "a delete range that passes 2^31": update(deleted={10: [(1, MAX_CLOCK)]}),
    "more delete ranges than bytes": b"\0\1\x0a\xff\xff\x7f\0\1",
}


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_bytes_that_are_no_update_are_malformed(gate: Gate, data: bytes) -> None:
    error, message = refusal(gate, data)
    assert error == "malformed"
    assert "expected" in message
    with pytest.raises(Malformed):
        scan(data)


DEEP = [element("p", parent="body"), *[element("p", parent=(11, n)) for n in range(64)]]

SHAPES = {
    "another root": one(text("x", parent="other")),
    "a child of a root that is not there": one(text("x", parent="other"), text("y", origin=(11, 0))),
    "text in XML": one(text("x", parent="body")),
    "an XmlText outside of every element": one(shared(6, parent="body")),
    "an XmlText beside a paragraph": one(shared(6, origin=(10, 5))),
    "text beside a paragraph": one(text("x", origin=(10, 5))),
    "an element in text": one(element("p", origin=END)),
    "a map in XML": one(shared(1, parent="body")),
    "a value in text": one(struct(8, b"\1" + UNDEFINED, origin=END)),
    "a format in XML": one(struct(6, name("bold") + name("true"), parent="body")),
    "the list of a map": one(struct(8, b"\1" + UNDEFINED, parent="map")),
    "a parent that is a letter": one(element("p", parent=(10, 2))),
    "a parent that is a letter of this update": one(text("x", END), element("p", parent=(11, 0))),
    "origins in two lists": one(text("x", origin=END, right=(10, 7))),
    "an origin in another paragraph": one(
        element("p", parent="body"), shared(6, parent=(11, 0)), text("x", (10, 7), (11, 1))
    ),
    "an origin that was collected, and one that was not": one(b"\0\1", text("x", origin=(11, 0), right=END)),
    "an origin within a surrogate pair": one(text("x", origin=(10, 8))),
    "a right origin within a surrogate pair": one(text("x", origin=(10, 7), right=(10, 9))),
    "an origin within a pair of this update": one(text("😀", END), text("x", origin=(11, 0))),
    "a deletion of half a surrogate pair": update(deleted={10: [(8, 1)]}),
    "a deletion from the middle of a pair": update(deleted={10: [(9, 2)]}),
    "two beginnings of one list by one client": one(text("x", parent="title"), text("y", parent="title")),
    "a key of two values": one(entry("k", UNDEFINED * 2, parent="map", count=2)),
    "65 types inside each other": one(*DEEP),
    "30,000 arrays inside each other": one(
        shared(0, parent="array"), *[shared(0, parent=(11, n)) for n in range(14_999)]
    ),
}


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES)
def test_what_does_not_fit_the_document_is_malformed(gate: Gate, data: bytes) -> None:
    scan(data)  # it is an update: only the document says what is wrong with it
    error, message = refusal(gate, data)
    assert error == "malformed"
    assert "expected" in message


def test_the_same_in_two_updates_is_malformed_as_well(gate: Gate) -> None:
    gate.admit(1, one(*DEEP[:64]))
    assert refusal(gate, update(section(12, 0, DEEP[64])))[0] == "malformed"
    begun = update(section(11, 64, text("x", parent="title")))
    assert gate.admit(1, begun) is not None
    assert refusal(gate, update(section(11, 65, text("y", parent="title"))))[0] == "malformed"


def test_and_after_the_document_was_opened_again(gate: Gate) -> None:
    again = Gate(ROOTS, {**gate.owners, 11: 1})
    words = section(10, 0, text("hello", parent="title"), *[element("p", parent="body")])
    again.replay(update(words))
    again.replay(
        one(*[text("😀", END), *[element("p", parent=(10, 5))], *[element("p", parent=(11, n)) for n in range(2, 64)]])
    )
    assert refusal(again, update(section(12, 0, element("p", parent=(11, 64)))))[0] == "malformed"
    assert refusal(again, update(deleted={11: [(0, 1)]}))[0] == "malformed"


LARGE = {
    "1 MiB and a byte": one(text("x" * (1 << 20), END)),
    "65 clients": update(*[section(100 + n, 0, text("x", END)) for n in range(65)]),
    "20,001 structs": one(*[text("x", END)] * 20_001),
    "20,001 structs of two clients": update(
        section(11, 0, *[text("x", END)] * 10_000), section(12, 0, *[text("x", END)] * 10_001)
    ),
    "a million values": one(struct(8, uint_bytes(1_000_000) + UNDEFINED * 1_000_000, parent="array")),
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE)
def test_what_several_updates_could_bring_is_too_large(gate: Gate, data: bytes) -> None:
    start = time.process_time()
    error, message = refusal(gate, data)
    assert error == "too-large"
    assert "expected at most" in message
    assert time.process_time() - start < 2


def test_at_the_limits_it_passes(gate: Gate) -> None:
    room = len(one(text("x" * 1_000_000, END))) - 1_000_000
    assert gate.admit(1, one(text("x" * ((1 << 20) - room), END))) is not None
    assert gate.admit(1, update(section(12, 0, *[text("x", END)] * 20_000))) is not None
    assert gate.admit(1, update(*[section(100 + n, 0, text("x", END)) for n in range(64)])) is not None
    assert (
        gate.admit(1, update(section(13, 0, *DEEP[:1], *[element("p", parent=(13, n)) for n in range(63)]))) is not None
    )
    assert (
        gate.admit(1, update(section(14, 0, struct(8, b"\1" + b"\x75\1" * 64 + UNDEFINED, parent="array")))) is not None
    )


def test_limits_can_be_others() -> None:
    gate = Gate(ROOTS, {}, limits=Limits(max_bytes=20))
    assert gate.admit(1, update(section(1, 0, text("x", parent="title")))) is not None
    assert refusal_of(gate, update(section(1, 1, text("x" * 20, origin=(1, 0))))) == "too-large"


def refusal_of(gate: Gate, data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        gate.admit(1, data)
    return refused.value.error


def test_replay_says_what_is_broken() -> None:
    """A log that cannot be read must not be taken for an empty one."""
    gate = Gate(ROOTS, {})
    for data in (b"", b"\1", GOOD[:-1], GOOD + b"\0", b"\1\1\x0b\0\x1f\0"):
        with pytest.raises(Malformed):
            gate.replay(data)
    assert gate.clocks == {}
    assert deletes({}) == b"\0"
