"""Whoever writes honestly is never refused: not when the document was opened again from a snapshot in which deleted
content was collected, and not when they come back with edits from before it."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text, XmlFragment, XmlText, merge_updates

from sync.codec import state_vector
from sync.gate import TEXT, XML_FRAGMENT, Gate
from tests.sync.writers import Writer, YjsProcess, YrsWriter, content, new_doc

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(int(os.environ.get("SEEDS", "5")))
YJS = Path(os.environ.get("YJS", Path(__file__).parents[2] / "frontend"))  # the folder that has it in node_modules
NOTHING = b"\0"  # an empty state vector


class Server:
    """A document, its log and its gate, which may be thrown away at any moment."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.gate = Gate(ROOTS, {})
        self.doc = new_doc()
        self.log: list[bytes] = []
        self.snapshot = (0, b"\0\0")
        self.characters = 0  # inserted, less those that were deleted

    def receive(self, user_id: int, update: bytes) -> bytes | None:
        admitted = self.gate.admit(user_id, update)
        if admitted is None:
            return None
        self.doc.apply_update(admitted.update)
        self.log.append(admitted.update)
        self.characters += admitted.inserted - admitted.deleted
        assert self.gate.clocks == state_vector(self.doc.get_state())
        return admitted.update

    def compact(self) -> None:
        self.snapshot = (len(self.log), self.doc.get_update())

    def reopen(self) -> None:
        seq, state = self.snapshot
        tail = self.log[seq:]
        if len(tail) > 1 and self.rng.random() < 0.3:
            tail = [merge_updates(*tail)]
        self.gate = Gate(ROOTS, self.gate.owners)
        self.doc = new_doc()
        for update in [state, *tail]:
            self.gate.replay(update)
            self.doc.apply_update(update)
        assert self.gate.clocks == state_vector(self.doc.get_state())


def send(rng: random.Random, writer: Writer, server: Server) -> list[bytes]:
    """Send what is unsent, in one of the ways that clients have. Returns what is news to the others."""
    updates = writer.take()
    how = rng.choice(("each", "twice", "merged", "diff", "state")) if updates else "diff"
    if how == "merged":
        updates = [writer.merge(updates)]
    elif how == "state" and writer.client_id not in server.gate.clocks:
        updates = [writer.diff(NOTHING)]
    elif how == "diff":  # SyncStep2, which brings all that was ever deleted
        updates = [writer.diff(server.doc.get_state())]
    news = [server.receive(writer.user_id, update) for update in updates]
    if how == "twice":
        assert [server.receive(writer.user_id, update) for update in updates] == [None] * len(updates)
    return [update for update in news if update is not None]


def write_together(rng: random.Random, writers: Sequence[Writer], rounds: int) -> Server:
    """Everybody writes, goes, comes back, and the server is opened again and again; in the end all have all."""
    server = Server(rng)
    for _ in range(rounds):
        writer = rng.choice(writers)
        for _ in range(rng.choice((1, 2, 6))):
            writer.edit()
        if rng.random() < 0.12:
            writer.online = not writer.online
            if writer.online:
                writer.hear(server.doc.get_update(writer.state_vector()))
        if writer.online:
            for update in send(rng, writer, server):
                for other in writers:
                    if other.online and other is not writer:
                        other.hear(update)
        if rng.random() < 0.1:
            server.compact()
        if rng.random() < 0.1:
            server.reopen()
    for writer in writers:
        send(rng, writer, server)
    for writer in writers:
        writer.hear(server.doc.get_update(writer.state_vector()))
        # What a deletion took along (say, text that others put in a deleted paragraph) was in no update yet, but is in
        # this delete set. Once.
        lacking = writer.diff(server.doc.get_state())
        assert lacking[0] == 0
        server.receive(writer.user_id, lacking)
        assert server.receive(writer.user_id, lacking) is None
    return server


def characters(doc: Doc[Any]) -> int:
    """UTF-16 units of text in a document."""
    texts, nodes = [doc.get("title", type=Text)], [doc.get("body", type=XmlFragment)]
    found: list[Text | XmlText] = [*texts]
    while nodes:
        node = nodes.pop()
        if isinstance(node, XmlText):
            found.append(node)
        else:
            nodes += node.children
    parts = [part for text in found for part, _ in text.diff() if isinstance(part, str)]
    return sum(len(part.encode("utf-16-le")) // 2 for part in parts)


def is_same(server: Server, writers: Sequence[Writer]) -> None:
    """The log, the server after a restart and everybody's copy have one content."""
    expected = content(server.doc)
    # What was put into a paragraph that somebody had deleted was never seen, and no entry need have deleted it.
    assert server.characters >= characters(server.doc)
    from_log: Doc[Any] = new_doc()
    for update in server.log:
        from_log.apply_update(update)
    assert content(from_log) == expected
    server.compact()
    server.reopen()
    assert content(server.doc) == expected
    for writer in writers:
        copy: Doc[Any] = new_doc()
        copy.apply_update(writer.diff(NOTHING))
        assert content(copy) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_honest_writers_are_never_refused(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    writers = [YrsWriter(rng, rng.randrange(1, 2**53), user_id=n // 2) for n in range(4)]
    server = write_together(rng, writers, rounds=250)
    is_same(server, writers)
    assert {content(writer.doc) for writer in writers} == {content(server.doc)}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_counted_is_what_is_there(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    server = write_together(rng, [YrsWriter(rng, rng.randrange(1, 2**53), user_id=1)], rounds=250)
    assert server.characters == characters(server.doc)


@pytest.mark.skipif(not (YJS / "node_modules/yjs").is_dir(), reason="Yjs is not installed in frontend/")
@pytest.mark.parametrize("seed", SEEDS)
def test_honest_writers_with_yjs_and_undo_are_never_refused(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    ids = [rng.randrange(1, 2**32) for _ in range(4)]
    process = YjsProcess(YJS)
    try:
        writers = process.begin(seed, ids)
        is_same(write_together(rng, writers, rounds=250), writers)
    finally:
        process.close()
