"""The one who is here: what a page needs to know about them, and their name."""

from typing import Any

from flask import Blueprint
from flask_wtf.csrf import generate_csrf

from editor import access, body, policy
from editor.characters import LONGEST_NAME
from editor.content.schema import SCHEMA_VERSION
from editor.database import session
from editor.models import User

me = Blueprint("me", __name__, url_prefix="/api/me")


def boot() -> dict[str, Any]:
    """Boot (docs/http.md), without a document."""
    kept, first = policy.read()
    user = access.person()
    return {
        "user": user and describe(user),
        "csrf": generate_csrf(),
        "schema": SCHEMA_VERSION,
        "first": first,
        "settings": kept._asdict(),
    }


def describe(user: User) -> dict[str, Any]:
    """User (docs/http.md)."""
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "guest": user.guest,
        "admin": access.is_administrator(user),
    }


@me.get("")
def show() -> dict[str, Any]:
    return boot()


@me.patch("")
def rename() -> dict[str, Any]:
    user = access.signed_in()
    user.name = body.line("name", body.needed("name", str), LONGEST_NAME)
    session.commit()
    return boot()
