"""A slice of `make fuzz`, everything that ever hurt, and proof that both can fail."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.gate import Gate
from tests.fuzz.differential import agree, compare
from tests.fuzz.forger import Forger
from tests.fuzz.frames import Frames
from tests.fuzz.meter import Meter
from tests.fuzz.reading import targets
from tests.fuzz.run import CORPUS, Fuzz, play
from tests.fuzz.targets import Broke, Input, Target
from tests.fuzz.updates import Updates
from tests.fuzz.web import Web
from tests.sync.test_gate_reopen import YJS
from tests.sync.writers import YjsProcess, YrsWriter

SEED = int(os.environ.get("SEED", random.randrange(1 << 31)))
KEPT = sorted(CORPUS.glob("*/*.json"))
PARTS: dict[str, tuple[Any, int]] = {  # and how many inputs
    "updates": (Updates, 4000),
    "frames": (Frames, 2000),
    "web": (Web, 250),
    **{target.name: (lambda target=target: target, 2000) for target in targets()},
}
needs_yjs = pytest.mark.skipif(not (YJS / "node_modules/yjs").is_dir(), reason="Yjs is not installed in frontend/")


@pytest.fixture
def part(request: pytest.FixtureRequest) -> Iterator[Target]:
    target: Target = PARTS[request.param][0]()
    yield target
    target.close()


@pytest.fixture(scope="module")
def yjs() -> Iterator[YjsProcess]:
    process = YjsProcess(YJS)
    yield process
    process.close()


@pytest.mark.parametrize("part", PARTS, indirect=True)
def test_nothing_that_is_sent_hurts(part: Target, tmp_path: Path) -> None:
    print(f"again with SEED={SEED}")
    fuzz = Fuzz([part], SEED, tmp_path)
    fuzz.run(PARTS[part.name][1])
    tally = fuzz.tallies[part.name]
    assert not tally.failures, [json.loads(path.read_text())["about"] for path in tally.failures]
    assert tally.inputs >= PARTS[part.name][1]
    if isinstance(part, Updates):
        assert 0 < part.admitted < part.refused


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_once_hurt_does_not_hurt_any_more(path: Path) -> None:
    target: Target = PARTS[path.parent.name][0]()
    try:
        play(target, path)
    finally:
        target.close()


@needs_yjs
def test_yrs_and_yjs_agree(yjs: YjsProcess) -> None:
    print(f"again with SEED={SEED}")
    for number in range(50):
        compare(yjs, SEED + number, rounds=30)


# -- That it can fail -----------------------------------------------------------------------------------


class Careless:
    """A target that does whatever it is told: raises, is slow, takes memory."""

    name, share, in_process = "careless", 1.0, True

    def case(self, meter: Meter) -> "Careless":
        return self

    def inputs(self, dice: random.Random) -> Iterator[Input]:
        yield 1, dice.choice((b"raise", b"spin", b"grow", b"end"))

    def take(self, user: int, data: bytes) -> None:
        self._last = data
        if data == b"raise":
            raise RuntimeError("as it was told")
        if data == b"spin":
            sum(range(800_000))
        if data == b"grow":
            assert bytes(20 << 20)

    def end(self) -> None:
        if self._last == b"end":
            raise Broke("in the end")

    def close(self) -> None:
        pass


def test_what_hurts_is_found_kept_and_plays_again(tmp_path: Path) -> None:
    fuzz = Fuzz([Careless()], 1, tmp_path)
    fuzz.run(60)
    about = {json.loads(path.read_text())["about"] for path in fuzz.tallies["careless"].failures}
    for words in ("as it was told", "nobody else could run", "bytes of memory", "in the end"):
        (found,) = [path for path in fuzz.tallies["careless"].failures if words in path.read_text()][:1]
        with pytest.raises((Broke, RuntimeError)):
            play(Careless(), found)
    assert len(about) >= 4


def test_a_gate_that_asks_nobody_for_clocks_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Gate, "_fresh", lambda gate, user, sections: list(sections))
    target = Updates()
    try:
        fuzz = Fuzz([target], 1, tmp_path)
        fuzz.run(3000)
    finally:
        target.close()
    assert fuzz.tallies["updates"].failures


def test_a_gate_that_asks_nobody_who_they_are_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh = Gate._fresh

    def trusting(gate: Gate, user: int | None, sections: Any) -> Any:
        theirs = {gate.owners[section.client] for section in sections if section.client in gate.owners}
        return fresh(gate, theirs.pop() if len(theirs) == 1 else user, sections)

    monkeypatch.setattr(Gate, "_fresh", trusting)
    target = Updates()
    try:
        fuzz = Fuzz([target], 1, tmp_path)
        fuzz.run(4000)
    finally:
        target.close()
    assert any("wrote as client" in path.read_text() for path in fuzz.tallies["updates"].failures)


@needs_yjs
def test_a_difference_is_found(yjs: YjsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = YrsWriter(random.Random(1), 5, user_id=1)
    for _ in range(30):
        writer.edit()
    log = writer.take()
    agree(yjs, log)
    monkeypatch.setattr("tests.fuzz.differential.read", lambda log: read_less(log))

    def read_less(log: list[bytes]) -> Any:
        from tests.sync.writers import read

        return read(log[:-1])

    with pytest.raises(Broke):
        agree(yjs, log)


def test_forged_updates_get_far() -> None:
    """Most are right in most of it: a grammar whose updates are all refused at the first byte would find nothing."""
    meter, target = Meter(), Updates()
    try:
        for seed in range(20):
            case, dice = target.case(meter), random.Random(seed)
            for user, data in case._forged(dice):
                case.take(user, data)
    finally:
        target.close()
    assert target.admitted > target.refused / 20
    assert Forger(random.Random(1)).update([1])
