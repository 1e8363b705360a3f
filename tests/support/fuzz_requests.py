"""Requests to the page as bytes: parsed by h11, as its server does, and answered here."""

from __future__ import annotations

import json
import threading
from functools import cache
from urllib.parse import unquote

import anyio
import h11
from asgi import HOST, png
from fuzz_files import scratch
from starlette.types import ASGIApp, Message

from mlp.common.errors import MLPError
from mlp.web.app import create_app
from mlp.web.model_list import ModelList
from mlp.web.watch_app import create_watch_app
from mlp.web.watching import Watching


def requests() -> list[bytes]:
    """A request of each kind."""
    head = f"Host: {HOST}\r\n".encode()
    body = png(4)
    told = f"Content-Length: {len(body)}\r\n".encode()
    chunked = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    asked = {
        "image": [0] * 784,
        "targets": [1] + [0] * 9,
        "lr": 0.1,
        "taken": 0,
        "units": [None, 7],
    }
    step = json.dumps(asked).encode()
    own = f"Origin: http://{HOST}\r\nSec-Fetch-Site: same-origin\r\n".encode()
    return [
        b"GET / HTTP/1.1\r\n" + head + own + b"\r\n",
        b"GET /api/models HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /api/network?model=digits HTTP/1.1\r\n" + head + b"\r\n",
        b"POST /api/extract HTTP/1.1\r\n" + head + own + told + b"\r\n" + body,
        b"POST /api/extract HTTP/1.1\r\n" + head + chunked,
        b"GET /api/crowd?model=digits HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /api/exciting?layer=0&unit=7 HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /api/step HTTP/1.1\r\n" + head + b"\r\n",
        b"POST /api/step HTTP/1.1\r\n"
        + head
        + f"Content-Length: {len(step)}\r\n\r\n".encode()
        + step,
    ]


def asked() -> list[bytes]:
    """What is asked of the page that watches runs."""
    head = f"Host: {HOST}\r\n".encode()
    bodies = [b'{"paused": true}', b'{"rate": 0.5, "step": true}', b'{"stop": false}']
    return [
        b"GET /api/runs HTTP/1.1\r\n" + head + b"\r\n",
        *(
            b"POST /api/ask?run=0 HTTP/1.1\r\n"
            + head
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
            for body in (*bodies, b"[" * 990)
        ),
    ]


def answer(content: bytes) -> int:
    """Ask the page of digits, and return the status of its answer; see `_answer`."""
    return _answer(_app(), content)


def ask(content: bytes) -> int:
    """Ask the page that watches runs, of which it tells no moments here; see `_answer`."""
    return _answer(_watch_app(), content)


def _answer(app: ASGIApp, content: bytes) -> int:
    """Ask an application, and return the status of its answer.

    Raises:
        MLPError: if these bytes are no request.
        AssertionError: if the page failed, or sent no answer.
    """
    connection = h11.Connection(h11.SERVER)
    body, request = bytearray(), None
    try:
        connection.receive_data(content)
        while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
    except h11.RemoteProtocolError:
        raise MLPError("this is no request") from None
    if request is None:
        raise MLPError("this is no whole request")
    path, _, query = request.target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": request.method.decode("ascii"),
        "path": unquote(path.decode("ascii")),
        "query_string": query,
        "headers": list(request.headers),
    }
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def ask() -> None:
        await app(scope, receive, send)

    anyio.run(ask)
    assert len(statuses) == 1, "there is no answer"
    assert statuses[0] < 500, "the page failed"
    return statuses[0]


@cache
def _watch_app() -> ASGIApp:
    ending = threading.Event()
    ending.set()  # or its moments would be told without an end
    return create_watch_app([Watching("a", scratch())], ending=ending)


@cache
def _app() -> ASGIApp:
    return create_app(ModelList())
