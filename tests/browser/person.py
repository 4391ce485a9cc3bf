"""Somebody with a browser: what they do, and what they see."""

import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import APIResponse, BrowserContext, ConsoleMessage, Locator, Page, Response, expect

PATIENCE = 15.0  # seconds until what should happen must have happened
AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

# What Chromium says by itself when the network or the server is away. Everything else on the console is a defect.
AWAY = re.compile(
    r"net::ERR_|WebSocket connection to .* failed|the server responded with a status of 50\d"
    r"|^An unknown error occurred when fetching the script\.$"
)


class Person:
    """One browser with its own cookies, and one page in it that is looked at."""

    def __init__(self, context: BrowserContext, name: str, server: str) -> None:
        self.name = name
        self.server = server  # its address
        # Several people of the tests may have the same name, and one server.
        self.email = f"{name.lower()}.{secrets.token_hex(4)}@example.org"
        self.context = context
        self.complaints: list[str] = []
        self._excused = [AWAY]
        context.on("page", self._listen)
        self.page = context.new_page()

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"{self.name}: {error}"))
        page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(known.search(message.text) for known in self._excused):
            self.complaints.append(f"{self.name}: {message.type}: {message.text}")

    def excuses(self, pattern: str) -> None:
        """What matches may stand on the console: this person does something that the server refuses."""
        self._excused.append(re.compile(pattern))

    # What they are

    def asks(self, method: str, path: str, body: object = None) -> APIResponse:
        """One request to the HTTP side, as the page would send it."""
        # Again if the server ended a connection at that moment because it was idle for long.
        boot = self.context.request.get("/api/me", max_retries=3).json()
        headers = {"X-CSRF-Token": boot["csrf"]}
        return self.context.request.fetch(path, method=method, headers=headers, data=body, timeout=PATIENCE * 1000)

    def signs_up(self, password: str = "correct horse battery") -> "Person":
        """They have an account, made without looking at a page."""
        content = {"email": self.email, "password": password, "name": self.name}
        answer = self.asks("POST", "/api/auth/register", content)
        assert answer.ok, answer.text()
        return self

    def comes_as_guest(self) -> "Person":
        answer = self.asks("POST", "/api/guests", {"name": self.name})
        assert answer.ok, answer.text()
        return self

    # Where they go

    def opens(self, path: str) -> Response | None:
        return self.page.goto(path)

    def opens_note(self, path: str) -> None:
        """The note is there, to be read and, if they may, to be written."""
        self.opens(path)
        self.sees_the_editor()

    def sees_the_editor(self) -> None:
        expect(self.body).to_be_visible()

    def starts_note(self, title: str = "") -> str:
        """A new note of theirs, open; its address."""
        answer = self.asks("POST", "/api/documents", {"title": title} if title else {})
        assert answer.ok, answer.text()
        path = f"/n/{answer.json()['id']}"
        self.opens_note(path)
        return path

    def shares(self, path: str, role: str = "editor") -> str:
        """The address that lets others in."""
        answer = self.asks("PUT", f"/api/documents/{path.split('/')[2]}/share", {"role": role})
        assert answer.ok, answer.text()
        return str(answer.json()["share"]["url"])

    # What they do in a note

    @property
    def body(self) -> Locator:
        return self.page.locator(".note-body .ProseMirror")

    @property
    def title(self) -> Locator:
        return self.page.locator("h1.note-title")

    @property
    def state(self) -> Locator:
        return self.page.locator(".state")

    def goes_to_the_end(self) -> None:
        self.body.focus()
        self.page.keyboard.press("Control+End")

    def types(self, text: str) -> None:
        """Keys, where the caret is; at the end of the note if it is nowhere."""
        if not self.body.evaluate("element => element.contains(document.activeElement)"):
            self.goes_to_the_end()
        self.page.keyboard.type(text)

    def presses(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def sees(self, text: str) -> None:
        """This is in the note. The names at the carets of others do not count."""
        eventually(self.page, lambda: text in self.text(), lambda: f"{text!r} in {self.text()!r}")

    def sees_no(self, text: str) -> None:
        eventually(self.page, lambda: text not in self.text(), lambda: f"no {text!r} in {self.text()!r}")

    def sees_saved(self) -> None:
        """The server has acknowledged every edit. The words alone would be true a moment too early."""
        expect(self.page.locator('.state[data-pending="false"]')).to_have_text("Saved")

    def keeps_the_note(self) -> None:
        """All of it is on the device, as the server has it: no edit lies there that may not be saved."""
        eventually(
            self.page, lambda: edits_on_device(self.page) == 0, lambda: "no edits on the device that may not be saved"
        )

    def sees_kept(self, text: str) -> None:
        """The server has this text: it is in the page as it comes over the network."""
        page = self.page.url

        def kept() -> bool:
            # Again if the server has just closed a connection that was idle, as a browser would.
            return text in self.context.request.get(page, max_retries=3).text()

        eventually(self.page, kept, lambda: f"{text!r} in {page}")

    def texts(self, selector: str) -> list[str]:
        """The text of each such element of the note, without the names at the carets of others and of controls."""
        found: list[str] = self.body.evaluate(
            """(body, selector) => [...body.querySelectorAll(selector)].map((element) => {
                const copy = element.cloneNode(true)
                for (const other of copy.querySelectorAll('.caret, label, [contenteditable=false]')) other.remove()
                return copy.textContent.replace(/[\\u200b\\u2060\\ufeff]/g, '')
            })""",
            selector,
        )
        return found

    def sees_each(self, selector: str, *texts: str) -> None:
        """There are such elements with these texts, and no others."""
        wanted = list(texts)
        eventually(self.page, lambda: self.texts(selector) == wanted, lambda: f"{wanted}, not {self.texts(selector)},")

    def json(self) -> Any:
        """The note as the editor has it."""
        return self.body.evaluate("element => element.editor.getJSON()")

    def text(self) -> str:
        return str(self.body.evaluate("element => element.editor.getText({ blockSeparator: '\\n' })"))

    def waits_for_stillness(self) -> None:
        """What fades in is there."""
        self.page.evaluate(
            """() => Promise.allSettled(document.getAnimations()
                .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
                .map((one) => one.finished)).then(() => null)"""
        )

    def barriers(self) -> list[str]:
        """What on this screen shuts out people who need a screen reader, a keyboard or strong contrast (axe)."""
        self.waits_for_stillness()
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        violations = self.page.evaluate("async () => (await axe.run()).violations")
        return [f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in violations]


def eventually(page: Page, check: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for an effect that no locator can see."""
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end, f"expected {what()} within {PATIENCE:.0f} s"
        page.wait_for_timeout(20)  # lets the page's events in


def edits_on_device(page: Page) -> int:
    """Rows of the only database there."""
    found: int = page.evaluate(
        """async () => {
            const answer = (request) => new Promise((done) => (request.onsuccess = () => done(request.result)))
            const [{ name }] = await indexedDB.databases()
            const database = await answer(indexedDB.open(name))
            const count = await answer(database.transaction('updates').objectStore('updates').count())
            database.close()
            return count
        }"""
    )
    return found


def same(one: Person, other: Person) -> None:
    """They have the same note in the end."""
    eventually(one.page, lambda: other.json() == one.json(), lambda: f"{other.json()} to be {one.json()}")
