"""What an update must satisfy before the doc, the log or another client sees it: decided on its bytes."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sync.codec import MAX_CLOCK, Malformed, write_uint
from sync.gate.keystroke import keystroke
from sync.gate.limits import UNLIMITED, Limits, TooLarge
from sync.gate.order import Run, Stuck, in_order
from sync.gate.ranges import FEW, Merged, Range, Ranges, Spans
from sync.gate.rules import TEXTS, check, check_deletes
from sync.gate.scan import Deletes, Scan, Section, scan
from sync.gate.scanner import PAUSE_EVERY, Id, no_pause
from sync.gate.shape import Draft, List, Shape
from sync.gate.structs import Struct

T = TypeVar("T")


class Refused(Exception):
    """Not admitted, and nothing was changed. `error` is one of those in sync/README.md."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


class Admitted(NamedTuple):
    """What may go into the doc and the log."""

    update: bytes  # only what is new: new structs as they came, and only delete ranges that are new
    clients: tuple[int, ...]  # client ids that this update binds to the user
    # Characters (UTF-16 units) of text, without those that it puts in and takes out at once.
    inserted: int = 0
    deleted: int = 0


_Typed = tuple[int, Id | None, List | None]  # the clock after it, before what it stands, and in which text
_NOTHING: _Typed = -1, None, None


