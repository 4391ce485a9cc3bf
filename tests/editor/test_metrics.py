"""What a process counts, and who may read it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

from editor.metrics import SECONDS, Histogram, Metrics
from sync.messages import Kind
from tests.editor.conftest import Arrive
from tests.live import Server
from tests.live import Visitor as LiveVisitor
from tests.tab import Tab


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data: Path = tmp_path_factory.mktemp("data")
    server = Server(data).start()
    yield server
    server.kill()
    assert "Traceback" not in server.log


def read(server: Server) -> dict[str, float]:
    """Each number by its name and labels."""
    text = requests.get(f"{server.url}/metrics", timeout=5).text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_what_people_do_is_counted_and_not_what_they_write(server: Server) -> None:
    ada = LiveVisitor(server).sign_up("Ada")
    note = ada.new_note()
    before = read(server)
    with Tab(server, ada, note) as tab:
        tab.joined()
        for word in ("a secret ", "and another"):
            assert "seq" in tab.say(Kind.UPDATE, tab.typed(word))
        assert tab.say(Kind.UPDATE, b"nonsense")["error"] == "malformed"
        seen = read(server)
    assert seen["palimpsest_connections"] == seen["palimpsest_rooms"] == 1
    assert seen["palimpsest_memory_bytes"] > 10_000_000
    assert seen["palimpsest_updates_total"] - before["palimpsest_updates_total"] == 3
    assert seen['palimpsest_refused_total{error="malformed"}'] == 1
    assert seen["palimpsest_acknowledged_seconds_count"] == 2
    assert 0 < seen["palimpsest_acknowledged_seconds_sum"] < 5
    assert seen['palimpsest_acknowledged_seconds_bucket{le="+Inf"}'] == 2
    assert seen["palimpsest_commit_entries_sum"] == 2
    assert seen["palimpsest_commits_failed_total"] == 0
    assert seen['palimpsest_replayed_entries_bucket{le="0.0"}'] == seen["palimpsest_replayed_entries_count"] == 1
    assert seen['palimpsest_requests_total{rule="/api/documents",status="201"}'] == 1
    text = requests.get(f"{server.url}/metrics", timeout=5).text
    assert "secret" not in text
    assert note not in text
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) palimpsest_.*|palimpsest_\w+(\{.*\})? \S+", line)


def test_they_are_not_for_the_world(server: Server, arrive: Arrive) -> None:
    assert requests.get(f"{server.url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}, timeout=5).status_code == 404
    assert arrive("10.0.0.7").get("/metrics").status_code == 200
    assert arrive("11.0.0.7").get("/metrics").status_code == 404


def test_a_histogram_adds_up() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 3.0):
        histogram.note(value)
    assert list(histogram.lines("x")) == [
        'x_bucket{le="1.0"} 2', 'x_bucket{le="2.0"} 3', 'x_bucket{le="+Inf"} 4', "x_sum 6.0", "x_count 4",
    ]
    assert sorted(SECONDS) == list(SECONDS)


def test_what_was_slow_is_in_the_log_without_what_it_was_about(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    metrics: Metrics = app.extensions["metrics"]
    metrics.committed(3, 0.2, False)
    metrics.answered("a-note", "a-connection", 0.9)
    assert caplog.text == ""
    metrics.committed(3, 2.0, False)
    metrics.answered("a-note", "a-connection", 2.5)
    assert "slow: a commit of 3 entries took 2.0 s" in caplog.text
    assert "slow: an update of a-note on a-connection was saved after 2.5 s" in caplog.text
