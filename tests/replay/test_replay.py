"""Real input, keystroke by keystroke, through a real server; `make replay` does all of it."""

import os
import random
from pathlib import Path

import pytest

from tests.replay.session import Replay
from tests.replay.trace import apply, generate, load

TRACES = Path(os.environ.get("PALIMPSEST_TEST_TRACES", Path(__file__).parents[3] / "shared" / "traces"))
SEED = int(os.environ.get("PALIMPSEST_TEST_SEED", random.randrange(1 << 32)))


@pytest.fixture(autouse=True)
def seed() -> None:
    print(f"PALIMPSEST_TEST_SEED={SEED}")


def recorded() -> list[Path]:
    return sorted(TRACES.glob("*.json.gz"))


def test_a_generated_session_with_kills(tmp_path: Path) -> None:
    Replay(generate(400, SEED), tmp_path, 3, SEED).run()


def test_a_recorded_session_with_kills(tmp_path: Path) -> None:
    found = recorded()
    if not found:
        pytest.skip(f"no recorded sessions (*.json.gz) in {TRACES}; PALIMPSEST_TEST_TRACES names another folder")
    trace = load(random.Random(SEED).choice(found))
    Replay(trace.first(600), tmp_path, 5, SEED).run()


def test_recorded_sessions_end_as_they_say() -> None:
    found = recorded()
    if not found:
        pytest.skip(f"no recorded sessions (*.json.gz) in {TRACES}; PALIMPSEST_TEST_TRACES names another folder")
    trace = load(min(found, key=lambda path: path.stat().st_size))
    assert trace.first(len(trace.keystrokes)).end == trace.end


def test_a_generated_session_ends_as_it_says() -> None:
    trace = generate(500, SEED)
    content = trace.start
    for keystroke in trace.keystrokes:
        content = apply(content, keystroke)
    assert content == trace.end
