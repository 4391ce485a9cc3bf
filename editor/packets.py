"""Socket.IO packets in MessagePack, read strictly.

A packet is a map `{type, data, nsp, id}`. Nothing is built before it is known to be small: only the bytes of a
`message` may be large, and those are copied once. So no input costs more than its size, whatever it claims to hold.
"""

import struct
from typing import Any

import msgpack
from socketio import packet

LARGEST_MESSAGE = (1 << 20) + 16  # bytes: an update of 1 MiB, its type and its length
LARGEST_REST = 4096  # bytes of everything else in a packet
MOST_VALUES = 128  # in a packet, at all depths
DEEPEST = 4  # packet, its data, an argument, and one level in that
LARGEST_QUICK = 700  # bytes: what is no larger can neither hold many values nor an update that takes long

_MAP = 0x80  # the first byte of a map of few fields, and their number
# An event, without its data and its id. JavaScript clients may say something of compression.
_PLAIN = ({"type": packet.EVENT, "nsp": "/"}, {"type": packet.EVENT, "nsp": "/", "options": {"compress": True}})

# What is sent for each keystroke, as msgpack could write it, at a third of the cost.
_MESSAGE = b"\x83\xa4type\x02\xa4data\x93\xa7message\xc4%c%b\xce%b\xa3nsp\xa1/"
_SAVED = b"\x84\xa4type\x03\xa4data\x91\x81\xa3seq\xce%b\xa3nsp\xa1/\xa2id\xce%b"
_NUMBER = struct.Struct(">I").pack  # after the byte 0xce


class Refused(Exception):
    """This is not done. `id`: where the sender wants the answer, if that could be read; `more`: what goes with it."""

    def __init__(self, error: str, message: str, id: int | None = None, **more: object) -> None:
        super().__init__(message)
        self.error = error  # one of the errors in sync/README.md
        self.id = id
        self.more = more


class Packet(packet.Packet):  # type: ignore[misc]
    """What Socket.IO's server encodes and decodes with (`SocketIO(serializer=Packet)`)."""

    uses_binary_events = False

    def encode(self) -> bytes:
        fields = {"type": self.packet_type, "data": self.data, "nsp": self.namespace or "/", "id": self.id}
        # A field that is there but nil is an error to JavaScript clients.
        encoded: bytes = msgpack.packb({name: value for name, value in fields.items() if value is not None})
        return encoded

    def decode(self, encoded_packet: object) -> None:
        """Take over the fields of what a client sent. Raises `Refused`."""
        if not isinstance(encoded_packet, bytes):
            raise Refused("malformed", f"expected a binary packet, not {type(encoded_packet).__name__}")
        fields = _Reader(encoded_packet).packet()
        self.packet_type, self.data = fields.get("type"), fields.get("data")
        self.namespace, self.id = fields.get("nsp"), fields.get("id")


def decode(data: object) -> Packet:
    """The packet that a client sent. Raises `Refused`."""
    decoded = Packet()
    decoded.decode(data)
    return decoded


def quick(data: bytes) -> tuple[int | None, bytes] | None:
    """The id and the bytes of a small `message`, written in a usual way; None: `decode` must look at it."""
    if len(data) > LARGEST_QUICK:
        return None
    try:
        fields = msgpack.unpackb(data)
        if type(fields) is not dict or data[0] != _MAP + len(fields):
            return None  # a name may come twice, and the first time with anything
        # Not with `match`, which takes longer than all the rest.
        arguments, id = fields.pop("data"), fields.pop("id", None)
        if fields not in _PLAIN or type(fields["type"]) is not int or type(arguments) is not list:
            return None
        name, message = arguments
    except (ValueError, TypeError, LookupError):
        return None  # it is not MessagePack, or more comes after it, or it is another packet
    if name != "message" or type(message) is not bytes or not (id is None or (type(id) is int and id >= 0)):
        return None
    return id, message


def event(name: str, *arguments: object) -> bytes:
    """An event, ready to be sent."""
    encoded: bytes = msgpack.packb({"type": packet.EVENT, "data": (name, *arguments), "nsp": "/"})
    return encoded


def answer(id: int, value: object) -> bytes:
    """The ack of the event that came with this id, ready to be sent."""
    encoded: bytes = msgpack.packb({"type": packet.ACK, "data": (value,), "nsp": "/", "id": id})
    return encoded


def message(data: bytes, seq: int) -> bytes:
    """The event `message` with these: what everybody is sent for each keystroke."""
    if len(data) < 256 and not seq >> 32:
        return _MESSAGE % (len(data), data, _NUMBER(seq))
    return event("message", data, seq)


def saved(id: int, seq: int) -> bytes:
    """The answer `{seq}`: what the one who typed it is sent."""
    return answer(id, {"seq": seq}) if id >> 32 or seq >> 32 else _SAVED % (_NUMBER(seq), _NUMBER(id))


