"""Words that are blanked in updates: each UTF-16 unit becomes a full block, and everything else stays where it is."""

import json
from typing import Final

from sync.codec import Malformed, Reader, var_bytes
from sync.gate.kinds import ANY, EMBED, FORMAT, STRING
from sync.gate.limits import UNLIMITED
from sync.gate.ranges import Ranges
from sync.gate.scanner import Scanner, no_pause
from sync.gate.values import LIST, OBJECT, TEXT, read_any
from sync.parts import EMPTY, Parts, Piece, Run, put_together, take_apart

BLANK: Final = "\u2588"  # one UTF-16 unit, three bytes


class StillThere(ValueError):
    """It is in the note as it is now, or elsewhere in its history: it would not be gone."""


class Blanks:
    """Blanks the text at some ids, and some words in what is no text: the address of a link, the source of an image."""

    def __init__(self, text: Ranges, words: str, deleted: Ranges) -> None:
        """`deleted`: what is not in the note as it is now. Nothing else is touched."""
        self.characters = 0  # that were blanked
        self._text = text
        self._words = words
        self._blank_words = _blank(words)
        self._deleted = deleted

    def erase(self, update: bytes) -> bytes:
        """The same update, blanked. Raises `StillThere` if the words are in it all the same."""
        try:
            parts = take_apart(update)
        except Malformed:
            self._look(update.decode("utf-8", "replace"))
            return update
        runs = [run._replace(pieces=[self._piece(run, piece) for piece in run.pieces]) for run in parts.runs]
        return put_together(Parts(runs, parts.deletes))

    def _piece(self, run: Run, piece: Piece) -> Piece:
        kind, clock, end = piece.struct.kind, piece.struct.clock, piece.struct.clock + piece.struct.length
        if kind in EMPTY:
            return piece
        if kind != STRING:
            return self._other(run, piece) if self._words else piece
        text = piece.content.decode()
        if self._text.overlap(run.client, clock, end):
            text = self._at(run.client, clock, text)
            piece = piece._replace(content=text.encode())
        self._look(text)
        return piece

    def _at(self, client: int, clock: int, text: str) -> str:
        out: list[str] = []
        for character in text:
            blank = _blank(character)
            # Of a pair both halves go.
            if character != BLANK and self._text.overlap(client, clock, clock + len(blank)):
                out.append(blank)
                self.characters += len(blank)
            else:
                out.append(character)
            clock += len(blank)
        return "".join(out)

    def _look(self, text: str) -> None:
        if self._words and self._words in text:
            raise StillThere("These words also stand elsewhere in the note or in its history.")

    def _other(self, run: Run, piece: Piece) -> Piece:
        content = piece.content
        kind, clock, length = piece.struct.kind, piece.struct.clock, piece.struct.length
        if kind == FORMAT:
            reader = Reader(content)
            name = reader.raw("format name")
            content = var_bytes(name) + var_bytes(self._json(reader.raw("format value")))
        elif kind == EMBED:
            content = var_bytes(self._json(Reader(content).raw("embed")))
        elif kind == ANY:
            content = self._any(content, length)
        if content != piece.content and self._deleted.overlap(run.client, clock, clock + length) < length:
            self._look(self._words)
        return piece._replace(content=content)

    def _json(self, raw: bytes) -> bytes:
        value = json.loads(raw)
        blanked = self._value(value)
        return raw if blanked == value else json.dumps(blanked, ensure_ascii=False, separators=(",", ":")).encode()

    def _value(self, value: object) -> object:
        match value:
            case str():
                return value.replace(self._words, self._blank_words)
            case list():
                return [self._value(each) for each in value]
            case dict():
                return {key: self._value(each) for key, each in value.items()}
        return value

    def _any(self, content: bytes, count: int) -> bytes:
        """So many Any values. Strings are the only ones that change; keys stay."""
        scanner = Scanner(content, UNLIMITED, no_pause, trusted=True)
        out = bytearray()
        wanted, keyed = [count], [False]  # how many values each open list or object still wants, and which it is
        while wanted:
            if not wanted[-1]:
                wanted.pop()
                keyed.pop()
                continue
            wanted[-1] -= 1
            if keyed[-1]:
                out += var_bytes(scanner.raw("key"))
            at = scanner.pos
            tag = scanner.byte("a value")
            if tag == TEXT:
                out.append(tag)
                out += var_bytes(scanner.text("string").replace(self._words, self._blank_words).encode())
            elif tag in (LIST, OBJECT):
                wanted.append(scanner.uint("number of values"))
                keyed.append(tag == OBJECT)
                out += content[at : scanner.pos]
            else:
                scanner.pos = at
                read_any(scanner)
                out += content[at : scanner.pos]
        return bytes(out)


def _blank(text: str) -> str:
    return BLANK * (len(text.encode("utf-16-le")) // 2)
