"""A proxy as some offices have it: everything passes but WebSockets."""

import base64
import hashlib
import re
import socket
import threading
from typing import Literal

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

# What it does with a WebSocket: says no, says nothing, closes, says yes and then nothing, says yes and closes; or lets
# it through, as it does with everything, under another Host than the one that the browser asked for.
Manner = Literal["refuse", "swallow", "close", "accept", "accept and close", "rename"]


class Proxy:
    """Listens at `url` for a server on a port of this machine."""

    def __init__(self, port: int, manner: Manner = "refuse") -> None:
        self._port = port
        self._manner = manner
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.refused = 0  # WebSockets
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # It was closed.
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        # A browser opens a connection of its own for each WebSocket: the first request tells.
        with client:
            head = client.recv(65536)
            if self._manner == "rename":
                # One request for each connection, so that no other has the Host of the browser.
                head = re.sub(rb"(?i)\r\nhost: [^\r]*", b"\r\nHost: notes.internal", head, count=1)
                head = re.sub(rb"(?i)\r\nconnection: keep-alive", b"\r\nConnection: close", head, count=1)
            elif b"upgrade: websocket" in head.lower():
                self.refused += 1
                self._refuse(client, head)
                return
            with socket.create_connection(("127.0.0.1", self._port)) as server:
                server.sendall(head)
                back = threading.Thread(target=_pipe, args=(server, client), daemon=True)
                back.start()
                _pipe(client, server)
                back.join()

    def _refuse(self, client: socket.socket, head: bytes) -> None:
        if self._manner == "refuse":
            client.sendall(REFUSAL)
        elif self._manner.startswith("accept"):
            key = re.search(rb"(?i)sec-websocket-key: ([^\r]*)", head)
            assert key, f"expected the handshake of a WebSocket, got {head!r}"
            accepted = base64.b64encode(hashlib.sha1(key[1] + ACCEPT).digest())
            upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            client.sendall(upgrade + b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n")
        while self._manner in ("swallow", "accept") and client.recv(65536):
            pass  # until the browser gives up


def _pipe(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # One of the two has gone; the other's pipe notices it as well.
