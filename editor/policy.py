"""What the administrator has decided, and who the administrator is."""

from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from editor.database import session as database
from editor.models import Setting

ADMINISTRATOR = "administrator"


class Settings(NamedTuple):
    guests: bool = True  # people without an account may write where a link or an empty list invites them
    signups: bool = True  # anybody may make an account; the first one always may
    retention: int | None = None  # days after which history is erased; None: it is kept for ever


def read(session: Session | scoped_session[Any] = database) -> tuple[Settings, bool]:
    """The settings, and whether the first account is still to come."""
    kept = {row.key: row.value for row in session.execute(select(Setting.key, Setting.value))}
    known = {name: kept[name] for name in Settings._fields if name in kept}
    return Settings(**known), ADMINISTRATOR not in kept


def claim_administrator(user_id: int) -> bool:
    """True for the first account that asks, ever, however many ask at once."""
    try:
        with database.begin_nested():
            database.add(Setting(key=ADMINISTRATOR, value=user_id))
    except IntegrityError:
        return False
    return True
