"""A fragment as HTML: the same elements that Tiptap renders in the browser, for the first response of a page.

Whatever is unknown keeps its text; nothing that people wrote is dropped. Everything they wrote is escaped.
"""

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple

from pycrdt import XmlFragment

from editor.content.walk import TEXT_BLOCKS, Close, Open, Run, in_pieces

LINE = "<br>"  # as the editor draws an empty line: the text must not jump when it comes


class Tags(NamedTuple):
    before: str
    after: str


def to_html(fragment: XmlFragment, pause: Callable[[], None] = lambda: None) -> str:
    """HTML of a fragment, without line breaks between elements. Takes time linear in its size.

    `pause` is called every few milliseconds, outside of any transaction, to let others run: the doc must be one that
    nobody else has.
    """
    return _written(fragment, pause, None)[0]


def beginning(fragment: XmlFragment, most: int, pause: Callable[[], None] = lambda: None) -> tuple[str, bool]:
    """The same of how it begins, and whether there is more.

    It ends with the first block that reaches `most` characters of HTML, or within that at twice as many. Takes time
    linear in what is written, and next to none for the rest.
    """
    return _written(fragment, pause, most)


def _written(fragment: XmlFragment, pause: Callable[[], None], most: int | None) -> tuple[str, bool]:
    out: list[str] = []
    ends: list[str] = []  # what closes each open element
    marks: list[Tags] = []  # the open marks, outermost first
    empty = True  # the line that is being written: without a break it would have no height
    counted = size = 0  # parts of `out`, and the characters in them
    more = False
    for step in in_pieces(fragment, pause):
        if most is not None:
            size += sum(map(len, out[counted:]))
            counted = len(out)
            more = size >= 2 * most or (size >= most and not ends)
            if more:
                break
        match step:
            case Run(text, names):
                _change(out, marks, [MARKS[name](names[name]) for name in MARKS if name in names])
                out.append(escape(text if most is None else text[: 2 * most - size], quote=False))
                empty = text.endswith("\n")
            case Open():
                _change(out, marks, [])
                before, after = _tags(step)
                out.append(before)
                ends.append(after)
                empty = True
            case Close(tag):
                _change(out, marks, [])
                if empty and tag in TEXT_BLOCKS:
                    out.append(LINE)
                out.append(ends.pop())
    _change(out, marks, [])
    return "".join(out + ends[::-1]), more


def _change(out: list[str], marks: list[Tags], wanted: list[Tags]) -> None:
    """Close and open marks so that `wanted` are open; those at the front that stay are not touched."""
    same = 0
    while same < min(len(marks), len(wanted)) and marks[same] == wanted[same]:
        same += 1
    while len(marks) > same:
        out.append(marks.pop().after)
    for mark in wanted[same:]:
        out.append(mark.before)
        marks.append(mark)


def _tags(element: Open) -> Tags:
    if element.tag in NODES:
        return NODES[element.tag](element.attributes)
    return Tags("<span>", "</span>") if element.parent in TEXT_BLOCKS else Tags("<div>", "</div>")


Attributes = Mapping[str, Any]


def _plain(name: str) -> Callable[[Attributes], Tags]:
    tags = Tags(f"<{name}>", f"</{name}>")
    return lambda attributes: tags


def _sided(name: str, more: str = "") -> Callable[[Attributes], Tags]:
    """What has a side, where its marks begin: that of its first words."""
    tags = Tags(f'<{name}{more} dir="auto">', f"</{name}>")
    return lambda attributes: tags


def _void(name: str) -> Callable[[Attributes], Tags]:
    tags = Tags(f"<{name}>", "")
    return lambda attributes: tags


def _heading(attributes: Attributes) -> Tags:
    level = attributes.get("level")
    name = f"h{level}" if level in (1, 2, 3) else "h1"
    return Tags(f"<{name}>", f"</{name}>")


def _ordered_list(attributes: Attributes) -> Tags:
    start = attributes.get("start")
    begins = f' start="{start}"' if isinstance(start, int) and start != 1 else ""
    return Tags(f'<ol{begins} dir="auto">', "</ol>")


def _task_item(attributes: Attributes) -> Tags:
    done = attributes.get("checked") in (True, "true")
    state, checked = ("true", ' checked="checked"') if done else ("false", "")
    # Disabled until the editor is there: a tick before that would be lost.
    box = f'<label><input type="checkbox"{checked} disabled><span></span></label>'
    return Tags(f'<li data-checked="{state}" data-type="taskItem">{box}<div>', "</div></li>")


def _code_block(attributes: Attributes) -> Tags:
    language = attributes.get("language")
    known = f' class="language-{escape(language)}"' if isinstance(language, str) and language else ""
    return Tags(f"<pre><code{known}>", "</code></pre>")


def _cell(name: str) -> Callable[[Attributes], Tags]:
    def tags(attributes: Attributes) -> Tags:
        return Tags(f'<{name} colspan="{_span(attributes, "colspan")}" rowspan="{_span(attributes, "rowspan")}">', end)

    end = f"</{name}>"
    return tags


def _span(attributes: Attributes, name: str) -> int:
    value = attributes.get(name)
    return value if isinstance(value, int) and 1 <= value <= 1000 else 1


SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=:)", re.IGNORECASE)
SAFE_SCHEMES = frozenset({"http", "https", "mailto", "tel"})


def safe_link(href: object) -> str | None:
    """The address, if a reader may follow it: http, https, mailto, tel, or relative. Else None."""
    if not isinstance(href, str):
        return None
    # Browsers drop control characters and blanks before they look for the scheme: "java\nscript:" is a script.
    scheme = SCHEME.match("".join(char for char in href if char > " " and char != "\x7f"))
    return href if scheme is None or scheme[0].lower() in SAFE_SCHEMES else None


def _link(attributes: Attributes) -> Tags:
    href = safe_link(attributes.get("href"))
    where = "" if href is None else f' href="{escape(href)}"'
    return Tags(f'<a target="_blank" rel="noopener noreferrer nofollow"{where}>', "</a>")


NODES: dict[str, Callable[[Attributes], Tags]] = {
    "paragraph": _plain("p"),
    "heading": _heading,
    "bulletList": _sided("ul"),
    "orderedList": _ordered_list,
    "listItem": _plain("li"),
    "taskList": _sided("ul", ' data-type="taskList"'),
    "taskItem": _task_item,
    "blockquote": _sided("blockquote"),
    "codeBlock": _code_block,
    "table": lambda attributes: Tags('<div class="tableWrapper"><table dir="auto"><tbody>', "</tbody></table></div>"),
    "tableRow": _plain("tr"),
    "tableHeader": _cell("th"),
    "tableCell": _cell("td"),
    "horizontalRule": _void("hr"),
    "hardBreak": _void("br"),
}

# In the order in which Tiptap nests them, outermost first.
MARKS: dict[str, Callable[[Attributes], Tags]] = {
    "link": _link,
    "bold": _plain("strong"),
    "code": _plain("code"),
    "italic": _plain("em"),
    "strike": _plain("s"),
    "underline": _plain("u"),
    "highlight": _plain("mark"),
}
