"""`editor -> sync -> pycrdt`, and who may know whom: docs/contributor.md, held to what the files import."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VIEWS = {
    "editor.assets",
    "editor.auth",
    "editor.documents",
    "editor.entries",
    "editor.erasures",
    "editor.guests",
    "editor.health",
    "editor.history",
    "editor.me",
    "editor.metrics",
    "editor.pages",
    "editor.settings",
    "editor.shares",
    "editor.sockets",
    "editor.versions",
}


def imported(file: Path) -> set[str]:
    """Every module that the file names in an import, wherever in it, and every name it takes from a package of ours."""
    return set(_names(ast.parse(file.read_text()), file))


def _names(tree: ast.Module, file: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{file}: expected imports by their whole name"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"expected Python files in {folder}/"
    return found


def importers(module: str) -> set[str]:
    """The files of the program that import this module, or something of it."""
    return {
        file.relative_to(ROOT).as_posix()
        for folder in ("editor", "sync")
        for file in files(folder)
        if any(name == module or name.startswith(f"{module}.") for name in imported(file))
    }


@pytest.mark.parametrize("file", files("sync"), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_engine_needs_pycrdt_and_the_standard_library_and_nothing_else(file: Path) -> None:
    outside = {name.split(".")[0] for name in imported(file)} - sys.stdlib_module_names - {"sync", "pycrdt"}
    assert not outside


def test_only_the_sockets_know_both_socket_io_and_rooms() -> None:
    knows_sockets = importers("socketio") | importers("flask_socketio")
    knows_rooms = importers("sync.room") | importers("sync.rooms")
    # create_app wires them, and imports no library of sockets itself.
    assert knows_sockets & knows_rooms == {"editor/sockets.py"}


@pytest.mark.parametrize("module", ["editor/models.py", "editor/access.py"])
def test_tables_and_permissions_know_no_view(module: str) -> None:
    assert not imported(ROOT / module) & VIEWS


def test_only_the_command_makes_the_app() -> None:
    assert importers("editor.create_app") == {"editor/cli.py", "editor/serve.py"}


def test_only_the_configuration_reads_the_environment() -> None:
    def reads(file: Path) -> bool:
        return any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            and isinstance(node.value, ast.Name) and node.value.id == "os"
            for node in ast.walk(ast.parse(file.read_text()))
        )

    assert {file.name for file in files("editor") if reads(file)} == {"config.py"}


def test_every_view_that_is_named_here_exists() -> None:
    for view in VIEWS:
        assert (ROOT / f"{view.replace('.', '/')}.py").is_file(), view
