"""The application behind ``mlp watch``: its page, the moments of the runs, and what is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from mlp.common.errors import UsageError
from mlp.web.app import answer_status, static_file
from mlp.web.guard import Guard
from mlp.web.page import read_static
from mlp.web.starting import Starting
from mlp.web.watching import Watching

PACE = 0.2
"""Seconds between two looks at a run, while somebody watches."""

QUIET = 50
"""After so many looks without news a line is sent, so that a connection that is gone is noticed."""

SCRIPTS = "inside", "charts", "watch", "start"

MOST_BYTES = 1000
"""Of what is asked."""


def create_watch_app(
    runs: Sequence[Watching],
    host: str = "127.0.0.1",
    ending: threading.Event | None = None,
    starting: Starting | None = None,
) -> ASGIApp:
    """Make the application.

    Args:
        runs: those that it shows, side by side.
        host: the name or address that its server is bound to, which it answers to.
        ending: set when the server is to end, which nobody's watching keeps up.
        starting: starts trainings that the page asks for, which are shown as well; None for none.
    """
    shown, ending = [*runs], ending or threading.Event()
    in_turn = anyio.CapacityLimiter(1)

    def chosen(request: Request) -> Watching:
        number = request.query_params.get("run", "0")
        if not (number.isascii() and number.isdecimal() and int(number[:9]) < len(shown)):
            raise HTTPException(404, "there is no such run here")
        return shown[int(number[:9])]

    async def names(_: Request) -> Response:
        told = {"runs": [run.name for run in shown], "starts": starting is not None}
        return JSONResponse(told)

    async def events(request: Request) -> Response:
        return StreamingResponse(_moments(chosen(request), in_turn, ending), 200, None, EVENTS)

    async def ask(request: Request) -> Response:
        run = chosen(request)
        try:
            content = await _body(request)
            run.ask(dict(json.loads(content)))
        except (ValueError, TypeError, RecursionError):
            raise HTTPException(422, "that cannot be asked of a run") from None
        except OSError:
            raise HTTPException(410, "the folder of the run is gone") from None
        return JSONResponse({})

    async def start(request: Request) -> Response:
        if starting is None:
            raise HTTPException(404, "no training is started from here")
        try:
            asked = dict(json.loads(await _body(request)))
            shown.append(await anyio.to_thread.run_sync(starting.start, asked))
        except (ValueError, TypeError, RecursionError):
            raise HTTPException(422, "that cannot be asked of a training") from None
        except UsageError as error:
            raise HTTPException(422, str(error)) from None
        return JSONResponse({"number": len(shown) - 1, "name": shown[-1].name})

    routes = [
        Route("/api/runs", names),
        Route("/api/events", events),
        Route("/api/ask", ask, methods=["POST"]),
        Route("/api/start", start, methods=["POST"]),
        static_file("/", read_static("watch.html"), "text/html"),
        *(static_file(f"/{name}", read_static(name), "text/css") for name in STYLES),
        *(
            static_file(f"/{name}.js", read_static(f"{name}.js"), "text/javascript")
            for name in SCRIPTS
        ),
    ]
    handlers: dict[Any, Any] = {HTTPException: answer_status}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), host)


EVENTS = "text/event-stream"
STYLES = "style.css", "watch.css"


async def _moments(
    run: Watching, in_turn: anyio.CapacityLimiter, ending: threading.Event
) -> AsyncIterator[str]:
    """Send each new moment as a server-sent event (WHATWG HTML, 9.2), until nobody listens."""
    version, quiet = -1, 0
    while not ending.is_set():
        try:
            await anyio.to_thread.run_sync(run.stay)
        except OSError:
            yield "event: gone\ndata:\n\n"
            return
        await anyio.to_thread.run_sync(run.look, limiter=in_turn)
        quiet += 1
        if version != run.version or version < 0:
            version, quiet, is_last = run.version, 0, run.has_ended
            yield f"data: {run.event}\n\n"
            run.was_seen_to_end |= is_last
        elif quiet >= QUIET:
            quiet = 0
            yield ":\n\n"
        await anyio.sleep(PACE)


async def _body(request: Request) -> bytes:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise HTTPException(413, "that is more than can be asked of a run")
    return content
