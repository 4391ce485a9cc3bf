"""Accounts: sign up, sign in, sign out, change the password. The views are Flask-Security's; the answers are ours.

A guest who signs up stays the same user, so that they keep their notes and their authorship; a guest who signs in to an
account they have hands their notes over to it. Every sign-in has a random id in its cookie, by which the open
connections of a session are found when it ends.
"""

import secrets
from typing import Any, cast

import email_validator
import gevent
from flask import Flask, Response, current_app, g, json, request
from flask import session as cookie
from flask_login import user_logged_out
from flask_security import LoginForm, RegisterFormV2, Security, SQLAlchemySessionUserDatastore
from flask_security.registerable import register_user
from flask_security.signals import password_changed, user_authenticated
from passlib.context import CryptContext  # type: ignore[import-untyped]
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict
from wtforms import StringField

from editor import access, body, policy, worker
from editor.characters import LONGEST_NAME, is_line, is_seen
from editor.database import session
from editor.errors import Conflict, Denied, Invalid, NotFound, WrongPassword
from editor.me import boot
from editor.models import Role, User, WebAuthn

# Names that work inside a house (`ada@notes.local`) are addresses, too: no mail is ever sent to find out.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

ADDRESSES: dict[str, Any] = {"check_deliverability": False, "globally_deliverable": False}

VIEWS: dict[str | None, tuple[str, ...]] = {  # and the fields of each, all of them texts
    "security.register": ("email", "password", "name"),
    "security.login": ("email", "password"),
    "security.logout": (),
    "security.change_password": ("password", "new_password", "new_password_confirm"),
}

TAKEN = "There is an account with this e-mail already. If it is yours, sign in."


def register(app: Flask) -> None:
    """Serve accounts under /api/auth."""
    app.config.update(
        SECURITY_URL_PREFIX="/api/auth",
        SECURITY_REGISTERABLE=True,
        SECURITY_USE_REGISTER_V2=True,
        SECURITY_CHANGEABLE=True,
        SECURITY_PASSWORD_CONFIRM_REQUIRED=False,
        SECURITY_SEND_REGISTER_EMAIL=False,  # there need not be a mail server
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_EMAIL_VALIDATOR_ARGS=dict(ADDRESSES),
        SECURITY_PASSWORD_HASH="argon2",
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],  # it salts by itself, and a new secret key must not end all passwords
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_MSG_EMAIL_NOT_PROVIDED=("An e-mail address is needed.", "error"),
        SECURITY_MSG_INVALID_EMAIL_ADDRESS=("This is not an e-mail address.", "error"),
        SECURITY_MSG_EMAIL_ALREADY_ASSOCIATED=(TAKEN, "error"),
        SECURITY_MSG_PASSWORD_NOT_PROVIDED=("A password is needed.", "error"),
        SECURITY_MSG_PASSWORD_INVALID_LENGTH=("A password needs at least %(length)s characters.", "error"),
        SECURITY_MSG_INVALID_PASSWORD=("This is not your password.", "error"),
        SECURITY_MSG_PASSWORD_IS_THE_SAME=("The new password is the old one.", "error"),
        SECURITY_MSG_RETYPE_PASSWORD_MISMATCH=("The two new passwords differ.", "error"),
        SECURITY_MSG_ANONYMOUS_USER_REQUIRED=("You are signed in already. Sign out first.", "error"),
    )
    security = Security(app, accounts, login_form=SignInForm, register_form=SignUpForm)
    security.render_json(_answer)
    security.want_json(lambda _: True)
    security.unauthn_handler(_nobody)
    security.pwd_context = OffTheLoop(**security.pwd_context.to_dict())
    # Nobody signs in with a token. Flask-Security would look for one in the body of every request, also of one that was
    # refused for its body, and of pages, where that is no error that anybody expects.
    app.login_manager.request_loader(lambda request: None)  # type: ignore[attr-defined]
    _forget_ended_sessions(app)
    app.before_request(_prepare)
    user_authenticated.connect(_signed_in, app)
    user_logged_out.connect(_signed_out, app)
    password_changed.connect(_password_changed, app)


def _forget_ended_sessions(app: Flask) -> None:
    """A cookie cannot be called back: somebody may have kept a copy of one whose owner has signed out.

    What is asked here for requests `access.caller` asks for connections.
    """
    manager = app.login_manager  # type: ignore[attr-defined]
    load = manager._user_callback

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load_user(user_id: str) -> User | None:
        return None if access.has_ended(session, cookie.get("sign_in")) else load(user_id)


class Accounts(SQLAlchemySessionUserDatastore):
    """Users in our tables."""

    def create_user(self, **fields: Any) -> User:
        """A new user, or the guest of this request turned into an account. The first account is the administrator.

        Raises `Invalid` when the e-mail is taken. Does not commit.
        """
        guest: User | None = g.pop("guest", None)
        user: User
        if guest is None:
            user = cast(User, super().create_user(**fields))
        else:
            user, g.continues = guest, True
            for name, value in {**fields, "guest": False}.items():
                setattr(user, name, value)
        try:
            session.flush()
        except IntegrityError as error:  # somebody else was quicker
            session.rollback()
            raise Invalid("That does not work.", {"email": [TAKEN]}) from error
        if not user.guest and policy.claim_administrator(user.id):
            self.add_role_to_user(user, self.find_or_create_role("admin"))
        return user


