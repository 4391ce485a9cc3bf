"""Sittings: what people wrote in one go."""

import random
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from flask import Flask
from sqlalchemy import event, select, update

from editor import sittings
from editor.database import session
from editor.models import Document, Sitting, User, Version
from editor.sittings import PAUSE
from tests.editor.past import NOON, log

ADA, BOB = 1, 2
MINUTE = 60_000


@pytest.fixture
def note(app: Flask) -> Iterator[str]:
    """Within the app: a note of Ada's in which nothing is written."""
    with app.test_request_context():
        session.add_all([User(name="Ada"), User(name="Bob")])
        session.flush()
        session.add(document := Document(owner_id=ADA))
        session.commit()
        yield document.id


def name(note: str, seq: int, time: int) -> None:
    session.add(Version(document_id=note, seq=seq, name="Draft", user_id=ADA, time=NOON + time))
    session.commit()


def spans(note: str) -> list[tuple[int, int]]:
    """The sittings, oldest first."""
    sittings.catch_up(note)
    shown, _ = sittings.newest(note)
    return [(sitting["first"], sitting["last"]) for sitting in reversed(shown)]


def test_people_who_write_without_a_long_pause_sit_together(note: str) -> None:
    log(note, [(ADA, 0, 5, 0), (BOB, 29 * MINUTE, 3, 1), (ADA, 58 * MINUTE, 2, 0), (None, 58 * MINUTE, 0, 4)])
    sittings.catch_up(note)
    assert sittings.newest(note) == (
        [
            {
                "first": 1,
                "last": 4,
                "began": NOON,
                "ended": NOON + 58 * MINUTE,
                "people": [[ADA, 7, 0], [BOB, 3, 1], [None, 0, 4]],
            }
        ],
        None,
    )
    assert sittings.authors(note) == {ADA, BOB}


def test_half_an_hour_without_a_change_ends_a_sitting(note: str) -> None:
    log(note, [(ADA, 0, 1, 0), (ADA, PAUSE - 1, 1, 0), (ADA, 2 * PAUSE - 1, 1, 0)])
    assert spans(note) == [(1, 2), (3, 3)]


def test_a_sitting_goes_on_after_it_was_looked_at(note: str) -> None:
    log(note, [(ADA, 0, 1, 0)])
    assert spans(note) == [(1, 1)]
    log(note, [(ADA, MINUTE, 1, 0), (BOB, 2 * MINUTE, 4, 0)])
    assert spans(note) == [(1, 3)]
    ((sitting,), _) = sittings.newest(note)
    assert sitting["people"] == [[ADA, 2, 0], [BOB, 4, 0]]


def test_a_clock_that_steps_back_ends_nothing(note: str) -> None:
    log(note, [(ADA, 2 * PAUSE, 1, 0), (ADA, 0, 1, 0), (ADA, 2 * PAUSE + 1, 1, 0)])
    assert spans(note) == [(1, 3)]


def test_a_name_ends_a_sitting(note: str) -> None:
    log(note, [(ADA, 0, 1, 0), (ADA, 10, 1, 0)])
    assert spans(note) == [(1, 2)]
    name(note, 2, time=20)
    log(note, [(ADA, 30, 1, 0)])
    assert spans(note) == [(1, 2), (3, 3)]


def test_a_moment_that_is_named_later_lies_within_its_sitting_whenever_that_is_summarised(note: str) -> None:
    log(note, [(ADA, 0, 1, 0), (ADA, 10, 1, 0), (ADA, 20, 1, 0)])
    name(note, 2, time=30)
    assert spans(note) == [(1, 3)]


def test_what_stands_for_an_erased_past_is_in_no_sitting(note: str) -> None:
    log(note, [(ADA, 0, 9, 0), (ADA, 1, 9, 0), (BOB, 2, 1, 0)])
    session.execute(update(Document).where(Document.id == note).values(history_from=2))
    session.commit()
    assert spans(note) == [(3, 3)]
    assert sittings.authors(note) == {BOB}


def test_an_erased_past_and_nothing_since_has_no_sitting(note: str) -> None:
    log(note, [(ADA, 0, 9, 0)])
    session.execute(update(Document).where(Document.id == note).values(history_from=1))
    session.commit()
    assert spans(note) == []


