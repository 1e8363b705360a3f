"""The application: its page, what it refuses, and that it goes on answering."""

from __future__ import annotations

import io
import json
import re
import threading
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import pytest
from asgi import Client, Response, bomb, extract, png
from pdf_files import FOUR, SEVEN, locked, pdf_of
from PIL import Image
from starlette.types import Message, Receive, Scope, Send

from mlp.web import app as web
from mlp.web.app import MAX_BYTES, create_app
from mlp.web.model_list import ModelList


def jpeg(share: float) -> bytes:
    content = io.BytesIO()
    Image.open(io.BytesIO(png(3))).save(content, "JPEG")
    return content.getvalue()[: int(share * len(content.getvalue()))]


@pytest.mark.parametrize("path", ["/", "/app.js", "/style.css", "/step", "/step.js", "/step.css"])
def test_the_page_may_do_no_more_than_it_needs(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


def test_the_page_asks_nothing_of_the_internet() -> None:
    for file in (files("mlp.web") / "static").iterdir():
        assert not re.search(r"https?:|//\w+\.|@import|url\(", file.read_text("utf-8")), file.name


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/none", 404), ("GET", "/../../pyproject.toml", 404), ("GET", "/api/extract", 405),
     ("GET", "/static/app.js", 404), ("POST", "/", 405)],
)  # fmt: skip
def test_nothing_else_is_there(client: Client, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status == status
    assert response.json()["problem"]
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (bomb(60_000), "million pixels"),
        (jpeg(0.6), "damaged or cut short"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>", "SVG"),
        (b"", "empty"),
        (b"seven", "use PNG"),
        (bytes(5000), ""),
        (png(4)[:80], "damaged"),
    ],
    ids=["bomb", "cut JPEG", "SVG", "nothing", "text", "zeros", "cut PNG"],
)
def test_what_is_no_picture_is_refused(client: Client, content: bytes, told: str) -> None:
    response = client.post("/api/extract", content=content)
    assert response.status == 422
    assert told in response.json()["problem"]
    assert len(extract(client, png(4))["digits"]) == 1


def test_a_picture_that_is_too_large_is_refused(client: Client) -> None:
    response = client.post("/api/extract", content=bytes(MAX_BYTES + 1))
    assert response.status == 413
    assert "10 MB" in response.json()["problem"]
    in_chunks = (bytes(1 << 20) for _ in range(11))
    assert client.post("/api/extract", content=in_chunks).status == 413
    assert client.post("/api/extract", content=bytes(MAX_BYTES)).status == 422
    assert len(extract(client, png(4))["digits"]) == 1


def test_what_never_arrives_is_given_up(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE", 0.05)
    sent: list[Any] = []

    async def receive() -> Any:
        await anyio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/extract", "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    anyio.run(create_app(ModelList(reader)), scope, receive, send)
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (IndexError("/home/me"), "by a fault of mlp (IndexError): try another, and report it"),
        (MemoryError(), "there is not enough memory to read this: make it smaller"),
    ],
)
def test_a_fault_is_told_in_a_sentence_and_the_next_picture_is_read(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(_: object) -> None:
        raise error

    statuses, problems = [], []

    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            statuses.extend([message["status"]] if "status" in message else [])
            problems.extend([message["body"]] if "body" in message else [])
            await send(message)

        with pytest.raises(type(error)):  # which the server prints
            await app(scope, receive, note)

    app = create_app(ModelList())
    monkeypatch.setattr("mlp.web.app.load_picture", fail)
    Client(seen).post("/api/extract", content=png(4))
    assert statuses == [500]
    assert told in json.loads(problems[0])["problem"]
    assert "/home" not in problems[0].decode()
    monkeypatch.undo()
    assert extract(client, png(4))["digits"]


def test_the_first_page_of_a_document_is_extracted(client: Client) -> None:
    pytest.importorskip("pypdfium2")
    assert len(extract(client, pdf_of(SEVEN, FOUR))["digits"]) == 1
    assert "password" in client.post("/api/extract", content=locked()).json()["problem"]


def test_nothing_waits_for_a_document_that_is_drawn(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked, others_are_answered = threading.Event(), threading.Event()

    def draw(_: object, name: str, page: int, patience: float) -> io.BytesIO:
        assert (page, patience) == (1, web.PAGE_PATIENCE)
        is_asked.set()
        assert others_are_answered.wait(60)
        return io.BytesIO(png(4))

    async def ask() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(tell, document := anyio.Event())
            await anyio.to_thread.run_sync(is_asked.wait, 60)
            for asked in (("GET", "/api/samples"), ("POST", "/api/extract", png(7))):
                assert (await client.ask(*asked)).status == 200
            assert not document.is_set()
            others_are_answered.set()

    async def tell(is_answered: anyio.Event) -> None:
        answers.append(await client.ask("POST", "/api/extract", b"%PDF-1.7"))
        is_answered.set()

    answers: list[Response] = []
    monkeypatch.setattr(web, "draw_page", draw)
    anyio.run(ask)
    assert len(answers[0].json()["digits"]) == 1
