"""How much of everything; what one update may hold is in `gate.limits`, what a connection may send in the transport."""

from typing import Final

MERGE_AT_ONCE: Final = 100  # updates: merging is superlinear
TURN_BYTES: Final = 1 << 20  # of updates that become one entry

AWARENESS_INTERVAL: Final = 0.05  # seconds between two messages about who is where
AWARENESS_LEASE: Final = 30_000  # milliseconds after which somebody elsewhere of whom nothing was heard is gone

IDLE: Final = 30_000  # milliseconds without people after which a room is forgotten

COMPACT_ENTRIES: Final = 500  # since the last snapshot
COMPACT_BYTES: Final = 256 * 1024  # of entries since the last snapshot
COMPACT_IDLE: Final = 50  # entries that are worth a snapshot when everybody has left
COMPACT_DELAY: Final = 1.0  # seconds after the keystroke that made it due
