"""One cluster for all tests: it takes seconds to start. Each test leaves it whole."""

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.live import SocketLink, Transport, Visitor
from tests.people import Person


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster.start()
    finally:
        cluster.stop()
    assert "Traceback" not in cluster.log


@pytest.fixture(scope="session")
def ada(cluster: Cluster) -> Visitor:
    """The first account, so the administrator's."""
    return Visitor(cluster).sign_up("Ada")


@pytest.fixture
def note(ada: Visitor) -> str:
    return ada.new_note()


Arrive = Callable[..., Person]


@pytest.fixture
def arrive(cluster: Cluster, ada: Visitor, note: str) -> Iterator[Arrive]:
    """Somebody opens a note in one more tab, which a given worker serves: Ada, hers."""
    people = []

    def arrive(
        worker: int, transport: Transport = "websocket", visitor: Visitor = ada, document_id: str = note
    ) -> Person:
        route = cluster.route(worker)
        person = Person(SocketLink(cluster, visitor, document_id, transport, route=route))
        people.append(person)
        person.until(lambda: person.joined is not None)
        return person

    yield arrive
    for person in people:
        person.leave()
