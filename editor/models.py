"""The tables. Times are milliseconds since 1970, user ids are numbers, document ids are 22 characters of base64url."""

import base64
import secrets
import time
import uuid
from typing import Any, ClassVar

from flask_security.models import sqla
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sync.store import BEFORE_ALL


def new_id() -> str:
    """A document's id or epoch: 128 random bits, 22 characters that need no escaping in an address.

    It does not begin like an option of a command.
    """
    while (made := base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()).startswith("-"):
        pass
    return made


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Base(DeclarativeBase):
    # Every constraint has a name, so that a later migration can change it on every database.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    # SQLite numbers rows by itself only in an INTEGER column, which has 64 bits there.
    type_annotation_map: ClassVar = {int: BigInteger().with_variant(Integer, "sqlite"), str: Text}


Id = String(22)


def document_key(*, primary_key: bool = False, index: bool = False) -> Mapped[str]:
    """Belongs to a document and goes with it."""
    return mapped_column(Id, ForeignKey("document.id", ondelete="CASCADE"), primary_key=primary_key, index=index)


# People. Flask-Security brings the columns; it wants its models to be called User, Role and WebAuthn.

sqla.FsModels.set_db_info(base_model=Base)  # type: ignore[no-untyped-call]


class Role(Base, sqla.FsRoleMixin):
    """What an account may do beyond its own notes. One is in use: `admin`."""

    __tablename__ = "role"


class WebAuthn(Base, sqla.FsWebAuthnMixin):
    """A passkey."""

    __tablename__ = "webauthn"


class User(Base, sqla.FsUserMixin):
    """An account, or a guest: somebody with a name but neither address nor password."""

    __tablename__ = "user"
    # The log keeps user ids for ever: the id of a deleted user must never be given to somebody else.
    __table_args__ = ({"sqlite_autoincrement": True},)

    email: Mapped[str | None] = mapped_column(String(255), unique=True)  # type: ignore[assignment]
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: uuid.uuid4().hex)

    name: Mapped[str]
    guest: Mapped[bool] = mapped_column(default=False)
    became: Mapped[int | None]  # the account that a guest has signed in to: what they are, from then on
    created: Mapped[int] = mapped_column(default=now)


class PastSignIn(Base):
    """A session that was ended: whoever kept its cookie is nobody."""

    __tablename__ = "past_sign_in"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    ended: Mapped[int] = mapped_column(default=now)


class Setting(Base):
    """What the administrator decided, in the browser."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


# Documents and who may open them


class Document(Base):
    """A note, but for its text, which is the log. `*_seq`, `*_hash` and `updated` are the store's to write."""

    __tablename__ = "document"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    epoch: Mapped[str] = mapped_column(Id, default=new_id)
    head_seq: Mapped[int] = mapped_column(default=0)
    head_hash: Mapped[bytes] = mapped_column(default=BEFORE_ALL)
    snapshot_seq: Mapped[int] = mapped_column(default=0)  # 0: there is none
    packed_seq: Mapped[int] = mapped_column(default=0, server_default="0")  # entries up to this one are in chunks
    sitting_seq: Mapped[int] = mapped_column(default=0, server_default="0")  # entries up to this one are in sittings
    # What was before this entry was erased: it is the first moment there is.
    history_from: Mapped[int] = mapped_column(default=0, server_default="0")
    title: Mapped[str] = mapped_column(default="")  # a copy of what the log says at `digest_seq`, like the excerpt
    excerpt: Mapped[str] = mapped_column(default="")
    digest_seq: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=now)
    updated: Mapped[int] = mapped_column(default=now)  # not indexed: it changes with every commit
    deleted: Mapped[int | None]  # in the bin since then


