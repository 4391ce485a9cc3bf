"""People at several workers write one note, over WebSocket and long polling, while things are killed."""



from tests.cluster.conftest import Arrive
from tests.people import same

CONVERGE = 2.0  # seconds


def test_people_at_different_workers_write_one_note(arrive: Arrive) -> None:
    people = [arrive(0), arrive(1, "polling"), arrive(2)]
    for turn in range(10):
        for number, person in enumerate(people):
            person.type(f"<{turn}.{number}>")
    text = same(*people)
    assert all(f"<{turn}.{number}>" in text for turn in range(10) for number in range(3))
