"""Updates that are legal and strange, found by fuzzing: items whose right origin stands left of their origin, numbers
at the edge, types that pycrdt has no name for. Readers order some of them differently; none may do harm."""

import json
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlFragment

from sync.codec import state_vector
from sync.gate import ARRAY, MAP, TEXT, XML_FRAGMENT, Gate, Refused

ROOTS = {"prosemirror": XML_FRAGMENT, "text": TEXT, "map": MAP, "arr": ARRAY}
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))


def new_doc() -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for name, kind in (("prosemirror", XmlFragment), ("text", Text), ("map", Map), ("arr", Array)):
        doc.get(name, type=kind)
    return doc


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_strange_updates_do_no_harm(path: Path) -> None:
    gate, doc = Gate(ROOTS, {}), new_doc()
    admitted = []
    for user_id, data in json.loads(path.read_text())["updates"]:
        try:
            news = gate.admit(user_id, bytes.fromhex(data))
        except Refused:
            continue
        if news is None:
            continue
        doc.apply_update(news.update)
        assert state_vector(doc.get_state()) == gate.clocks
        admitted.append(news.update)
    assert admitted

    from_snapshot, from_log = Gate(ROOTS, gate.owners), Gate(ROOTS, gate.owners)
    from_snapshot.replay(doc.get_update())
    for update in admitted:
        from_log.replay(update)
    again = new_doc()
    again.apply_update(doc.get_update())
    assert from_snapshot.clocks == from_log.clocks == gate.clocks == state_vector(again.get_state())


def test_there_is_a_corpus() -> None:
    assert len(CORPUS) > 5
