"""Python SDK 1: Streamable HTTP (`http`) or a WebSocket (`ws`)."""

import sys

from listening import serve
from mcp.server.fastmcp import FastMCP
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

server = FastMCP("interop-py1")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two integers"""
    return a + b


class Socket:
    async def __call__(self, scope, receive, send):
        from mcp.server.websocket import websocket_server

        low = server._mcp_server
        async with websocket_server(scope, receive, send) as (reading, writing):
            await low.run(reading, writing, low.create_initialization_options())


if sys.argv[1] == "ws":
    serve(Starlette(routes=[WebSocketRoute("/ws", Socket())]))
else:
    serve(server.streamable_http_app())