class Gate:
    """One for each document in memory. It admits one update at a time: while pause() lets others run, hold them back.

    `clocks`: the first clock of each client that the document lacks. `owners`: who wrote first with each client id;
    None is the program.
    """

    def __init__(
        self,
        roots: Mapping[str, int],
        owners: Mapping[int, int | None],
        limits: Limits = Limits(),
        pause: Callable[[], None] = no_pause,
    ) -> None:
        self.clocks: dict[int, int] = {}
        self.structs = 0  # pieces of the doc, at most: what is typed in one go is put together later
        self.owners = dict(owners)
        self._roots = roots
        self._limits = limits
        self._pause = pause
        self._shape = Shape()
        self._deleted = Ranges()
        self._typed: dict[int, _Typed] = {}  # of each client the last keystroke
        self._early: list[Sequence[Run]] = []  # replayed, but what they need was not

    def replay(self, update: bytes) -> None:
        """Take over an update of the log, or a snapshot, which was written by us: nobody is asked who wrote it.

        Entries may overlap (one update that reached two processes) and may need a later one. Raises Malformed.
        """
        found = scan(update, UNLIMITED, self._pause, trusted=True)
        for client, ranges in found.deletes:
            self._deleted.edges[client] = self._deleted_with(client, ranges)
        runs: Sequence[Run] = [Run(section.client, section.structs) for section in found.sections]
        waiting = [runs, *self._early]
        self._early = []
        progress = True
        while progress and waiting:
            progress = False
            again: list[Sequence[Run]] = []
            for runs in waiting:
                order, stuck = in_order([self._unknown(run) for run in runs], self.clocks, self._pause)
                self._replay(order)
                progress = progress or bool(order)
                if stuck:
                    again.append([rest.run for rest in stuck])
            waiting = again
        self._early = waiting

    def admit(self, user_id: int | None, update: bytes, full: bool = False) -> Admitted | None:
        """What is new in an update, already taken over; None if all of it is known. Raises Refused.

        `full`: nothing may come to the document but deletions.
        """
        if not full and (admitted := self._admit_keystroke(user_id, update)) is not None:
            return admitted
        try:
            return self._admit(user_id, update, full)
        except TooLarge as error:
            raise Refused("too-large", str(error)) from None
        except Malformed as error:
            raise Refused("malformed", str(error)) from None

    def _admit_keystroke(self, user_id: int | None, update: bytes) -> Admitted | None:
        """As `_admit`, if this is text by somebody who has written before, and right. None: look closer."""
        found = keystroke(update)
        if found is None or len(update) > self._limits.max_bytes:
            return None
        client, clock, length, origin, right = found
        clocks, owners = self.clocks, self.owners
        end = clock + length
        if clocks.get(client) != clock or end > MAX_CLOCK or client not in owners or owners[client] != user_id:
            return None
        ended, before, place = self._typed.get(client, _NOTHING)
        if ended != clock or before != right or origin != (client, clock - 1):
            place = self._between(origin, right)
            if place is None:
                return None
            self._shape.put_text(client, clock, place)
            self.structs += 1
        # Else it is typed on, and will be put together with what was typed before: what has a place keeps it.
        clocks[client] = end
        self._typed[client] = end, right, place
        return Admitted(update, (), length)

    def _between(self, origin: Id, right: Id | None) -> List | None:
        """The text that has a place between these two. None: there is none, or it is not that simple."""
        place = self._text_at(*origin)
        if place is None or self._shape.splits_pair(origin[0], origin[1] + 1):
            return None
        if right is not None and (self._text_at(*right) != place or self._shape.splits_pair(*right)):
            return None
        return place

    def _text_at(self, client: int, clock: int) -> List | None:
        """The text that something stands in."""
        if clock >= self.clocks.get(client, 0):
            return None
        place = self._shape.list_at(client, clock)
        if place is None or place[1] is not None:  # it went with what it was in, or it is the value of a key
            return None
        node = place[0]
        which = self._roots.get(node) if isinstance(node, str) else self._shape.types[node][0]
        return place if which in TEXTS else None

    def _admit(self, user_id: int | None, update: bytes, full: bool) -> Admitted | None:
        found = scan(update, self._limits, self._pause)
        fresh = self._fresh(user_id, found.sections)
        if fresh and full:
            raise Refused("quota", "This document is full. Begin another one, and take your text along.")
        order, stuck = in_order(fresh, self.clocks, self._pause)
        if stuck:
            raise self._unmet(fresh, stuck)
        ends = {section.client: section.end for section in fresh}
        news = self._new_deletes(found, ends)
        if not fresh and not news:
            return None

        draft = Draft(self._shape, self._roots, self.clocks)
        self._check(draft, order, news)
        admitted = Admitted(
            self._only_new(update, found, fresh, news),
            tuple([client for client in ends if client not in self.owners]),
            *self._characters(draft.new, fresh, news),
        )

        many = {client: self._deleted_with(client, ranges) for client, ranges in news if len(ranges) > FEW}

        # Nothing is refused from here on, and nobody else runs.
        self._deleted.edges.update(many)
        self.owners.update(dict.fromkeys(admitted.clients, user_id))
        self.structs += sum([len(section.structs) for section in fresh])
        self._adopt(draft, ends)
        for client, ranges in news:
            self._typed.pop(client, None)  # nothing is put together with what is gone
            if client not in many:
                self._deleted.add(client, self._deleted.lacking(client, ranges))
        return admitted

    def _unknown(self, run: Run) -> Run:
        """What of a replayed run is new."""
        client, structs = run
        have = self.clocks.get(client, 0)
        if not structs or structs[0].clock >= have:
            return run
        return Run(client, [_from(have, client, struct) for struct in structs if struct.clock + struct.length > have])

    def _replay(self, order: Sequence[Run]) -> None:
        draft = Draft(self._shape, self._roots, self.clocks)
        ends: dict[int, int] = {}
        for client, structs in order:
            self.structs += len(structs)
            for part in self._parts(structs):
                for struct in part:
                    draft.add(client, struct)
            ends[client] = structs[-1].clock + structs[-1].length
        self._adopt(draft, ends)

    def _fresh(self, user_id: int | None, sections: Sequence[Section]) -> list[Section]:
        """The sections that are new. One that is known is a resend, and anybody may."""
        fresh: list[Section] = []
        resync = ""
        for section in sections:
            client, first, end = section.client, section.first, section.end
            have = self.clocks.get(client, 0)
            if end <= have:
                continue
            if self.owners[client] != user_id if client in self.owners else have > 0:
                raise Refused("denied", f"client {client} is somebody else's: expected it to end at {have}, got {end}")
            if first != have:
                resync = resync or f"client {client}: expected clocks from {have} on, got {first}..{end}"
            fresh.append(section)
        if resync:
            raise Refused("resync", resync)
        return fresh

    def _unmet(self, fresh: Sequence[Section], stuck: Sequence[Stuck]) -> Refused:
        """Why these structs do not integrate."""
        ends = {section.client: section.end for section in fresh}
        resync = ""
        for (own, structs), (client, clock) in stuck:
            struct = structs[0]
            if client == own and clock >= struct.clock:
                return Refused("malformed", f"{own}@{struct.clock}: expected an id before it, got {client}@{clock}")
            end = ends.get(client, self.clocks.get(client, 0))
            if clock >= end:
                resync = f"{own}@{struct.clock} needs {client}@{clock}: expected clocks of {client} below {end}"
        if resync:
            return Refused("resync", resync)
        return Refused("malformed", "expected an order in which all structs integrate, got a cycle")

    def _new_deletes(self, found: Scan, ends: Mapping[int, int]) -> list[Deletes]:
        news: list[Deletes] = []
        for client, ranges in found.deletes:
            end = ends.get(client, self.clocks.get(client, 0))
            first, last = ranges[-1]
            if last > end:
                raise Refused("resync", f"delete of {client}@{first}..{last}: expected clocks below {end}")
            lacking = Spans()
            for part in self._parts(ranges):
                lacking.extend(self._deleted.lacking(client, part))
            if lacking:
                news.append(Deletes(client, lacking))
        return news

    def _deleted_with(self, client: int, ranges: Sequence[Range]) -> "array[int]":
        """What the edges of the client's deleted clocks will be with these."""
        merged = Merged(self._deleted, client)
        for part in self._parts(ranges):
            merged.add(self._deleted.lacking(client, part))
        return merged.edges()

    def _check(self, draft: Draft, order: Sequence[Run], news: Sequence[Deletes]) -> None:
        deletes = dict(news)
        for client, structs in order:
            for part in self._parts(structs):
                for struct in part:
                    check(draft, client, struct, deletes, self._limits)
        for client, ranges in news:
            for some in self._parts(ranges):
                check_deletes(draft, client, some)

    def _characters(self, new: Shape, fresh: Sequence[Section], news: Sequence[Deletes]) -> tuple[int, int]:
        """How many characters are inserted, and deleted."""
        inserted = deleted = 0
        for section in fresh:
            client, first, end = section.client, section.first, section.end
            inserted += end - first - new.other.overlap(client, first, end) - new.empty.overlap(client, first, end)
        for client, ranges in news:
            have = self.clocks.get(client, 0)
            for some in self._parts(ranges):
                for first, end in some:
                    if first < have:
                        known = min(end, have)
                        deleted += known - first - self._shape.other.overlap(client, first, known)
                    if end > have:
                        first = max(first, have)
                        empty = new.empty.overlap(client, first, end)
                        inserted -= end - first - new.other.overlap(client, first, end) - empty
        return inserted, deleted

    def _only_new(self, update: bytes, found: Scan, fresh: Sequence[Section], news: Sequence[Deletes]) -> bytes:
        """The update without the sections and delete ranges that are known."""
        if len(fresh) == len(found.sections) and news == found.deletes:
            return update
        out = bytearray()
        write_uint(out, len(fresh))
        for section in fresh:
            out += update[section.start : section.stop]
        if news == found.deletes:
            return bytes(out) + update[found.deletes_at :]
        write_uint(out, len(news))
        for client, ranges in news:
            write_uint(out, client)
            write_uint(out, len(ranges))
            for part in self._parts(ranges):
                for first, end in part:
                    write_uint(out, first)
                    write_uint(out, end - first)
        return bytes(out)

    def _parts(self, work: Sequence[T]) -> Iterator[Sequence[T]]:
        """The same in parts, with a pause between them."""
        if len(work) <= PAUSE_EVERY:
            yield work
            return
        for at in range(0, len(work), PAUSE_EVERY):
            yield work[at : at + PAUSE_EVERY]
            self._pause()

    def _adopt(self, draft: Draft, ends: Mapping[int, int]) -> None:
        """Take over what the draft adds to the shape, and clocks up to these."""
        self._shape.take(draft.new)
        for client, ranges in draft.new.empty.items():
            self._deleted.add(client, self._deleted.lacking(client, ranges))
        self.clocks.update(ends)


def _from(clock: int, client: int, struct: Struct) -> Struct:
    """The part of a struct from this clock on."""
    known = clock - struct.clock
    if known <= 0:
        return struct
    return struct._replace(
        clock=clock, length=struct.length - known, origin=(client, clock - 1), parent=None, pairs=struct.pairs[known:]
    )


