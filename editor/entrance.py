"""What a request to /socket.io/ must satisfy before Engine.IO sees it.

Engine.IO answers a wrong Origin with 400, parses whatever a poll posts as JSON of any depth, and answers "ok" when that
failed. Here each of these gets its own answer, in the same JSON shape as the rest of HTTP.
"""

import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from editor.websocket import CONTROL

PATH = "/socket.io/"
LARGEST_BODY = 3 << 20  # bytes: two messages of 1 MiB in base64
MOST_ORIGINS = 20  # that are logged: they are whatever somebody sends
MOST_PACKETS = 64  # in a body; browsers put everything in it that waited for the last one

log = logging.getLogger(__name__)

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_SID = re.compile(r"(?:^|&)sid=([^&]*)")
_BINARY = re.compile(rb"b[A-Za-z0-9+/]*={0,2}")
_CONTROL = frozenset(word.encode() for word in CONTROL)


class Refused(Exception):
    """Why a request goes no further: an HTTP status, and the type and detail of the problem."""

    def __init__(self, status: str, type: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.type = type


class Entrance:
    """Wraps a WSGI application. Requests for anything else than /socket.io/ pass unseen."""

    def __init__(
        self,
        application: Application,
        origins: Sequence[str] = (),
        crowded: Callable[[str], bool] = lambda address: False,
    ) -> None:
        """`crowded(address)`: whether no more connections may be opened from there."""
        self._application = application
        self._crowded = crowded
        self._origins = frozenset(origins)  # allowed besides the server's own
        self._refused: set[str] = set()  # of these the log knows

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(PATH):
            try:
                self._check_origin(environ)
                self._check_crowd(environ)
                if environ["REQUEST_METHOD"] == "POST":
                    environ = {**environ, "wsgi.input": io.BytesIO(_body(environ))}
            except Refused as refused:
                return _problem(refused, start_response)
        return self._application(environ, start_response)

    def _check_crowd(self, environ: dict[str, Any]) -> None:
        address = environ.get("REMOTE_ADDR", "")
        opens = _SID.search(environ.get("QUERY_STRING", "")) is None
        if opens and self._crowded(address):
            raise Refused("429 Too Many Requests", "rate", f"{address} has too many connections open here already.")

    def _check_origin(self, environ: dict[str, Any]) -> None:
        # Browsers always say from where a page opens a WebSocket; who is not a browser has no cookies to steal.
        origin = environ.get("HTTP_ORIGIN")
        own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        if origin is not None and origin != own and origin not in self._origins:
            if origin not in self._refused and len(self._refused) < MOST_ORIGINS:
                self._refused.add(origin)
                log.warning(
                    "Refused a page of %.200r: this server is %.200r. If that is its address as well, add it to "
                    "PALIMPSEST_ORIGINS, or let the proxy pass on Host and X-Forwarded-Proto.",
                    *(origin, own),
                )
            raise Refused("403 Forbidden", "denied", f"This server is {own}; a page of {origin[:200]} may not use it.")


def _body(environ: dict[str, Any]) -> bytes:
    """The body of a poll's POST, if it is one of ours. Raises `Refused`."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isascii() or not length.isdigit():
        raise Refused("411 Length Required", "malformed", "Content-Length must be given.")
    if int(length) > LARGEST_BODY:
        raise Refused("413 Content Too Large", "too-large", f"{length} bytes; at most {LARGEST_BODY} at once.")
    body: bytes = environ["wsgi.input"].read(int(length))
    packets = body.split(b"\x1e", MOST_PACKETS)
    if len(packets) > MOST_PACKETS:
        raise Refused("413 Content Too Large", "too-large", f"More than {MOST_PACKETS} packets at once.")
    if not all(packet in _CONTROL or (len(packet) % 4 == 1 and _BINARY.fullmatch(packet)) for packet in packets):
        raise Refused("400 Bad Request", "malformed", "Expected Engine.IO packets, binary ones in base64.")
    return body


def _problem(refused: Refused, start_response: StartResponse) -> Iterable[bytes]:
    code, title = refused.status.split(" ", 1)
    problem = {"type": refused.type, "title": title, "status": int(code), "detail": str(refused)}
    start_response(refused.status, [("Content-Type", "application/problem+json")])
    return [json.dumps(problem).encode()]
