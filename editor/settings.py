"""What the administrator decides in the browser, and who the administrator is."""

from typing import Any, NamedTuple

from flask import Blueprint
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from editor import access, body
from editor.database import session
from editor.errors import Invalid
from editor.models import Setting

settings = Blueprint("settings", __name__, url_prefix="/api/settings")

LONGEST_RETENTION = 36_500  # days


class Settings(NamedTuple):
    guests: bool = True  # people without an account may write where a link or an empty list invites them
    signups: bool = True  # anybody may make an account; the first one always may
    retention: int | None = None  # days after which history is erased; None: it is kept for ever


def read() -> tuple[Settings, bool]:
    """The settings, and whether the first account is still to come."""
    kept = {row.key: row.value for row in session.execute(select(Setting.key, Setting.value))}
    known = {name: kept[name] for name in Settings._fields if name in kept}
    return Settings(**known), ADMINISTRATOR not in kept


ADMINISTRATOR = "administrator"


def claim_administrator(user_id: int) -> bool:
    """True for the first account that asks, ever, however many ask at once."""
    try:
        with session.begin_nested():
            session.add(Setting(key=ADMINISTRATOR, value=user_id))
    except IntegrityError:
        return False
    return True


@settings.get("")
def show() -> dict[str, Any]:
    access.administrator()
    return read()[0]._asdict()


@settings.patch("")
def change() -> dict[str, Any]:
    access.administrator()
    given = body.fields(guests=bool, signups=bool, retention=int | None)
    days = given.get("retention")
    if days is not None and not 1 <= days <= LONGEST_RETENTION:
        wrong = f"This must be a number of days from 1 to {LONGEST_RETENTION}, or null to keep history for ever."
        raise Invalid("That does not work.", {"retention": [wrong]})
    for key, value in given.items():
        session.merge(Setting(key=key, value=value))
    session.commit()
    return read()[0]._asdict()
