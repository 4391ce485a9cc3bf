"""Who may do what. Every question of this kind is decided here and nowhere else.

A document has an owner and at most one open share: a link with a role. Whoever opened the link may do what its role
says for as long as it is open; the link itself is remembered in the membership of people, and in the signed cookie of
those who have no name yet.
"""

import hmac
import re
import uuid
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from flask import current_app
from flask import session as cookie
from flask_login import current_user
from sqlalchemy import ColumnElement, Integer, Select, String, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, scoped_session

from editor import policy
from editor.database import session as database
from editor.errors import Conflict, Denied, NotFound, SignIn
from editor.models import Client, Document, Member, PastSignIn, Setting, Share, User, now

SLOTS = 12  # colours of authors
MOST_LINKS = 50  # opened links in a cookie, which browsers cut at 4 KiB

# Whatever else somebody asks for is not there. A database may refuse even to compare it: PostgreSQL knows no NUL.
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")

AnySession = Session | scoped_session[Any]


class Role(IntEnum):
    """What somebody may do with a document; each role may do all that the lower ones may."""

    VIEWER = 1
    COMMENTER = 2
    EDITOR = 3
    OWNER = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class Caller(NamedTuple):
    """Who sent a request, as the database has them at this moment."""

    id: int
    guest: bool
    key: str  # another one with another password
    only_reads: bool  # a guest, while the administrator does not let guests write


class Arrival(NamedTuple):
    """Somebody who asks to be let into a document, as the database has them at this moment."""

    role: Role | None = None  # None: they may not even know of it
    past: bool = False  # they have signed out, or are nobody any more
    name: str | None = None
    slot: int | None = None  # their author's colour; None: they have never been there


class Access(NamedTuple):
    """A document and what the one who asked may do with it."""

    document: Document
    role: Role
    owner: str  # the owner's name
    shared: bool  # there is an open link
    history: bool  # they may see how the note was written


