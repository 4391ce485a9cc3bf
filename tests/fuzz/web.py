"""HTTP: any method at any route, with headers, addresses and bodies that are almost right. Never 500, and an error has
its shape."""

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from editor import assets, create_app, migrations
from editor.config import Config
from tests.editor.conftest import Visitor, write
from tests.fuzz.meter import Meter
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import Broke, Input

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW")
TEXTS = (
    "",
    "x",
    "Ada",
    "editor",
    "viewer",
    "owner",
    "é😀",
    "\0",
    "\n",
    "x" * 300,
    "x" * 70_000,
    "<script>",
    "\u202e",
    "ada@example.org",
    "correct horse battery",
)
NUMBERS = (0, 1, 2, 3, -1, 1 << 31, 1 << 53, 1 << 63, 1 << 64, 10**30, 1.5, 1e308)
FIELDS = [
    "title",
    "name",
    "email",
    "password",
    "new_password",
    "new_password_confirm",
    "role",
    "history",
    "seq",
    "kind",
    "detail",
    "before",
    "pieces",
    "words",
    "dry",
    "guests",
    "signups",
    "retention",
    "what",
]
ARGUMENTS = ("after", "until", "seq", "before", "bin", "format", "next", "link", "s", "as")
SLOW = ("login", "register", "change", "verify")  # they hash passwords, which is meant to take long


class Web:
    name, share, in_process = "web", 0.009, False

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp())
        dist = self._folder / "dist"
        (dist / "assets").mkdir(parents=True)
        shutil.copy(Path(__file__).parents[2] / "frontend" / "index.html", dist / "index.html")
        (dist / "assets" / "main-abc.js").write_text("console.log('hello')\n")
        (dist / "sw.js").write_text("// the service worker\n")
        chunks = {"src/pages/Note.svelte": {"file": "assets/main-abc.js"}}
        (dist / "chunks.json").write_text(json.dumps(chunks))
        self._dist, assets.dist = assets.dist, lambda: dist
        url = f"sqlite:///{self._folder / 'palimpsest.sqlite'}"
        migrations.upgrade(url, lambda line: None)
        self.app: Flask = create_app(
            Config(data=self._folder, database_url=url, secret_key="a secret that only the fuzzer knows")
        )
        self.people: dict[int, Visitor] = {}
        self._arrived = 0
        self.statuses: dict[int, int] = {}

    def note(self) -> str:
        """A note with a past, of the first person."""
        note = self.people[1].new_note(title="A note")
        for words in ("one", "two", "three"):
            write(self.app, note, self.people[1].who()["id"], words)
        self.people[1].post(f"/api/documents/{note}/versions", 201, name="Named")
        return note

    def case(self, meter: Meter) -> "Requests":
        for user in (1, 2):
            if user not in self.people or self.people[user].who() is None:  # the last case has signed them out
                self._arrived += 1
                visitor = self.people[user] = Visitor(self.app, f"10.0.{self._arrived >> 8}.{self._arrived & 255}")
                visitor.sign_up(f"Person{self._arrived}")
        return Requests(self)

    def close(self) -> None:
        assets.dist = self._dist
        self.app.extensions["store"].close()
        self.app.extensions["engine"].dispose()
        shutil.rmtree(self._folder)


