"""What a doc says, in a form in which docs of different people, and of Yjs and Yrs, can be compared."""

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pycrdt import Doc, Text, XmlElement, XmlFragment, XmlText

from frontend.node import node
from sync.codec import state_vector
from sync.gate.kinds import SKIP
from sync.gate.limits import UNLIMITED
from sync.gate.ranges import Range, disjoint
from sync.gate.scan import scan

NODE_MODULES = Path(__file__).parents[2] / "frontend"
REPLAY = Path(__file__).with_name("replay.mjs")
TOGETHER = 120.0  # seconds that Node may take

Ids = dict[int, list[Range]]  # client -> clocks


class Reading(NamedTuple):
    title: str
    body: Any
    clocks: dict[int, int]


def read(doc: Doc[Any]) -> Reading:
    body = [_tree(child) for child in doc.get("body", type=XmlFragment).children]
    return Reading(str(doc.get("title", type=Text)), body, state_vector(doc.get_state()))


def words(doc: Doc[Any]) -> str:
    """The text of the body, without any marks."""
    pieces: list[str] = []
    for element in doc.get("body", type=XmlFragment).children:
        assert isinstance(element, XmlElement)
        for text in element.children:
            assert isinstance(text, XmlText)
            pieces += [part for part, _ in text.diff() if isinstance(part, str)]
    return "".join(pieces)


def read_with_yjs(logs: Sequence[Sequence[bytes]]) -> list[Reading]:
    """The same of docs that Yjs made from these updates, applied one by one in their order."""
    if not logs:
        return []
    lines = [json.dumps([base64.b64encode(update).decode() for update in log]) for log in logs]
    done = subprocess.run(
        [node(), str(REPLAY), str(NODE_MODULES)],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=TOGETHER,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"Yjs could not replay the log:\n{done.stderr}")
    return [_as_yjs_says(json.loads(line)) for line in done.stdout.splitlines()]


def structs(update: bytes) -> Ids:
    """What it inserts."""
    found: Ids = {}
    for section in scan(update, UNLIMITED, trusted=True).sections:
        runs = [(item.clock, item.clock + item.length) for item in section.structs if item.kind != SKIP]
        found[section.client] = disjoint([*found.get(section.client, []), *runs])
    return found


def deletes(update: bytes) -> Ids:
    """What it deletes."""
    found = scan(update, UNLIMITED, trusted=True).deletes
    return {deleted.client: disjoint(deleted.ranges) for deleted in found}


def canonical(doc: Doc[Any]) -> tuple[Ids, Ids]:
    """All of a doc's state that does not depend on the order in which it came: what there is, and what is deleted."""
    state = doc.get_update()
    return structs(state), deletes(state)


def _as_yjs_says(found: dict[str, Any]) -> Reading:
    if found["pending"]:
        raise RuntimeError("Yjs waits for what is not in the log")
    clocks = {int(client): clock for client, clock in found["clocks"].items()}
    return Reading(found["title"], [_normal(child) for child in found["body"]], clocks)


def _tree(node: Any) -> Any:
    if isinstance(node, XmlText):
        return _runs((part, attributes or {}) for part, attributes in node.diff())
    assert isinstance(node, XmlElement)
    return [node.tag, _sorted(node.attributes), [_tree(child) for child in node.children]]


def _sorted(pairs: Any) -> dict[str, Any]:
    """Keys come in any order."""
    return dict(sorted(pairs.items() if isinstance(pairs, dict) else list(pairs)))


def _normal(node: Any) -> Any:
    if node and isinstance(node[0], str):
        name, attributes, children = node
        return [name, _sorted(attributes), [_normal(child) for child in children]]
    return _runs(node)


def _runs(pieces: Any) -> list[list[Any]]:
    """Pieces with the same marks are one, however the typing was cut."""
    runs: list[list[Any]] = []
    for text, given in pieces:
        marks = _sorted(given)
        if runs and runs[-1][1] == marks:
            runs[-1][0] += text
        else:
            runs.append([text, marks])
    return runs
