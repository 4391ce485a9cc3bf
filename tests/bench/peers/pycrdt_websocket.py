"""pycrdt-websocket as its manual has it: `uvicorn pycrdt_websocket:app`. It runs in an environment of its own."""

from typing import Any

from pycrdt.websocket import ASGIServer, WebsocketServer  # type: ignore[import-not-found]

server = WebsocketServer()
rooms = ASGIServer(server)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Rooms are served while the program runs."""
    if scope["type"] == "lifespan":
        await receive()
        async with server:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await rooms(scope, receive, send)
