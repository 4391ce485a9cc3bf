"""The network between one person and the server: a TCP proxy that can be cut, slow, late, or dead without a word."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

PIECE = 16 * 1024  # bytes that are carried at once
SLOW = 1024  # bytes a second
LATE = 0.4  # seconds
LINGER = struct.pack("ii", 1, 0)  # closed like this, a connection is reset


class Network:
    """The loop that all lines run on, in a thread of its own."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network")
        self._thread.start()

    def line(self, port: int) -> "Line":
        """A new one to a port of this machine."""
        line = Line(port)
        self._call(line.listen())
        self._lines.append(line)
        return line

    def call(self, line: "Line", manner: str) -> None:
        """From now on the line is like this: `plain`, `throttle`, `delay`, `half-open`; or `cut`, and then plain."""
        self._call(line.become(manner))

    def close(self) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        for line in self._lines:
            await line.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*tasks, return_exceptions=True)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


class Line:
    """Listens at `url`. Its methods belong to the network's loop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._manner = "plain"
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._here}"

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self._here = self._server.sockets[0].getsockname()[1]

    async def become(self, manner: str) -> None:
        if manner == "cut":
            for writer in list(self._writers):
                _reset(writer)
            manner = "plain"
        self._manner = manner
        self._changed.set()
        self._changed = asyncio.Event()

    async def close(self) -> None:
        self._server.close()
        await self.become("cut")

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            _reset(writer)  # nobody is listening
            return
        ends = {writer, back}
        self._writers |= ends
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, RuntimeError):  # one of the two has gone; the other's pump notices it as well
            while data := await reader.read(SLOW // 4 if self._manner == "throttle" else PIECE):
                await self._hold(len(data))
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            return
        writer.transport.abort()

    async def _hold(self, size: int) -> None:
        """Let so much time pass as so many bytes take."""
        while self._manner == "half-open":
            await self._changed.wait()
        if self._manner == "throttle":
            await asyncio.sleep(size / SLOW)
        elif self._manner == "delay":
            await asyncio.sleep(LATE)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):  # it has ended by itself
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    writer.transport.abort()
