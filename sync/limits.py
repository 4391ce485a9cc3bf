"""How much of everything; what one update may hold is in `gate.limits`, what a connection may send in the transport."""

from typing import Final

MERGE_AT_ONCE: Final = 100  # updates: merging is superlinear
TURN_BYTES: Final = 1 << 20  # of updates that become one entry

AWARENESS_INTERVAL: Final = 0.05  # seconds between two messages about who is where
AWARENESS_REPEAT: Final = 4.0  # seconds after which the other processes are told once more who is here
AWARENESS_TICK: Final = 1.0  # seconds between two looks at the leases
AWARENESS_LEASE: Final = 12_000  # milliseconds after which somebody elsewhere of whom nothing was heard is gone

IDLE: Final = 30_000  # milliseconds without people after which a room is forgotten

NOT_WHOLE: Final = 10_000  # milliseconds for which it is remembered that a log is damaged

COMPACT_ENTRIES: Final = 500  # since the last snapshot
COMPACT_BYTES: Final = 256 * 1024  # of entries since the last snapshot
COMPACT_IDLE: Final = 50  # entries that are worth a snapshot when everybody has left
BASE_ENTRIES: Final = 100_000  # of so many, one snapshot is kept for ever, to look at a part of a very long log from
CHUNK_BYTES: Final = 192 * 1024  # of several chunks that are made one
CHUNK_UPDATES: Final = 1024 * 1024  # bytes of updates after which the next chunk begins
PACK_AT_ONCE: Final = 5000  # entries
COMPACT_DELAY: Final = 1.0  # seconds after the keystroke that made it due
