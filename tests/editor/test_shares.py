"""Links: who has one may come in, until it is revoked."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from sync.peer import Peer
from tests.editor.conftest import Arrive, Visitor


def title(visitor: Visitor, note: str, status: int) -> Any:
    return visitor.ask("PATCH", f"/api/documents/{note}", status, title="Changed")


def test_a_note_is_private_until_it_is_shared(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note()
    assert ada.ask("GET", f"/api/documents/{note}/share") == {
        "share": None,
        "people": [
            {"id": 1, "name": "Ada", "email": "ada@example.org", "guest": False, "role": "owner", "slot": 1},
        ],
    }
    assert not bob.may_read(note)
    assert not arrive().may_read(note)


def test_whoever_opens_the_link_may_come_in(arrive: Arrive) -> None:
    ada, bob, gus = arrive(), arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    gus.say_name("Gus")
    note = ada.new_note()
    link = ada.share(note, "editor")
    assert link.startswith(f"/n/{note}?s=")
    for visitor in (bob, gus):
        assert visitor.get(link).status_code == 200
        assert visitor.may_read(note), "the address without the secret is enough from now on"
        assert [(each["id"], each["role"], each["shared"]) for each in visitor.notes()] == [(note, "editor", True)]
        title(visitor, note, 200)
    people = ada.ask("GET", f"/api/documents/{note}/share")["people"]
    assert [(each["name"], each["email"], each["role"], each["guest"], each["slot"]) for each in people] == [
        ("Ada", "ada@example.org", "owner", False, 1),
        ("Bob", "bob@example.org", "editor", False, 2),
        ("Gus", None, "editor", True, 3),
    ]


def test_a_viewer_reads_and_does_not_write(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note()
    bob.get(ada.share(note, "viewer"))
    assert bob.ask("GET", f"/api/documents/{note}")["role"] == "viewer"
    assert "viewer" in title(bob, note, 403)["detail"]
    bob.ask("DELETE", f"/api/documents/{note}", 403)
    bob.ask("GET", f"/api/documents/{note}/share", 403)
    bob.ask("PUT", f"/api/documents/{note}/share", 403, role="editor")
    bob.ask("DELETE", f"/api/documents/{note}/share", 403)


def test_who_has_no_name_reads_through_a_link_but_must_say_one_to_write(arrive: Arrive) -> None:
    ada, visitor = arrive(), arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    assert visitor.get(ada.share(note, "editor")).status_code == 200
    assert visitor.ask("GET", f"/api/documents/{note}")["role"] == "editor"
    assert title(visitor, note, 401)["type"] == "sign-in"
    visitor.say_name("Gus")
    title(visitor, note, 200)
    assert [each["id"] for each in visitor.notes()] == [note]


def test_links_opened_before_signing_in_are_there_afterwards(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    notes = [ada.new_note() for _ in range(3)]
    bob.sign_up("Bob")
    bob.sign_out()
    for note in notes:
        bob.get(ada.share(note, "viewer"))
    bob.sign_in("Bob")
    assert {each["id"] for each in bob.notes()} == set(notes)
    bob.sign_out()
    assert not bob.may_read(notes[0]), "the links went with the account"


def test_a_revoked_link_opens_nothing(arrive: Arrive) -> None:
    ada, bob, visitor, late = arrive(), arrive(), arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note()
    link = ada.share(note, "editor")
    bob.get(link)
    visitor.get(link)
    ada.ask("DELETE", f"/api/documents/{note}/share", 204)
    for each in (bob, visitor, late):
        assert each.get(link).status_code == 404
        each.ask("GET", f"/api/documents/{note}", 404)
    assert bob.notes() == []
    assert [each["name"] for each in ada.ask("GET", f"/api/documents/{note}/share")["people"]] == ["Ada"]
    assert ada.may_read(note)


def test_a_new_link_is_another_one(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note()
    old = ada.share(note, "editor")
    bob.get(old)
    ada.ask("DELETE", f"/api/documents/{note}/share", 204)
    new = ada.share(note, "editor")
    assert new != old
    assert bob.get(old).status_code == 404
    assert bob.notes() == []
    assert bob.get(new).status_code == 200
    assert [person["slot"] for person in bob.notes()[0]["people"]] == [1, 2], "one's colour stays"


def test_another_role_keeps_the_address(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note()
    link = ada.share(note, "viewer")
    bob.get(link)
    title(bob, note, 403)
    assert ada.share(note, "editor") == link
    title(bob, note, 200)
    assert ada.share(note, "viewer") == link
    title(bob, note, 403)


def test_a_role_must_be_one_that_a_link_can_have(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    path = f"/api/documents/{note}/share"
    for role in ("owner", "", "commenter"):
        assert ada.ask("PUT", path, 400, role=role)["errors"]["role"]
    assert ada.ask("PUT", path, 400)["errors"]["role"]
    assert ada.ask("PUT", path, 400, history=True)["errors"]["role"], "a new link wants a role"
    assert ada.ask("PUT", path, 400, role="viewer", history="yes")["errors"]["history"]
    assert ada.ask("GET", path)["share"] is None
    ada.share(note, "viewer")
    assert ada.ask("PUT", path, 400)["errors"]["role"], "it must say what to change"
    assert ada.ask("GET", path)["share"]["role"] == "viewer"


def test_a_link_shows_the_history_to_editors_unless_the_owner_says_otherwise(arrive: Arrive) -> None:
    ada, bob, visitor = arrive(), arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note(title="Plans")
    path = f"/api/documents/{note}"
    for who in (bob, visitor):
        who.get(ada.share(note, "viewer"))
    changes: list[tuple[dict[str, Any], tuple[str, bool]]] = [
        ({"role": "viewer"}, ("viewer", False)),
        ({"role": "editor"}, ("editor", True)),
        ({"history": False}, ("editor", False)),
        ({"role": "editor"}, ("editor", False)),
        ({"role": "viewer", "history": True}, ("viewer", True)),
        ({"role": "viewer"}, ("viewer", True)),
        ({"role": "editor", "history": False}, ("editor", False)),
        ({"role": "viewer"}, ("viewer", False)),
    ]
    for change, (role, history) in changes:
        answer = ada.ask("PUT", f"{path}/share", **change)
        assert (answer["share"]["role"], answer["share"]["history"]) == (role, history), change
        assert ada.ask("GET", f"{path}/share") == answer
        for who in (bob, visitor):
            assert who.ask("GET", path)["history"] is history, change
            who.ask("GET", f"{path}/history", 200 if history else 403)
        assert bob.notes()[0]["history"] is history
        assert ada.notes()[0]["history"] is True


def test_a_new_link_may_say_at_once_whether_it_shows_the_history(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    for role, history in (("viewer", True), ("editor", False)):
        path = f"/api/documents/{ada.new_note()}/share"
        share = ada.ask("PUT", path, role=role, history=history)["share"]
        assert (share["role"], share["history"]) == (role, history)


def test_a_wrong_secret_opens_nothing_and_takes_nothing_away(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    note, other = ada.new_note(), ada.new_note()
    link, foreign = ada.share(note, "viewer"), ada.share(other, "viewer").partition("?")[2]
    assert bob.get(f"/n/{note}?s=wrong").status_code == 404
    assert bob.get(f"/n/{note}?{foreign}").status_code == 404
    assert bob.get(f"/n/{note}?s=ünïcödé").status_code == 404
    assert bob.get(link).status_code == 200
    assert bob.get(f"/n/{note}?s=wrong").status_code == 200


def test_the_owner_may_try_their_own_link(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    assert ada.get(ada.share(note, "viewer")).status_code == 200
    assert ada.ask("GET", f"/api/documents/{note}")["role"] == "owner"


def test_a_browser_without_a_name_remembers_its_newest_fifty_links(arrive: Arrive) -> None:
    ada, visitor = arrive(), arrive()
    ada.sign_up("Ada")
    notes = [ada.new_note() for _ in range(52)]
    for note in notes:
        assert visitor.get(ada.share(note, "viewer")).status_code == 200
    assert [visitor.may_read(note) for note in notes] == [False] * 2 + [True] * 50
    cookie = visitor.client.get_cookie("palimpsest")
    assert cookie is not None
    assert len(cookie.value) < 4000, "browsers drop a longer one"


def test_a_change_asks_everybody_again_who_has_the_note_open(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    ada.share(note, "editor")
    path = f"/api/documents/{note}"
    steps: list[tuple[list[str], Callable[[], object]]] = [
        (["access"], lambda: ada.share(note, "viewer")),
        ([], lambda: ada.share(note, "viewer")),
        (["access"], lambda: ada.ask("PUT", f"{path}/share", history=True)),
        ([], lambda: ada.ask("PUT", f"{path}/share", history=True)),
        (["access"], lambda: ada.ask("DELETE", f"{path}/share", 204)),
        ([], lambda: ada.ask("DELETE", f"{path}/share", 204)),
        (["not-found"], lambda: ada.ask("DELETE", path, 204)),
    ]
    for expected, change in steps:
        tab = sit_down(app, note)
        change()
        assert tab == expected


def sit_down(app: Flask, note: str) -> list[str]:
    """Have a note open. The returned list tells why one was sent out."""
    reasons: list[str] = []
    peer = Peer(
        send=lambda message, seq: None,
        expel=lambda refusal: reasons.append(refusal.error),
        user_id=None,
        session_id=1,
        client_id=1,
        user=None,
        can_write=False,
    )
    app.extensions["rooms"].enter(note, peer)
    return reasons
