"""The application behind the page: its files, the models, and the digits in pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mlp.common.errors import MLPError
from mlp.handwriting import load_picture
from mlp.handwriting.pdf import draw_page, is_pdf
from mlp.nn.network import MLP
from mlp.training.runs.folder import Place
from mlp.web.crowd import crowd_payload, exciting_payload
from mlp.web.guard import Guard
from mlp.web.model_list import ModelList
from mlp.web.neighbours import maps_of_neighbours, neighbours_payload, neighbours_values
from mlp.web.network import network_payload
from mlp.web.page import read_static, served_page, served_scripts
from mlp.web.payload import digits_payload, samples_payload
from mlp.web.step import answers_of, step_payload
from mlp.web.step_request import StepRequest

MAX_BYTES = 10 << 20
"""A larger picture is refused."""

MAX_ASKED = 1 << 20
"""The same of what is asked of a step, of which each byte may become twenty as JSON is read."""

PATIENCE = 30.0
"""Seconds: a picture has to arrive within this."""

PAGE_PATIENCE = 60.0
"""Seconds, by the clock: a page of a PDF document has to be drawn within this."""


STYLES = "style.css", "step.css"


def create_app(models: ModelList, host: str = "127.0.0.1") -> ASGIApp:
    """Make the application.

    Args:
        models: those that it offers.
        host: the name or address that its server is bound to, which it answers to.
    """
    in_turn = anyio.CapacityLimiter(1)  # a picture fills hundreds of megabytes
    drawing = anyio.CapacityLimiter(1)  # of documents, for which nothing else has to wait
    laying_out = anyio.CapacityLimiter(1)  # of maps, which takes seconds

    async def list_models(_: Request) -> Response:
        return JSONResponse(
            {"models": models.names(), "first": models.first, "max_bytes": MAX_BYTES}
        )

    async def told_by(request: Request, tell: Callable[[MLP], Any]) -> Any:
        """Let the model that is asked about, or one of its snapshots, tell something, in turn."""
        name, place = _asked_of(request, models)
        return await anyio.to_thread.run_sync(
            lambda: tell(models.get(name, place)), limiter=in_turn
        )

    async def answer(request: Request, tell: Callable[[MLP], Any]) -> Response:
        return JSONResponse(await told_by(request, tell))

    async def network(request: Request) -> Response:
        name, place = _asked_of(request, models)
        snapshots = models.snapshots(name) if place is None else []
        return await answer(
            request, lambda model: network_payload(model, name) | {"snapshots": snapshots}
        )

    async def extract(request: Request) -> Response:
        picture: BinaryIO = io.BytesIO(await _body(request, "the picture"))
        if is_pdf(picture):
            draw = partial(draw_page, picture, "the file", 1, PAGE_PATIENCE)
            picture = await anyio.to_thread.run_sync(draw, limiter=drawing)
        return JSONResponse(await anyio.to_thread.run_sync(_extract, picture, limiter=in_turn))

    async def samples(_: Request) -> Response:
        return JSONResponse(await anyio.to_thread.run_sync(samples_payload, limiter=in_turn))

    async def crowd(request: Request) -> Response:
        by = request.query_params.get("by")
        if by is not None:
            values = await told_by(request, partial(neighbours_values, by=by))
            lay_out = partial(neighbours_payload, values)
            return JSONResponse(await anyio.to_thread.run_sync(lay_out, limiter=laying_out))
        return await answer(
            request, lambda model: crowd_payload(model) | {"tsne": maps_of_neighbours(model)}
        )

    async def exciting(request: Request) -> Response:
        layer, unit = (_number(request.query_params.get(key, "")) for key in ("layer", "unit"))
        return await answer(request, partial(exciting_payload, layer=layer, unit=unit))

    async def step(request: Request) -> Response:
        """Tell what a step of a model is asked with, or take the step that is asked for."""
        if request.method == "GET":
            return await answer(request, answers_of)
        content = await _body(request, "the question", MAX_ASKED)
        return await answer(
            request, lambda model: step_payload(model, StepRequest.read(content, model))
        )

    routes = [
        Route("/api/models", list_models),
        Route("/api/samples", samples),
        Route("/api/crowd", crowd),
        Route("/api/exciting", exciting),
        Route("/api/step", step, methods=["GET", "POST"]),
        Route("/api/network", network),
        Route("/api/extract", extract, methods=["POST"]),
        static_file("/", served_page(), "text/html"),
        static_file("/step", read_static("step.html"), "text/html"),
        *(static_file(f"/{name}", read_static(name), "text/css") for name in STYLES),
        *(
            static_file(f"/{name}", read_static(name), "text/javascript")
            for name in (*served_scripts(), "numbers.js", "step.js")
        ),
    ]
    handlers: dict[Any, Any] = {
        MLPError: _answer_error,
        HTTPException: answer_status,
        Exception: _answer_fault,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), host)


def _asked_of(request: Request, models: ModelList) -> tuple[str, Place | None]:
    """Return the name of the model that is asked about, and the place of a snapshot of it.

    A place is told as ``EPOCH-UPDATE``; what is none stands for one that there is not.
    """
    name, told = request.query_params.get("model", models.first), request.query_params.get("at")
    epoch, _, update = (told or "").partition("-")
    return name, None if told is None else (_number(epoch), _number(update))


def _number(text: str) -> int:
    """Read a whole number of at most nine digits; -1 stands for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _extract(picture: BinaryIO) -> dict[str, Any]:
    return digits_payload(load_picture(picture))


def static_file(path: str, content: str, kind: str) -> Route:
    """Serve a file that does not change."""

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind)  # Starlette adds the charset

    return Route(path, serve)


async def _body(request: Request, what: str, most: int = MAX_BYTES) -> bytes:
    """Receive the request's body, never keeping more than ``most`` bytes of it.

    A body that is too large is received to its end and thrown away before it is refused: a browser
    that is still sending when the connection closes would not show the reason.

    Args:
        request: the request.
        what: it brings, for messages.
        most: bytes that it may have.

    Raises:
        HTTPException: if it is too large or too slow.
    """
    content = bytearray()
    size = 0
    try:
        with anyio.fail_after(PATIENCE):
            if _declared(request) <= most or "expect" not in request.headers:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size <= most:
                        content += chunk
                    else:
                        content.clear()
    except TimeoutError:
        raise HTTPException(408, f"{what} took too long to arrive: try again") from None
    except ClientDisconnect:
        raise HTTPException(400, f"{what} was cut off on its way") from None
    if max(size, _declared(request)) > most:
        raise HTTPException(413, f"{what} has more than {most >> 20} MB: make it smaller")
    return bytes(content)


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length[:19]) if length.isascii() and length.isdecimal() else 0


async def _answer_error(_: Request, error: MLPError) -> Response:
    return JSONResponse({"problem": str(error)}, 422)


async def _answer_fault(_: Request, error: Exception) -> Response:
    """Tell of a fault of the program, whose place the server then prints to its own terminal."""
    if isinstance(error, MemoryError):
        sentence = "there is not enough memory to read this: make it smaller, or close programs"
    else:
        kind = type(error).__name__
        sentence = f"this cannot be read, by a fault of mlp ({kind}): try another, and report it"
    return JSONResponse({"problem": sentence}, 500)


async def answer_status(_: Request, error: HTTPException) -> Response:
    """Answer a request that is refused, with its reason."""
    headers = {"Connection": "close"} if error.status_code in (408, 413) else error.headers
    return JSONResponse({"problem": error.detail}, error.status_code, headers)