def test_however_it_is_cut_the_summary_is_the_same(note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    times = [0]
    for _ in range(300):
        times.append(times[-1] + chance.choice([1, MINUTE, PAUSE - 1, PAUSE]))
    entries = [(chance.choice([ADA, BOB, None]), time, chance.randrange(9), chance.randrange(9)) for time in times]
    for seq in chance.sample(range(1, len(entries)), 30):
        name(note, seq, time=times[seq - 1] + chance.choice([0, MINUTE]))
    monkeypatch.setattr(sittings, "PAGE", 7)
    monkeypatch.setattr(sittings, "PAGES", 2)
    while entries:
        count = chance.randrange(1, 40)
        log(note, entries[:count])
        entries = entries[count:]
        if chance.random() < 0.5:
            sittings.catch_up(note)
    sittings.catch_up(note)
    pieces = everything(note)
    monkeypatch.setattr(sittings, "PAGE", 1000)
    start_again(note)
    assert everything(note) == pieces
    assert sum(entries for *_, people in pieces for *_, entries in people) == len(times)


def everything(note: str) -> list[tuple[Any, ...]]:
    query = select(Sitting.first_seq, Sitting.last_seq, Sitting.began, Sitting.ended, Sitting.people)
    return [tuple(row) for row in session.execute(query.where(Sitting.document_id == note).order_by(Sitting.first_seq))]


def start_again(note: str) -> None:
    session.query(Sitting).delete()
    session.execute(update(Document).where(Document.id == note).values(sitting_seq=0))
    session.commit()
    sittings.catch_up(note)


def test_several_who_look_at_once_count_everything_once(app: Flask, note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sittings, "PAGE", 10)
    monkeypatch.setattr(sittings, "PAGES", 3)
    log(note, [(ADA, seq, 1, 0) for seq in range(500)])

    def look() -> None:
        with app.app_context():
            sittings.catch_up(note)

    gevent.joinall([gevent.spawn(look) for _ in range(5)], raise_error=True)
    assert spans(note) == [(1, 500)]
    assert sittings.newest(note)[0][0]["people"] == [[ADA, 500, 0]]


def test_whoever_cannot_wait_is_told_how_much_is_in_no_sitting_yet(note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sittings, "PAGE", 10)
    monkeypatch.setattr(sittings, "PAGES", 3)
    log(note, [(ADA, seq, 1, 0) for seq in range(70)])
    assert [sittings.catch_up(note, within=0) for _ in range(4)] == [40, 10, 0, 0]
    assert spans(note) == [(1, 70)]


def test_only_small_columns_are_read(app: Flask, note: str) -> None:
    log(note, [(ADA, 0, 1, 0)])
    asked: list[str] = []
    event.listen(app.extensions["engine"], "before_cursor_execute", lambda *given: asked.append(given[2]))
    sittings.catch_up(note)
    assert asked
    assert not [statement for statement in asked if 'entry."update"' in statement or "entry.hash" in statement]


def test_sittings_come_fifty_at_a_time_newest_first(note: str) -> None:
    log(note, [(ADA, number * PAUSE, 1, 0) for number in range(101)])
    sittings.catch_up(note)
    seen, before = [], None
    for expected in (50, 50, 1):
        shown, before = sittings.newest(note, before)
        assert len(shown) == expected
        seen += [sitting["first"] for sitting in shown]
    assert before is None
    assert seen == list(range(101, 0, -1))
    assert sittings.newest(note, before=1) == ([], None)


def test_what_others_did_since_i_looked(note: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sittings, "COUNTED", 2)
    log(note, [(ADA, 0, 1, 0), (BOB, 1, 1, 0), (None, 2, 1, 0), (ADA, 3, 1, 0), (BOB, 4, 1, 0), (BOB, PAUSE + 4, 1, 0)])
    sittings.catch_up(note)
    assert [sittings.by_others(note, ADA, after) for after in range(7)] == [4, 4, 3, 2, 2, 1, 0]
    assert [sittings.by_others(note, BOB, after) for after in (0, 3, 4, 6)] == [3, 1, 0, 0]
    assert sittings.by_others(note, None, 0) == 5


def test_a_note_deleted_for_ever_in_the_meantime_is_no_trouble(note: str) -> None:
    session.query(Document).delete()
    session.commit()
    sittings.catch_up(note)


def test_missing_rows_are_told_and_the_rest_of_history_is_there(
    note: str, caplog: pytest.LogCaptureFixture
) -> None:
    log(note, [(ADA, 0, 1, 0)])
    sittings.catch_up(note)
    session.execute(update(Document).where(Document.id == note).values(head_seq=3))
    session.commit()
    assert spans(note) == [(1, 1)]
    assert "expected entry 2" in caplog.text
