"""A few bytes that the nemesis shares with the processes of the server: what shall happen to them, and where.

They live in a file, so that they outlive the processes: a switch that was used is off when the next one starts.
"""

import mmap
import os
import struct
from enum import IntEnum
from pathlib import Path

from tests.nemesis import arsenal

POINTS = tuple(arsenal.POINTS)
PLACES = 3  # of workers


class Deed(IntEnum):
    NOTHING = 0
    KILL_SERVER = 1  # the whole group of processes
    KILL_WORKER = 2  # the one that got there
    KILL_POSTGRES = 3
    KILL_REDIS = 4


NUMBER = struct.Struct("<q")
CLOCKS = len(POINTS) * 2  # offset of the milliseconds by which the clock of each worker goes wrong
WORKERS = CLOCKS + PLACES * NUMBER.size  # offset of the process of each worker
VICTIMS = WORKERS + PLACES * NUMBER.size  # offset of the process that each deed means, if that is none of the server's
FULL = VICTIMS + len(Deed) * NUMBER.size  # offset of whether the database may not grow
SIZE = FULL + 1


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

    def clock(self, place: int) -> int:
        """Milliseconds that the clock of this worker is ahead."""
        return self._number(CLOCKS, place)

    def set_clock(self, place: int, ahead: int) -> None:
        self._set_number(CLOCKS, place, ahead)

    def worker(self, place: int) -> int:
        """The process that became this worker last; 0: there was none yet."""
        return self._number(WORKERS, place)

    def set_worker(self, place: int, pid: int) -> None:
        self._set_number(WORKERS, place, pid)

    def victim(self, deed: Deed) -> int:
        """The first process of those that this deed kills."""
        return self._number(VICTIMS, deed)

    def aim(self, deed: Deed, pid: int) -> None:
        self._set_number(VICTIMS, deed, pid)

    def clear(self) -> None:
        """Nothing is to happen any more, and all clocks are right."""
        for point in POINTS:
            self.disarm(point)
        for place in range(PLACES):
            self.set_clock(place, 0)
        self.full = False

    def _number(self, offset: int, place: int) -> int:
        (number,) = NUMBER.unpack_from(self._bytes, offset + place * NUMBER.size)
        return int(number)

    def _set_number(self, offset: int, place: int, number: int) -> None:
        NUMBER.pack_into(self._bytes, offset + place * NUMBER.size, number)

    @property
    def full(self) -> bool:
        """Whether the database may not grow by a single page."""
        return self._bytes[FULL] != 0

    @full.setter
    def full(self, full: bool) -> None:
        self._bytes[FULL] = full
