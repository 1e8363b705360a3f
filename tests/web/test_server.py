"""Serving the page: the socket, the address, and a process that is asked, misused and ended."""

from __future__ import annotations

import json
import queue
import signal
import socket
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import uvicorn
from asgi import bomb, png
from served import serving
from starlette.responses import PlainTextResponse

from mlp.common.errors import UsageError
from mlp.web.server import address_of, listen, serve


def test_a_port_that_is_taken_and_an_address_of_another_machine() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address_of(taken) == f"http://127.0.0.1:{port}/"
        with pytest.raises(UsageError, match="--port"):
            listen("127.0.0.1", port)
    with pytest.raises(UsageError, match="--host"):
        listen("192.0.2.1", 0)
    with pytest.raises(UsageError):
        listen("no such name.invalid", 0)


def test_an_address_for_other_machines_is_one_that_they_can_open() -> None:
    with listen("0.0.0.0", 0) as bound:
        assert "0.0.0.0" not in address_of(bound)


def test_serving_tells_where_the_page_is_and_when_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: queue.Queue[str] = queue.Queue()
    notes: list[str] = []

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        assert server.config.limit_concurrency
        raise KeyboardInterrupt

    monkeypatch.setattr("uvicorn.Server.run", run)
    monkeypatch.setattr("webbrowser.open", opened.put)
    bound = listen("0.0.0.0", 0)
    address = address_of(bound)
    serve(PlainTextResponse("a page"), bound, browser=True, on_note=notes.append)
    assert capsys.readouterr().out == f"{address}\n"
    assert [note.split()[0] for note in notes] == ["warning:", "draw", "the"]
    assert bound.fileno() == -1, "closed"
    assert opened.get(timeout=20) == address


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_the_midst_of_an_answer_ends_it(name: str) -> None:
    number = getattr(signal, name)
    answers: queue.Queue[str] = queue.Queue()
    bound = listen("127.0.0.1", 0)
    address = address_of(bound)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        signal.raise_signal(number)
        await PlainTextResponse("a page")(scope, receive, send)

    def until() -> None:
        with suppress(OSError), closing(urlopen(address, timeout=20)) as response:
            answers.put(response.read().decode())
        time.sleep(10)  # the server ends long before
        answers.put("late")

    before = signal.signal(number, signal.default_int_handler)
    try:
        serve(app, bound, browser=False, on_note=lambda _: None, until=until)
    finally:
        signal.signal(number, before)
    assert answers.get(timeout=20) == "a page"
    assert answers.empty()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_the_command_serves_until_it_is_interrupted(reader: Path) -> None:
    """A process of its own is sent 200 MB and foreign names, answers still, and ends well."""
    with serving("--model", reader) as port:
        own = f"127.0.0.1:{port}"
        assert len(ask(port, own, png(4))[1]["digits"]) == 1
        assert ask(port, "evil.example", png(4))[0] == 421
        status, answer = ask(port, own, b"", 200 << 20)
        assert status == 413
        assert "10 MB" in answer["problem"]
        assert ask(port, own, bomb(60_000))[0] == 422
        assert len(ask(port, own, png(8))[1]["digits"]) == 1


def ask(port: int, host: str, content: bytes, zeros: int = 0) -> tuple[int, dict[str, Any]]:
    """Send a picture, or so many zeros, as a client that reads nothing until all is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        length = len(content) + zeros
        head = f"POST /api/extract HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + content)
        block = bytes(1 << 20)
        for _ in range(zeros // len(block)):
            connection.sendall(block)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    head_bytes, _, body = answer.partition(b"\r\n\r\n")
    return int(head_bytes.split()[1]), json.loads(body)
