"""Greenlets and the thread that do what people wait for: nothing is lost that they were given."""

from typing import Any

import gevent
import pytest

from editor.crew import Crew
from editor.worker import Worker


def test_a_crew_does_all_it_is_given_and_what_comes_of_it() -> None:
    crew, done = Crew(), list[int]()

    def piece(number: int) -> None:
        if number % 3 == 0:
            gevent.sleep(0)  # so that some greenlets are at work, some at rest and some new
        done.append(number)
        if number < 100:
            crew.begin(lambda: piece(number + 100))

    for number in range(100):
        crew.begin(lambda number=number: piece(number))  # type: ignore[misc]
        if number % 10 == 0:
            gevent.sleep(0)
    crew.join()
    assert sorted(done) == list(range(200))
    crew.begin(lambda: done.append(200))
    crew.join()
    assert done[-1] == 200


def test_a_greenlet_that_was_ended_at_rest_is_given_nothing() -> None:
    crew, done = Crew(), list[Any]()
    for _ in range(2):
        crew.begin(lambda: done.append(gevent.getcurrent()))
        gevent.idle()
        done[-1].kill()
    assert len(set(done)) == 2
    crew.join()


def test_work_that_fails_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker()

    def fail() -> None:
        raise ValueError("not this")

    worker.later(fail)
    with pytest.raises(ValueError, match="not this"), gevent.Timeout(10):
        worker.run(fail)
    with gevent.Timeout(10):
        assert worker.run(lambda: 7) == 7
    worker.end()
    assert "what nobody waited for was not done" in caplog.text
