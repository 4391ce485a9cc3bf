"""One run: people write while the nemesis strikes; then peace, and everything is compared with everything."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from sync.chunk import Group
from sync.chunk import decode as unpack
from sync.codec import Malformed, Reader, state_vector
from sync.store import Broken, Store
from tests.live import SocketLink, Visitor
from tests.nemesis import checks, old
from tests.nemesis.cluster import Cluster
from tests.nemesis.line import Line, Network
from tests.nemesis.onslaught import Onslaught
from tests.nemesis.plan import NEMESIS, Plan
from tests.nemesis.reading import read
from tests.nemesis.somebody import Somebody
from tests.nemesis.sqlite import Sqlite
from tests.nemesis.switches import Deed
from tests.nemesis.topology import Topology

TOPOLOGIES: Mapping[str, Callable[[Path, str], Topology]] = {"sqlite": Sqlite, "cluster": Cluster}

SAY_EVERY = 5.0  # seconds
OPENING = 8.0  # seconds until an attempt to connect is given up
SETTLE = 60.0  # seconds
PARTS = ("migrations", "presence", "memory")
MIGRATIONS = (1, 4, 8)  # steps of the first start at which it is killed
GHOSTS = 2.0  # seconds after which somebody who left is not shown any more: G9 says 1, and this machine may be busy
VANISHED = 6.0  # the same of somebody who left without a word: two pings of 2 seconds, see `inside`
LEASE = 15.0  # the same of those whose worker was killed
EVICTION = 6.5  # seconds for rooms to be forgotten once they are empty, of which nobody outside hears
ROUNDS = 2  # of people who come, write and go, between two looks at the memory
GROWTH = 12 << 20  # bytes that each process may take more after these


@dataclass
class Report:
    plan: Plan
    failures: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(f"{name:24} {value}" for name, value in self.numbers.items())


class Run:
    def __init__(
        self,
        plan: Plan,
        folder: Path,
        say: Callable[[str], None] = lambda line: None,
        *,
        fault: str = "",
        skip: Collection[str] = (),
        settle: float = SETTLE,
    ) -> None:
        """`fault`: have the server broken (tests.nemesis.faults). `skip`: some of `PARTS`, which take time.

        `settle`: seconds after the last blow in which everybody must have everything.
        """
        self._plan = plan
        self._skip = set(skip)
        self._settling = settle
        self._say = say
        self._topology = TOPOLOGIES[plan.topology](folder, fault)
        self._report = Report(plan)
        self._people: list[Somebody] = []
        self._lines: list[Line] = []

    def run(self) -> Report:
        """Never raises for what is found; whatever else is raised is a mistake in the nemesis itself."""
        began = time.monotonic()
        self._network = Network()
        try:
            if "migrations" not in self._skip:
                self._migrate()
            self._open()
            self._say(f"open after {time.monotonic() - began:.1f} s")
            self._fire()
            self._say("peace")
            if self._settle():
                self._check_everybody()
                if "presence" not in self._skip:
                    self._check_lease()
                    self._check_presence()
                if "memory" not in self._skip:
                    self._check_memory()
            self._check_log()
        finally:
            for person in self._people:
                person.leave()
            self._topology.close()
            self._network.close()
        self._report.numbers["seconds in all"] = round(time.monotonic() - began, 1)
        return self._report

    # -- Before ------------------------------------------------------------------------------------

    def _migrate(self) -> None:
        """The first starts: it is killed in the middle of its migrations."""
        for step in MIGRATIONS:
            self._topology.switches.arm("during migration", Deed.KILL_SERVER, step)
            self._wait(self._killed_in_migration, 30, "the server to be killed during its migrations")
            self._topology.end()

    def _killed_in_migration(self) -> bool:
        if self._topology.switches.armed("during migration"):
            self._topology.tend()
            return False
        return True

    def _open(self) -> None:
        """The server comes up, and people get to their notes."""
        self._topology.start()
        self._owner = Visitor(self._topology).sign_up("Owner")
        self._notes = [self._owner.new_note() for _ in range(self._plan.notes)]
        links = [self._owner.share(note, "editor") for note in self._notes]
        doors = self._topology.doors
        for number in range(self._plan.people):
            # Each note has people at several doors, and each door people of several notes.
            door = doors[(number // len(links) + number % len(links)) % len(doors)]
            self._lines.append(line := self._network.line(door.port))
            visitor = Visitor(self._topology).say_name(f"Person {number}")
            visitor.follow(links[number % len(links)])
            note = self._notes[number % len(links)]
            polls = number % 4 == 3
            way = SocketLink(line, visitor, note, "polling" if polls else "websocket", OPENING)
            self._people.append(Somebody(number, note, way, polls))
        self._reader = Visitor(self._topology).say_name("Reader")
        for link in links:
            self._reader.follow(link)
        for person in self._people:
            person.come()
        self._wait(lambda: self._here(self._people), 30, "everybody to be there")

    # -- The fire ----------------------------------------------------------------------------------

    def _fire(self) -> None:
        began = time.monotonic()
        ended = threading.Event()

        def now() -> float:
            return time.monotonic() - began

        self._onslaught = onslaught = Onslaught(self._topology, self._network, self._lines, self._people, now)
        threads = [
            threading.Thread(target=person.live, args=(self._plan.of(person.number), now, ended))
            for person in self._people
        ]
        threads.append(threading.Thread(target=self._tell, args=(now, ended)))
        for thread in threads:
            thread.start()
        try:
            onslaught.go(self._plan.of(NEMESIS), self._plan.seconds)
        finally:
            ended.set()
            onslaught.relent()
            for thread in threads:
                thread.join()
        for person in self._people:
            self._report.failures += person.complaints
        self._report.failures += onslaught.complaints

    def _tell(self, now: Callable[[], float], ended: threading.Event) -> None:
        while not ended.wait(SAY_EVERY):
            acked = sum(len(person.acked) for person in self._people)
            kills = self._onslaught.count["kills"]
            here = sum(person.joined is not None for person in self._people)
            self._say(f"{now():5.0f} s  {kills} kills, {acked} updates acknowledged, {here} people are connected")

    # -- After -------------------------------------------------------------------------------------

    def _settle(self) -> bool:
        """Peace: whether everybody gets everything, of their own accord."""
        began = time.monotonic()
        while time.monotonic() - began < self._settling:
            self._onslaught.tend()
            for person in self._people:
                if not person.refused:
                    person.come()
                person.link.wait(0.01)
            if all(map(self._agreed, self._notes)):
                self._report.numbers["seconds to agree"] = round(time.monotonic() - began, 1)
                return True
        for person in self._people:
            if not person.saved:
                self._fail(
                    f"person {person.number} has updates of client {person.client_id} that were not acknowledged "
                    f"within {self._settling:.0f} s of peace; the server said {person.refusals[-3:]}"
                )
        self._fail(f"people did not agree within {self._settling:.0f} s of peace")
        self._check_everybody_but_the_log()
        return False

    def _agreed(self, note: str) -> bool:
        people = self._in(note)
        states = [state_vector(person.doc.get_state()) for person in people]
        seqs = {max(person.seq, person.saved_seq) for person in people}
        everybody = all(person.joined and person.saved for person in people)
        return everybody and len(seqs) == 1 and all(state == states[0] for state in states)

    def _check_everybody(self) -> None:
        """Nobody joined anew since the last blow: everybody, and somebody who comes only now, has what the log has."""
        self._observers = self._newcomers()
        with self._topology.store() as store:
            for log in self._logs(store):
                newcomers = [observer for observer in self._observers if observer.note == log.note]
                self._take(checks.equal(log, [*self._in(log.note), *newcomers]))
                self._take(checks.same_history(log, self._streamed(log.note), self._sittings(log.note)))

    def _check_everybody_but_the_log(self) -> None:
        with self._topology.store() as store:
            for log in self._logs(store):
                self._take(checks.equal(log, self._in(log.note)))

    def _check_presence(self) -> None:
        """Everybody says where they are, and leaves: soon nobody is shown any more.

        Who polls leaves without a word, as a browser that is closed does.
        """
        clients = self._seen()
        for person in self._people:
            person.leave()
        began = time.monotonic()
        for polling, seconds, name in ((False, GHOSTS, "who disconnected"), (True, VANISHED, "who vanished")):
            left = {person: client for person, client in clients.items() if person.polls == polling}
            while self._shown(left) and time.monotonic() - began < seconds:
                time.sleep(0.01)
            self._report.numbers[f"gone: {name}"] = f"after {time.monotonic() - began:.2f} s"
            for person in self._shown(left):
                self._fail(f"{person.note}: person {person.number} left {seconds} s ago and is still shown")
        for late in self._newcomers():
            if late.present:
                self._fail(f"{late.note}: everybody has left, but a newcomer is shown clients {late.present}")
            late.leave()
        for observer in self._observers:
            observer.leave()

    def _check_lease(self) -> None:
        """A worker is killed, and its people stay away: nobody says so to the others, who find it out."""
        clients = self._seen()
        for person in self._people:
            person.stay_away()
        self._topology.kill(self._topology.workers[0])
        began = time.monotonic()
        lost: dict[Somebody, int] = {}
        while time.monotonic() - began < LEASE:
            self._onslaught.tend()
            for person in self._people:
                person.link.wait(0.001)
            lost = {person: client for person, client in clients.items() if person.joined is None}
            if self._here(self._observers) and lost and not self._shown(lost):
                break
        self._report.numbers["gone: whose worker was killed"] = f"{len(lost)} after {time.monotonic() - began:.2f} s"
        if not lost:
            self._fail("a worker was killed, and nobody noticed it")
        for person in self._shown(lost):
            self._fail(f"{person.note}: the worker of person {person.number} was killed {LEASE} s ago; still shown")
        for person in self._people:
            person.come()

    def _newcomers(self) -> list[Somebody]:
        """Somebody who comes only now to each note, through each of the doors."""
        found = [
            Somebody(len(self._people) + place, note, SocketLink(door, self._reader, note))
            for place, (note, door) in enumerate(product(self._notes, dict.fromkeys(self._topology.doors)))
        ]
        for newcomer in found:
            newcomer.come()
        self._wait(lambda: self._here(found), 20, "newcomers to be told what there is")
        return found

    def _seen(self) -> dict[Somebody, int]:
        """Everybody says where they are, and is seen: the client of each."""
        self._wait(lambda: self._here(self._people), 20, "everybody to be there")
        for person in self._people:
            person.place()
        clients = {person: person.client_id for person in self._people}
        self._wait(lambda: not self._unseen(clients), 20, "everybody to be seen")
        for observer, person in self._unseen(clients):
            self._fail(f"{person.note}: person {person.number} is not shown to newcomer {observer.number}")
        return clients

    def _shown(self, clients: Mapping[Somebody, int]) -> list[Somebody]:
        """Who of these is shown to somebody who looks on."""
        present = set().union(*(self._present(observer) for observer in self._observers))
        return [person for person, client in clients.items() if client in present]

    def _unseen(self, clients: Mapping[Somebody, int]) -> list[tuple[Somebody, Somebody]]:
        """To whom of those who look at a note somebody in it is not shown."""
        self._here([*self._people, *self._observers])  # who was cut off comes back
        return [
            (observer, person)
            for observer in self._observers
            for person in self._in(observer.note)
            if clients[person] not in self._present(observer)
        ]

    def _present(self, observer: Somebody) -> set[int]:
        observer.link.wait(0.001)
        return observer.present

    def _check_memory(self) -> None:
        self._come_and_go()  # once, so that everything that is made on first use is there
        before = self._topology.memory()
        for _ in range(ROUNDS):
            self._come_and_go()
        after = self._topology.memory()
        told = ", ".join(f"{name} {size >> 20} and {after[name] >> 20} MB" for name, size in before.items())
        self._report.numbers[f"memory, {ROUNDS} rounds apart"] = told
        for name, size in before.items():
            if (grown := after[name] - size) > GROWTH:
                self._fail(f"everybody left, but the {name} keeps {grown >> 20} MB more than before they came")

    def _come_and_go(self) -> None:
        for person in self._people:
            person.reload()
        self._wait(lambda: self._here(self._people), 30, "everybody to come back")
        for person in self._people:
            person.type("once more ", 0)
            person.place()
        self._wait(lambda: self._here(self._people) and all(person.saved for person in self._people), 30, "their words")
        for person, line in zip(self._people, self._lines, strict=True):
            if person.number % 2:
                self._network.call(line, "cut")
            person.leave()
        time.sleep(EVICTION)

    def _check_log(self) -> None:
        self._topology.end() if self._report.failures else self._topology.stop()
        with self._topology.store() as store:
            logs = self._logs(store)
            old_logs = self._logs(store, [old.NOTE])
            for log in logs:
                people = self._in(log.note)
                acks = [ack for person in people for ack in person.acked]
                heard = [told for person in people for told in person.heard]
                self._take(checks.opened(store, log))
                self._take(checks.held(log, acks, heard))
                self._take(checks.marked(log, people))
        for log in old_logs:
            if (kept := read(log.doc).title) != old.WORDS:
                self._fail(f"what was written before the migrations is {kept!r} now, expected {old.WORDS!r}")
        self._take(checks.same_in_yjs([*logs, *old_logs]))
        self._take(checks.handled(self._topology.server.log))
        for person in self._people:
            if person.refused:
                self._fail(f"person {person.number} was refused what they typed: {person.refusals[-1]}")
        self._sum_up(logs)

    # -- Means -------------------------------------------------------------------------------------

    def _sum_up(self, logs: Sequence[checks.Log]) -> None:
        count, acked = self._onslaught.count, sum(len(person.acked) for person in self._people)
        self._report.numbers = {
            "seed": self._plan.seed,
            "kills": count["kills"],
            "  of them": ", ".join(f"{times} {point}" for point, times in self._onslaught.reached.most_common()),
            **{name: times for name, times in sorted(count.items()) if name != "kills"},
            "longest recovery": f"{self._onslaught.longest:.1f} s",
            "people": len(self._people),
            "notes": len(logs),
            "updates sent": sum(person.sent for person in self._people),
            "updates acknowledged": acked,
            "entries": sum(log.head for log in logs),
            "entries in chunks": sum(group.last - group.first for log in logs for group in log.groups),
            "lost": sum("was acknowledged" in failure for failure in self._report.failures),
            **self._report.numbers,
        }

    def _logs(self, store: Store, notes: Sequence[str] = ()) -> list[checks.Log]:
        """Those that can be read, of all notes that people wrote in; of the others it is said that they cannot."""
        found = []
        for note in notes or self._notes:
            try:
                found.append(checks.read_log(store, note))
            except (Broken, Malformed) as error:
                self._fail(str(error))
        return found

    def _in(self, note: str) -> list[Somebody]:
        return [person for person in self._people if person.note == note]

    def _here(self, people: Sequence[Somebody]) -> bool:
        for person in people:
            person.tend()
            person.link.wait(0.01)
        return all(person.joined and person._greeted for person in people)

    def _streamed(self, note: str) -> list[Group]:
        """The history as the page reads it."""
        reader = Reader(self._owner.bytes(f"/api/documents/{note}/history/entries"))
        found: list[Group] = []
        while reader.pos < len(reader.data):
            found += unpack(reader.raw("chunk"))
        return found

    def _sittings(self, note: str) -> list[tuple[int, int]]:
        answer: Mapping[str, Any] = self._owner.ask("GET", f"/api/documents/{note}/history")
        found = list(answer["sittings"])
        while answer["more"]:
            answer = self._owner.ask("GET", f"/api/documents/{note}/history/sittings?before={answer['more']}")
            found += answer["sittings"]
        return [(sitting["first"], sitting["last"]) for sitting in found]

    def _wait(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > deadline:
                self._fail(f"waited {seconds} s in vain for {what}")
                return
            time.sleep(0.01)

    def _take(self, failures: Iterator[str]) -> None:
        some = list(failures)
        shown = some[: checks.MOST]
        self._report.failures += shown
        if len(some) > len(shown):
            self._fail(f"... and {len(some) - len(shown)} more like this")

    def _fail(self, failure: str) -> None:
        self._report.failures.append(failure)
