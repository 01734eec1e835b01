"""sse-starlette: a plain event stream with ids that continues after Last-Event-ID."""

import asyncio

from listening import serve
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.routing import Route

PAST = 5


async def events(last):
    for number in range(last + 1, PAST + 1):
        yield {"id": str(number), "event": "tick", "data": str(number)}
    await asyncio.Event().wait()


async def feed(request):
    last = request.headers.get("last-event-id", "0")
    return EventSourceResponse(events(int(last) if last.isdigit() else 0))


serve(Starlette(routes=[Route("/events", feed)]))
