"""The gate. What it admits is applied to pycrdt in a process of its own, which must live, raise nothing, not be slow
and end at the gate's clocks."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sync.gate import TEXT, XML_FRAGMENT, Gate, Refused
from tests.fuzz.forger import Forger
from tests.fuzz.meter import Meter
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import Broke, Input
from tests.sync.writers import YrsWriter

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
ERRORS = {"malformed", "too-large", "denied", "resync"}


class Reader:
    """The process that applies what was admitted, see `tests.fuzz.reader`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.slowest = 0.0  # seconds for one update
        self.most = 0  # bytes for one update

    def read(self, admitted: list[tuple[bytes, dict[int, int]]]) -> None:
        """Raises `Broke`."""
        if self._process is None:
            root = Path(__file__).parents[2]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.reader"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=root,
                env={"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "PATH": ""},
            )
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        said = self._say(into, out, [(update.hex(), clocks) for update, clocks in admitted])
        if said is None:
            died = self._process.wait()
            self.close()
            raise Broke(f"the process that read it died: {died}")
        if "error" in said:
            raise Broke(said["error"])
        self.slowest = max(self.slowest, said["slowest"])
        self.most = max(self.most, said["most"])

    def _say(self, into: IO[str], out: IO[str], what: object) -> dict[str, Any] | None:
        try:
            into.write(json.dumps(what) + "\n")
            into.flush()
        except BrokenPipeError:
            return None
        line = out.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        if self._process is not None:
            with suppress(BrokenPipeError):  # it has died
                self._process.communicate()
            self._process = None


class Updates:
    name, share, in_process = "updates", 0.55, True

    def __init__(self) -> None:
        self.reader = Reader()
        self.admitted = self.refused = 0

    def case(self, meter: Meter) -> "Document":
        return Document(self, meter)

    def close(self) -> None:
        self.reader.close()


class Document:
    """A document that two users write, and what they send to it."""

    def __init__(self, target: Updates, meter: Meter) -> None:
        self._target = target
        self.gate = Gate(ROOTS, {}, pause=meter.pause)
        self._admitted: list[tuple[bytes, dict[int, int]]] = []
        self._news: bytes | None = None  # of the last input; b"" if all of it was known

    def inputs(self, dice: random.Random) -> Iterator[Input]:
        return self._honest(dice) if dice.random() < 0.3 else self._forged(dice)

    def take(self, user: int, data: bytes) -> None:
        before = dict(self.gate.clocks), dict(self.gate.owners)
        try:
            admitted = self.gate.admit(user, data)
        except Refused as refused:
            self._news = None
            self._target.refused += 1
            if before != (self.gate.clocks, self.gate.owners):
                raise Broke(f"refused, and yet something changed: {refused}") from refused
            if refused.error not in ERRORS or "expected" not in str(refused):
                raise Broke(f"expected an answer that says why, got {refused.error} {refused}") from refused
            return
        self._news = b"" if admitted is None else admitted.update
        for client, clock in self.gate.clocks.items():
            if clock > before[0].get(client, 0) and self.gate.owners[client] != user:
                raise Broke(f"user {user} wrote as client {client} of user {self.gate.owners[client]}")
        if admitted is not None:
            self._target.admitted += 1
            self._admitted.append((admitted.update, dict(self.gate.clocks)))

    def end(self) -> None:
        if self._admitted:
            self._target.reader.read(self._admitted)

    def _forged(self, dice: random.Random) -> Iterator[Input]:
        forger = Forger(dice)
        clients = {user: [dice.randrange(1, 2 ** dice.choice((4, 32, 53))) for _ in range(2)] for user in (1, 2)}
        for _ in range(dice.choice((10, 40, 100))):
            user = dice.randrange(1, 3)
            forger.clocks = dict(self.gate.clocks)
            data = forger.update(clients[user if dice.random() < 0.97 else 3 - user])
            if dice.random() < 0.1:
                data = mutate(dice, data)
            yield user, data
            if self._news:
                forger.accepted()

    def _honest(self, dice: random.Random) -> Iterator[Input]:
        log: list[bytes] = []

        def newcomer(user: int) -> YrsWriter:
            writer = YrsWriter(dice, dice.randrange(1, 2 ** dice.choice((8, 32, 53))), user)
            for update in log:
                writer.hear(update)
            return writer

        writers = [newcomer(1), newcomer(2)]
        for _ in range(dice.choice((3, 8, 15))):
            writer = dice.choice(writers)
            writer.edit()
            for honest in writer.take():
                for data in [*[mutate(dice, honest) for _ in range(12)], honest]:
                    yield writer.user_id, data
                    if not self._news:
                        continue
                    log.append(self._news)
                    for other in writers:
                        if other is not writer:
                            other.hear(self._news)
                    if data is not honest:  # the document has another text of theirs than they have: they begin afresh
                        writers[writers.index(writer)] = newcomer(writer.user_id)
                        break
                else:
                    continue
                break
