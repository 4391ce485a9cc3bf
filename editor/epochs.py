"""Which history of a note a copy of it belongs to, and what ended that.

An epoch ends when something is erased: then it is remembered, and copies of it should go, for they hold what is gone
here. It also ends when a backup is restored, which knows nothing of what came after it: such copies may be all that is
left of that, so an epoch that is not remembered here is taken for one of these.
"""

import re
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from editor.access import AnySession
from editor.models import Document, PastEpoch, Setting, new_id

RESTORED = "restored"
_EPOCH = re.compile(r"[A-Za-z0-9_-]{22}")  # whatever else a client says is none, and PostgreSQL does not take all of it


def was_erased(session: AnySession, document_id: str, epoch: str) -> bool:
    """Whether this epoch of a document ended because something was erased."""
    return bool(_EPOCH.fullmatch(epoch)) and session.get(PastEpoch, (document_id, epoch)) is not None


def renew(connection: Connection) -> None:
    """A backup was restored: begin a new epoch of every note, and have servers notice it (`restored`)."""
    for document_id in connection.scalars(select(Document.id)).all():
        connection.execute(update(Document).where(Document.id == document_id).values(epoch=new_id()))
    connection.execute(delete(Setting).where(Setting.key == RESTORED))
    connection.execute(insert(Setting).values(key=RESTORED, value=new_id()))


def restored(engine: Engine) -> Any:
    """What is another after each time that a backup was restored."""
    with engine.connect() as connection:
        return connection.scalar(select(Setting.value).where(Setting.key == RESTORED))
