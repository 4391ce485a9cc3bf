"""The workers are replaced, one after the other, while people type. `python -m tests.cluster.rolling` has 200."""

import os
import signal

from tests.cluster.cluster import SLOWER, WORKERS, Cluster
from tests.cluster.rolling import typing
from tests.live import Visitor

AWAY = 8.0 * SLOWER  # seconds, of which up to 4.2 are those that the worker asked for when it left


def test_nobody_notices_more_than_reconnecting(cluster: Cluster, ada: Visitor) -> None:
    turned_away = _turned_away(cluster)
    with typing(cluster, ada, notes=6, clients=24) as crowd:
        for worker in range(WORKERS):
            before = cluster.pid(worker)
            os.kill(before, signal.SIGTERM)
            cluster.until(lambda: before not in cluster.workers() and len(cluster.workers()) == WORKERS)  # noqa: B023
            cluster.until(lambda: cluster.ready(worker))  # noqa: B023
        outcome = crowd.stop()
    assert outcome.words > 0
    assert (outcome.lost, outcome.doubled, outcome.refused) == (0, 0, 0)
    assert set(outcome.errors) <= {"not-joined", "moved"}
    assert outcome.reconnects >= 24
    assert outcome.longest_away < AWAY
    assert _turned_away(cluster) == turned_away


def _turned_away(cluster: Cluster) -> int:
    """How often nginx had nobody to send somebody to."""
    return cluster.nginx_log.count("no live upstreams")
