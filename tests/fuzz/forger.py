"""Updates from the grammar, with values that hurt: mostly right, so that they get far."""

import random
from collections.abc import Sequence

from sync.codec import uint_bytes, var_bytes
from tests.sync.handmade import Id, deletes, name

NUMBERS = (0, 1, 2, 127, 128, 1 << 14, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 53) - 1, 1 << 53, 1 << 63)
TEXTS = ("a", "b", "hello", "😀", "a😀b", "😀😀", "é", "日本", "x" * 40, "\0")
NOT_TEXT = (b"", b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b"\xf4\x90\x80\x80")
JSON = (
    *("true", "null", "{}", '{"href":"x"}', '"\\ud800"', '"\\ud83d\\ude00"', "1e999", "-0", "9007199254740993", "NaN"),
    *(
        " 1 ",
        "",
        "[" * 70 + "]" * 70,
        "[" * 60 + "]" * 60,
        "01",
        '{"a":1,"a":2}',
        '{"__proto__":1}',
        "1E400",
        "1" * 300,
    ),
    *("[" + "0," * 4000 + "0]", "[" + "[]," * 5000 + "0]", '"' + "é" * 8000 + '"'),
)
KEYS = ("k", "k", "level", "level", "ü😀", "", "__proto__", "constructor")
TAGS = ("paragraph", "table", "x y", "", "__proto__", "script", "x" * 1100)
ROOTS = ("title", "body", "body", "other", "__proto__")


