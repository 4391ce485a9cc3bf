"""`python -m tests.bench.storm`: many tabs come back in the same moment, as after a restart, while somebody types.

All connect, join a long note and ask for all that they lack, as fast as the server lets them; jitter would spread that.
What counts is how long each letter of who types takes meanwhile until it is saved.
"""

import argparse
import multiprocessing
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from sync.messages import Kind
from tests.live import Server, Visitor
from tests.tab import Tab

PROCESSES = 2
THREADS = 40  # in each, which come at the same time
TEXT = "the quick brown fox jumps over the lazy dog " * 500


class Cookies:
    def __init__(self, cookies: str) -> None:
        self.cookies = cookies


def come_back(server: Any, cookies: str, note: str, count: int, done: Any) -> None:
    """So many tabs, each with a connection of its own. `done` counts those that have the note."""
    left = iter(range(count))
    lock = threading.Lock()
    tabs: list[Tab] = []

    def one_after_the_other() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
            tab = Tab(server, Cookies(cookies), note)  # type: ignore[arg-type]
            tabs.append(tab)
            answer = tab.join()
            while "retry_after" in answer:
                time.sleep(answer["retry_after"])
                answer = tab.join()
            assert "error" not in answer, answer
            tab.say(Kind.SYNC_STEP1, b"\0")
            while tab.event("message")[0][:2] != b"\0\1":
                pass
            with done.get_lock():
                done.value += 1

    threads = [threading.Thread(target=one_after_the_other) for _ in range(min(THREADS, count))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tab in tabs:
        tab.__exit__()


class Storm:
    """What came of it."""

    def __init__(self, server: Server, visitor: Visitor, note: str, count: int) -> None:
        self.waits: list[float] = []  # seconds from each letter to its ack
        self.overtaken = 0  # at most so many tabs came in while one letter waited
        context = multiprocessing.get_context("spawn")
        done = context.Value("i", 0)
        where = Where(server.port, server.url)
        arguments = where, visitor.cookies, note, count // PROCESSES, done
        comers = [context.Process(target=come_back, args=arguments) for _ in range(PROCESSES)]
        with Tab(server, visitor, note) as tab:
            tab.joined()
            tab.say(Kind.SYNC_STEP1, b"\0")
            began = time.perf_counter()
            for comer in comers:
                comer.start()
            while any(comer.is_alive() for comer in comers):
                then, before = time.perf_counter(), done.value
                assert "error" not in tab.say(Kind.UPDATE, tab.typed("x"))
                if done.value:
                    self.waits.append(time.perf_counter() - then)
                    self.overtaken = max(self.overtaken, done.value - before)
                time.sleep(max(0.0, then + 0.05 - time.perf_counter()))
            self.took = time.perf_counter() - began
        self.back = done.value
        self.waits.sort()

    def within(self, share: float) -> float:
        """Milliseconds in which this share of the letters was saved."""
        return self.waits[min(len(self.waits) - 1, int(len(self.waits) * share))] * 1000


class Where:
    """A server, for another process."""

    def __init__(self, port: int, url: str) -> None:
        self.port = port
        self.url = url


def begin(folder: Path) -> tuple[Server, Visitor, str]:
    """A server with somebody and a long note of theirs."""
    server = Server(folder, CONNECTIONS_PER_USER="5000", JOINS_PER_PERSON="100000", PEOPLE_PER_NOTE="5000").start()
    visitor = Visitor(server).sign_up("Alice")
    note = visitor.new_note()
    with Tab(server, visitor, note) as tab:
        tab.joined()
        for _ in range(10):
            assert "error" not in tab.say(Kind.UPDATE, tab.typed(TEXT))
    return server, visitor, note


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tabs", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, visitor, note = begin(Path(folder) / "data")
        try:
            storm = Storm(server, visitor, note, options.tabs)
        finally:
            server.kill()
    print(
        f"{storm.back} tabs were back after {storm.took:.1f} s; meanwhile {len(storm.waits)} letters were saved within "
        f"{storm.within(0.5):.0f} ms (half), {storm.within(0.99):.0f} ms (99 of 100), {storm.within(1):.0f} ms (all); "
        f"at most {storm.overtaken} tabs came in while a letter waited"
    )


if __name__ == "__main__":
    main()
