"""Who waits for whom: batches of documents, and lanes that write them when the test lets them."""

from collections import deque
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Protocol

import gevent
import pytest
from gevent.event import AsyncResult

from editor.committer import MOST_BYTES, Committer
from editor.log_writer import Held, Outcome, Work
from sync.store import Entry, NotStored
from tests.contracts_store import Writer, change


class Lanes:
    """Lanes that stop at each commit until it is said what comes of it."""

    def __init__(self, count: int, late: float, beat: float) -> None:
        self.commits: deque[tuple[list[str], bool, AsyncResult[Sequence[Outcome]]]] = deque()
        self.committer = Committer(*[self._write] * count, late=late, beat=beat)

    def _write(self, works: Sequence[Work], patient: bool) -> Sequence[Outcome]:
        outcome: AsyncResult[Sequence[Outcome]] = AsyncResult()
        self.commits.append(([work.document_id for work in works], patient, outcome))
        outcomes = outcome.get()
        assert outcomes is not None
        return outcomes

    def append(self, *names: str) -> list[Writer]:
        writers = [Writer(name, change()) for name in names]
        for writer in writers:
            self.committer.append(writer)
        settle()
        return writers

    @property
    def going_on(self) -> list[list[str]]:
        return [names for names, _, _ in self.commits]

    def ends(self, name: str, held: Sequence[str] = (), error: Exception | None = None) -> None:
        """The commit with this document is done."""
        (commit,) = [each for each in self.commits if name in each[0]]
        names, _, outcome = commit
        self.commits.remove(commit)
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set([Held("held") if each in held else [entry(1)] for each in names])
        settle()


def entry(seq: int) -> Entry:
    return Entry(seq, b"a", 1, 1, 1, b"hash")


def settle() -> None:
    for _ in range(5):
        gevent.sleep(0)


class Several(Protocol):
    def __call__(self, count: int, late: float = 0.0, beat: float = 0.0) -> Lanes:
        """So many lanes; a commit is late after so many seconds, and begins so long after the one before it."""


@pytest.fixture
def several() -> Iterator[Several]:
    made: list[Lanes] = []

    def several(count: int, late: float = 0.0, beat: float = 0.0) -> Lanes:
        made.append(Lanes(count, late, beat))
        return made[-1]

    yield several
    for lanes in made:
        while lanes.commits:
            lanes.ends(lanes.going_on[0][0])
        with gevent.Timeout(5):
            lanes.committer.close()


def test_what_comes_at_once_is_one_commit(several: Several) -> None:
    lanes = several(4)
    writers = lanes.append("a", "b", "c")
    assert lanes.going_on == [["a", "b", "c"]]
    lanes.ends("a")
    assert all(writer.answered for writer in writers)


@pytest.mark.parametrize(("before", "rest"), [("a", 0.2), ("aefghij", 0.4)], ids=["one note", "many notes"])
def test_what_comes_within_a_beat_is_one_commit(several: Several, before: str, rest: float) -> None:
    lanes = several(2, late=1, beat=0.2)
    lanes.append(*before)
    lanes.ends("a")
    began = monotonic()
    for name in ("b", "c", "d"):
        lanes.append(name)
        assert lanes.going_on == []
    with gevent.Timeout(5):
        while not lanes.going_on:
            gevent.sleep(0.005)
    assert lanes.going_on == [["b", "c", "d"]]
    assert monotonic() - began > rest - 0.1
    lanes.ends("b")



def test_while_a_commit_is_not_late_the_others_wait_for_the_next(several: Several) -> None:
    lanes = several(4, late=1)
    lanes.append("a")
    lanes.append("b")
    lanes.append("c")
    assert lanes.going_on == [["a"]]
    lanes.ends("a")
    assert lanes.going_on == [["b", "c"]]


def test_once_a_commit_is_late_they_wait_no_longer(several: Several) -> None:
    lanes = several(4, late=0.05)
    (slow,) = lanes.append("slow")
    lanes.append("b")
    lanes.append("c")
    assert lanes.going_on == [["slow"]]
    with gevent.Timeout(5):
        while len(lanes.going_on) < 2:
            gevent.sleep(0.01)
    assert lanes.going_on == [["slow"], ["b", "c"]]
    lanes.append("d")
    lanes.ends("b")
    lanes.ends("d")
    assert not slow.answered


