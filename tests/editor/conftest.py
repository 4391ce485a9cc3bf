"""The real app on a real database, and the people who use it from their browsers."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from gevent.event import AsyncResult
from pycrdt import Doc, XmlElement, XmlText
from werkzeug.test import TestResponse

from editor import assets, create_app, migrations
from editor.config import Config
from editor.content import schema
from sync.peer import Answer, Saved

PASSWORD = "correct horse battery"
SECRET = "a secret that only the tests know, long enough"


class Visitor:
    """Somebody's browser: it keeps cookies, and sends the token of its last boot object."""

    def __init__(self, app: Flask, address: str = "127.0.0.1") -> None:
        self.client = app.test_client()
        self.client.environ_base["REMOTE_ADDR"] = address
        self.csrf = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def ask(self, method: str, path: str, status: int = 200, **body: object) -> Any:
        """A request as the page sends it. Returns its JSON; fails unless the status is the expected one."""
        if not self.csrf:
            self.csrf = self.client.get("/api/me").get_json()["csrf"]
        response = self.client.open(path, method=method, json=body or None, headers={"X-CSRF-Token": self.csrf})
        assert response.status_code == status, f"{method} {path}: {response.status} {response.get_data(as_text=True)}"
        content = response.get_json(silent=True)
        self.csrf = content.get("csrf", self.csrf) if content else self.csrf
        return content

    def post(self, path: str, status: int = 200, **body: object) -> Any:
        return self.ask("POST", path, status, **body)

    def sign_up(self, name: str, status: int = 200, **others: object) -> Any:
        fields = {"email": f"{name.lower()}@example.org", "password": PASSWORD, "name": name}
        return self.post("/api/auth/register", status, **{**fields, **others})

    def sign_in(self, name: str, password: str = PASSWORD, status: int = 200) -> Any:
        return self.post("/api/auth/login", status, email=f"{name.lower()}@example.org", password=password)

    def sign_out(self) -> Any:
        return self.post("/api/auth/logout")

    def say_name(self, name: str, status: int = 201) -> Any:
        return self.post("/api/guests", status, name=name)

    def who(self) -> Any:
        return self.get("/api/me").get_json()["user"]

    def new_note(self, **body: object) -> str:
        document_id: str = self.post("/api/documents", 201, **body)["id"]
        return document_id

    def notes(self, bin: bool = False) -> list[Any]:
        found: list[Any] = self.ask("GET", "/api/documents?bin=1" if bin else "/api/documents")["documents"]
        return found

    def share(self, document_id: str, role: str) -> str:
        """Share a note. Returns the address that people copy."""
        url: str = self.ask("PUT", f"/api/documents/{document_id}/share", role=role)["share"]["url"]
        return url

    def may_read(self, document_id: str) -> bool:
        return self.get(f"/n/{document_id}").status_code == 200


def write(app: Flask, document_id: str, user_id: int, *paragraphs: str, title: str = "") -> None:
    """Somebody types paragraphs at the end of a note, and its title. Once this returns they are in the log."""

    def change(doc: Doc[Any]) -> None:
        body = schema.body(doc)
        for words in paragraphs:
            body.children.append(XmlElement("paragraph", {}, [XmlText(words)]))
        whole = schema.title(doc)
        whole += title

    saved: AsyncResult[Answer] = AsyncResult()
    app.extensions["rooms"].edit(document_id, user_id, change, saved.set)
    assert isinstance(saved.get(timeout=10), Saved)


Arrive = Callable[..., Visitor]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables, to copy: that is quicker than to migrate one for each test."""
    file = tmp_path_factory.mktemp("migrated") / "palimpsest.sqlite"
    migrations.upgrade(f"sqlite:///{file}", lambda line: None)
    return file


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Where the app of a test keeps everything. Nothing is there yet."""
    return Config(data=tmp_path, database_url=f"sqlite:///{tmp_path / 'palimpsest.sqlite'}", secret_key=SECRET)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page as the frontend's template promises it, with a script and a service worker."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "frontend" / "index.html", dist / "index.html")
    (dist / "assets" / "main-abc.js").write_text("console.log('hello')\n" * 100)
    chunks = {
        "src/pages/Note.svelte": {"file": "assets/Note-abc.js", "imports": ["_main.js", "_editor.js"]},
        "_main.js": {"file": "assets/main-abc.js", "imports": []},
        "_editor.js": {"file": "assets/editor-abc.js", "imports": ["_main.js"]},
    }
    (dist / "chunks.json").write_text(json.dumps(chunks))
    (dist / "sw.js").write_text("// the service worker\n")
    monkeypatch.setattr(assets, "dist", lambda: dist)
    return dist


@pytest.fixture
def app(config: Config, built: Path, migrated: Path) -> Iterator[Flask]:
    shutil.copy(migrated, config.data)
    app = create_app(config)
    yield app
    app.extensions["store"].close()
    app.extensions["engine"].dispose()


@pytest.fixture
def arrive(app: Flask) -> Arrive:
    """Somebody opens a browser of their own."""
    return lambda address="127.0.0.1": Visitor(app, address)


@pytest.fixture
def ada(arrive: Arrive) -> Visitor:
    """Somebody with an account, the first one: user 1."""
    ada = arrive()
    ada.sign_up("Ada")
    return ada