accounts = Accounts(session, User, Role, WebAuthn)


class SignUpForm(RegisterFormV2):
    name = StringField("name")

    def validate(self, **kwargs: Any) -> bool:
        valid: bool = super().validate(**kwargs)
        name = self.name.data.strip() if isinstance(self.name.data, str) else ""
        self.name.data = name
        if not name or len(name) > LONGEST_NAME or not is_line(name):
            self.name.errors = [f"A name is needed: one line of at most {LONGEST_NAME} characters."]
            return False
        if not is_seen(name):
            self.name.errors = ["A name needs something in it that can be seen."]
            return False
        return valid


class SignInForm(LoginForm):
    remember = None  # every session lasts

    def validate(self, **kwargs: Any) -> bool:
        if super().validate(**kwargs):
            return True
        if self.ifield is None:
            return False  # it was not even tried: something is missing
        if self.user_authenticated:
            raise Denied("This account is closed. Ask the administrator.")
        # The same words for an unknown address: nobody learns here who has an account.
        raise WrongPassword("This e-mail and this password do not belong together.")


class OffTheLoop(CryptContext):  # type: ignore[misc]
    """Hashes passwords on native threads: one takes 150 ms, for which everybody else would wait."""

    def hash(self, *arguments: Any, **options: Any) -> str:
        return str(worker.run(gevent.get_hub().threadpool, super().hash, *arguments, **options))

    def verify(self, *arguments: Any, **options: Any) -> bool:
        return bool(worker.run(gevent.get_hub().threadpool, super().verify, *arguments, **options))


def _prepare() -> None:
    """Before a view of Flask-Security: only ours exist, and a guest counts as nobody there: they may sign up or in."""
    if request.blueprint != "security":
        return
    if request.endpoint not in VIEWS or request.method != "POST":
        raise NotFound("There is nothing at this address.")
    body.fields(**dict.fromkeys(VIEWS[request.endpoint], str))
    kept, first = policy.read()
    if request.endpoint == "security.register" and not kept.signups and not first:
        raise Denied("New accounts are not open here. Ask the administrator.")
    user = access.person()
    if user is not None and user.guest:
        if request.endpoint == "security.change_password":
            raise Conflict("A guest has no password. Sign up to have one.")
        if request.endpoint != "security.logout":
            g.guest = user
            # Only for this request: if it fails, the cookie still says who they are.
            current_app.login_manager._update_request_context_with_user()  # type: ignore[attr-defined]


def _answer(payload: dict[str, Any], status: int, headers: object, user: object) -> Response:
    """What a view of Flask-Security says, in our shapes: Boot, or a problem."""
    if status < 400:
        session.commit()
        return Response(json.dumps(boot()), status, content_type="application/json")
    fields = {name: [str(sentence) for sentence in told] for name, told in payload.get("field_errors", {}).items()}
    if not fields:
        raise Conflict(" ".join(str(sentence) for sentence in payload["errors"]))
    raise Invalid("That does not work.", fields)


def _nobody(mechanisms: object, headers: object) -> Response:
    access.signed_in()
    raise Denied("Sign in with your password to do this.")


def _signed_in(app: Flask, user: User, **_: object) -> None:
    guest: User | None = g.pop("guest", None)
    if guest is not None:
        # The log goes on saying that the guest wrote what they wrote.
        for document_id in access.hand_over(guest, user):
            current_app.extensions["rooms"].reload(document_id)
    # A new password or a sign-up continues the session that is there; its open connections stay.
    if "sign_in" in cookie and (g.pop("continues", False) or request.endpoint == "security.change_password"):
        current_app.extensions["sockets"].renew(user.id)
    else:
        _expel(cookie.get("sign_in"))
        cookie["sign_in"] = secrets.token_urlsafe(16)
    cookie.permanent = True
    access.take_links(user)


def _signed_out(app: Flask, **_: object) -> None:
    sign_in = cookie.get("sign_in")
    cookie.clear()
    if sign_in is not None:
        access.end(sign_in)
    _expel(sign_in)


def _password_changed(app: Flask, user: User, **_: object) -> None:
    session.commit()
    current_app.extensions["sockets"].expel_user(user.id, except_session=cookie["sign_in"])


def _expel(sign_in: str | None) -> None:
    if sign_in is not None:
        current_app.extensions["sockets"].expel_session(sign_in)


def normalized(email: object) -> str:
    """The address that signing in looks for, however it is written: it can be in other letters that look alike."""
    given = str(email)[:320].strip()
    try:
        return email_validator.validate_email(given, **ADDRESSES).normalized.lower()
    except email_validator.EmailNotValidError:
        return given.lower()  # nobody has it


def create_account(email: str, password: str, name: str, administrator: bool = False) -> User:
    """An account made by the operator. Raises `Invalid`, like a sign-up. Once this returns it is committed."""
    form = SignUpForm(formdata=MultiDict({"email": email, "password": password, "name": name}), meta={"csrf": False})
    if not form.validate():
        raise Invalid("That does not work.", form.errors)
    user = cast(User, register_user(form))  # type: ignore[no-untyped-call]
    if administrator:
        accounts.add_role_to_user(user, accounts.find_or_create_role("admin"))
    session.commit()
    return user
