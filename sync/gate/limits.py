"""How much one update may hold."""

import sys
from typing import Final, NamedTuple

from sync.codec import Malformed


class TooLarge(Malformed):
    """Over a limit that several smaller updates would keep."""


class Limits(NamedTuple):
    """Of one update. Delete ranges have no limit but the bytes: a whole document's must pass."""

    max_bytes: int = 1 << 20
    max_clients: int = 64  # whose structs it brings
    max_structs: int = 20_000
    max_values: int = 50_000  # Any values: Yrs takes 24 to 90 bytes for each
    max_json: int = 16_384  # bytes of one JSON value
    max_nesting: int = 64  # of lists and objects in an Any or JSON value
    max_depth: int = 64  # of types inside types
    max_name: int = 1024  # bytes of a root name, key, node name or format name


# For what we wrote ourselves: a snapshot may be of any size.
UNLIMITED: Final = Limits(*[sys.maxsize] * len(Limits._fields))
