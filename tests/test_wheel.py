"""What `pip install .` puts on a machine."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, with the frontend that is built here."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("palimpsest_notes-*.whl")
    return built


def test_the_wheel_holds_the_program_the_migrations_and_the_pages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"editor/__init__.py", "sync/room.py", "editor/_alembic/env.py", "editor/static/dist/index.html"} < set(
        names
    )
    assert any(name.startswith("editor/_alembic/versions/") for name in names)
    assert any(name.startswith("editor/static/dist/assets/") and name.endswith(".js") for name in names)
    assert {name.split("/")[0] for name in names} == {"editor", "sync", "palimpsest_notes-0.1.0.dist-info"}


def test_what_was_installed_migrates_and_has_its_pages_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(installed)]
    subprocess.run([*command, str(wheel)], check=True)
    data = tmp_path / "data"
    environ = {**os.environ, "PYTHONPATH": str(installed), "PALIMPSEST_DATA": str(data)}

    def run(*command: str) -> str:
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environ, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    run(str(installed / "bin" / "palimpsest"), "migrate")
    assert (data / "palimpsest.sqlite").exists()
    page = Path(run("-c", "from editor.assets import dist; print(dist() / 'index.html')").strip())
    assert page.is_relative_to(installed)
    assert page.exists()
