"""The JSON object that a request carries, checked before a view sees it."""

import json
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, TypeVar, get_args

from flask import Flask, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from editor.characters import is_line, is_seen
from editor.errors import Invalid

View = TypeVar("View", bound=Callable[..., Any])

KINDS: dict[type | UnionType, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    int | None: "a whole number or null",
    dict: "an object",
    list: "a list",
}
MOST_DIGITS = 18  # of a number in an address: databases keep 64 bits


def register(app: Flask) -> None:
    """Requests under /api that carry a body carry one JSON object; others are refused in words.

    Those are the exception whose view `takes_bytes`.
    """

    @app.before_request
    def _check() -> None:
        # Its length is not asked for: a body that is sent in chunks has none.
        view = app.view_functions.get(request.endpoint or "")
        most: int | None = getattr(view, "most_bytes", None)
        if most is not None:
            request.max_content_length = most
            return
        if not request.path.startswith("/api/") or not request.get_data():
            return
        try:
            content = request.get_json()
            json.dumps(content, ensure_ascii=False).encode()
        except UnsupportedMediaType as error:
            raise Invalid("The body must be JSON, with the content type application/json.") from error
        except (BadRequest, RecursionError, UnicodeEncodeError) as error:
            # JSON can be nested deeper than anybody reads it, and name halves of characters.
            raise Invalid("The body is not valid JSON.") from error
        if not isinstance(content, dict):
            raise Invalid("The body must be a JSON object.")


def takes_bytes(most: int) -> Callable[[View], View]:
    """The view reads the body as it is, of at most so many bytes."""

    def mark(view: View) -> View:
        view.most_bytes = most  # type: ignore[attr-defined]
        return view

    return mark


def fields(needed: Sequence[str] = (), /, **kinds: type | UnionType) -> dict[str, Any]:
    """The named fields that the request carries, each of its kind. Raises `Invalid` for one that is wrong, unknown or
    `needed` and not there."""
    content: dict[str, Any] = request.get_json() if request.get_data() else {}
    errors = {name: ["This field is not known here."] for name in content if name not in kinds}
    for name, kind in kinds.items():
        if type(content[name]) not in (get_args(kind) or (kind,)) if name in content else name in needed:
            errors[name] = [f"This must be {KINDS[kind]}."]
    if errors:
        raise Invalid("The request has wrong fields, or lacks one.", errors)
    return content


def needed(name: str, kind: type) -> Any:
    """The one field that the request is about. Raises `Invalid` without it."""
    return fields((name,), **{name: kind})[name]


def number(name: str) -> int | None:
    """A whole number from 0 on in the address, after the question mark. Raises `Invalid` if it is something else."""
    value = request.args.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS):
        raise Invalid("The address has a wrong part.", {name: [f"This must be a whole number, not {value[:40]!r}."]})
    return int(value)


def line(name: str, value: str, longest: int, *, empty: bool = False) -> str:
    """`value` without blanks around it. Raises `Invalid` unless it is one line of at most `longest` characters."""
    value = value.strip()
    problems = []
    if not value and not empty:
        problems.append("This must not be empty.")
    if len(value) > longest:
        problems.append(f"This must have at most {longest} characters; it has {len(value)}.")
    if not is_line(value):
        problems.append("This must be one line, without control characters.")
    elif value and not is_seen(value):
        problems.append("This must have something in it that can be seen.")
    if problems:
        raise Invalid("That does not work.", {name: problems})
    return value