class Share(Base):
    """A link to a document. Revoking ends it for good; a new one has a new token."""

    __tablename__ = "share"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'commenter', 'editor')", name="role"),
        # One link for each note: of several people who make it at once, one does.
        Index(
            "ix_share_open",
            "document_id",
            unique=True,
            sqlite_where=text("revoked IS NULL"),
            postgresql_where=text("revoked IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[str] = document_key(index=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    # Whether those who came through it may see how the note was written.
    history: Mapped[bool] = mapped_column(default=False, server_default=false())
    created: Mapped[int] = mapped_column(default=now)
    created_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    revoked: Mapped[int | None]


class Member(Base):
    """Somebody who has opened a document, and the author's colour they have in it."""

    __tablename__ = "member"
    __table_args__ = (CheckConstraint("slot BETWEEN 1 AND 12", name="slot"),)

    document_id: Mapped[str] = document_key(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True, index=True)
    share_id: Mapped[int | None] = mapped_column(
        ForeignKey("share.id", ondelete="SET NULL")
    )  # how they came; None: the owner
    slot: Mapped[int]
    first_seen: Mapped[int] = mapped_column(default=now)
    last_seen_seq: Mapped[int] = mapped_column(default=0)  # the newest entry that was before them when they last looked
    last_seen: Mapped[int | None]  # when that was; None: never


# The log. It outlives accounts, so its user ids are no foreign keys: rows that never change cannot follow a deletion.


class Entry(Base):
    """One change, for ever."""

    __tablename__ = "entry"
    __table_args__ = ({"sqlite_with_rowid": False},)  # one B-tree, in the order in which it is read

    document_id: Mapped[str] = document_key(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None]
    session_id: Mapped[int]
    time: Mapped[int]
    update: Mapped[bytes]
    hash: Mapped[bytes]
    inserted: Mapped[int] = mapped_column(default=0, server_default="0")  # characters that it added to the note
    deleted: Mapped[int] = mapped_column(default=0, server_default="0")  # characters that it took out


class Chunk(Base):
    """Old entries, put together for each person and second, and compressed (sync/chunk.py). It replaces their rows."""

    __tablename__ = "chunk"

    document_id: Mapped[str] = document_key(primary_key=True)
    last_seq: Mapped[int] = mapped_column(primary_key=True)
    first_seq: Mapped[int]
    data: Mapped[bytes]
    entry_hash: Mapped[bytes]  # of the last entry it stands for: the chain of the entries goes on from there
    hash: Mapped[bytes]  # over the chunk before it and all of this one


class Snapshot(Base):
    """One update that stands for all entries up to `seq`."""

    __tablename__ = "snapshot"

    document_id: Mapped[str] = document_key(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[bytes]
    deflated: Mapped[bool] = mapped_column(default=False, server_default=false())  # zlib; those from before are not
    state_vector: Mapped[bytes]
    hash: Mapped[bytes]


class Quarantine(Base):
    """Entries whose rows, or the chunk they were packed in, are not what was written. See `sync.mending`."""

    __tablename__ = "quarantine"

    document_id: Mapped[str] = document_key(primary_key=True)
    first_seq: Mapped[int] = mapped_column(primary_key=True)
    last_seq: Mapped[int]
    found: Mapped[int]
    why: Mapped[str]
    kept: Mapped[Any] = mapped_column(JSON)  # the entries as they are, for when they are packed
    known_seq: Mapped[int | None]  # at this entry the note is known, which tells what they did; null: nothing does
    update: Mapped[bytes | None]  # what they did; null: that is not known, or it is in a chunk by now
    time: Mapped[int]  # when they did it, about
    user_id: Mapped[int | None]  # whose copy of the note told it; null: the server's own


class Client(Base):
    """Whose a Yjs client id is in a document, decided on first sight."""

    __tablename__ = "client"
    __table_args__ = ({"sqlite_with_rowid": False},)

    document_id: Mapped[str] = document_key(primary_key=True)
    client_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None]


class PastEpoch(Base):
    """An epoch of a document that ended because something was erased."""

    __tablename__ = "past_epoch"
    __table_args__ = ({"sqlite_with_rowid": False},)

    document_id: Mapped[str] = document_key(primary_key=True)
    epoch: Mapped[str] = mapped_column(Id, primary_key=True)


class Sitting(Base):
    """A time in which people wrote without a long pause. A summary of entries, which may be made again at any time."""

    __tablename__ = "sitting"
    __table_args__ = ({"sqlite_with_rowid": False},)

    document_id: Mapped[str] = document_key(primary_key=True)
    first_seq: Mapped[int] = mapped_column(primary_key=True)
    last_seq: Mapped[int]
    began: Mapped[int]
    ended: Mapped[int]
    # [[user id or null, characters inserted, characters deleted, entries], ...] in the order in which they began
    people: Mapped[Any] = mapped_column(JSON)


class Act(Base):
    """What an entry was, if nobody typed it: something restored, imported, or written by a program for its user."""

    __tablename__ = "act"
    __table_args__ = ({"sqlite_with_rowid": False},)

    document_id: Mapped[str] = document_key(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    detail: Mapped[Any] = mapped_column(JSON)
    user_id: Mapped[int | None]  # as in the entry, whose row may be in a chunk by now
    time: Mapped[int]


class Version(Base):
    """A point in the log that somebody named."""

    __tablename__ = "version"

    document_id: Mapped[str] = document_key(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    user_id: Mapped[int | None]
    time: Mapped[int]