class Forger:
    """Knows what the document has: `clocks`, and the ids of its types, which whoever uses it keeps up to date."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.clocks: dict[int, int] = {}
        self.types: list[Id] = []
        self._new: list[Id] = []  # types of the update that is made

    def accepted(self) -> None:
        """The last update was taken."""
        self.types += self._new

    def update(self, clients: Sequence[int]) -> bytes:
        dice = self._dice
        self._new = []
        some = dice.sample(list(clients), dice.choice((0, 1, 1, 1, min(2, len(clients)))))
        sections = [self._section(client) for client in some]
        data = uint_bytes(len(sections)) + b"".join(sections) + self._deletes()
        return data + dice.choice((b"", b"", b"", b"", b"", b"\0"))

    def _section(self, client: int) -> bytes:
        dice = self._dice
        first = clock = self.clocks.get(client, 0) if dice.random() < 0.95 else self._number()
        count = dice.choice((20, 20, 20, 400) if dice.random() < 0.03 else (1, 1, 2, 3, 5))
        body = bytearray()
        for _ in range(count):
            struct, length = self._struct(client, clock)
            body += struct
            clock += length
        return (
            uint_bytes(count if dice.random() < 0.99 else self._number())
            + uint_bytes(client)
            + uint_bytes(first)
            + body
        )

    def _struct(self, own: int, clock: int) -> tuple[bytes, int]:
        dice = self._dice
        kind = dice.choice((4, 4, 4, 4, 4, 7, 7, 7, 6, 6, 8, 1, 0, 5, 5, dice.choice((2, 3, 9, 10, 11, 12, 31))))
        if kind in (0, 10):
            length = dice.choice((1, 2, 50, 50, self._number()))
            return bytes([kind if dice.random() < 0.97 else kind | dice.choice((128, 64, 32, 16))]) + uint_bytes(
                length
            ), length
        info, place = self._place(own, clock, kind)
        content, length = self._content(kind, own, clock)
        return bytes([info if dice.random() < 0.99 else info ^ 16]) + place + content, length

    def _place(self, own: int, clock: int, kind: int) -> tuple[int, bytes]:
        dice, info, out = self._dice, kind, b""
        if (clock or any(self.clocks.values())) and dice.random() < 0.6:
            if dice.random() < 0.8:
                info |= 128
                out += self._id(own, clock)
            if not info & 128 or dice.random() < 0.3:
                info |= 64
                out += self._id(own, clock)
            return info, out
        parents = self.types + self._new
        if parents and dice.random() < 0.6:
            client, at = dice.choice(parents)
            out = b"\0" + uint_bytes(client) + uint_bytes(at)
        elif dice.random() < 0.05:
            out = b"\0" + self._id(own, clock)
        else:
            root = {4: "title", 5: "title", 6: "title"}.get(kind, "body")
            out = b"\1" + name(root if dice.random() < 0.9 else dice.choice(ROOTS))
        if dice.random() < (0.6 if kind == 8 else 0.1):
            return info | 32, out + name(dice.choice(KEYS))
        return info, out

    def _content(self, kind: int, own: int, clock: int) -> tuple[bytes, int]:
        dice = self._dice
        match kind:
            case 4:
                if dice.random() < 0.04:
                    return var_bytes(dice.choice(NOT_TEXT)), 1
                text = dice.choice(TEXTS) if dice.random() < 0.99 else "x" * 3000
                return name(text), len(text.encode("utf-16-le")) // 2
            case 6:
                return name(dice.choice(("bold", "link", ""))) + name(
                    dice.choice(JSON[:5] if dice.random() < 0.9 else JSON)
                ), 1
            case 5:
                return name(dice.choice(JSON[:4] if dice.random() < 0.9 else JSON)), 1
            case 7:
                which = dice.choice((3, 3, 3, 6, 6, 0, 1, 2, 4, self._number() if dice.random() < 0.3 else 5))
                self._new.append((own, clock))
                return uint_bytes(which) + (
                    name(dice.choice(TAGS[:2] if dice.random() < 0.9 else TAGS)) if which in (3, 5) else b""
                ), 1
            case 8:
                count = dice.choice((1, 1, 1, 2, 3, 0))
                return uint_bytes(count) + b"".join(self._any() for _ in range(count)), count
            case 1:
                length = dice.choice((1, 2, 3, 100, self._number() if dice.random() < 0.1 else 1))
                return uint_bytes(length), length
            case 2:
                return b"\1" + name("1"), 1
            case 9:
                return name("guid") + self._any(), 1
        return name("ab"), 1

    def _any(self, depth: int = 0) -> bytes:
        dice = self._dice
        roll = dice.randrange(14 if depth < 4 else 9)
        if roll < 4:
            return bytes([dice.choice((127, 126, 121, 120))])
        if roll < 5:
            return b"\x7d" + dice.choice(
                (b"\x00", b"\x40", b"\x41", b"\xbf\xff\xff\xff\xff\xff\xff\x0f", dice.randbytes(3))
            )
        if roll < 6:
            return b"\x7b" + dice.choice((b"\x7f\xf8" + b"\0" * 6, dice.randbytes(8)))
        if roll < 7:
            return b"\x7c" + dice.randbytes(4)
        if roll < 9:
            return b"\x77" + name(dice.choice((*TEXTS[:6], "__proto__")))
        if roll < 13:
            count = dice.randrange(4) if dice.random() < 0.99 else 40
            keyed = roll > 10
            inside = [(name(dice.choice(KEYS)) if keyed else b"") + self._any(depth + 1) for _ in range(count)]
            return (b"\x76" if keyed else b"\x75") + uint_bytes(count) + b"".join(inside)
        return dice.choice(
            (b"\x74\x02ab", b"\x7a" + dice.randbytes(8), b"\x75\1" * 70 + b"\x7f", b"\x75" + uint_bytes(self._number()))
        )

    def _id(self, own: int, clock: int) -> bytes:
        dice = self._dice
        if dice.random() < 0.02:
            return uint_bytes(dice.choice((own, 1, 99, self._number()))) + uint_bytes(self._number())
        client = dice.choice([*(client for client, have in self.clocks.items() if have), own])
        top = clock if client == own else self.clocks.get(client, 0)
        return uint_bytes(client) + uint_bytes(dice.randrange(top) if top else 0)

    def _deletes(self) -> bytes:
        dice = self._dice
        if dice.random() < 0.5:
            return b"\0"
        out: dict[int, list[tuple[int, int]]] = {}
        for client, top in self.clocks.items():
            if top and dice.random() < 0.6:
                at, ranges = 0, []
                for _ in range(dice.choice((1, 1, 2, 5, 200))):
                    if at >= top:
                        break
                    first = dice.randrange(at, top) if dice.random() < 0.5 else at
                    length = min(dice.choice((1, 1, 2, 50)), top - first) if dice.random() < 0.99 else self._number()
                    ranges.append((first, length))
                    at = first + length + dice.randrange(3)
                out[client] = ranges
        return deletes(out)

    def _number(self) -> int:
        return self._dice.choice((*NUMBERS, self._dice.randrange(200)))
