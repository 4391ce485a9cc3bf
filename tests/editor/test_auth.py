"""Accounts and guests: who somebody is, and how that begins and ends."""

from typing import Any

import gevent
from flask import Flask

from tests.editor.conftest import PASSWORD, Arrive


def test_the_first_account_is_the_administrator(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    assert ada.get("/api/me").get_json()["first"] is True
    assert ada.sign_up("Ada")["user"] == {
        "id": 1,
        "name": "Ada",
        "email": "ada@example.org",
        "guest": False,
        "admin": True,
    }
    assert bob.get("/api/me").get_json()["first"] is False
    assert bob.sign_up("Bob")["user"]["admin"] is False


def test_of_two_first_accounts_at_once_one_is_the_administrator(arrive: Arrive) -> None:
    visitors = [arrive() for _ in range(4)]
    signing_up = [gevent.spawn(visitor.sign_up, f"P{number}") for number, visitor in enumerate(visitors)]
    assert sorted(greenlet.get()["user"]["admin"] for greenlet in signing_up) == [False, False, False, True]


def test_of_two_who_want_the_same_address_at_once_one_gets_it(arrive: Arrive) -> None:
    def sign_up() -> int:
        visitor = arrive()
        fields = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}
        headers = {"X-CSRF-Token": visitor.get("/api/me").text.split('"csrf":"')[1].split('"')[0]}
        return visitor.client.post("/api/auth/register", json=fields, headers=headers).status_code

    signing_up = [gevent.spawn(sign_up) for _ in range(3)]
    assert sorted(greenlet.get() for greenlet in signing_up) == [200, 400, 400]


