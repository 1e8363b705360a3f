"""The application behind the page: its three files, the names of the models, and reading."""

from __future__ import annotations

import io
from importlib.resources import files
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mlp.common.errors import MLPError
from mlp.handwriting import load_picture
from mlp.web.guard import Guard
from mlp.web.model_list import Shelf
from mlp.web.payload import describe, look

MAX_BYTES = 10 << 20
"""A larger picture is refused."""

PATIENCE = 30.0
"""Seconds: a picture has to arrive within this."""

FILES = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
}


def create_app(shelf: Shelf, host: str = "127.0.0.1") -> ASGIApp:
    """Make the application.

    Args:
        shelf: the models that it offers.
        host: the name or address that its server is bound to, which it answers to.
    """
    one_at_a_time = anyio.CapacityLimiter(1)  # a network has one set of buffers

    async def models(_: Request) -> Response:
        return JSONResponse({"models": shelf.names(), "first": shelf.first, "max_bytes": MAX_BYTES})

    async def read(request: Request) -> Response:
        content = await _body(request)
        name = request.query_params.get("model", shelf.first)
        result = await anyio.to_thread.run_sync(_read, shelf, name, content, limiter=one_at_a_time)
        return JSONResponse(result)

    routes = [
        Route("/api/models", models),
        Route("/api/read", read, methods=["POST"]),
        *(_file(name, kind) for name, kind in FILES.items()),
    ]
    handlers: dict[Any, Any] = {MLPError: _tell, HTTPException: _tell_status}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), host)


def _read(shelf: Shelf, name: str, content: bytes) -> dict[str, Any]:
    model = shelf.get(name)
    return {"model": describe(model), **look(model, load_picture(io.BytesIO(content)))}


def _file(name: str, kind: str) -> Route:
    content = (files("mlp.web") / "static" / name).read_bytes()

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind)

    return Route("/" if name == "index.html" else f"/{name}", serve)


async def _body(request: Request) -> bytes:
    """Take the request's body, never keeping more than `MAX_BYTES` of it.

    What is too large is let pass by for a while before it is refused: a browser that is still
    sending when the connection closes would not show why.

    Raises:
        HTTPException: if it is too large or too slow.
    """
    content = bytearray()
    size = 0
    try:
        with anyio.fail_after(PATIENCE):
            if _declared(request) <= MAX_BYTES or "expect" not in request.headers:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size <= MAX_BYTES:
                        content += chunk
                    else:
                        content.clear()
    except TimeoutError:
        raise HTTPException(408, "the picture took too long to arrive: try again") from None
    except ClientDisconnect:
        raise HTTPException(400, "the picture was cut off on its way") from None
    if max(size, _declared(request)) > MAX_BYTES:
        raise HTTPException(
            413, f"the picture has more than {MAX_BYTES >> 20} MB: make it smaller or crop it"
        )
    return bytes(content)


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else 0


async def _tell(_: Request, error: MLPError) -> Response:
    return JSONResponse({"problem": str(error)}, 422)


async def _tell_status(_: Request, error: HTTPException) -> Response:
    headers = {"Connection": "close"} if error.status_code in (408, 413) else error.headers
    return JSONResponse({"problem": error.detail}, error.status_code, headers)
