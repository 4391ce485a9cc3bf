"""A Chromium for the browser tests: `python -m tests.tools.chromium` says where it is, having installed it if need be.

In this order: `CHROMIUM` in the environment, the system's, Debian's package (as root), npm's @sparticuz/chromium, which
then stays in .cache/.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from frontend.node import node, npm

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".cache" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",  # Chromium's own needs a user that is not root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> Path:
    """The Chromium that is here. Raises FileNotFoundError when there is none."""
    named = os.environ.get("CHROMIUM")
    candidates = [named] if named else [*NAMES, str(UNPACKED / "chromium")]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return Path(found)
    raise FileNotFoundError(f"expected one of {', '.join(candidates)}; `make test` installs one")


def environment() -> dict[str, str]:
    """What to start `chromium()` with: the one of npm brings the libraries that a bare system lacks."""
    if not chromium().is_relative_to(UNPACKED):
        return dict(os.environ)
    return {**os.environ, "LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib")}


def _runs() -> bool:
    """Whether there is one and it has all the libraries it needs."""
    try:
        command = [str(chromium()), "--version"]
        return subprocess.run(command, capture_output=True, check=False, env=environment()).returncode == 0
    except OSError:
        return False


def _from_debian() -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], check=False, env=environ)
    subprocess.run(
        ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"], check=False, env=environ
    )


def _from_npm() -> None:
    package = ROOT / ".cache" / "sparticuz"
    npm("install", "--prefix", str(package), "--no-audit", "--no-fund", "@sparticuz/chromium")
    UNPACKED.mkdir(parents=True, exist_ok=True)
    unpack = "import('@sparticuz/chromium').then(it => it.default.executablePath())"
    # It unpacks itself into the folder for temporary files, and its libraries only where it believes it needs them.
    environ = {**os.environ, "TMPDIR": str(UNPACKED), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    subprocess.run([node(), "-e", unpack], check=True, cwd=package, env=environ)


def main() -> None:
    """Install one if there is none; say which one it is."""
    ways: list[Callable[[], None]] = [_from_debian, _from_npm]
    for way in ways:
        if _runs():
            break
        way()
    if not _runs():
        sys.exit("expected to find or install Chromium; install it and give its path in CHROMIUM")
    print(f"Chromium: {chromium()}")


if __name__ == "__main__":
    main()
