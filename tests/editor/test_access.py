"""The one place that decides: every way in, for every kind of person."""

from collections.abc import Iterator

import pytest
from flask import Flask

from editor import access
from editor.access import Arrival, Role, arrive, look, may_write, role_of
from editor.database import session
from editor.errors import Denied, NotFound
from editor.models import Document, Member, PastSignIn, Share, User, now


@pytest.fixture
def people(app: Flask) -> Iterator[dict[str, int]]:
    """Within the app: Ada, who owns a note, Bob, who followed its link, and Eve."""
    with app.test_request_context():
        users = {name: User(name=name) for name in ("ada", "bob", "eve")}
        session.add_all(users.values())
        session.commit()
        yield {name: user.id for name, user in users.items()}


@pytest.fixture
def note(people: dict[str, int]) -> str:
    document = Document(owner_id=people["ada"])
    session.add(document)
    session.commit()
    arrive(session, document.id, people["ada"])
    return document.id


@pytest.fixture
def share(people: dict[str, int], note: str) -> Share:
    share = Share(document_id=note, token="the-secret", role="editor", created_by=people["ada"])
    session.add(share)
    session.commit()
    arrive(session, note, people["bob"], share.id)
    return share


def role(note: str, user_id: int | None, token: str | None = None) -> Role | None:
    return role_of(session, note, user_id, {} if token is None else {note: token})


def test_the_owner_and_nobody_else(people: dict[str, int], note: str) -> None:
    assert role(note, people["ada"]) is Role.OWNER
    assert role(note, people["eve"]) is None
    assert role(note, None) is None
    assert role(note, None, "") is None
    assert role("x" * 22, people["ada"]) is None


def test_who_is_past_is_told_so_whatever_they_ask_for(people: dict[str, int], note: str) -> None:
    ada = session.get_one(User, people["ada"])
    session.add(PastSignIn(id="signed out"))
    session.commit()
    for name in (note, "x" * 22, "no name of a note"):
        assert not look(session, name, ada.id, {}, "signed in").past
        assert look(session, name, ada.id, {}, "signed out").past
        assert look(session, name, None, {}, "signed out").past
        assert look(session, name, 1234, {}, "signed in").past
    ada.active = False
    session.commit()
    for name in (note, "x" * 22, "no name of a note"):
        assert look(session, name, ada.id, {}, "signed in").past


def test_who_comes_is_shown_as_who_they_are(people: dict[str, int], note: str) -> None:
    assert look(session, note, people["ada"], {}) == Arrival(Role.OWNER, False, "ada", 1)
    assert look(session, note, people["eve"], {}) == Arrival(None, False, "eve", None)
    assert look(session, note, None, {}) == Arrival(None, False, None, None)


@pytest.mark.parametrize("word", ["viewer", "commenter", "editor"])
def test_an_open_link_gives_its_role(people: dict[str, int], note: str, share: Share, word: str) -> None:
    share.role = word
    session.commit()
    for user, token in [(people["bob"], None), (None, "the-secret"), (people["eve"], "the-secret")]:
        found = role(note, user, token)
        assert found is not None
        assert found.word == word
    assert role(note, people["eve"]) is None
    assert role(note, None, "the-secre") is None
    assert role(note, people["ada"], "the-secret") is Role.OWNER


def test_a_revoked_link_gives_nothing(people: dict[str, int], note: str, share: Share) -> None:
    share.revoked = now()
    session.commit()
    assert role(note, people["bob"]) is None
    assert role(note, None, "the-secret") is None
    assert role(note, people["ada"]) is Role.OWNER
    session.add(Share(document_id=note, token="another", role="viewer", created_by=people["ada"]))
    session.commit()
    assert role(note, people["bob"]) is None, "who came through the old link has not the new one"
    assert role(note, None, "the-secret") is None
    assert role(note, None, "another") is Role.VIEWER


def test_a_link_to_one_note_opens_no_other(people: dict[str, int], note: str, share: Share) -> None:
    other = Document(owner_id=people["ada"])
    session.add(other)
    session.commit()
    assert role_of(session, other.id, people["bob"], {note: "the-secret", other.id: "the-secret"}) is None


def test_a_note_in_the_bin_is_open_to_nobody(people: dict[str, int], note: str, share: Share) -> None:
    session.get_one(Document, note).deleted = now()
    session.commit()
    assert role(note, people["ada"]) is None
    assert role(note, people["bob"]) is None
    assert role(note, None, "the-secret") is None


def test_roles_are_ordered() -> None:
    assert [each.word for each in sorted(Role)] == ["viewer", "commenter", "editor", "owner"]


def test_writing_wants_a_role_and_a_name() -> None:
    assert may_write(Role.EDITOR, 7)
    assert may_write(Role.OWNER, 7)
    assert not may_write(Role.COMMENTER, 7)
    assert not may_write(Role.VIEWER, 7)
    assert not may_write(Role.EDITOR, None)


def test_arriving_again_changes_nothing(people: dict[str, int], note: str, share: Share) -> None:
    assert arrive(session, note, people["bob"]) == 2
    assert arrive(session, note, people["eve"]) == 3
    assert arrive(session, note, people["bob"]) == 2
    assert role(note, people["bob"]) is Role.EDITOR, "the link they came by is still known"
    assert role(note, people["eve"]) is None, "to have been here is no permission"
    assert session.query(Member).count() == 3


def test_following_a_link_opens_the_note_in_this_very_request(note: str, share: Share) -> None:
    with pytest.raises(NotFound):
        access.find(note, Role.VIEWER)
    access.open_link(note, "the-secret")
    assert access.find(note, Role.VIEWER).role is Role.EDITOR


def test_the_history_is_there_for_whom_the_link_shows_it(note: str, share: Share) -> None:
    with pytest.raises(NotFound):
        access.find_history(note)
    access.open_link(note, "the-secret")
    with pytest.raises(Denied, match="does not show the history"):
        access.find_history(note)
    assert not access.find(note, Role.VIEWER).history
    share.history = True
    session.commit()
    assert access.find_history(note).history
    share.revoked = now()
    session.commit()
    with pytest.raises(NotFound):
        access.find_history(note)
