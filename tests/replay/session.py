"""A trace typed by three people who take turns, on a real server that is killed on the way."""

import html
import random
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pycrdt import Doc, XmlElement, XmlFragment, XmlText

from editor.bucket import Bucket
from editor.limits import Limits
from tests.live import Server, SocketLink, Visitor
from tests.people import Person
from tests.replay.trace import Patch, Trace, apply

LONGEST_TURN = 20  # keystrokes
TRANSPORTS = ("websocket", "websocket", "polling")


class Typist(Person):
    """Somebody whose text is one block of code, which keeps every character as it is."""

    def __init__(self, link: SocketLink) -> None:
        self._pace = Bucket(Limits.updates_per_second * 0.95, Limits.updates_per_second * 1.8)
        super().__init__(link)

    def begin(self, content: str) -> None:
        with self.doc.transaction(origin="typing"):
            block = self.body.children.append(XmlElement("codeBlock"))
            block.children.append(XmlText(content))
        self._send()

    def press(self, keystroke: Sequence[Patch], content: str) -> None:
        """Type, one update for one keystroke. `content`: the text as it is, from which offsets in bytes follow."""
        time.sleep(self._pace.take())
        text = code(self.doc)
        with self.doc.transaction(origin="typing"):
            for patch in keystroke:
                first, last = patch.position, patch.position + patch.deleted
                begin = len(content[:first].encode())
                if patch.deleted:
                    del text[begin : begin + len(content[first:last].encode())]
                if patch.inserted:
                    text.insert(begin, patch.inserted)
                content = apply(content, [patch])
        self._send()

    def has(self, seq: int) -> bool:
        """Whether everything up to this entry is here; what one typed oneself is not sent back."""
        return self.joined is not None and max(self.seq, self.saved_seq) >= seq

    @property
    def content(self) -> str:
        return str(code(self.doc)) if self.body.children else ""


def code(doc: Doc[Any]) -> XmlText:
    """The text of the one block in a note."""
    text = doc.get("body", type=XmlFragment).children[0].children[0]
    assert isinstance(text, XmlText)
    return text


class Replay:
    """Raises AssertionError as soon as anything is not as the trace has it."""

    def __init__(
        self, trace: Trace, data: Path, kills: int, seed: int, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self._trace = trace
        self._database = data / "palimpsest.sqlite"
        self._server = Server(data)
        self._say = say
        self._chance = random.Random(seed)
        count = len(trace.keystrokes)
        self._kills = set(self._chance.sample(range(count), min(kills, count)))

    def run(self) -> None:
        self._server.start()
        try:
            self._open()
            self._type()
            self._compare()
        finally:
            self._server.kill()

    def _open(self) -> None:
        owner = Visitor(self._server).sign_up("Alice")
        self._note = owner.new_note()
        link = owner.share(self._note, "editor")
        visitors = [owner, Visitor(self._server).say_name("Bob"), Visitor(self._server).say_name("Carol")]
        for visitor in visitors[1:]:
            visitor.follow(link)
        self._owner = owner
        self._typists = [
            Typist(SocketLink(self._server, visitor, self._note, transport))  # type: ignore[arg-type]
            for visitor, transport in zip(visitors, TRANSPORTS, strict=True)
        ]

    def _type(self) -> None:
        content = self._trace.start
        typist = self._typists[0]
        typist.begin(content)
        typist.until(lambda: typist.saved)
        began = told = time.monotonic()
        left = 0
        for number, keystroke in enumerate(self._trace.keystrokes):
            if left == 0:
                typist = self._hand_over(typist, content)
                left = self._chance.randint(1, LONGEST_TURN)
            left -= 1
            typist.press(keystroke, content)
            before, content = content, apply(content, keystroke)
            if number in self._kills:
                self._kill(before, content)
            typist.until(lambda typist=typist: typist.saved)  # type: ignore[misc]
            if time.monotonic() - told > 1:
                told = time.monotonic()
                self._progress(number + 1, told - began)
        self._progress(len(self._trace.keystrokes), time.monotonic() - began)
        self._hand_over(typist, content)

    def _hand_over(self, last: Typist, content: str) -> Typist:
        """Everybody takes in what was typed; then it is another one's turn."""
        for typist in self._typists:
            typist.until(lambda typist=typist: typist.has(last.saved_seq))  # type: ignore[misc]
            _same(typist.content, content, "the text of a typist")
        return self._chance.choice([typist for typist in self._typists if typist is not last])

    def _kill(self, before: str, after: str) -> None:
        """In the moment after a keystroke was sent: the database has everything before it, and perhaps it as well."""
        time.sleep(self._chance.uniform(0, 0.01))
        self._server.kill()
        stored = self._stored()
        if stored != after:
            _same(stored, before, "what a killed server has stored")
        self._server.start()

    def _compare(self) -> None:
        end = self._trace.end
        for typist in self._typists:
            _same(typist.content, end, "the text of a typist")
            typist.leave()
        self._server.stop()
        _same(self._stored(), end, "what is stored")
        self._server.start()
        page = self._owner.read(f"/n/{self._note}")
        # A last line that is empty has a break in it, as the editor draws it.
        found = re.search(r"<pre><code[^>]*>(.*?)(?:<br>)?</code></pre>", page, re.DOTALL)
        assert found is not None, "expected the block of code in the first response"
        _same(html.unescape(found[1]), end, "the text in the first response")

    def _stored(self) -> str:
        database = sqlite3.connect(self._database)
        query = 'SELECT "update" FROM entry WHERE document_id = ? ORDER BY seq'
        doc: Doc[Any] = Doc()
        with doc.transaction():
            for (update,) in database.execute(query, (self._note,)):
                doc.apply_update(update)
        database.close()
        return str(code(doc))

    def _progress(self, done: int, seconds: float) -> None:
        total = len(self._trace.keystrokes)
        killed = sum(number < done for number in self._kills)
        self._say(f"{done:,} of {total:,} keystrokes, {done / seconds:.0f} a second, killed {killed} times")


def _same(found: str, expected: str, what: str) -> None:
    if found != expected:
        at = next(
            (at for at, (one, other) in enumerate(zip(found, expected, strict=False)) if one != other),
            min(len(found), len(expected)),
        )
        raise AssertionError(
            f"{what} has {len(found)} characters, expected {len(expected)}; they differ from character {at}: "
            f"{found[at : at + 40]!r}, expected {expected[at : at + 40]!r}"
        )
