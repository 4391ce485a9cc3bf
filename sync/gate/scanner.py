"""A reader that counts its work, pauses, and knows how much an update may hold."""

from collections.abc import Callable
from typing import Final

from sync.codec import MAX_CLOCK, Reader
from sync.gate.limits import Limits, TooLarge

PAUSE_EVERY: Final = 256  # structs, values or ranges between two calls of pause(): about half a millisecond

Id = tuple[int, int]  # (client, clock)


def no_pause() -> None:
    """Read on without letting anybody else run."""


class Scanner(Reader):
    """`trusted` bytes are our own, of the log or a snapshot. They may hold what a client may not send."""

    __slots__ = ("limits", "pause", "trusted", "values", "work")

    def __init__(self, data: bytes, limits: Limits, pause: Callable[[], None], trusted: bool) -> None:
        super().__init__(data)
        self.limits = limits
        self.pause = pause
        self.trusted = trusted
        self.values = 0
        self.work = 0

    def tick(self) -> None:
        """One more struct, value or range was read."""
        self.work += 1
        if self.work >= PAUSE_EVERY:
            self.work = 0
            self.pause()

    def worked(self, size: int) -> None:
        """So many bytes were read that take long: JSON."""
        self.work += size // 64
        if self.work >= PAUSE_EVERY:
            self.work = 0
            self.pause()

    def value(self) -> None:
        """One more Any value follows."""
        self.values += 1
        if self.values > self.limits.max_values:
            raise TooLarge(f"byte {self.pos}: expected at most {self.limits.max_values} values, got more")
        self.tick()

    def name(self, what: str) -> str:
        at = self.pos
        text = self.text(what)
        if self.pos - at > self.limits.max_name + 2:
            raise self.fail(f"{what} of at most {self.limits.max_name} bytes", self.pos - at, at)
        if text == "__proto__":  # JavaScript readers would assign a prototype
            raise self.fail(what, text, at)
        return text

    def id(self, what: str) -> Id:
        client = self.uint(what)
        return client, self.uint(what, MAX_CLOCK)
