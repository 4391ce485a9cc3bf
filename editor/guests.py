"""People who say their name and write, without an account."""

from typing import Any

from flask import Blueprint
from flask_security.utils import login_user

from editor import access, body, policy
from editor.auth import accounts
from editor.characters import LONGEST_NAME
from editor.database import session
from editor.errors import Conflict, Denied
from editor.me import boot

guests = Blueprint("guests", __name__, url_prefix="/api/guests")


@guests.post("")
def create() -> tuple[dict[str, Any], int]:
    if not policy.read()[0].guests:
        raise Denied("Guests are not welcome here: the administrator asks for an account.")
    if access.person() is not None:
        raise Conflict("You already have a name here.")
    name = body.line("name", body.needed("name", str), LONGEST_NAME)
    user = accounts.create_user(name=name, guest=True)
    session.commit()
    login_user(user, authn_via=["guest"])
    return boot(), 201