class Requests:
    def __init__(self, web: Web) -> None:
        self._web = web

    def inputs(self, dice: random.Random) -> Iterator[Input]:
        """Each is a line of JSON: method, path, headers, body in hex."""
        note = self._web.note()
        rules = list(self._web.app.url_map.iter_rules())
        for _ in range(40):
            rule = dice.choice(rules)
            if rule.rule.split("/")[-1] in SLOW and dice.random() < 0.9:
                continue
            headers = {"X-CSRF-Token": "right" if dice.random() < 0.9 else "wrong"}
            body = b""
            methods = sorted(rule.methods or {"GET"})
            method = dice.choice(methods if dice.random() < 0.9 else METHODS)
            if method not in ("GET", "HEAD") or dice.random() < 0.05:
                headers["Content-Type"] = (
                    "application/json"
                    if dice.random() < 0.95
                    else dice.choice(
                        ("text/plain", "multipart/form-data; boundary=x", "", "application/json; charset=utf-16")
                    )
                )
                body = json.dumps(_body(dice), ensure_ascii=dice.random() < 0.5).encode(errors="surrogatepass")
                if dice.random() < 0.2:
                    body = dice.choice(
                        (mutate(dice, body), b"[" * 50_000, b'{"a":' * 5000, b"\xff\xfe", b"{}" + bytes(70_000))
                    )
            if dice.random() < 0.3:
                name = dice.choice(
                    (
                        "Accept",
                        "Cookie",
                        "Origin",
                        "Host",
                        "If-None-Match",
                        "Accept-Encoding",
                        "Range",
                        "X-Forwarded-For",
                        "Accept-Language",
                        "Content-Encoding",
                    )
                )
                headers[name] = dice.choice(
                    (
                        "x",
                        "*/*",
                        "text/html",
                        "null",
                        "http://evil.example",
                        "gzip;q=9",
                        "bytes=0-1,3-",
                        '"',
                        "é".encode().decode("latin-1"),
                        "x" * 5000,
                        "session=AAAA.BBBB; palimpsest=.e30",
                    )
                )
            yield dice.choice((1, 1, 1, 2)), json.dumps([method, _path(dice, rule, note), headers, body.hex()]).encode()

    def take(self, user: int, data: bytes) -> None:
        method, path, headers, body = json.loads(data)
        visitor = self._web.people[user]
        if headers.get("X-CSRF-Token") == "right":
            visitor.csrf = visitor.client.get("/api/me").get_json()["csrf"]
            headers["X-CSRF-Token"] = visitor.csrf
        answer = visitor.client.open(path, method=method, headers=headers, data=bytes.fromhex(body))
        status = answer.status_code
        self._web.statuses[status] = self._web.statuses.get(status, 0) + 1
        if status >= 500 and status != 501:
            raise Broke(f"{method} {path[:100]}: {answer.status} {answer.get_data(as_text=True)[:200]}")
        if status >= 400 and path.startswith("/api/") and method not in ("HEAD", "OPTIONS"):
            problem = answer.get_json(silent=True)
            if not isinstance(problem, dict) or not {"type", "title", "status", "detail"} <= problem.keys():
                raise Broke(f"{method} {path[:100]}: {answer.status} without a problem: {answer.get_data()[:200]!r}")

    def end(self) -> None:
        pass


def _path(dice: random.Random, rule: Rule, note: str) -> str:
    def part(name: str) -> str:
        if name == "document_id":
            return (
                note
                if dice.random() < 0.85
                else dice.choice(("x", "x" * 22, "%00", "..%2f..", "é", "-" * 500, "0" * 22))
            )
        if name == "seq":
            return str(dice.choice((1, 2, 3, 4, 5, 1 << 63, 10**25, "x", "-1", "%31")))
        return dice.choice(
            ("main-abc.js", "../index.html", "..%2findex.html", "%2e%2e/sw.js", "x", "%00", "index.html", "é")
        )

    path = "/".join(
        part(piece.strip("<>").split(":")[-1]) if piece.startswith("<") else piece for piece in rule.rule.split("/")
    )
    if dice.random() < 0.5:
        pairs = []
        for _ in range(dice.choice((1, 1, 2))):
            value = dice.choice(
                (
                    "",
                    "0",
                    "1",
                    "3",
                    "-1",
                    "1e3",
                    "%00",
                    "%ff",
                    "x" * 200,
                    "md",
                    "html",
                    "json",
                    "txt",
                    "9" * 30,
                    "١",
                    "//evil.example",
                    "%c3%a9",
                )
            )
            pairs.append(f"{dice.choice(ARGUMENTS)}={value}")
        path += "?" + "&".join(pairs)
    return path


def _body(dice: random.Random) -> object:
    if dice.random() < 0.05:
        return _value(dice, 0)
    return {dice.choice(FIELDS): _value(dice, 0) for _ in range(dice.choice((0, 1, 1, 2, 3)))}


def _value(dice: random.Random, depth: int) -> Any:
    roll = dice.random()
    if roll < 0.4:
        return dice.choice(TEXTS)
    if roll < 0.6:
        return dice.choice(NUMBERS)
    if roll < 0.75:
        return dice.choice((True, False, None))
    if depth > 3:
        return "\ud800"
    if roll < 0.9:
        return [_value(dice, depth + 1) for _ in range(dice.choice((0, 1, 3, 3)))]
    return {dice.choice(("what", "seq", "x", "")): _value(dice, depth + 1)}
