"""What presence must satisfy before the others see it."""

import json

from sync.codec import MAX_CLOCK, Malformed, Reader
from sync.gate.gate import Refused
from sync.gate.values import parse_json

MAX_BYTES = 2048
MAX_NESTING = 8


class AwarenessGate:
    """Presence of one connection: of one client, the one that joined, with clocks that rise.

    `user` is what its states must call themselves; None: this connection has nobody to show.
    """

    def __init__(self, client_id: int, user: dict[str, object] | None, most: int = MAX_BYTES) -> None:
        self._client_id = client_id
        self._most = most
        self._user = None if user is None else _canonical(user)
        self._clock = -1
        self._present = False

    @property
    def present(self) -> bool:
        """Whether the last state said that somebody is here."""
        return self._present

    def admit(self, states: bytes) -> bytes | None:
        """The same bytes if they are news, None if they are not. Raises Refused."""
        if len(states) > self._most:
            raise Refused("too-large", f"expected at most {self._most} bytes of awareness, got {len(states)}")
        try:
            client, clock, state = _read(states)
        except Malformed as error:
            raise Refused("malformed", str(error)) from None
        if client != self._client_id:
            raise Refused("denied", f"expected awareness of client {self._client_id}, got {client}")
        if state is not None:
            self._is_user(state)
            _is_place(state.get("cursor"))
        if clock < self._clock or (clock == self._clock and state is not None):
            return None
        news = state is not None or self._present
        self._clock = clock
        self._present = state is not None
        return states if news else None

    def _is_user(self, state: dict[str, object]) -> None:
        if self._user is None:
            raise Refused("denied", "expected no awareness of a connection without a user, got a state")
        shown = _canonical(state.get("user"))
        if shown != self._user:
            raise Refused("denied", f"expected user {self._user}, got {shown}")


def _is_place(cursor: object) -> None:
    # Every client of the room draws it: one that throws at another shape would be put out by anybody who may read.
    ends = [cursor.get("anchor"), cursor.get("head")] if isinstance(cursor, dict) else []
    if cursor is not None and not (ends and all(isinstance(end, dict) for end in ends)):
        came = _canonical(cursor)[:200]
        raise Refused("malformed", f"expected a cursor that is null or {{anchor, head}}, got {came}")


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)  # as text, because in Python 1 == True


def _read(states: bytes) -> tuple[int, int, dict[str, object] | None]:
    reader = Reader(states)
    at = reader.pos
    count = reader.uint("number of clients")
    if count != 1:
        raise reader.fail("one client", count, at)
    client = reader.uint("client")
    clock = reader.uint("clock", MAX_CLOCK)
    at = reader.pos
    raw = reader.raw("state")
    reader.finish()
    try:
        state = parse_json(raw, MAX_NESTING)
    except ValueError as error:
        raise reader.fail("JSON", error, at) from None
    if state is not None and not isinstance(state, dict):
        raise reader.fail("an object or null", type(state).__name__, at)
    return client, clock, state
