"""How much of everything; what one update may hold is in `gate.limits`, what a connection may send in the transport."""

from typing import Final, NamedTuple

from sync.gate.limits import Limits

MERGE_AT_ONCE: Final = 100  # updates: merging is superlinear
LIGHT: Final = 64  # bytes of an update: a keystroke, some words. What is more is taken into the doc in slices,
LIGHT_TURN: Final = 512  # and so are many light ones of one peer that together are more
AT_ONCE: Final = 8192  # bytes of entries that others wrote: so much is taken into the doc without a pause
FIRST_SLICE: Final = 2  # structs or ranges,
LARGEST_SLICE: Final = 1024
SLICE_SECONDS: Final = 0.001  # of the thread's time that a slice should take
SLOWEST: Final = 2.0  # seconds of the thread's time that one update may take: it would take everybody's browser as long
TURN_BYTES: Final = 1 << 20  # of updates that become one entry

AWARENESS_INTERVAL: Final = 0.05  # seconds between two messages about who is where
AWARENESS_REPEAT: Final = 4.0  # seconds after which the other processes are told once more who is here
AWARENESS_TICK: Final = 1.0  # seconds between two looks at the leases
AWARENESS_LEASE: Final = 12_000  # milliseconds after which somebody elsewhere of whom nothing was heard is gone

CROWD: Final = 20  # people to whom an update is sent: from so many on, what comes close together is shown together
CROWD_REST: Final = 0.02  # milliseconds for each of them from one update to the next, so that showing takes a quarter
CROWD_REST_MOST: Final = 50  # of the time; but no longer than this

IDLE: Final = 30_000  # milliseconds without people after which a room is forgotten

NOT_WHOLE: Final = 10_000  # milliseconds for which it is remembered that a log is damaged

COMPACT_ENTRIES: Final = 1000  # since the last snapshot
COMPACT_BYTES: Final = 256 * 1024  # of entries since the last snapshot
COMPACT_IDLE: Final = 50  # entries that are worth a snapshot when everybody has left
BASE_ENTRIES: Final = 100_000  # of so many, one snapshot is kept for ever, to look at a part of a very long log from
CHUNK_BYTES: Final = 192 * 1024  # of several chunks that are made one
CHUNK_UPDATES: Final = 1024 * 1024  # bytes of updates after which the next chunk begins
PACK_AT_ONCE: Final = 5000  # entries
COMPACT_DELAY: Final = 1.0  # seconds after the keystroke that made it due

NEARLY: Final = 0.8  # of what a document may hold: from here on people are told,
FILLING: Final = 0.01  # each time that so much more is full


class Capacity(NamedTuple):
    """How much one document may hold, and what its people may send at once."""

    bytes: int = 64 << 20  # encoded
    structs: int = 2_000_000
    people: int = 500  # peers in a room
    update: Limits = Limits()
    awareness: int = 2048  # bytes of one message
