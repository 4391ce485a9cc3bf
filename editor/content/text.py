"""A doc as plain text: for lists, search and the title of a page."""

from collections.abc import Iterator

from pycrdt import Text, XmlFragment

from editor.characters import LONGEST_TITLE, as_line
from editor.content.walk import TEXT_BLOCKS, Close, Open, Run, walk

EXCERPT_LIMIT = 200  # characters


def to_text(fragment: XmlFragment) -> str:
    """The words of a fragment, one line for each paragraph, heading or line of code."""
    with fragment.doc.transaction():
        return "\n".join(_lines(fragment))


def excerpt(fragment: XmlFragment) -> str:
    """How the text begins: one line of at most 200 characters, cut at a word where there is one."""
    parts: list[str] = []
    length = 0
    with fragment.doc.transaction():
        for line in _lines(fragment):
            parts.append(line[: 4 * EXCERPT_LIMIT])
            length += len(line)
            if length > 2 * EXCERPT_LIMIT:
                break
    start = as_line(" ".join(parts))
    if len(start) <= EXCERPT_LIMIT:
        return start
    cut = start.rfind(" ", 0, EXCERPT_LIMIT)
    return start[: cut if cut > 0 else EXCERPT_LIMIT - 1] + "…"


def one_line(title: Text | str) -> str:
    """A title as lists and pages show it: one line of at most 500 characters."""
    return as_line(str(title)[: 4 * LONGEST_TITLE])[:LONGEST_TITLE]


def _lines(fragment: XmlFragment) -> Iterator[str]:
    line: list[str] = []
    for step in walk(fragment):
        match step:
            case Run(text):
                line.append(text)
            case Open("hardBreak"):
                line.append("\n")
            case Open(tag) | Close(tag) if tag in TEXT_BLOCKS:
                if line or isinstance(step, Close):
                    yield "".join(line)
                line = []
            case _:
                pass
    if line:
        yield "".join(line)
