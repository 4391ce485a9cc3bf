"""What the administrator decides in the browser."""

from typing import Any

from flask import Blueprint, current_app

from editor import access, body, policy
from editor.database import session
from editor.errors import Invalid
from editor.models import Setting

settings = Blueprint("settings", __name__, url_prefix="/api/settings")

LONGEST_RETENTION = 36_500  # days


@settings.get("")
def show() -> dict[str, Any]:
    access.administrator()
    return policy.read()[0]._asdict()


@settings.patch("")
def change() -> dict[str, Any]:
    access.administrator()
    given = body.fields(guests=bool, signups=bool, retention=int | None)
    days = given.get("retention")
    if days is not None and not 1 <= days <= LONGEST_RETENTION:
        wrong = f"This must be a number of days from 1 to {LONGEST_RETENTION}, or null to keep history for ever."
        raise Invalid("That does not work.", {"retention": [wrong]})
    before, _ = policy.read()
    for key, value in given.items():
        session.merge(Setting(key=key, value=value))
    session.commit()
    after, _ = policy.read()
    if after.guests != before.guests:
        current_app.extensions["sockets"].expel_guests()
    return after._asdict()
