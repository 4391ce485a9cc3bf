"""Builds the browser's part of the program and puts it into the wheel."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # hatchling loads this file by its path
import node  # type: ignore[import-not-found]  # noqa: E402

NOT_SOURCES = {"dist", "node_modules", "test", "__pycache__"}


class FrontendHook(BuildHookInterface[Any]):
    """Named in pyproject.toml."""

    def dependencies(self) -> list[str]:
        """What the build needs besides hatchling."""
        return [] if node.system_node() else [node.WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """The wheel holds `frontend/dist` as `editor/static/dist`, built from the sources as they are now."""
        if version == "editable":
            return  # The checkout's own frontend/dist is served then; `make` builds it.
        dist = HERE / "dist"
        if not is_built(dist):
            node.npm("ci", "--no-audit", "--no-fund")
            node.npm("run", "build")
        build_data["force_include"][str(dist)] = "editor/static/dist"


def is_built(dist: Path) -> bool:
    """Whether `dist` is there and no source is newer."""
    page = dist / "index.html"
    if not page.exists():
        return False
    sources = (
        path
        for top in HERE.iterdir()
        if top.name not in NOT_SOURCES
        for path in (top.rglob("*") if top.is_dir() else [top])
        if path.is_file()
    )
    return all(source.stat().st_mtime <= page.stat().st_mtime for source in sources)
