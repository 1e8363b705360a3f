"""The page's application, asked in this process, and pictures to ask it about."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import anyio
import numpy as np
from hard_pictures import draw_digit, place
from PIL import Image
from starlette.types import ASGIApp, Message

HOST = "127.0.0.1:8000"


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Asks an application in this process, in the words of ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(
        self,
        method: str,
        path: str,
        content: bytes | Iterable[bytes] = b"",
        headers: dict[str, str] | Iterable[tuple[str, str]] = (),
        params: dict[str, str] | None = None,
    ) -> Response:
        """Send a request; a body of bytes tells its length, and one in chunks does not."""
        return anyio.run(self.ask, method, path, content, headers, params)

    async def ask(
        self,
        method: str,
        path: str,
        content: bytes | Iterable[bytes] = b"",
        headers: dict[str, str] | Iterable[tuple[str, str]] = (),
        params: dict[str, str] | None = None,
    ) -> Response:
        """Send a request beside others, as `request` does."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        if not any(name == "host" for name, _ in pairs):
            pairs.append(("host", HOST))
        if isinstance(content, bytes):
            pairs.append(("content-length", str(len(content))))
            content = [content]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode(params or {}).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in pairs],
        }
        chunks = iter(content)
        sent: list[Message] = []

        async def receive() -> Message:
            chunk = next(chunks, None)
            return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Response(
            sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])
        )

    def get(self, path: str, **options: Any) -> Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Response:
        return self.request("POST", path, **options)


def png(*digits: int) -> bytes:
    """Digits drawn side by side, as a PNG; none is an empty canvas."""
    drawn = [draw_digit(digit, 110) for digit in digits]
    page = place(drawn, 180, 130 * max(len(digits), 1) + 60, 30)
    content = io.BytesIO()
    Image.fromarray((255 * (1 - page)).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def bomb(side: int) -> bytes:
    """A small PNG of side x side pixels, all white."""
    row = zlib.compress(bytes(side // 8 + 1), 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


def extract(client: Client, content: bytes, **options: Any) -> dict[str, Any]:
    response = client.post("/api/extract", content=content, **options)
    assert response.status == 200, response.content.decode()
    result: dict[str, Any] = response.json()
    return result
