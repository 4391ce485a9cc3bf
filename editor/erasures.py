"""Taking away for good what was: the only request after which a log is not what it was."""

from collections.abc import Sequence
from typing import Any, cast

from flask import Blueprint, current_app

from editor import access, body, damage, erasing, moments
from editor.access import Role
from editor.errors import Conflict, Damaged, Invalid, Unavailable
from sync.erasing import StillThere, Unerasable
from sync.store import Broken, NotStored

erasures = Blueprint("erasures", __name__, url_prefix="/api/documents/<document_id>/history/erase")

Piece = tuple[int, int, int]  # Yjs client id, its clock, how many


@erasures.post("")
def erase(document_id: str) -> dict[str, Any]:
    document = access.find_history(document_id, Role.OWNER).document
    wanted = body.fields(before=int, pieces=list, words=str, dry=bool)
    dry = wanted.pop("dry", False)
    rooms, store = current_app.extensions["rooms"], current_app.extensions["store"]
    try:
        if wanted.keys() == {"before"}:
            before = moments.check(document, wanted["before"])
            return erasing.erase_before(rooms, store, document_id, before, dry)._asdict()
        if wanted.keys() == {"pieces", "words"}:
            pieces, words = _pieces(wanted["pieces"]), _words(wanted["words"])
            return erasing.erase_pieces(rooms, store, document_id, pieces, words, dry)._asdict()
    except (StillThere, Unerasable) as error:
        raise Conflict(_sentence(error)) from error
    except ValueError as error:
        raise Invalid(_sentence(error)) from error
    except NotStored as error:
        raise Unavailable(str(error)) from error
    except Broken as error:
        raise Damaged(f"{damage.whole(error.damage)} {_instead(error, 'words' in wanted)}") from error
    raise Invalid("Say either before which moment, or which pieces and the words in them.")


def _instead(error: Broken, words: bool) -> str:
    """What can be done."""
    if error.damage is None or not words:
        return "Nothing was erased."
    return f"Nobody can tell what words are in them. Erase what was before entry {error.damage.last + 1} first."


def _sentence(error: Exception) -> str:
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}"


def _words(words: str) -> str:
    """Raises `Invalid` without any: they are what must be gone afterwards."""
    if not words:
        raise Invalid("That does not work.", {"words": ["This must not be empty."]})
    return words


def _pieces(given: Sequence[object]) -> list[Piece]:
    """Raises `Invalid` unless they are pieces, at least one."""
    for piece in given:
        if not (isinstance(piece, list) and len(piece) == 3 and all(type(number) is int for number in piece)):
            expected = "This must be a list of [client, clock, length], each a whole number"
            raise Invalid("That does not work.", {"pieces": [f"{expected}; not {str(piece)[:40]}."]})
    if not given:
        raise Invalid("That does not work.", {"pieces": ["This must not be empty."]})
    return [(client, clock, length) for client, clock, length in cast("Sequence[Piece]", given)]
