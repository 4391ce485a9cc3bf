"""What may pass to Engine.IO. The rest of its refusals is seen through a real server, in test_sockets."""

from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from editor.entrance import LARGEST_BODY, MOST_PACKETS, Entrance


def inside(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


POLL = "/socket.io/?EIO=4&transport=polling"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://notes.example", 200),
        ("https://other.example", 200),
        ("https://notes.example", 403),
        ("http://notes.example:81", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_an_origin_is_ours_or_allowed(origin: str | None, status: int) -> None:
    client = Client(Entrance(inside, ("https://other.example",)))
    headers = {} if origin is None else {"Origin": origin}
    assert client.get(POLL, base_url="http://notes.example", headers=headers).status_code == status


def test_the_log_says_once_which_address_was_refused_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(Entrance(inside))
    for _ in range(3):
        client.get(POLL, base_url="http://notes.internal", headers={"Origin": "https://notes.example"})
    (record,) = caplog.records
    for words in ("https://notes.example", "http://notes.internal", "PALIMPSEST_ORIGINS"):
        assert words in record.getMessage()
    for number in range(100):
        client.get(POLL, headers={"Origin": f"https://{number}.example"})
    assert len(caplog.records) == 20


def test_behind_a_proxy_our_address_is_what_it_says() -> None:
    client = Client(ProxyFix(Entrance(inside), x_proto=1, x_host=1))
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "notes.example"}
    assert client.get(POLL, headers={**told, "Origin": "https://notes.example"}).status_code == 200
    assert client.get(POLL, headers={**told, "Origin": "http://localhost"}).status_code == 403


def test_other_paths_pass_unseen() -> None:
    client = Client(Entrance(inside))
    answer = client.post("/api/documents", data=b"anything", headers={"Origin": "http://evil.example"})
    assert answer.data == b"anything"


@pytest.mark.parametrize(
    "body", [b"b", b"bAAEC", b"bAAE=", b"bAA==", b"3", b"bAAEC\x1e3\x1e1", b"b" + b"A" * (1 << 21)]
)
def test_packets_pass_as_they_are(body: bytes) -> None:
    assert Client(Entrance(inside)).post(POLL, data=body).data == body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"bA", 400),
        (b"bAA=", 400),
        (b"bA===", 400),
        (b"b\xff\xff\xff\xff", 400),
        (b"2", 400),
        (b'0{"sid":1}', 400),
        (b"bAAEC\x1e", 400),
        (b"\x1e".join([b"3"] * (MOST_PACKETS + 1)), 413),
        (b"A" * (LARGEST_BODY + 1), 413),
    ],
)
def test_what_is_refused_is_a_problem(body: bytes, status: int) -> None:
    answer = Client(Entrance(inside)).post(POLL, data=body)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == status


def test_a_body_of_unknown_length() -> None:
    answer = Client(Entrance(inside)).post(POLL, environ_overrides={"CONTENT_LENGTH": "", "wsgi.input": None})
    assert answer.status_code == 411
