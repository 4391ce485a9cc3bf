"""What must be so when the smoke has gone: each check answers with sentences about what is not."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pycrdt import Doc

from sync.chunk import Group
from sync.doc import apply
from sync.gate.ranges import Ranges
from sync.history import groups
from sync.store import Broken, Store
from tests.nemesis.reading import Ids, Reading, canonical, deletes, read, read_with_yjs, structs, words
from tests.nemesis.somebody import MARK, Ack, Heard, Somebody

MOST = 10  # sentences of one kind


class Log(NamedTuple):
    """What is kept of a note."""

    note: str
    head: int
    groups: Sequence[Group]
    doc: Doc[Any]


def read_log(store: Store, note: str) -> Log:
    """Raises `Broken` if an entry is missing, or one is not what was written: each is chained to the one before it."""
    found = list(groups(store, note))
    doc: Doc[Any] = Doc(skip_gc=True)
    for group in found:
        apply(doc, [group.update])
    head = store.status(note).head
    last = found[-1].last if found else 0
    if last != head:
        raise Broken(f"{note}: expected entries up to {head}, found them up to {last}")
    return Log(note, head, found, doc)


def opened(store: Store, log: Log) -> Iterator[str]:
    """Whether a note that is opened, from its snapshot and what came after it, says what all entries say."""
    snapshot = store.open(log.note).snapshot
    if snapshot is not None:
        doc: Doc[Any] = Doc()
        apply(doc, [snapshot.state, *(entry.update for entry in store.entries(log.note, snapshot.seq))])
        yield from _differences(f"{log.note} as its snapshot opens it", read(doc), read(log.doc))


def held(log: Log, acks: Sequence[Ack], heard: Sequence[Heard]) -> Iterator[str]:
    """Whether the log holds all that was acknowledged, up to the entry that was named; and all that was shown, too.

    And whether each entry says something new: two people at two workers may delete the same at once, but nobody twice.
    """
    claims: defaultdict[int, list[Ack | Heard]] = defaultdict(list)
    seen: set[tuple[bytes, int]] = set()
    for heard_one in heard:  # the same frame goes to many
        if (heard_one.update, heard_one.seq) not in seen:
            seen.add((heard_one.update, heard_one.seq))
            claims[heard_one.seq].append(heard_one)
    for ack in acks:
        claims[ack.seq].append(ack)
    seqs = sorted(claims)
    there, deleted = Ranges(), Ranges()
    deleted_by: defaultdict[int, Ranges] = defaultdict(Ranges)  # in each session
    final_deletes = _ranges(canonical(log.doc)[1])
    all_there = _ranges(structs(log.doc.get_update()))
    for group in [*log.groups, None]:
        while seqs and (group is None or seqs[0] < group.first):
            seq = seqs.pop(0)
            for claim in claims[seq]:
                yield from _missing(log, claim, there, final_deletes, all_there)
        if group is not None:
            inserts, takes = structs(group.update), deletes(group.update)
            news = _add(there, inserts) + _add(deleted, takes)
            meant = _add(deleted_by[group.session_id], takes)
            if not news and (inserts or not meant):
                yield f"{log.note}: entry {group.last} says only what was said before it"


def _missing(log: Log, claim: Ack | Heard, there: Ranges, deleted: Ranges, in_the_end: Ranges) -> Iterator[str]:
    what = "was acknowledged" if isinstance(claim, Ack) else "was shown"
    for client, ranges in structs(claim.update).items():
        for first, end in there.lacking(client, ranges):
            later = not in_the_end.lacking(client, [(first, end)])
            where = "only in a later one" if later else f"nowhere in the log (head {log.head})"
            yield (
                f"{log.note}: client {client}, clocks {first} to {end - 1} {what} to person {claim.who} "
                f"as of entry {claim.seq}, but is {where}"
            )
    for client, ranges in deletes(claim.update).items():
        for first, end in deleted.lacking(client, ranges):
            yield (
                f"{log.note}: the deletion of client {client}, clocks {first} to {end - 1} {what} to person "
                f"{claim.who} as of entry {claim.seq}, but is nowhere in the log (head {log.head})"
            )


def equal(log: Log, people: Sequence[Somebody]) -> Iterator[str]:
    """Whether everybody who has the note has what the log has: the same state, and the same text."""
    expected, state = read(log.doc), canonical(log.doc)
    for person in people:
        name = f"{log.note}: what person {person.number} has"
        yield from _differences(name, read(person.doc), expected)
        for found, wanted, what in zip(canonical(person.doc), state, ("structs", "deletions"), strict=True):
            for sentence in _lacking(name, wanted, found, f"lacks {what}"):
                yield sentence
            for sentence in _lacking(name, found, wanted, f"has {what} that the log has not"):
                yield sentence


def marked(log: Log, people: Sequence[Somebody]) -> Iterator[str]:
    """Whether each paragraph that somebody wrote, and nobody took away, is in the text exactly once.

    One that two people took away at once, and both brought back, is there twice: so it is with Yjs.
    """
    found = MARK.findall(words(log.doc))
    written = {mark: person for person in people for mark in person.written}
    taken = {mark for person in people for mark in person.taken}
    count = {mark: found.count(mark) for mark in {*found, *written}}
    for mark, times in sorted(count.items()):
        if mark not in written:
            yield f"{log.note}: paragraph {mark} is there, but nobody wrote it"
        elif times > 1 and mark not in taken:
            yield f"{log.note}: paragraph {mark} of person {written[mark].number} is there {times} times"
        elif times == 0 and mark not in taken:
            yield f"{log.note}: paragraph {mark} of person {written[mark].number} is not in the text"


def same_in_yjs(logs: Sequence[Log]) -> Iterator[str]:
    """Whether Yjs makes of the log what Yrs makes of it."""
    readings = read_with_yjs([[group.update for group in log.groups] for log in logs])
    for log, reading in zip(logs, readings, strict=True):
        yield from _differences(f"{log.note} in Yjs", reading, read(log.doc))


def handled(said: str) -> Iterator[str]:
    """Whether the server's log names a request with an error in it that nobody had thought of."""
    for line in said.splitlines():
        if "Error handling request" in line:
            yield f"the server said: {line}"


