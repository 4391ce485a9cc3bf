"""What strangers try, and what the browser is told to refuse."""

import io
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from editor import create_app, database
from editor.config import Config
from editor.security import SESSION_DAYS
from tests.editor.conftest import PASSWORD, Arrive, Visitor


@pytest.mark.parametrize(
    ("body", "status"), [(b"[" * 50_000, 200), (b"{}" + bytes(100_000), 200), (b'{"auth_token": {"a": []}}', 200)]
)
def test_a_page_does_not_mind_what_body_a_request_has(arrive: Arrive, body: bytes, status: int) -> None:
    """Nested JSON, and too much of it, were an error of the server once."""
    for method in ("GET", "OPTIONS"):
        answer = arrive().client.open("/signin", method=method, data=body, content_type="application/json")
        assert answer.status_code == status
    answer = arrive().client.post("/signin", data=body, content_type="application/json")
    assert answer.status_code in (400, 405, 413)


def test_a_page_of_another_site_cannot_act_for_somebody(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Mine")
    foreign = arrive().get("/api/me").get_json()["csrf"]
    for method, path in [
        ("POST", "/api/documents"),
        ("PATCH", f"/api/documents/{note}"),
        ("DELETE", f"/api/documents/{note}"),
        ("PUT", f"/api/documents/{note}/share"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/change"),
        ("POST", "/api/guests"),
        ("PATCH", "/api/me"),
        ("PATCH", "/api/settings"),
    ]:
        for headers in ({}, {"X-CSRF-Token": "made up"}, {"X-CSRF-Token": foreign}):
            answer = ada.client.open(path, method=method, json={}, headers=headers)
            assert (answer.status_code, answer.get_json()["type"]) == (400, "csrf"), f"{method} {path}"
    assert [each["title"] for each in ada.notes()] == ["Mine"]


def test_the_token_of_an_ended_session_is_worth_nothing(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    old = ada.csrf
    ada.sign_out()
    ada.sign_in("Ada")
    ada.csrf = old
    assert ada.post("/api/documents", 400)["type"] == "csrf"


def test_scripts_cannot_read_the_cookie_and_other_sites_cannot_send_it(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    cookie = ada.client.get_cookie("palimpsest")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.secure) == (True, "Lax", False)


def test_a_clock_that_is_put_back_signs_nobody_out(arrive: Arrive, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    assert ada.who()["name"] == "Ada"
    monkeypatch.setattr(time, "time", lambda: real() + 24 * 3600 * (SESSION_DAYS + 1))
    assert ada.who() is None


def test_every_answer_tells_the_browser_what_to_refuse(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    for path in ("/", "/api/me", "/api/nothing", "/nothing", "/assets/main-abc.js", "/healthz", f"/n/{ada.new_note()}"):
        headers = ada.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        for rule in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
            assert rule in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers


def test_nothing_in_the_page_is_against_its_own_policy(arrive: Arrive) -> None:
    page = arrive().get("/").text
    assert "style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count('<script type="module"') == page.count("src=")


@pytest.fixture
def behind_a_proxy(config: Config, built: Path, migrated: Path) -> Iterator[Flask]:
    shutil.copy(migrated, config.data)
    app = create_app(replace(config, trusted_proxies=1, secure_cookies=True))
    yield app
    app.extensions["store"].close()
    app.extensions["engine"].dispose()


def test_behind_a_proxy_with_https(behind_a_proxy: Flask) -> None:
    ada = Visitor(behind_a_proxy)
    ada.client.environ_base["HTTP_X_FORWARDED_PROTO"] = "https"
    ada.client.environ_base["HTTP_X_FORWARDED_FOR"] = "198.51.100.7"
    answer = ada.get("/api/me")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Secure;" in answer.headers["Set-Cookie"]
    assert answer.request.remote_addr is not None


def test_without_a_proxy_nobody_can_pretend_to_come_from_elsewhere(arrive: Arrive) -> None:
    arrive().sign_up("Ada")
    eve = arrive()
    for attempt in range(5):
        eve.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"10.0.0.{attempt}"
        eve.sign_in("Ada", "a guess", status=401)
    eve.client.environ_base["HTTP_X_FORWARDED_FOR"] = "10.0.0.99"
    eve.sign_in("Ada", "a guess", status=429)


def test_every_error_has_one_shape(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    headers = {"X-CSRF-Token": ada.csrf}
    for answer, status, kind in [
        (ada.get("/api/nothing"), 404, "not-found"),
        (ada.get("/api/documents/x"), 404, "not-found"),
        (ada.get("/api/guests"), 405, "invalid"),
        (
            ada.client.post("/api/documents", json={"title": "x" * 70_000}, headers=headers),
            413,
            "invalid",
        ),
    ]:
        assert answer.status_code == status
        assert answer.content_type == "application/problem+json"
        problem = answer.get_json()
        assert (problem["status"], problem["type"]) == (status, kind)
        assert problem["title"]
        assert problem["detail"]
    assert ada.get("/api/guests").headers["Allow"]


def test_a_database_that_cannot_be_written_now_is_unavailable_in_words(
    arrive: Arrive, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.05)
    other = sqlite3.connect(config.data / "palimpsest.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    problem = ada.post("/api/documents", 503)
    assert problem["type"] == "unavailable"
    assert "busy" in problem["detail"]
    other.execute("ROLLBACK")
    other.close()
    assert ada.post("/api/documents", 201)


def test_a_body_has_the_fields_it_may_have_and_no_others(arrive: Arrive) -> None:
    ada = arrive()
    account: dict[str, Any] = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}
    assert "admin" in ada.post("/api/auth/register", 400, **account, admin=True)["errors"]
    ada.post("/api/auth/register", **account)
    note = ada.new_note()
    for method, path in (
        ("POST", "/api/auth/logout"),
        ("DELETE", f"/api/documents/{note}"),
        ("DELETE", f"/api/documents/{note}/share"),
        ("POST", f"/api/documents/{note}/restore"),
        ("DELETE", f"/api/documents/{note}/forever"),
    ):
        assert "x" in ada.ask(method, path, 400, x=1)["errors"]
    assert ada.who() is not None


def test_what_is_no_text_is_refused_before_anything_reads_it(arrive: Arrive) -> None:
    visitor = arrive()
    headers = {"X-CSRF-Token": visitor.get("/api/me").get_json()["csrf"]}

    def post(path: str, data: bytes, **environ: object) -> TestResponse:
        return visitor.client.post(
            path, input_stream=io.BytesIO(data), content_type="application/json", headers=headers,
            environ_overrides=environ,
        )  # fmt: skip

    half = rb'{"email": "ada@example.org", "password": "a password \ud800", "name": "Ada"}'
    for data in (half, b"[" * 60_000, b'{"a":' * 10_000):
        for path in ("/api/auth/register", "/api/auth/login"):
            answer = post(path, data, CONTENT_LENGTH=str(len(data)))
            assert (answer.status_code, answer.get_json()["type"]) == (400, "invalid")
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert post("/api/guests", b"no JSON", **chunked).status_code == 400
    assert post("/api/guests", b'{"name": "Gus", "x": 1}', **chunked).status_code == 400
    assert post("/api/guests", b'{"name": "Gus"}', **chunked).status_code == 201
    for name in ("%00", "x" * 300, "a%00/../b"):
        assert visitor.get(f"/assets/{name}").status_code == 404


def test_a_failure_inside_says_nothing_outside(
    app: Flask, arrive: Arrive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("the password of the database is 1234")

    monkeypatch.setitem(app.view_functions, "health.live", fail)
    monkeypatch.setitem(app.view_functions, "me.show", fail)
    visitor = arrive()
    for path in ("/healthz", "/api/me"):
        answer = visitor.get(path)
        assert answer.status_code == 500
        assert "1234" not in answer.text
        assert "1234" in caplog.text
        caplog.clear()
