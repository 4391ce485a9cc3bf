"""What people may call themselves and their notes: one line, in every script.

The page's half is `frontend/src/limits.ts`.
"""

import unicodedata

LONGEST_NAME = 80  # characters
LONGEST_TITLE = 500


def is_line(text: str) -> bool:
    """Neither line breaks nor what stands for no character: controls, halves of pairs, private and unused numbers."""
    return not any(_is_no_part(char) for char in text)


def as_line(text: str) -> str:
    """The same with single blanks for blanks and line breaks, without what stands for no character."""
    return " ".join("".join(char for char in text if char.isspace() or not _is_no_part(char)).split())


def _is_no_part(char: str) -> bool:
    # Not `isprintable`: it knows no emoji that are younger than Python, and takes the joiners inside of many, the marks
    # of scripts that run from right to left and all blanks but one for controls.
    category = unicodedata.category(char)
    return category in ("Cc", "Cs", "Co", "Zl", "Zp") or (category == "Cn" and _is_noncharacter(ord(char)))


def _is_noncharacter(number: int) -> bool:
    return number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
