"""Somebody else holds the rows of notes: a change by hand, a report, a program forgotten in a transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from tests.cluster.cluster import SLOWER, Cluster
from tests.cluster.conftest import Arrive
from tests.live import Visitor
from tests.people import same

AT_ONCE = 0.5 * SLOWER  # seconds from typing to "Saved", for people whose note nobody holds
LANES = 4  # that a worker has


@contextmanager
def held(cluster: Cluster, *notes: str) -> Iterator[psycopg.Connection[object]]:
    """A transaction of somebody else that has written to these notes, and does not end."""
    with psycopg.connect(cluster.postgres.url) as other:
        other.execute("UPDATE document SET title = title WHERE id = ANY(%s)", [list(notes)])
        yield other


def waiting(cluster: Cluster) -> int:
    """Statements that wait for somebody's lock."""
    with psycopg.connect(cluster.postgres.url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    assert row is not None
    return int(row[0])


def write(cluster: Cluster, ada: Visitor, arrive: Arrive, theirs: Sequence[str], free: Sequence[str]) -> None:
    blocked = [arrive(0, document_id=note) for note in theirs]
    others = [arrive(0, document_id=note) for note in free]
    for person in (*blocked, *others):
        person.type("before ")
        person.until(lambda person=person: person.saved)  # type: ignore[misc]
    with held(cluster, *theirs) as other:
        # Typed at once, so that they would be in one commit with those that are held.
        for person in (*blocked, *others):
            person.type("meanwhile ")
        cluster.until(lambda: waiting(cluster) > 0)
        for number in range(5):
            for person in others:
                person.type(f"{number} ")
                took = cluster.until(lambda person=person: person.link.wait(0.005) or person.saved)  # type: ignore[misc]
                assert took < AT_ONCE
        for person in blocked:
            person.link.wait(0.01)
        assert not any(person.saved for person in blocked)
        other.commit()
    for person in blocked:
        person.until(lambda person=person: person.saved)  # type: ignore[misc]
    assert {str(person.text) for person in blocked} == {"before meanwhile "}
    assert [person.refusals for person in (*blocked, *others)] == [[]] * len([*blocked, *others])
    for note, person in zip((*theirs, *free), (*blocked, *others), strict=True):
        same(person, arrive(1, document_id=note))


def test_a_note_that_somebody_holds_holds_up_no_other(cluster: Cluster, ada: Visitor, arrive: Arrive) -> None:
    write(cluster, ada, arrive, [ada.new_note()], [ada.new_note() for _ in range(3)])


def test_nor_do_more_of_them_than_there_are_lanes(cluster: Cluster, ada: Visitor, arrive: Arrive) -> None:
    write(cluster, ada, arrive, [ada.new_note() for _ in range(LANES + 2)], [ada.new_note() for _ in range(2)])
