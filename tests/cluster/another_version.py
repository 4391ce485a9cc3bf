"""`python -m tests.cluster.another_version serve ...`: a worker as it might be of another version.

PALIMPSEST_TEST_VERSION=before: it says and understands of hints only what one must know to follow the log.
PALIMPSEST_TEST_VERSION=after: it says more than this version knows.
"""
# ruff: noqa: E402

from gevent import monkey

monkey.patch_all()  # before what a worker imports for itself, which is changed here in the process that makes them

import os

import msgpack

from editor import cli, redis_broker
from sync.broker import Hint

KNOWN = {"first", "last", "message", "reload"}

_encode, _decode = redis_broker.encode, redis_broker.decode


def old(hint: Hint) -> Hint:
    return Hint(**{name: value for name, value in hint._asdict().items() if name in KNOWN})


def encode_more(origin: bytes, hint: Hint) -> bytes:
    said = msgpack.unpackb(_encode(origin, hint))
    return bytes(msgpack.packb({**said, "colour": ["green", 7], "notice": said.get("notice", b'["painted", "green"]')}))


def decode_less(data: bytes) -> tuple[bytes, Hint]:
    origin, hint = _decode(data)
    return origin, old(hint)


if os.environ["PALIMPSEST_TEST_VERSION"] == "before":
    redis_broker.encode = lambda origin, hint: _encode(origin, old(hint))
    redis_broker.decode = decode_less
else:
    redis_broker.encode = encode_more

if __name__ == "__main__":
    cli.main()
