"""A server for the tests of the transport: `python -m tests.editor.websocket_server pywsgi|gunicorn`. Prints its port.

Every connection is told back what it says. A message of 8 bytes is a wish: so many bytes in one message; -1: goodbye.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import sys
from typing import Any

from editor.websocket import WebSocket


class Talker:
    """In Engine.IO's place."""

    last_ping = None

    def schedule_ping(self) -> None:
        """What answers a ping does not come as a message."""
        self._websocket.send("3")

    def talk(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        while (message := websocket.wait()) is not None:
            if len(message) != 8 or isinstance(message, str):
                websocket.send(message)
                continue
            wish = int.from_bytes(message, signed=True)
            if wish < 0:
                return
            websocket.send(bytes(i % 251 for i in range(wish)))


def app(environ: dict[str, Any], start_response: object) -> Any:
    return WebSocket(Talker().talk, None)(environ, start_response)


def main(server: str) -> None:
    from gevent import socket

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    if server == "pywsgi":
        from gevent.pywsgi import WSGIServer

        WSGIServer(listener, app, log=None).serve_forever()
    else:
        from gunicorn.app.base import BaseApplication

        class Server(BaseApplication):  # type: ignore[misc]
            def load_config(self) -> None:
                self.cfg.set("bind", f"fd://{listener.fileno()}")
                self.cfg.set("worker_class", "gevent")
                self.cfg.set("control_socket_disable", True)

            def load(self) -> Any:
                return app

        Server().run()


if __name__ == "__main__":
    main(sys.argv[1])