def same_history(log: Log, streamed: Sequence[Group], sittings: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Whether the history that people are shown is that of the log, and sittings leave nothing out."""
    doc: Doc[Any] = Doc(skip_gc=True)
    apply(doc, [group.update for group in streamed])
    yield from _differences(f"{log.note} as its history replays it", read(doc), read(log.doc))
    end = 0
    for first, last in sorted(sittings):
        if first != end + 1:
            yield f"{log.note}: a sitting ends with entry {end}, the next one begins with {first}"
        end = last
    if end != log.head:
        yield f"{log.note}: its sittings end with entry {end}, expected {log.head}"


def _differences(name: str, found: Reading, expected: Reading) -> Iterator[str]:
    if found.clocks != expected.clocks:
        for client in sorted({*found.clocks, *expected.clocks}):
            clock, wanted = found.clocks.get(client, 0), expected.clocks.get(client, 0)
            if clock != wanted:
                yield f"{name} has client {client} up to clock {clock}, expected {wanted}"
    for part in ("title", "body"):
        one, other = str(getattr(found, part)), str(getattr(expected, part))
        if one != other:
            at = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(other))
            shown = f"{one[max(0, at - 20) : at + 40]!r}, expected {other[max(0, at - 20) : at + 40]!r}"
            yield f"{name} differs in the {part} from character {at}: {shown}"


def _lacking(name: str, wanted: Ids, found: Ids, what: str) -> Iterator[str]:
    there = _ranges(found)
    for client, ranges in wanted.items():
        for first, end in there.lacking(client, ranges):
            yield f"{name} {what}: client {client}, clocks {first} to {end - 1}"


def _ranges(ids: Ids) -> Ranges:
    ranges = Ranges()
    _add(ranges, ids)
    return ranges


def _add(to: Ranges, ids: Ids) -> int:
    """How many of these were not in it."""
    new = 0
    for client, ranges in ids.items():
        lacking = list(to.lacking(client, ranges))
        to.add(client, lacking)
        new += sum(end - first for first, end in lacking)
    return new
