"""The application of mlp watch: its page, its events, and what it refuses."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest
from asgi import HOST, Client
from watched_run import watched_run

from mlp.training.runs.watch_files import RunControl, WatchFiles
from mlp.web.watch_app import MOST_BYTES, create_watch_app
from mlp.web.watching import Watching


@pytest.fixture
def client(tmp_path: Path) -> Client:
    watched_run(tmp_path)
    return Client(create_watch_app([Watching("first", tmp_path)]))


@pytest.mark.parametrize(
    "path", ["/", "/watch.js", "/start.js", "/charts.js", "/inside.js", "/watch.css"]
)
def test_the_page_may_do_no_more_than_it_needs(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status == 200
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]


def test_runs_are_named(client: Client) -> None:
    assert client.get("/api/runs").json() == {"runs": ["first"], "starts": False}


def test_what_is_asked_reaches_the_run(client: Client, tmp_path: Path) -> None:
    response = client.post("/api/ask", content=b'{"paused": true}')
    assert response.status == 200
    assert WatchFiles(tmp_path).asked() == RunControl(paused=True)


@pytest.mark.parametrize(
    ("content", "number", "status"),
    [
        (b"", "0", 422), (b"{", "0", 422), (b"[1]", "0", 422), (b'{"rate": "x"}', "0", 422),
        (b'{"files": 1}', "0", 422), (b" " * (MOST_BYTES + 1), "0", 413), (b"{}", "1", 404),
        (b"{}", "-1", 404), (b"[" * 990, "0", 422), (b"{}", "\u00b2", 404), (b"{}", "9" * 400, 404),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    client: Client, tmp_path: Path, content: bytes, number: str, status: int
) -> None:
    response = client.post("/api/ask", content=content, params={"run": number})
    assert response.status == status
    assert response.json()["problem"]
    assert WatchFiles(tmp_path).asked() == RunControl()


def test_other_sites_may_ask_nothing(client: Client, tmp_path: Path) -> None:
    headers = {"host": HOST, "origin": "http://elsewhere.example"}
    assert client.post("/api/ask", content=b'{"stop": true}', headers=headers).status == 403
    assert client.get("/api/runs", headers={"host": "elsewhere.example"}).status == 421
    assert WatchFiles(tmp_path).asked() == RunControl()


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    ending = threading.Event()
    app = create_watch_app([Watching("first", tmp_path / "gone")], ending=ending)
    assert Client(app).post("/api/ask", content=b"{}").status == 410
    assert events(app, ending, 1, lambda _: None) == ["event: gone\ndata:\n\n"]


def events(app: Any, ending: threading.Event, count: int, meanwhile: Any) -> list[str]:
    """The first events of a run; ``meanwhile`` is called after each, and the server then ends."""
    found: list[str] = []
    scope = {
        "type": "http", "method": "GET", "path": "/api/events", "query_string": b"",
        "headers": [(b"host", HOST.encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        await anyio.sleep_forever()
        return {}

    async def send(message: dict[str, Any]) -> None:
        if body := message.get("body", b"").decode():
            found.append(body)
            meanwhile(len(found))
            if len(found) == count:
                ending.set()

    anyio.run(app, scope, receive, send)
    return found


def test_each_new_moment_is_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.web.watch_app.PACE", 0.001)
    watched_run(tmp_path)
    ending = threading.Event()
    app = create_watch_app([Watching("first", tmp_path)], ending=ending)
    files = WatchFiles(tmp_path)
    moment = files.moment()
    assert moment is not None

    def news(number: int) -> None:
        moment[0]["epoch"] = 10 * number
        files.tell(*moment)

    found = events(app, ending, 3, news)
    assert all(event.startswith("data: ") and event.endswith("\n\n") for event in found)
    epochs = [json.loads(event[6:])["state"]["epoch"] for event in found]
    assert epochs == [2, 10, 20]


def test_silence_is_broken_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.web.watch_app.PACE", 0.0)
    ending = threading.Event()
    app = create_watch_app([Watching("first", tmp_path)], ending=ending)
    first, second = events(app, ending, 2, lambda _: None)
    assert json.loads(first[6:])["state"] is None
    assert second == ":\n\n"
