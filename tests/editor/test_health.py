"""What a process says of itself to whoever watches it."""

from pathlib import Path

from flask import Flask
from sqlalchemy import text

from tests.editor.conftest import Arrive


def version(app: Flask, version: str) -> None:
    with app.extensions["engine"].begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_a_process_that_can_do_its_work_says_so(arrive: Arrive) -> None:
    answer = arrive().get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
    answer = arrive().get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok", "database": "ok", "redis": "not used", "process": "ok"}


def test_without_its_database_it_is_alive_and_not_ready(app: Flask, arrive: Arrive, tmp_path: Path) -> None:
    app.extensions["engine"].dispose()
    (tmp_path / "palimpsest.sqlite").unlink()
    (tmp_path / "palimpsest.sqlite").mkdir()
    visitor = arrive()
    assert visitor.get("/healthz").status_code == 200
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["database"] == "The server cannot open its database."


def test_older_tables_are_not_ready_and_newer_ones_are(app: Flask, arrive: Arrive) -> None:
    version(app, "0001")
    answer = arrive().get("/readyz")
    assert answer.status_code == 503
    assert "version 0001" in answer.get_json()["database"]
    assert "palimpsest migrate" in answer.get_json()["database"]
    version(app, "9999")  # of the next program, which is being started beside this one
    assert arrive().get("/readyz").status_code == 200


def test_a_process_that_is_about_to_stop_is_not_ready(app: Flask, arrive: Arrive) -> None:
    app.extensions["sockets"].drain()
    answer = arrive().get("/readyz")
    assert (answer.status_code, answer.get_json()["process"]) == (503, "stopping")
