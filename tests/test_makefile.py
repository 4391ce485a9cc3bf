"""What the Makefile names is there."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

MAKEFILE = (Path(__file__).parent.parent / "Makefile").read_text()


@pytest.mark.parametrize("module", sorted(set(re.findall(r"-m (tests\.[\w.]+)", MAKEFILE))))
def test_every_program_that_it_runs_exists(module: str) -> None:
    found = find_spec(module)
    assert found is not None
    assert found.submodule_search_locations is None or find_spec(f"{module}.__main__")


def test_help_tells_of_every_command() -> None:
    named = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert named is not None
    told = set(re.findall(r'"make (\w+)', MAKEFILE))
    assert set(named[1].split()) - {"help"} == told