def person() -> User | None:
    """Who sent this request: an account, a guest, or nobody we know."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def caller() -> Caller | None:
    """Who sent this request, as `person` says, without an object: many connections may come at once.

    Like Flask-Login's loader, and ours on top of it (`auth`), in one question.
    """
    key = cookie.get("_user_id")  # Flask-Login's
    if key is None:
        return None
    row = database.execute(_CALLER, {"key": str(key), "sign_in": cookie.get("sign_in")}).one_or_none()
    if row is None:
        return None
    user_id, guest, active, guests, signed_out = row
    return Caller(user_id, guest, key, guest and _only_read(guests)) if active and not signed_out else None


def has_ended(session: AnySession, sign_in: str | None) -> bool:
    """Whether somebody has signed out of this session."""
    return sign_in is not None and bool(session.scalar(_SIGNED_OUT, {"sign_in": sign_in}))


def end(sign_in: str) -> None:
    """Whoever comes with the cookie of this session is nobody from now on. Once this returns it is committed."""
    lifetime = int(current_app.permanent_session_lifetime.total_seconds() * 1000)
    database.execute(delete(PastSignIn).where(PastSignIn.ended < now() - lifetime))  # their cookies are too old anyhow
    database.merge(PastSignIn(id=sign_in))
    database.commit()


def links() -> dict[str, str]:
    """The links that whoever sent this request has opened without a name: document id -> token."""
    return dict(cookie.get("links", []))


def signed_in() -> User:
    """The account or guest who sent this request. Raises `SignIn`."""
    user = person()
    if user is None:
        raise SignIn("Sign in, or say your name, to do this.")
    return user


def administrator() -> User:
    """The administrator who sent this request. Raises `SignIn`, `Denied`."""
    user = signed_in()
    if not is_administrator(user):
        raise Denied("Only the administrator may do this.")
    return user


def is_administrator(user: User) -> bool:
    return not user.guest and user.has_role("admin")


def author() -> User:
    """The account or guest who sent this request, if they may write notes of their own. Raises `SignIn`, `Denied`."""
    user = signed_in()
    if _only_reads(database, user):
        raise Denied("Guests only read here: the administrator asks for an account.")
    return user


def only_reads(user: User) -> bool:
    """Whether this one may read what is open to them, and write nothing, not even in notes of their own."""
    return _only_reads(database, user)


def may_write(role: Role, user_id: int | None) -> bool:
    """Writing wants a name as well as a role: the log says who wrote what."""
    return role >= Role.EDITOR and user_id is not None


def find(document_id: str, at_least: Role, *, binned: bool = False) -> Access:
    """The document, if the one who sent this request may do this much with it.

    Raises `NotFound` if they may not know that it exists, `SignIn` and `Denied` if they may see it but not this, and
    `Conflict` if it is in the bin (which only its owner learns) unless `binned`.
    """
    user = person()
    access = _ask(database, document_id, None if user is None else user.id, links())
    if access is None or (access.document.deleted is not None and access.role < Role.OWNER):
        raise NotFound("There is no note here for you.")
    if at_least > Role.VIEWER and user is None:
        raise SignIn("Sign in, or say your name, to do this.")
    if access.role < at_least:
        raise Denied(f"This takes the role of {at_least.word}; yours is {access.role.word}.")
    if access.document.deleted is not None and not binned:
        raise Conflict("This note is in the bin. Restore it first.")
    return access


def find_history(document_id: str, at_least: Role = Role.VIEWER) -> Access:
    """The document, if the one who sent this request may see its history and do this much with it.

    Raises as `find` does, and `Denied` when the owner does not show the history.
    """
    access = find(document_id, at_least)
    if not access.history:
        raise Denied("The owner does not show the history of this note.")
    return access


def role_of(session: AnySession, document_id: str, user_id: int | None, tokens: Mapping[str, str]) -> Role | None:
    """What somebody may do with a document now; None: not even know of it. `tokens`: document id -> opened link.

    A document in the bin is open to nobody.
    """
    return look(session, document_id, user_id, tokens).role


def look(
    session: AnySession, document_id: str, user_id: int | None, tokens: Mapping[str, str], sign_in: str | None = None
) -> Arrival:
    """What `role_of` says, and who it is. One question, without objects: it is asked twice whenever somebody comes.

    Whoever is `past` is told that, and nothing of the document.
    """
    who = {"document_id": document_id, "user_id": user_id, "sign_in": sign_in}
    row = session.execute(_ARRIVAL, who).one_or_none() if _ID.fullmatch(document_id) else None
    if row is None:
        active = user_id is None or session.scalar(_ACTIVE, who)
        return Arrival(past=not active or has_ended(session, sign_in))
    owner, deleted, share, share_role, token, by, slot, name, active, guest, guests, signed_out = row
    role = None
    if deleted is None and _opens(owner, share, token, user_id, by, tokens.get(document_id, "")):
        role = Role.VIEWER if guest and _only_read(guests) else _role(owner, share_role, user_id)
    return Arrival(role, signed_out or (user_id is not None and not active), name, slot)


def listing(user: User, binned: bool) -> list[Access]:
    """The notes of somebody, newest first: their own, and those they opened through a link that still works.

    With `binned`, their own ones in the bin.
    """
    mine = Document.owner_id == user.id
    where = mine & Document.deleted.is_not(None) if binned else (mine | _arrived()) & Document.deleted.is_(None)
    newest = Document.deleted if binned else Document.updated
    rows = database.execute(_seen_by(user.id).where(where).order_by(newest.desc(), Document.id))
    most = Role.VIEWER if _only_reads(database, user) else Role.OWNER
    return [
        Access(
            document,
            min(most, _role(document.owner_id, None if share is None else share.role, user.id)),
            owner,
            shared=bool(share),
            history=_shows(document, share, user.id),
        )
        for document, share, _, owner in rows
    ]


def arrive(session: AnySession, document_id: str, user_id: int, share_id: int | None = None) -> int:
    """Note that somebody has opened a document, and through which link. Returns their author's colour, 1 to 12.

    Once this returns it is committed. Colours are given in the order of arrival and stay.
    """
    member = session.get(Member, (document_id, user_id))
    if member is None:
        # One arrival at a time, else two people would get the same colour.
        session.execute(select(Document.id).where(Document.id == document_id).with_for_update())
        member = session.get(Member, (document_id, user_id))
    if member is None:
        arrived = session.scalar(select(func.count()).where(Member.document_id == document_id)) or 0
        member = Member(document_id=document_id, user_id=user_id, slot=arrived % SLOTS + 1)
        session.add(member)
    if share_id is not None:
        member.share_id = share_id
    session.commit()
    return member.slot


def open_link(document_id: str, token: str) -> None:
    """Whoever sent this request followed a link. If it is open, they may from now on do what it allows."""
    user = person()
    share = _open_share(document_id, token)
    if share is None:
        return
    if user is None:
        # A list, oldest first: a cookie does not keep the order of a dict.
        others = [[name, kept] for name, kept in cookie.get("links", []) if name != document_id]
        cookie["links"] = [*others, [document_id, token]][-MOST_LINKS:]
    else:
        arrive(database, document_id, user.id, share.id)


def take_links(user: User) -> None:
    """Somebody without a name has one now: the links they had opened are theirs."""
    for document_id, token in cookie.pop("links", []):
        share = _open_share(document_id, token)
        if share is not None:
            arrive(database, document_id, user.id, share.id)


def hand_over(guest: User, user: User) -> list[str]:
    """What the guest owned or had opened is open to `user` in the same way. Once this returns it is committed.

    So are the Yjs client ids that the guest wrote with, also those of a commit that is under way: what their tabs have
    not sent yet goes on with them, and comes from `user` now. The guest is nobody any more, whoever has their cookie.
    Returns the documents that are concerned; who has one of them in memory must read it anew.
    """
    opened = database.execute(select(Member.document_id, Member.share_id).where(Member.user_id == guest.id)).all()
    for document_id, share_id in opened:
        arrive(database, document_id, user.id, share_id)
    concerned = or_(Document.owner_id == guest.id, Document.id.in_([document_id for document_id, _ in opened]))
    # Like a commit of the log: documents in their order, then the person, whom it asks for those who take over.
    locked = select(Document.id).where(concerned).order_by(Document.id).with_for_update()
    documents = list(database.scalars(locked))
    ended = {"became": user.id, "active": False, "fs_uniquifier": uuid.uuid4().hex}
    database.execute(update(User).where(User.id == guest.id).values(ended))
    database.execute(update(Document).where(Document.owner_id == guest.id).values(owner_id=user.id))
    database.execute(update(Client).where(Client.user_id == guest.id).values(user_id=user.id))
    database.commit()
    return documents


def _ask(session: AnySession, document_id: str, user_id: int | None, tokens: Mapping[str, str]) -> Access | None:
    if not _ID.fullmatch(document_id):
        return None
    row = session.execute(_seen_by(user_id).where(Document.id == document_id)).first()
    if row is None:
        return None
    document, share, member, owner = row
    share_id, token = (None, None) if share is None else (share.id, share.token)
    by = None if member is None else member.share_id
    if not _opens(document.owner_id, share_id, token, user_id, by, tokens.get(document_id, "")):
        return None
    user = None if user_id is None else session.get(User, user_id)
    role = _role(document.owner_id, None if share is None else share.role, user_id)
    if user is not None and _only_reads(session, user):
        role = Role.VIEWER
    return Access(document, role, owner, share is not None, _shows(document, share, user_id))


def _opens(
    owner_id: int, share_id: int | None, token: str | None, user_id: int | None, came_by: int | None, has_token: str
) -> bool:
    """Whether a document with this open share is open to its owner, who came by that share, or who has its token."""
    if owner_id == user_id:
        return True
    if share_id is None or token is None:
        return False
    return came_by == share_id or hmac.compare_digest(has_token.encode(), token.encode())


def _role(owner_id: int, share_role: str | None, user_id: int | None) -> Role:
    """What a document that is open to somebody lets them do."""
    return Role.OWNER if share_role is None or owner_id == user_id else Role[share_role.upper()]


def _shows(document: Document, share: Share | None, user_id: int | None) -> bool:
    """Whether they may see how it was written."""
    return document.owner_id == user_id or (share is not None and share.history)


def _only_read(guests: bool | None) -> bool:
    """Whether guests do, where the administrator has decided this; None: nothing, which is that they write as well."""
    return guests is not None and not guests


def _only_reads(session: AnySession, user: User) -> bool:
    """Guests do, their own notes as well, while the administrator does not let them write."""
    return user.guest and not policy.read(session)[0].guests


def _seen_by(user_id: int | None) -> Select[Document, Share, Member, str]:
    """Documents, each with its open share (or None), this user's membership (or None) and its owner's name."""
    return (
        select(Document, Share, Member, User.name)
        .join(User, User.id == Document.owner_id)
        .outerjoin(Share, (Share.document_id == Document.id) & Share.revoked.is_(None))
        .outerjoin(Member, (Member.document_id == Document.id) & (Member.user_id == user_id))
        # Other processes and the store write these rows too: what an earlier query of this request saw may be old.
        .execution_options(populate_existing=True)
    )


def _arrived() -> ColumnElement[bool]:
    return Member.share_id == Share.id


def _open_share(document_id: str, token: str) -> Share | None:
    if not _ID.fullmatch(document_id) or not _TOKEN.fullmatch(token):
        return None
    found = select(Share).where(Share.document_id == document_id, Share.token == token, Share.revoked.is_(None))
    return database.scalar(found)


_document, _share, _member, _user, _setting, _past = (
    model.__table__.c for model in (Document, Share, Member, User, Setting, PastSignIn)
)
_guests = select(_setting.value).where(_setting.key == "guests").scalar_subquery()  # None: as if it were true
_signed_out = exists().where(_past.id == bindparam("sign_in", type_=String))
_asking = bindparam("user_id", type_=Integer)

_SIGNED_OUT = select(_signed_out)
_ACTIVE = select(_user.active).where(_user.id == _asking)
_CALLER = select(_user.id, _user.guest, _user.active, _guests, _signed_out).where(
    _user.fs_uniquifier == bindparam("key", type_=String)
)
_ARRIVAL = (
    select(
        *(_document.owner_id, _document.deleted, _share.id, _share.role, _share.token, _member.share_id, _member.slot),
        *(_user.name, _user.active, _user.guest, _guests, _signed_out),
    )
    .select_from(Document.__table__)
    .outerjoin(Share.__table__, (_share.document_id == _document.id) & _share.revoked.is_(None))
    .outerjoin(Member.__table__, (_member.document_id == _document.id) & (_member.user_id == _asking))
    .outerjoin(User.__table__, _user.id == _asking)
    .where(_document.id == bindparam("document_id", type_=String))
)