_NUMBERS = {  # first byte -> how the number after it is packed
    0xCA: ">f", 0xCB: ">d",
    0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {  # first byte -> what comes, and how its length is packed
    0xC4: ("bin", ">B"), 0xC5: ("bin", ">H"), 0xC6: ("bin", ">I"),
    0xC7: ("ext", ">B"), 0xC8: ("ext", ">H"), 0xC9: ("ext", ">I"),
    0xD9: ("str", ">B"), 0xDA: ("str", ">H"), 0xDB: ("str", ">I"),
    0xDC: ("array", ">H"), 0xDD: ("array", ">I"), 0xDE: ("map", ">H"), 0xDF: ("map", ">I"),
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_UNDEFINED = b"\xd4\x00\x00"  # how JavaScript clients write undefined


class _Reader:
    """Reads one packet. What is too large is skipped, so that the id after it can still be found."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._values = 0
        self._large = 0  # bytes of the one large value
        self._rest = 0  # bytes of all the others
        self._refused: Refused | None = None

    def packet(self) -> dict[str, Any]:
        kind, count = self._header()
        if kind != "map":
            raise Refused("malformed", f"expected a packet, a map; not {kind}")
        fields: dict[str, Any] = {}
        for _ in range(count):
            name = self._name()
            fields[name] = self._arguments() if name == "data" else self._value(1)
        if self._at != len(self._data):
            raise Refused("malformed", f"{len(self._data) - self._at} bytes after the end of the packet")
        id = fields.get("id")
        if id is not None and (type(id) is not int or id < 0):
            raise Refused("malformed", f"expected an id, a number; not {type(id).__name__}")
        if len(self._data) - self._large > LARGEST_REST:
            self._refuse("too-large", f"a packet of {len(self._data)} bytes; at most {LARGEST_REST} besides a message")
        self._check(fields)
        if self._refused is not None:
            self._refused.id = id
            raise self._refused
        return fields

    def _check(self, fields: dict[str, Any]) -> None:
        type_, data, namespace = fields.get("type"), fields.get("data"), fields.get("nsp")
        if type(type_) is not int or not packet.CONNECT <= type_ <= packet.CONNECT_ERROR:
            self._refuse("malformed", "expected a type from 0 to 4")
        if type(namespace) is not str:
            self._refuse("malformed", f"expected nsp to be a string, not {type(namespace).__name__}")
        if type_ == packet.EVENT and not (isinstance(data, list) and data and isinstance(data[0], str)):
            self._refuse("malformed", "expected data to begin with the name of an event")
        if type_ == packet.CONNECT and not (data is None or isinstance(data, dict)):
            self._refuse("malformed", f"expected data to be a map or nothing, not {type(data).__name__}")

    def _arguments(self) -> Any:
        """The data of a packet. Of an event it is an array, and what comes second in a `message` may be large."""
        if not 0x90 <= self._byte() <= 0x9F:
            return self._value(1)
        _, count = self._header()
        arguments: list[Any] = []
        for place in range(count):
            large = place == 1 and arguments[0] == "message"
            arguments.append(self._value(2, LARGEST_MESSAGE if large else 0))
        return arguments

    def _value(self, depth: int, large: int = 0) -> Any:
        if depth > DEEPEST:
            raise Refused("malformed", f"nested deeper than {DEEPEST}")
        if self._data.startswith(_UNDEFINED, self._at):
            self._header()
            return None
        kind, length = self._header()
        if kind == "array":
            return [self._value(depth + 1) for _ in range(length)]
        if kind == "map":
            return {self._name(): self._value(depth + 1) for _ in range(length)}
        if kind == "constant":
            return _CONSTANTS[length]
        if kind == "number":
            return length
        if large and kind == "bin":
            self._large = length
            return self._take(length) if length <= large else self._skip(length, large)
        fits = self._rest + length <= LARGEST_REST
        self._rest += length if fits else 0
        bytes_ = self._take(length) if fits else self._skip(length, LARGEST_REST)
        if kind == "bin":
            return bytes_
        try:
            return bytes_.decode()
        except UnicodeDecodeError:
            self._refuse("malformed", "a string that is not UTF-8")
            return ""

    def _name(self) -> str:
        name = self._value(DEEPEST)
        if not isinstance(name, str):
            raise Refused("malformed", f"expected the name of a field, not {type(name).__name__}")
        return name

    def _header(self) -> tuple[str, Any]:
        """What comes next, and its length, or the number or the constant itself."""
        self._values += 1
        if self._values > MOST_VALUES:
            raise Refused("too-large", f"more than {MOST_VALUES} values in a packet")
        first = self._byte()
        self._at += 1
        if first < 0x80:
            return "number", first
        if first < 0x90:
            return "map", first & 0x0F
        if first < 0xA0:
            return "array", first & 0x0F
        if first < 0xC0:
            return "str", first & 0x1F
        if first >= 0xE0:
            return "number", first - 0x100
        if first in _CONSTANTS:
            return "constant", first
        if first in _NUMBERS:
            return "number", self._unpack(_NUMBERS[first])
        if first in _LENGTHS:
            kind, format = _LENGTHS[first]
            length = self._unpack(format)
            if kind == "ext":
                kind = self._extension()
            return kind, length
        if first == 0xD4 and self._take(2) == b"\x00\x00":
            return "constant", 0xC0
        raise Refused("malformed", f"a byte {first:#04x} where a value should begin")

    def _extension(self) -> str:
        """Of what kind an extension is: only ArrayBuffers of JavaScript clients outside browsers come as one."""
        type_ = self._take(1)[0]
        if type_ != 0:
            raise Refused("malformed", f"an extension of type {type_}")
        return "bin"

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise Refused("malformed", f"the packet ends after {len(self._data)} bytes")
        return self._data[self._at]

    def _unpack(self, format: str) -> Any:
        (number,) = struct.unpack(format, self._take(struct.calcsize(format)))
        return number

    def _take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) < length:
            raise Refused("malformed", f"the packet ends after {len(self._data)} bytes")
        self._at += length
        return taken

    def _skip(self, length: int, most: int) -> bytes:
        if self._at + length > len(self._data):
            raise Refused("malformed", f"the packet ends after {len(self._data)} bytes")
        self._refuse("too-large", f"a value of {length} bytes; at most {most}")
        self._at += length
        return b""

    def _refuse(self, error: str, message: str) -> None:
        """Remember the first reason. The id may come later."""
        if self._refused is None:
            self._refused = Refused(error, message)
