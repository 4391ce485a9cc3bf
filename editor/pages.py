"""The pages: one built shell, filled with who is here and, for a note, with its text, so that people read at once."""

import gzip
import json
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import gevent
from flask import Blueprint, Flask, Response, current_app, request
from flask import session as cookie
from pycrdt import Doc

from editor import access, assets, documents, states, worker
from editor.access import Access, Role
from editor.content import html, schema, text
from editor.errors import Problem
from editor.loop import pause
from editor.me import boot
from editor.recent import Recent

pages = Blueprint("pages", __name__)

FIRST = 40_000  # characters of HTML: some ten screens, which are read before the note itself can have come
CACHE_BYTES = 32 * 1024 * 1024  # of rendered notes in each process
ZIPPED = 4096  # bytes from which on a page is compressed,
ZIPPED_ELSEWHERE = 64 * 1024  # and on another thread, for it takes milliseconds
THEMES = ("light", "dark")

NOTE = "src/pages/Note.svelte"  # what shows a note

# The rest comes with the script; and without one, or where that cannot show it, in this way.
REST = '<p class="note-rest"><a href="/n/{}?whole">Show all of this note</a></p>'

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Palimpsest is not built yet</title>
<h1>The page is not built yet</h1><p>Run <code>make run</code> in the folder of Palimpsest: it builds the page and
starts the server again.</p></html>"""


def register(app: Flask) -> None:
    """Serve the pages."""
    app.extensions["rendered"] = Recent(CACHE_BYTES, size)
    app.register_blueprint(pages)


@pages.get("/")
@pages.get("/signin")
@pages.get("/signup")
@pages.get("/settings")
def shell() -> Response:
    return _fill("Palimpsest", boot())


@pages.get("/offline")
def offline() -> Response:
    """The shell that the service worker keeps. It says nothing about who fetched it."""
    return _fill("Palimpsest", None)


@pages.get("/n/<document_id>")
@pages.get("/n/<document_id>/history", endpoint="history")  # the same page: its script draws the rest, or says why not
@pages.get("/n/<document_id>/who", endpoint="who")
def note(document_id: str) -> Response:
    token = request.args.get("s")
    if token is not None:
        access.open_link(document_id, token)
    found = access.find(document_id, Role.VIEWER, binned=True)
    title, body = _read(found, whole="whole" in request.args)
    heading = f'<h1 class="note-title" dir="auto">{escape(title)}</h1>'
    return _fill(
        f"{title} – Palimpsest" if title else "Palimpsest",
        boot() | {"document": documents.describe([found])[0]},
        f'<main class="first"><article class="note">{heading}<div class="note-body">{body}</div></article></main>',
        NOTE,
    )


def problem_page(problem: Problem) -> Response:
    """The page for what did not work: the shell, which knows from its boot object that there is no note."""
    what = f'<main class="first"><h1>{escape(problem.title)}</h1><p>{escape(problem.detail)}</p></main>'
    # A server that is in trouble may not even know who is here.
    response = _fill(f"{problem.title} – Palimpsest", boot() if problem.status < 500 else None, what)
    if response.status_code == 200:
        response.status_code = problem.status
    return response


def _fill(title: str, boot_object: dict[str, Any] | None, first: str = "", page: str | None = None) -> Response:
    """The shell. `page`: the source of the page that its script will show; what that needs is named for the browser."""
    index = assets.dist() / "index.html"
    if not index.is_file():
        return _page(NOT_BUILT, 503)
    if cookie.permanent and boot_object is not None:
        cookie.modified = True  # a session lasts from the last visit on; what is fetched to be kept is none
    theme = request.cookies.get("theme", "")
    template = _template(index, index.stat().st_mtime_ns)
    return _page(
        template.format(
            theme=theme if theme in THEMES else "",
            title=escape(title),
            boot="" if boot_object is None else escape(json.dumps(boot_object)),
            ahead="" if page is None else _ahead(index, index.stat().st_mtime_ns, page),
            first=first,
        ),
        200,
    )


def _page(content: str, status: int) -> Response:
    page = content.encode()
    response = Response(page, status, content_type="text/html; charset=utf-8")
    if len(page) >= ZIPPED:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0:
            # The sizes of many such pages tell nothing about the token in them: its signature is another every second.
            pool = gevent.get_hub().threadpool
            response.set_data(
                gzip.compress(page, 5) if len(page) < ZIPPED_ELSEWHERE else worker.run(pool, gzip.compress, page, 5)
            )
            response.content_encoding = "gzip"
    # A page holds a person's notes and token: it is for this visit only.
    response.cache_control.no_store = True
    return response


SLOTS = {
    '<html lang="en" data-theme="">': '<html lang="en" data-theme="{theme}">',
    "<title>Palimpsest</title>": "<title>{title}</title>",
    '<meta name="palimpsest" content="">': '<meta name="palimpsest" content="{boot}">',
    '<link rel="icon"': '{ahead}<link rel="icon"',
    '<div id="app"></div>': '<div id="app">{first}</div>',
}


@lru_cache(maxsize=1)
def _template(index: Path, changed: int) -> str:
    """The built page with a slot for each thing that we fill in."""
    template = index.read_text().replace("{", "{{").replace("}", "}}")
    for built, slot in SLOTS.items():
        if template.count(built) != 1:
            raise ValueError(f"{index}: expected {built} once, found it {template.count(built)} times")
        template = template.replace(built, slot)
    return template


@lru_cache(maxsize=1)
def _ahead(index: Path, changed: int, page: str) -> str:
    """So that the browser fetches at once what the first script would only ask for later."""
    known = index.read_text()
    scripts = [script for script in assets.chunks(page) if f'"{script}"' not in known]
    return "".join(f'<link rel="modulepreload" crossorigin href="{escape(script)}">' for script in scripts)


def _read(found: Access, whole: bool) -> tuple[str, str]:
    """Title and text as HTML, as the log has them now. Of a long one it is the beginning, unless `whole` is wanted."""
    rendered: Recent[tuple[str, str]] = current_app.extensions["rendered"]
    document = found.document
    kind = "whole" if whole else ""
    with rendered.alone(document.id):
        kept = rendered.get(document.id + document.epoch + kind, document.head_seq)
        if kept is None:
            state, seq, epoch = states.read(document)
            doc = schema.load(state)
            # Where something is damaged this is all that anybody sees of it.
            shown = _whole(doc) if whole or seq < document.head_seq else _beginning(doc, document.id)
            kept = text.one_line(schema.title(doc)), shown
            rendered.keep(document.id + epoch + kind, seq, kept)
    return kept


def _whole(doc: Doc[Any]) -> str:
    return html.to_html(schema.body(doc), pause)


def _beginning(doc: Doc[Any], document_id: str) -> str:
    shown, more = html.beginning(schema.body(doc), FIRST, pause)
    return shown + REST.format(document_id) if more else shown


def size(rendered: tuple[str, str]) -> int:
    """Bytes of a title and a text."""
    return 4 * sum(map(len, rendered))  # Python keeps up to four bytes a character