def test_signing_out_and_in_again(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    assert ada.sign_out()["user"] is None
    assert ada.who() is None
    assert ada.sign_in("Ada")["user"]["name"] == "Ada"
    assert ada.who()["name"] == "Ada"


def test_an_address_is_the_same_in_capitals(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada", email="Ada@Example.org")
    ada.sign_out()
    ada.post("/api/auth/login", email="ada@example.ORG", password=PASSWORD)
    problem = arrive().sign_up("Eve", 400, email="aDA@example.org")
    assert problem["errors"] == {"email": ["There is an account with this e-mail already. If it is yours, sign in."]}


def test_nobody_learns_who_has_an_account(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    wrong = arrive().sign_in("Ada", "not her password", status=401)
    unknown = arrive().sign_in("Nobody", "some password", status=401)
    assert wrong == unknown
    assert wrong["type"] == "denied"


def test_what_is_wrong_with_a_sign_up_is_said_in_words(arrive: Arrive) -> None:
    visitor = arrive()
    problem = visitor.post("/api/auth/register", 400, email="not an address", password="short", name=" ")
    assert problem["type"] == "invalid"
    assert problem["errors"] == {
        "email": ["This is not an e-mail address."],
        "password": ["A password needs at least 8 characters."],
        "name": ["A name is needed: one line of at most 80 characters."],
    }
    assert visitor.post("/api/auth/register", 400)["errors"].keys() == {"email", "password", "name"}
    assert visitor.post("/api/auth/register", 400, email=1, password=["x"], name={})["type"] == "invalid"
    assert visitor.who() is None


def test_an_address_without_a_mail_server_is_an_address(arrive: Arrive) -> None:
    assert arrive().sign_up("Ada", email="ada@notes.local")["user"]["email"] == "ada@notes.local"


def test_after_five_wrong_passwords_one_has_to_wait(arrive: Arrive) -> None:
    ada, eve = arrive(), arrive("10.0.0.9")
    ada.sign_up("Ada")
    for _ in range(5):
        eve.sign_in("Ada", "a guess", status=401)
    problem = eve.sign_in("Ada", "a guess", status=429)
    assert problem["type"] == "rate"
    assert "minute" in problem["detail"]
    for number in range(6):
        wide = "".join(chr(ord(char) + 0xFEE0) if place == number else char for place, char in enumerate("example.org"))
        eve.post("/api/auth/login", 429, email=f" Ada@{wide} ", password="a guess")
    # Only this address with this account: Ada herself comes in, and so does a neighbour of Eve's.
    ada.sign_out()
    ada.sign_in("Ada")
    arrive("10.0.0.9").sign_in("Nobody", "a guess", status=401)


def test_a_new_password_ends_the_other_sessions(arrive: Arrive) -> None:
    laptop, phone = arrive(), arrive()
    laptop.sign_up("Ada")
    phone.sign_in("Ada")
    wanted: dict[str, Any] = {"new_password": "a new password", "new_password_confirm": "a new password"}
    assert laptop.post("/api/auth/change", 400, password="wrong one", **wanted)["errors"] == {
        "password": ["This is not your password."]
    }
    assert phone.who() is not None
    assert laptop.post("/api/auth/change", password=PASSWORD, **wanted)["user"]["name"] == "Ada"
    assert laptop.who()["name"] == "Ada"
    assert phone.who() is None
    phone.sign_in("Ada", PASSWORD, status=401)
    phone.sign_in("Ada", "a new password")


def test_a_new_password_must_be_one(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    problem = ada.post("/api/auth/change", 400, password=PASSWORD, new_password="abc", new_password_confirm="abd")
    assert problem["errors"] == {"new_password_confirm": ["The two new passwords differ."]}
    problem = ada.post("/api/auth/change", 400, password=PASSWORD, new_password="abc", new_password_confirm="abc")
    assert problem["errors"] == {"new_password": ["A password needs at least 8 characters."]}
    arrive().post("/api/auth/change", 401, password=PASSWORD, new_password="x", new_password_confirm="x")


def test_passwords_are_kept_as_argon2_and_nowhere_else(app: Flask, arrive: Arrive) -> None:
    arrive().sign_up("Ada")
    with app.extensions["engine"].connect() as connection:
        kept = connection.exec_driver_sql('SELECT password FROM "user"').scalar_one()
    assert kept.startswith("$argon2id$")


def test_while_a_password_is_hashed_others_are_served(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    ada.sign_out()
    bob.sign_up("Bob")
    signing_in = gevent.spawn(ada.sign_in, "Ada")
    answered = 0
    while not signing_in.ready():
        bob.who()
        answered += 1
        gevent.sleep(0)
    signing_in.get()
    assert answered > 3


def test_a_guest_keeps_their_notes_when_they_sign_up(arrive: Arrive) -> None:
    gus = arrive()
    guest = gus.say_name("Gus")["user"]
    assert guest == {"id": guest["id"], "name": "Gus", "email": None, "guest": True, "admin": False}
    note = gus.new_note(title="Mine")
    account = gus.sign_up("Augustus")["user"]
    assert account == {
        "id": guest["id"],
        "name": "Augustus",
        "email": "augustus@example.org",
        "guest": False,
        "admin": True,
    }
    gus.sign_out()
    gus.sign_in("Augustus")
    assert [(each["id"], each["role"]) for each in gus.notes()] == [(note, "owner")]


def test_a_guest_who_signs_in_brings_their_notes_along(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    kept = ada.new_note(title="Written at home")
    link = ada.share(kept, "editor")
    bob.sign_up("Bob")
    bob.sign_out()
    bob.say_name("B.")
    mine = bob.new_note(title="Written as a guest")
    bob.get(link)
    bob.sign_in("Bob", "wrong password", status=401)
    assert bob.who()["name"] == "B.", "a wrong password does not end the guest"
    bob.sign_in("Bob")
    assert {(note["id"], note["role"]) for note in bob.notes()} == {(mine, "owner"), (kept, "editor")}


def test_a_guest_who_fails_to_sign_up_is_still_there(arrive: Arrive) -> None:
    gus = arrive()
    gus.say_name("Gus")
    gus.sign_up("Gus", 400, password="short")
    assert gus.who()["guest"] is True


def test_a_guest_has_no_password_and_can_leave(arrive: Arrive) -> None:
    gus = arrive()
    gus.say_name("Gus")
    gus.say_name("Gustav", 409)
    gus.post("/api/auth/change", 409, password="", new_password="long enough", new_password_confirm="long enough")
    assert gus.sign_out()["user"] is None
    assert gus.who() is None


def test_the_administrator_decides_who_may_come(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    assert ada.ask("GET", "/api/settings") == {"guests": True, "signups": True, "retention": None}
    assert ada.ask("PATCH", "/api/settings", guests=False)["guests"] is False
    assert arrive().say_name("Gus", 403)["type"] == "denied"
    assert ada.ask("PATCH", "/api/settings", signups=False) == {
        "guests": False,
        "signups": False,
        "retention": None,
    }
    assert arrive().sign_up("Bob", 403)["type"] == "denied"
    assert arrive().get("/api/me").get_json()["settings"] == {
        "guests": False,
        "signups": False,
        "retention": None,
    }
    ada.ask("PATCH", "/api/settings", 400, guests="yes")
    ada.ask("PATCH", "/api/settings", 400, colour="red")


def test_only_the_administrator_decides(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    bob.ask("GET", "/api/settings", 401)
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    bob.ask("GET", "/api/settings", 403)
    bob.ask("PATCH", "/api/settings", 403, signups=False)
    for wrong in (0, -1, 36_501, 1.5, "9", True):
        assert "retention" in ada.ask("PATCH", "/api/settings", 400, retention=wrong)["errors"]
    for days in (30, None):
        assert ada.ask("PATCH", "/api/settings", retention=days)["retention"] == days


def test_one_can_change_ones_name(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    assert ada.ask("PATCH", "/api/me", name="  Ada Lovelace ")["user"]["name"] == "Ada Lovelace"
    assert ada.ask("PATCH", "/api/me", 400, name="")["errors"] == {"name": ["This must not be empty."]}
    ada.ask("PATCH", "/api/me", 400, name="two\nlines")
    ada.ask("PATCH", "/api/me", 400, name="x" * 81)
    ada.ask("PATCH", "/api/me", 400)
    arrive().ask("PATCH", "/api/me", 401, name="Nobody")
    assert ada.who()["name"] == "Ada Lovelace"


def test_other_views_of_the_library_are_not_served(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    for path in ("/api/auth/verify", "/api/auth/login", "/api/auth/logout", "/api/auth/register", "/fs-static/x.js"):
        assert ada.get(path).status_code in (404, 405)


def test_each_sign_in_has_its_own_id(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    ids = set()
    for _ in range(2):
        with ada.client.session_transaction() as cookie:
            ids.add(cookie["sign_in"])
            assert cookie.permanent
        ada.sign_out()
        with ada.client.session_transaction() as cookie:
            assert "sign_in" not in cookie
        ada.sign_in("Ada")
    assert len(ids) == 2
