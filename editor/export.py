"""A note as a file to keep: it shows itself anywhere, and does nothing."""

import re
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote

from flask import Response
from pycrdt import XmlFragment

from editor.content import html, text

LONGEST_FILE_NAME = 100  # characters, without what says its kind
UNTITLED = "Untitled"

# What the file may do, wherever it is opened: have its style, and nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

PAGE = """<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1.5rem }}
body {{ overflow-wrap: break-word }}
pre {{ overflow-x: auto; padding: 0.75rem 1rem; border: 1px solid; border-radius: 0.375rem }}
blockquote {{ margin-inline: 0; padding-inline-start: 1rem; border-inline-start: 3px solid }}
table {{ border-collapse: collapse }}
th, td {{ border: 1px solid; padding: 0.25rem 0.5rem; text-align: start; vertical-align: top }}
ul[data-type=taskList] {{ list-style: none; padding: 0 }}
ul[data-type=taskList] > li {{ display: flex; gap: 0.5rem }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def answer(form: str, title: str, fragment: XmlFragment, version: str | None) -> Response:
    """The note as a file in one of `FORMS`, called after its title and the name of the moment."""
    kind, render = FORMS[form]
    response = Response(render(title or UNTITLED, fragment), content_type=f"{kind}; charset=utf-8")
    called = " – ".join(part for part in (title or UNTITLED, version) if part)
    name = quote(f"{_file_name(called)}.{form}", safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response.headers["Content-Security-Policy"] = f"{POLICY}; sandbox"
    response.cache_control.no_store = True
    return response


def _html(title: str, fragment: XmlFragment) -> str:
    return PAGE.format(policy=escape(POLICY), title=escape(title), body=html.to_html(fragment))


def _text(title: str, fragment: XmlFragment) -> str:
    return f"{title}\n\n{text.to_text(fragment)}\n"


def _file_name(called: str) -> str:
    """Without what some system does not take in the name of a file."""
    words = re.sub(r'[\\/:*?"<>|\x00-\x1f]', " ", called).split()
    return " ".join(words)[:LONGEST_FILE_NAME].strip(" .") or UNTITLED


FORMS: Mapping[str, tuple[str, Callable[[str, XmlFragment], str]]] = {
    "html": ("text/html", _html),
    "txt": ("text/plain", _text),
}
