"""What a key costs the page does not grow with the note: by counts. How long it takes, tests.bench.keystrokes says."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest

from tests.browser.conftest import Someone
from tests.browser.large import write_code_and_tables, write_long_text
from tests.browser.person import Person, eventually
from tests.live import Server

KEYS = 5

# What changes on the page from now on, see Counts.
COUNT = """() => {
  const { editor } = document.querySelector('.ProseMirror')
  const { dom } = editor.view
  const nodes = new Set(), beside = new Set()
  window.counts = { nodes: 0, beside: 0, transactions: 0, replaced: 0, fresh: 0 }
  window.watching?.disconnect()
  window.watching = new MutationObserver((records) => {
    for (const { target } of records) (dom.contains(target) ? nodes : beside).add(target)
    Object.assign(window.counts, { nodes: nodes.size, beside: beside.size })
  })
  window.watching.observe(document, { childList: true, characterData: true, attributes: true, subtree: true })
  editor.off('transaction', window.counting ?? (() => undefined))
  window.counting = ({ transaction }) => {
    if (!transaction.docChanged) return
    window.counts.transactions += 1
    for (const map of transaction.mapping.maps)
      map.forEach((_from, _to, from, to) => (window.counts.replaced += to - from))
    const known = new Set()
    transaction.before.descendants((node) => void known.add(node))
    transaction.doc.descendants((node) => {
      if (!known.has(node)) window.counts.fresh += 1
    })
  }
  editor.on('transaction', window.counting)
}"""

# The caret goes into the middle block of this kind, or the one beside it.
PLACE = """([kind, beside]) => {
  const { editor } = document.querySelector('.ProseMirror')
  const places = []
  editor.state.doc.descendants((node, at, parent) => {
    const isIt = node.type.name === kind && (kind !== 'paragraph' || parent === editor.state.doc)
    if (isIt) places.push(at + (node.isTextblock ? 3 : 4))
    return !node.isTextblock
  })
  editor.chain().setTextSelection(places[(places.length >> 1) + beside]).focus().scrollIntoView().run()
}"""


# All of the text, as when somebody has changed something above a block and below it.
REPLACE = """({ editor }) => {
  const { state, view } = editor
  const anew = state.doc.toJSON().content.map((node) => state.schema.nodeFromJSON(node))
  view.dispatch(state.tr.replaceWith(0, state.doc.content.size, anew))
}"""


class Counts(NamedTuple):
    """What one key changes, at most: in the middle of a word nothing else is to be done than to put a letter in."""

    nodes: float  # of the note in the page, or what stands in them
    beside: float  # elements of the page around it
    transactions: float
    replaced: float  # characters
    fresh: float  # nodes of the document: those around what is new


PARAGRAPH = Counts(nodes=4, beside=4, transactions=1, replaced=1, fresh=2)
CODE = Counts(nodes=12, beside=4, transactions=1, replaced=1, fresh=2)
CELL = Counts(nodes=6, beside=4, transactions=1, replaced=1, fresh=5)

short = partial(write_long_text, characters=1_000)
long = partial(write_long_text, characters=500_000)
rich = write_code_and_tables


@pytest.mark.parametrize(
    ("write", "kind", "most"),
    [
        (short, "paragraph", PARAGRAPH),
        (long, "paragraph", PARAGRAPH),
        (rich, "paragraph", PARAGRAPH),
        (rich, "codeBlock", CODE),
        (rich, "tableCell", CELL),
    ],
    ids=["short", "long", "rich-paragraph", "rich-code", "rich-cell"],
)
def test_a_key_costs_what_it_changes_however_large_the_note_is(
    own_server: Server, someone: Someone, write: Callable[[str, str, int], object], kind: str, most: Counts
) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    user_id = ana.asks("GET", "/api/me").json()["user"]["id"]
    note = ana.asks("POST", "/api/documents", {"title": ""}).json()["id"]
    write(own_server.database_url, note, user_id)
    ana.opens_note(f"/n/{note}")
    ben.opens_note(ana.shares(f"/n/{note}"))
    for typist in (ana, ben):
        for person in (ana, ben):
            person.page.evaluate(PLACE, [kind, int(person is not typist)])
        types(typist, ana, "oo")  # the first one may have to fetch a grammar, and to be told who is here
        ana.page.wait_for_timeout(500)
        ana.page.evaluate(COUNT)
        types(typist, ana, "o" * KEYS)
        ana.sees_saved()
        counts = ana.page.evaluate("window.counts")
        found = Counts(*(counts[name] / KEYS for name in Counts._fields))
        assert all(one <= limit for one, limit in zip(found, most, strict=True)), (typist.name, found)
        assert found.transactions == 1


def test_code_that_is_far_from_the_screen_has_no_colours_through_which_the_browser_would_go(
    own_server: Server, someone: Someone
) -> None:
    ana = someone("Ana").comes_as_guest()
    user_id = ana.asks("GET", "/api/me").json()["user"]["id"]
    note = ana.asks("POST", "/api/documents", {"title": ""}).json()["id"]
    write_code_and_tables(own_server.database_url, note, user_id)
    ana.opens_note(f"/n/{note}")
    blocks = ana.body.locator("pre")

    def coloured(number: int) -> bool:
        return blocks.nth(number).locator("[class^=tk-]").count() > 0

    def sees_colours(number: int) -> None:
        eventually(ana.page, lambda: coloured(number), lambda: f"colours in block {number}")

    sees_colours(0)
    last = blocks.count() - 1
    assert not coloured(last)
    height = ana.body.evaluate("body => body.scrollHeight")
    ana.goes_to_the_end()
    sees_colours(last)
    eventually(ana.page, lambda: not coloured(0), lambda: "the first block to be plain")
    assert ana.body.evaluate("body => body.scrollHeight") == height

    ana.types("\n```python\ndef new(): pass")
    sees_colours(last + 1)
    ana.presses("Control+Z")
    ana.presses("Control+Home")
    sees_colours(0)

    ana.body.evaluate(REPLACE)  # with the same: what stood there is made anew, elements are not
    sees_colours(0)

    ana.page.evaluate("() => void dispatchEvent(new Event('beforeprint'))")
    for number in (0, last // 2, last):
        sees_colours(number)
    ana.page.evaluate("() => void dispatchEvent(new Event('afterprint'))")
    eventually(ana.page, lambda: not coloured(last), lambda: "the last block to be plain")
    assert coloured(0)


def types(typist: Person, reader: Person, letters: str) -> None:
    """One key after the other, each when the reader has seen the one before."""
    for letter in letters:
        before = size(reader)
        typist.page.keyboard.press(letter)
        eventually(reader.page, lambda before=before: size(reader) == before + 1, lambda: "one letter more")  # type: ignore[misc]


def size(person: Person) -> int:
    return int(person.body.evaluate("body => body.editor.state.doc.content.size"))
