"""The title and the excerpt in a document's row: a copy of what the log says, which may be thrown away.

It follows the log some seconds behind, and it knows how far it has come (`digest_seq`): after a crash, whoever lists
the documents brings it up to date.
"""

import logging
from collections.abc import Iterable

from flask import current_app
from sqlalchemy import update

from editor.content import schema, text
from editor.database import session
from editor.loop import pause
from editor.models import Document
from sync.rooms import Rooms
from sync.store import UnknownDocument

log = logging.getLogger(__name__)

DELAY = 5.0  # seconds after the first change that is not in the copy


def refresh(document_id: str) -> None:
    """Once this returns the document's row says what the log says now. Raises `UnknownDocument`."""
    rooms: Rooms = current_app.extensions["rooms"]
    state, seq, epoch = rooms.read(document_id)
    doc = schema.load(state)
    session.execute(
        update(Document)
        .where(Document.id == document_id, Document.digest_seq < seq, Document.epoch == epoch)
        .values(
            title=text.one_line(schema.title(doc)),
            excerpt=text.excerpt(schema.body(doc)),
            digest_seq=seq,
        )
    )
    session.commit()


def catch_up(documents: Iterable[Document]) -> bool:
    """Bring the copies of these up to date; True if any was behind. One that cannot be read is left as it is."""
    behind = [document.id for document in documents if document.digest_seq < document.head_seq]
    for document_id in behind:
        try:
            refresh(document_id)
        except UnknownDocument:
            log.info("%s was deleted for ever in the meantime", document_id, extra={"document": document_id})
        except Exception:
            # Whoever asks for all their notes gets the others.
            session.rollback()
            log.exception("title and excerpt of %s stay behind", document_id, extra={"document": document_id})
        pause()  # other requests and the sockets go on in between
    return bool(behind)
