"""What the build of the frontend made: scripts, styles, icons and the service worker."""

import gzip
import json
import mimetypes
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, request

from editor.errors import NotFound

assets = Blueprint("assets", __name__)

HERE = Path(__file__).resolve().parent
YEAR = 365 * 24 * 3600


def dist() -> Path:
    """The folder with the built page: in a checkout what `make run` builds, else what came with the wheel."""
    checkout = HERE.parent / "frontend" / "dist"
    return checkout if checkout.is_dir() else HERE / "static" / "dist"


def chunks(page: str) -> list[str]:
    """The addresses of the scripts that this page (a source file of the frontend) cannot run without."""
    built = json.loads((dist() / "chunks.json").read_text())
    names = [page]
    for name in names:  # which grows meanwhile
        names += [each for each in built[name].get("imports", ()) if each not in names]
    return [f"/{built[name]['file']}" for name in names]


@assets.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """A file whose name changes with its content: a browser never asks for it twice."""
    response = _serve(f"assets/{name}")
    response.cache_control.public = True
    response.cache_control.max_age = YEAR
    response.cache_control.immutable = True
    return response


@assets.get("/sw.js")
@assets.get("/favicon.svg")
@assets.get("/manifest.webmanifest")
def fixed() -> Response:
    """A file whose name stays: browsers ask each time whether it is still the same."""
    response = _serve(request.path[1:])
    response.cache_control.no_cache = True
    return response


def _serve(name: str) -> Response:
    root = dist()
    try:
        path = (root / name).resolve()
        found = path.is_relative_to(root.resolve()) and path.is_file()
    except (OSError, ValueError):  # no file can have this name: it is too long, or has a NUL in it
        found = False
    if not found:
        raise NotFound("There is no such file.")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = kind.startswith("text/") or kind in ("application/javascript", "image/svg+xml", "application/json")
    content, smaller = _read(path, path.stat().st_mtime_ns, packed)
    response = Response(content, mimetype=kind)
    if smaller is not None:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0:
            response.set_data(smaller)
            response.content_encoding = "gzip"
    response.add_etag()
    response.make_conditional(request)
    return response


@lru_cache(maxsize=256)
def _read(path: Path, changed: int, packed: bool) -> tuple[bytes, bytes | None]:
    """The file, and the same compressed once for all."""
    content = path.read_bytes()
    return content, gzip.compress(content, 9, mtime=0) if packed else None
