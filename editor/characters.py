"""What people may call themselves and their notes: one line, in every script.

The page's half is `frontend/src/limits.ts`.
"""

import unicodedata

LONGEST_NAME = 80  # characters
LONGEST_TITLE = 500

# What is drawn as nothing and is no format character: a joiner of graphemes, fillers of Hangul and Khmer, the blank of
# Braille, selectors of variants.
UNSEEN = (
    range(0x034F, 0x0350),
    range(0x115F, 0x1161),
    range(0x17B4, 0x17B6),
    range(0x180B, 0x1810),
    range(0x2800, 0x2801),
    range(0x3164, 0x3165),
    range(0xFE00, 0xFE10),
    range(0xFFA0, 0xFFA1),
    range(0xE0000, 0xE1000),
)


def is_line(text: str) -> bool:
    """Neither line breaks nor what stands for no character: controls, halves of pairs, private and unused numbers."""
    return not any(_is_no_part(char) for char in text)


def is_seen(text: str) -> bool:
    """There is something in it besides blanks and what cannot be seen: joiners, marks of direction, fillers."""
    return any(not (char.isspace() or _is_unseen(char)) for char in text)


def as_line(text: str) -> str:
    """The same with single blanks for blanks and line breaks, without what stands for no character; empty if nothing of
    it can be seen."""
    line = " ".join("".join(char for char in text if char.isspace() or not _is_no_part(char)).split())
    return line if is_seen(line) else ""


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf") or any(ord(char) in span for span in UNSEEN)


def _is_no_part(char: str) -> bool:
    # Not `isprintable`: it knows no emoji that are younger than Python, and takes the joiners inside of many, the marks
    # of scripts that run from right to left and all blanks but one for controls.
    category = unicodedata.category(char)
    return category in ("Cc", "Cs", "Co", "Zl", "Zp") or (category == "Cn" and _is_noncharacter(ord(char)))


def _is_noncharacter(number: int) -> bool:
    return number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
