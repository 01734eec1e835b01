"""A Python client: py.py URL http|sse. Connects, lists the tools of every page, and says in one line of JSON how far
it came. Nothing is called."""

import json
import sys

import anyio
from mcp.client.client import Client
from mcp.client.sse import sse_client

STEP_S = 15


def told(error: BaseException) -> str:
    """The first of what a task group wraps."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f'{type(error).__name__}: {error}'[:300]


async def main() -> dict:
    _, url, transport = sys.argv
    said = {'connected': False, 'listed': False, 'tools': 0, 'error': None}
    legacy = {'mode': 'legacy'} if transport == 'sse' else {}
    try:
        with anyio.fail_after(2 * STEP_S):
            async with Client(sse_client(url) if transport == 'sse' else url, **legacy) as client:
                said['connected'] = True
                if client.server_capabilities and client.server_capabilities.tools:
                    cursor = None
                    for _ in range(20):
                        page = await client.list_tools(cursor=cursor)
                        said['tools'] += len(page.tools)
                        cursor = page.next_cursor
                        if cursor is None:
                            break
                said['listed'] = True
    except BaseException as error:
        # What goes wrong while it closes is no matter of listing.
        said['error'] = told(error)
    return said


print(json.dumps(anyio.run(main)), flush=True)
