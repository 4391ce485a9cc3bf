"""What this process counts, for Prometheus: each worker has a port, so each is a target of its own.

Plain numbers, because they are counted for each keystroke; all of it on the loop's thread. Never a word of anybody.
"""

import ipaddress
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from resource import getpagesize
from time import monotonic

from flask import Blueprint, Flask, Response, current_app, g, request

from editor import about
from editor.errors import NotFound

metrics = Blueprint("metrics", __name__)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REPLAYED = (0.0, 10.0, 100.0, 500.0, 1000.0, 5000.0)
ENTRIES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)
SLOW = 1.0  # seconds from which on an operation is worth a line in the log

log = logging.getLogger(__name__)


class Histogram:
    """How often something was how large."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def note(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str) -> Iterator[str]:
        total = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{le="{bound}"}} {total}'
        yield f"{name}_sum {self._sum}"
        yield f"{name}_count {total}"


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.updates = 0  # that clients sent
        self.refused: Counter[str] = Counter()  # answers that say no, by their error
        self.acknowledged = Histogram(SECONDS)  # from the arrival of an update to its "Saved"
        self.commit_seconds = Histogram(SECONDS)
        self.commit_entries = Histogram(ENTRIES)
        self.commits_failed = 0
        self.replayed = Histogram(REPLAYED)  # entries that were read when a note was opened
        self.requests: Counter[tuple[str, int]] = Counter()  # route and status

    def committed(self, entries: int, seconds: float, failed: bool) -> None:
        self.commit_seconds.note(seconds)
        if failed:
            self.commits_failed += 1
        else:
            self.commit_entries.note(entries)
        if seconds >= SLOW:
            log.warning("slow: a commit of %d entries took %.1f s", entries, seconds)

    def answered(self, document_id: str | None, connection_id: str, seconds: float, user_id: int | None = None) -> None:
        self.acknowledged.note(seconds)
        if seconds >= SLOW:
            log.warning(
                "slow: an update of %s on %s was saved after %.1f s", document_id, connection_id, seconds,
                extra={"document": document_id, "connection": connection_id, "user": user_id},
            )  # fmt: skip


def register(app: Flask) -> Metrics:
    """Count this app's requests; what else is counted is at `app.extensions["metrics"]`."""
    numbers = app.extensions["metrics"] = Metrics()

    @app.before_request
    def begin() -> None:
        g.began = monotonic()

    @app.after_request
    def count(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "none"
        numbers.requests[rule, response.status_code] += 1
        took = monotonic() - g.get("began", monotonic())
        if took >= SLOW:
            # The rule and not the path: that may hold the token of a link.
            log.warning("slow: %s %s took %.1f s", request.method, rule, took, extra=about.of_request())
        return response

    app.register_blueprint(metrics)
    return numbers


@metrics.get("/metrics")
def show() -> Response:
    """For whoever watches this process, from the same network; not through a proxy, behind which is the world."""
    if "X-Forwarded-For" in request.headers or not ipaddress.ip_address(request.remote_addr or "0").is_private:
        raise NotFound("There is nothing at this address.")
    return Response("\n".join([*_lines(), ""]), content_type="text/plain; version=0.0.4")


def _lines() -> Iterator[str]:
    extensions = current_app.extensions
    numbers: Metrics = extensions["metrics"]
    sockets, broker, watch = extensions["sockets"], extensions["broker"], extensions.get("watch")
    yield from _gauge("connections", "Clients that are connected", len(sockets.connections))
    yield from _gauge("rooms", "Notes that are open", len(extensions["rooms"].open))
    waiting = [connection.socket.queue.waiting for connection in sockets.connections]
    yield from _gauge("outbox_bytes", "What waits for all clients", sum(waiting))
    yield from _gauge("lagging_clients", "Clients that get a catch-up later", sockets.lagging)
    yield from _gauge("memory_bytes", "What this process has in memory", _memory())
    yield from _counter("updates_total", "Updates that clients sent", numbers.updates)
    yield from _counter("messages_sent_total", "Messages to clients", sockets.sent)
    yield from _counters("refused_total", "Answers that say no", "error", numbers.refused)
    yield from _histogram("acknowledged_seconds", "From an update to its answer that it is saved", numbers.acknowledged)
    yield from _histogram("commit_seconds", "How long a commit took", numbers.commit_seconds)
    yield from _histogram("commit_entries", "How many entries a commit had", numbers.commit_entries)
    yield from _histogram("replayed_entries", "Entries after the snapshot when a note was opened", numbers.replayed)
    yield from _counter("commits_failed_total", "Commits of which nothing is durable", numbers.commits_failed)
    requests = {f'{rule}",status="{status}': count for (rule, status), count in numbers.requests.items()}
    yield from _counters("requests_total", "Requests", "rule", requests)
    if watch is not None:
        yield from _gauge("redis_silent", "1 while nothing is heard of other processes", int(broker.silent))
        yield from _counter("redis_lost_total", "How often Redis was lost", broker.lost)
        yield from _counter("hints_dropped_total", "Hints that Redis did not take in time", broker.dropped)
        yield from _counter("gaps_total", "Entries of others that no hint had told of when they were found", watch.gaps)


def _gauge(name: str, what: str, value: float) -> Iterable[str]:
    return (f"# HELP palimpsest_{name} {what}", f"# TYPE palimpsest_{name} gauge", f"palimpsest_{name} {value}")


def _counter(name: str, what: str, value: float) -> Iterable[str]:
    return (f"# HELP palimpsest_{name} {what}", f"# TYPE palimpsest_{name} counter", f"palimpsest_{name} {value}")


def _counters(name: str, what: str, label: str, values: Mapping[str, int]) -> Iterator[str]:
    yield f"# HELP palimpsest_{name} {what}"
    yield f"# TYPE palimpsest_{name} counter"
    for key, value in values.items():
        yield f'palimpsest_{name}{{{label}="{key}"}} {value}'


def _histogram(name: str, what: str, histogram: Histogram) -> Iterator[str]:
    yield f"# HELP palimpsest_{name} {what}"
    yield f"# TYPE palimpsest_{name} histogram"
    yield from histogram.lines(f"palimpsest_{name}")


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()
