"""`python -m tests.nemesis.peer`: what does an acknowledgement mean? Here, and on Hocuspocus with its SQLite extension.

Somebody types a word every 50 ms, each acknowledged by the server. Then server and typist are killed in one moment, the
server starts again, and a newcomer looks for every word that was acknowledged. `npm install` in this folder first.
"""

import argparse
import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import websocket
from pycrdt import Doc, Text

from frontend.node import node
from sync.codec import Reader, uint_bytes, var_bytes
from tests.live import Server, SocketLink, Visitor
from tests.people import Person

HERE = Path(__file__).parent
EVERY = 0.05  # seconds between two words
LONGEST = 20.0  # seconds that somebody types until the kill
QUIET = 12.0  # seconds without a change, in which each of them has stored everything
SYNC, AUTH, REPLY, STATUS = 0, 2, 4, 8  # Hocuspocus' kinds of messages
PATIENCE = 20.0  # seconds


class Side(Protocol):
    """A server, and how to write with it."""

    name: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def writer(self, document: str) -> Callable[[str], None]:
        """Opens a document. What is returned adds a word to it, and returns when that is acknowledged."""

    def text(self, document: str) -> str:
        """What a newcomer reads."""


class Palimpsest:
    name = "Palimpsest"

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder / "palimpsest")
        self._notes: dict[str, str] = {}
        self._visitor: Visitor | None = None

    def start(self) -> None:
        self._server.start()
        self._visitor = self._visitor or Visitor(self._server).sign_up("Ann")

    def kill(self) -> None:
        self._server.kill()

    def writer(self, document: str) -> Callable[[str], None]:
        assert self._visitor is not None
        self._notes[document] = self._visitor.new_note()
        person = self._open(document)

        def write(word: str) -> None:
            person.type(word)
            person.until(lambda: person.saved)

        return write

    def text(self, document: str) -> str:
        return str(self._open(document).text)

    def _open(self, document: str) -> Person:
        assert self._visitor is not None
        person = Person(SocketLink(self._server, self._visitor, self._notes[document]))
        person.until(lambda: person._greeted)
        return person


class Hocuspocus:
    name = "Hocuspocus 4.7.0, SQLite"

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        if not (HERE / "node_modules").exists():
            raise SystemExit(f"expected Hocuspocus in {HERE}: run npm install there")
        self._command = [node(), str(HERE / "server.mjs"), str(self._port), str(folder / "hocuspocus.sqlite")]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"expected Hocuspocus to listen within {PATIENCE} s")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def writer(self, document: str) -> Callable[[str], None]:
        tab = _Tab(self._port, document)

        def write(word: str) -> None:
            tab.write(word)
            tab.until(lambda: tab.unsaved == 0)

        return write

    def text(self, document: str) -> str:
        with closing(_Tab(self._port, document)) as tab:
            return str(tab.text)


class _Tab:
    """A document open on Hocuspocus, as its provider does it: `unsaved` are its unsynced changes."""

    def __init__(self, port: int, document: str) -> None:
        self._name = var_bytes(document.encode())
        self._socket = websocket.create_connection(f"ws://127.0.0.1:{port}", timeout=PATIENCE)
        self.doc: Doc[Any] = Doc()
        self.text = self.doc.get("text", type=Text)
        self.unsaved = 0
        self._there = False
        self._send(AUTH, uint_bytes(0) + var_bytes(b"token"))
        self._send(SYNC, uint_bytes(0) + var_bytes(self.doc.get_state()))
        self.until(lambda: self._there)

    def write(self, word: str) -> None:
        before = self.doc.get_state()
        self.text += word
        self.unsaved += 1
        self._send(SYNC, uint_bytes(2) + var_bytes(self.doc.get_update(before)))

    def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            data = self._socket.recv()
            assert isinstance(data, bytes), f"expected a binary message, got {data!r}"
            reader = Reader(data)
            reader.raw("document")
            self._take(reader)

    def close(self) -> None:
        self._socket.shutdown()  # type: ignore[no-untyped-call]

    def _take(self, reader: Reader) -> None:
        kind = reader.uint("kind")
        if kind == STATUS and reader.uint("saved"):
            self.unsaved = max(0, self.unsaved - 1)
        elif kind in (SYNC, REPLY):
            step, payload = reader.uint("step"), reader.raw("payload")
            if step == 0:
                self._send(REPLY, uint_bytes(1) + var_bytes(self.doc.get_update(payload)))
                return
            self.doc.apply_update(payload)
            self._there = True

    def _send(self, kind: int, body: bytes) -> None:
        self._socket.send_binary(self._name + uint_bytes(kind) + body)


def killed(side: Side, document: str, seconds: float, quiet: float = 0) -> tuple[int, int]:
    """Type for so long, be quiet, kill: how many words were acknowledged, and how many of them are not there then."""
    side.start()
    try:
        write = side.writer(document)
        end = time.monotonic() + seconds
        words: list[str] = []
        while time.monotonic() < end:
            words.append(f"[{len(words)}]")
            write(words[-1])
            time.sleep(EVERY)
        time.sleep(quiet)
        side.kill()
        side.start()
        text = side.text(document)
        return len(words), sum(word not in text for word in words)
    finally:
        side.kill()


def compare(side: Side, rounds: int, dice: random.Random) -> None:
    acked, missing = killed(side, "control", 1, QUIET)
    if missing:
        raise SystemExit(f"{side.name}: {missing} of {acked} words are missing that it had {QUIET} s to store")
    acked = missing = 0
    for number in range(rounds):
        seconds = dice.uniform(0.5, LONGEST)
        said, gone = killed(side, f"document-{number}", seconds)
        acked, missing = acked + said, missing + gone
        print(f"{side.name}: killed after {seconds:.1f} s, {said} words acknowledged, {gone} of them lost", flush=True)
    print(f"{side.name}: {rounds} kills, {acked} words acknowledged, {missing} of them lost")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.nemesis.peer", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="kills of each server (10)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"--seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder:
        for side in (Palimpsest(Path(folder)), Hocuspocus(Path(folder))):
            compare(side, options.rounds, random.Random(options.seed))


if __name__ == "__main__":
    main()