def test_while_a_commit_goes_on_another_lane_takes_other_documents(several: Several) -> None:
    lanes = several(2)
    (slow,) = lanes.append("slow")
    (other,) = lanes.append("other")
    assert lanes.going_on == [["slow"], ["other"]]
    lanes.append("third", "fourth")
    assert lanes.going_on == [["slow"], ["other"]], "there are but two lanes"
    lanes.ends("other")
    assert other.answered
    assert not slow.answered
    assert lanes.going_on == [["slow"], ["third", "fourth"]]


def test_a_document_is_in_one_commit_at_a_time_and_its_batches_keep_their_order(several: Several) -> None:
    lanes = several(4)
    story: list[str] = []
    first, second, third = [Writer("a", change(), story=story) for _ in range(3)]
    lanes.committer.append(first)
    settle()
    lanes.committer.append(second)
    lanes.committer.append(third)
    settle()
    assert lanes.going_on == [["a"]]
    lanes.append("b")
    for number, writer in enumerate((first, second, third), 1):
        lanes.ends("a")
        assert writer.answered
        assert story == ["take a", "committed a"] * number + ["take a"] * (number < 3)


def test_what_is_appended_in_an_answer_comes_next(several: Several) -> None:
    lanes = several(1)
    (first,) = lanes.append("a")
    again = Writer("a", change())
    first.then = lambda: lanes.committer.append(again)
    lanes.ends("a")
    assert lanes.going_on == [["a"]]
    lanes.ends("a")
    assert again.answered


def test_a_document_that_somebody_holds_is_waited_for_alone(several: Several) -> None:
    lanes = several(2)
    free, held = lanes.append("free", "held")
    lanes.ends("free", held=["held"])
    assert free.answered
    assert not held.answered
    assert [(names, patient) for names, patient, _ in lanes.commits] == [(["held"], True)]
    for _ in range(3):
        (other,) = lanes.append("free")
        lanes.ends("free")
        assert other.answered
    later = lanes.append("held")
    assert lanes.going_on == [["held"]], "its next batch waits as well"
    lanes.ends("held")
    assert held.answered
    lanes.ends("held")
    assert later[0].answered


def test_one_lane_is_always_for_those_whom_nobody_holds(several: Several) -> None:
    lanes = several(3)
    names = ["a", "b", "c", "d", "e"]
    held = lanes.append(*names)
    lanes.ends("a", held=names)
    assert lanes.going_on == [["a"], ["b"]]
    (other,) = lanes.append("free")
    lanes.ends("free")
    assert other.answered
    for name in names:
        assert len(lanes.going_on) <= 2
        lanes.ends(name)
    assert all(writer.answered and not writer.error for writer in held)


def test_the_only_lane_waits_for_what_is_held(several: Several) -> None:
    lanes = several(1)
    free, held = lanes.append("free", "held")
    lanes.ends("free", held=["held"])
    assert free.answered
    lanes.append("other")
    assert [(names, patient) for names, patient, _ in lanes.commits] == [(["held"], True)]
    lanes.ends("held")
    assert held.answered
    assert lanes.going_on == [["other"]]


def test_a_lane_that_fails_fails_its_own(several: Several) -> None:
    lanes = several(2)
    (one,) = lanes.append("one")
    (two,) = lanes.append("two")
    lanes.ends("one", error=NotStored("no"))
    assert str(one.error) == "no"
    assert not two.answered
    lanes.ends("two")
    assert two.error is None


def test_what_is_too_much_for_one_commit_is_taken_by_another_lane(several: Several) -> None:
    lanes = several(2)
    large = [Writer(name, change(bytes(MOST_BYTES - 10))) for name in ("a", "b", "c")]
    for writer in large:
        lanes.committer.append(writer)
    settle()
    assert lanes.going_on == [["a"], ["b"]]
    lanes.ends("b")
    assert lanes.going_on == [["a"], ["c"]]


def test_who_closes_waits_for_all_lanes(several: Several) -> None:
    lanes = several(2)
    writers = [*lanes.append("a"), *lanes.append("b"), *lanes.append("c")]
    closing = gevent.spawn(lanes.committer.close)
    for name in ("b", "c", "a"):
        settle()
        assert not closing.ready()
        lanes.ends(name)
    closing.join(5)
    assert closing.ready()
    assert all(writer.answered for writer in writers)


def test_who_counts_commits_keeps_nobody_from_the_next(several: Several, caplog: pytest.LogCaptureFixture) -> None:
    def count(entries: int, seconds: float, failed: bool) -> None:
        raise OSError("the disk is full")

    lanes = several(1)
    lanes.committer.on_commit = count
    for name in ("one", "other"):
        (writer,) = lanes.append(name)
        lanes.ends(name)
        assert writer.answered
    assert "could not be counted" in caplog.text
