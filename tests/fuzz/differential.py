"""Random logs through Yrs and Yjs: the same clocks, content, deletions and structs; each reads what the other encodes.
What a Yjs that follows the log tidies up is an edit that the gate takes, and after it both have the same again."""

import random
from collections.abc import Sequence
from typing import Any

from sync.gate.ranges import Ranges, disjoint
from sync.parts import squash, take_apart
from tests.fuzz.targets import Broke
from tests.sync.test_gate_reopen import write_together
from tests.sync.writers import Writer, YjsProcess, YrsWriter, read


def encoded(state: bytes) -> object:
    """What two encodings of one state have in common: what is deleted, and every struct that is not. (Of what is
    deleted each keeps as many structs as it pleases.)"""
    parts = take_apart(squash(state))
    deletes = sorted(
        (client, disjoint((first, first + length) for first, length in ranges)) for client, ranges in parts.deletes
    )
    deleted = Ranges()
    for client, ranges in deletes:
        deleted.add(client, ranges)
    alive = [
        (run.client, piece.struct, piece.content)
        for run in sorted(parts.runs)
        for piece in run.pieces
        if (run.client, piece.struct.clock) not in deleted
    ]
    return deletes, alive


def agree(yjs: YjsProcess, log: Sequence[bytes]) -> None:
    """Raises `Broke` where Yrs and Yjs read a log differently."""
    ours, theirs = read(log), yjs.read(log)
    _same("clocks", ours.clocks, theirs.clocks)
    _same("content", ours.content, theirs.content)
    _same("encoded", encoded(ours.state), encoded(theirs.state))
    _same("what Yjs reads of Yrs", yjs.read([ours.state]).content, ours.content)
    _same("what Yrs reads of Yjs", read([theirs.state]).content, ours.content)


def agree_after_tidying(yjs: YjsProcess, log: Sequence[bytes]) -> list[bytes]:
    """Yjs deletes formats that became superfluous, when it reads what others did: a browser sends that as its edit."""
    theirs, tidied = yjs.follow(log)
    _same("content after tidying", read([*log, *tidied]).content, theirs.content)
    return tidied


def _same(what: str, ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise Broke(f"{what}: {_difference(ours, theirs)}")


def _difference(ours: Any, theirs: Any, where: tuple[int, ...] = ()) -> str:
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one != other:
                return _difference(one, other, (*where, number))
    return f"at {where} Yrs has {str(ours)[:300]}, Yjs has {str(theirs)[:300]}"


def compare(yjs: YjsProcess, seed: int, rounds: int = 60) -> int:
    """One document, by writers of one or the other; how many entries it has. Raises `Broke`, with the seed."""
    dice = random.Random(seed)
    ids = random.Random(seed).sample(range(1, 1 << dice.choice((8, 32, 53))), 4)
    writers: Sequence[Writer]
    if seed % 2:
        writers = yjs.begin(seed, ids)
    else:
        writers = [YrsWriter(dice, client, user_id=number // 2) for number, client in enumerate(ids)]
    server = write_together(dice, writers, rounds)
    try:
        agree(yjs, server.log)
        for update in agree_after_tidying(yjs, server.log):
            server.receive(0, update)
        agree(yjs, server.log)
    except Exception as error:
        raise Broke(f"document {seed}: {error}") from error
    return len(server.log)
