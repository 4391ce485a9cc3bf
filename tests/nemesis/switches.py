"""A few bytes that the nemesis shares with the processes of the server: what shall happen to them, and where.

They live in a file, so that they outlive the processes: a switch that was used is off when the next one starts.
"""

import mmap
import os
import struct
from enum import IntEnum
from pathlib import Path

from tests.nemesis import plan

POINTS = tuple(plan.POINTS)
CLOCK = len(POINTS) * 2  # offset of the milliseconds by which the clock goes wrong
FULL = CLOCK + 8  # offset of whether the database may not grow
SIZE = FULL + 1


class Deed(IntEnum):
    NOTHING = 0
    KILL_ALL = 1  # the whole group of processes
    KILL_WORKER = 2  # the one that got there


class Switches:
    def __init__(self, path: Path) -> None:
        """Opens them, or makes them, all off."""
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(file, SIZE)
            self._bytes = mmap.mmap(file, SIZE)
        finally:
            os.close(file)

    def arm(self, point: str, deed: Deed, times: int) -> None:
        """Do it when this point is reached after it was passed so many times."""
        at = POINTS.index(point) * 2
        self._bytes[at + 1] = times
        self._bytes[at] = deed

    def disarm(self, point: str) -> None:
        self._bytes[POINTS.index(point) * 2] = Deed.NOTHING

    def armed(self, point: str) -> bool:
        return self._bytes[POINTS.index(point) * 2] != Deed.NOTHING

    def reach(self, point: str) -> Deed:
        """For the server: what to do here. It is done once."""
        at = POINTS.index(point) * 2
        deed = Deed(self._bytes[at])
        if deed is Deed.NOTHING:
            return deed
        if self._bytes[at + 1]:
            self._bytes[at + 1] -= 1
            return Deed.NOTHING
        self._bytes[at] = Deed.NOTHING
        return deed

    @property
    def clock(self) -> int:
        """Milliseconds that the server's clock is ahead."""
        (ahead,) = struct.unpack_from("<q", self._bytes, CLOCK)
        return int(ahead)

    @clock.setter
    def clock(self, ahead: int) -> None:
        struct.pack_into("<q", self._bytes, CLOCK, ahead)

    @property
    def full(self) -> bool:
        """Whether the database may not grow by a single page."""
        return self._bytes[FULL] != 0

    @full.setter
    def full(self, full: bool) -> None:
        self._bytes[FULL] = full
