"""Silent, slow and numerous clients give way; whoever asks is answered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from mlp.web import connections
from mlp.web.connections import MOST_AT_ONCE, MOST_OF_ONE, Connection, make_room
from mlp.web.server import listen

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@contextmanager
def served() -> Iterator[int]:
    """Serve one word from a thread; give the port."""
    bound = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        PlainTextResponse("word"),
        http=Connection,
        ws="none",
        lifespan="off",
        log_level="critical",
        limit_concurrency=MOST_AT_ONCE + 1,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True)
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()
    assert not thread.is_alive()


def ask(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(REQUEST)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    return answer


def test_silent_and_half_said_connections_keep_nobody_out() -> None:
    with served() as port, ExitStack() as stack:
        for number in range(2 * MOST_AT_ONCE):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if number % 2:
                silent.sendall(b"GET / HTTP/1.1\r\nHost:")
        for _ in range(3):
            assert b" 200 " in ask(port)


def test_a_request_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_PATIENCE", 0.05)
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=20) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\n")
        assert silent.recv(1) == b"", "closed by the server"


def test_a_kept_connection_answers_again() -> None:
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=20) as kept:
        for _ in range(3):
            kept.sendall(REQUEST.replace(b"close", b"keep-alive"))
            answer = b""
            while not answer.endswith(b"word"):
                answer += (part := kept.recv(1 << 16))
                assert part, "closed by the server"


class Stub:
    """A connection as `make_room` sees one."""

    def __init__(self, group: set[Any], host: str, began: float, state: str) -> None:
        self.connections, self.host, self.began = group, host, began
        self.is_asking, self.is_waiting = state != "silent", state != "answered"
        self.aborted = False
        self.transport = SimpleNamespace(abort=self.abort)
        group.add(self)

    def abort(self) -> None:
        self.aborted = True


def crowd(counts: dict[tuple[str, str], int], new: str) -> tuple[list[Stub], Stub]:
    """Connections by (client, state), and one more of the client ``new``."""
    group: set[Any] = set()
    all_of_them = [(host, state) for (host, state), n in counts.items() for _ in range(n)]
    stubs = [Stub(group, host, i, state) for i, (host, state) in enumerate(all_of_them)]
    last = Stub(group, new, len(stubs), "silent")
    make_room(cast(Connection, last))
    return stubs, last


@pytest.mark.parametrize(
    ("counts", "new", "closed"),
    [
        ({("a", "silent"): 20}, "b", []),
        ({("a", "answered"): 20, ("b", "silent"): MOST_AT_ONCE - 20}, "c", [("b", "silent")]),
        ({("a", "slow"): 40, ("a", "silent"): 2, ("b", "slow"): 22}, "b", [("a", "silent")]),
        ({("a", "slow"): MOST_OF_ONE, ("b", "silent"): 1}, "a", [("a", "slow")]),
        ({("a", "answered"): MOST_OF_ONE}, "b", []),
        ({("a", "answered"): MOST_OF_ONE}, "a", ["new"]),
    ],
)
def test_who_gives_way(counts: dict[tuple[str, str], int], new: str, closed: list[Any]) -> None:
    stubs, last = crowd(counts, new)
    states = {(True, False): "answered", (True, True): "slow", (False, True): "silent"}
    gone: list[Any] = [
        (stub.host, states[stub.is_asking, stub.is_waiting]) for stub in stubs if stub.aborted
    ]
    assert gone + ["new"] * last.aborted == closed
