"""What the administrator decides in the browser."""

from flask import Blueprint, current_app

from editor import access, body, policy
from editor.database import session
from editor.models import Setting

settings = Blueprint("settings", __name__, url_prefix="/api/settings")


@settings.get("")
def show() -> dict[str, bool]:
    access.administrator()
    return policy.read()[0]._asdict()


@settings.patch("")
def change() -> dict[str, bool]:
    access.administrator()
    before, _ = policy.read()
    for key, value in body.fields(guests=bool, signups=bool).items():
        session.merge(Setting(key=key, value=value))
    session.commit()
    after, _ = policy.read()
    if after.guests != before.guests:
        current_app.extensions["sockets"].expel_guests()
    return after._asdict()
