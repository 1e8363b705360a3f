"""Trainings that the page of mlp watch starts: what may be asked, and how they begin and end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from asgi import HOST, Client
from command import start

from mlp.common.errors import UsageError
from mlp.training.runs.folder import RunFolder
from mlp.training.runs.settings import read_settings
from mlp.training.runs.writers import read_history
from mlp.web import starting
from mlp.web.page import read_static
from mlp.web.starting import OPTIONS, Starting
from mlp.web.watch_app import create_watch_app

SOON = {"dataset": "synthetic:6000+1000", "hidden": "8", "epochs": "1", "batch_size": "full"}
LONG = SOON | {"epochs": "9999"}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLP_OFFLINE", "1")
    monkeypatch.delenv("MLP_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_training_starts_into_a_folder_of_its_own(tmp_path: Path) -> None:
    trainings = Starting()
    try:
        run = trainings.start(LONG | {"activation": "tanh", "lr": ".05"})
        (folder,) = (tmp_path / "runs").iterdir()
        assert run.name == folder.name
        settings = read_settings(RunFolder(folder).settings)
        assert settings.training.lr == 0.05
        assert settings.network.activation == "tanh"
    finally:
        ended = trainings.end()
    assert [run.path for run in ended] == [Path("runs") / folder.name]
    assert RunFolder(folder).checkpoints(), "its state is saved, so that it can go on"
    assert trainings.end() == []


def test_one_that_ends_before_the_page_looks_has_told_how_it_ended() -> None:
    trainings = Starting()
    run = trainings.start(SOON)
    (_, process), *_ = trainings._started
    assert process.wait(60) == 0
    run.look()
    assert run.has_ended
    assert len(json.loads(run.event)["history"]) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"epochs": "0"}, "epochs"),  # which mlp train refuses
        ({"dataset": "mnist"}, "MLP_OFFLINE"),
        ({"hidden": "8;ls"}, "--hidden cannot be"),
        ({"hidden": ""}, "--hidden cannot be"),
        ({"epochs": 3}, "--epochs cannot be"),
        ({"lr": "1e999"}, "--lr cannot be"),
        ({"batch_size": "²"}, "--batch-size cannot be"),
        ({"dataset": "/etc/passwd"}, "--dataset cannot be"),
        ({"data": "/etc"}, "load the page again"),
        ({"out": "x"}, "load the page again"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    asked: dict[str, Any], said: str, tmp_path: Path
) -> None:
    trainings = Starting()
    with pytest.raises(UsageError, match=re.escape(said)):
        trainings.start(SOON | asked)
    assert trainings.end() == []
    assert not list(tmp_path.glob("runs/*/recipe.toml"))


def test_no_more_than_a_few_train_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "MOST_AT_ONCE", 1)
    trainings = Starting()
    try:
        trainings.start(LONG)
        with pytest.raises(UsageError, match="1 trainings run already"):
            trainings.start(LONG)
    finally:
        assert len(trainings.end()) == 1


def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.0)
    monkeypatch.setattr(starting, "_interrupt", lambda process: None)
    trainings = Starting()
    trainings.start(LONG)
    assert len(trainings.end()) == 1
    assert trainings.end() == []


def test_one_that_starts_while_the_server_ends_is_ended() -> None:
    trainings = Starting()
    trainings.end()
    with pytest.raises(UsageError, match=r"ended before it had begun|interrupted"):
        trainings.start(LONG)


def test_the_page_asks_what_may_be_asked() -> None:
    """The values that the form begins with, and those that it lists."""
    page = read_static("watch.html")
    fields = re.findall(r'<(?:input|select) name="(\w+)"', page)
    assert set(fields) == set(OPTIONS)
    for name, value in re.findall(r'<input name="(\w+)"[^>]*? value="([^"]+)"', page):
        assert re.fullmatch(OPTIONS[name], value)
    for name, inside in re.findall(r'<select name="(\w+)">(.*?)</select>', page, re.DOTALL):
        listed = re.findall(r'<option(?: value="([^"]+)")?>([^<]+)', inside)
        assert listed
        for value, shown in listed:
            assert re.fullmatch(OPTIONS[name], value or shown)


def test_the_server_starts_and_lists_it() -> None:
    trainings = Starting()
    client = Client(create_watch_app([], ending=threading.Event(), starting=trainings))
    assert client.get("/api/runs").json() == {"runs": [], "starts": True}
    try:
        response = client.post("/api/start", content=json.dumps(SOON).encode())
        assert response.status == 200, response.content
        told = response.json()
        assert told["number"] == 0
        assert client.get("/api/runs").json()["runs"] == [told["name"]]
        asked = client.post("/api/ask", content=b'{"stop": true}')
        assert asked.status == 200
    finally:
        trainings.end()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"epochs": "x"}', b"[" * 990])
def test_the_server_refuses_what_makes_no_sense(content: bytes) -> None:
    client = Client(create_watch_app([], starting=Starting()))
    response = client.post("/api/start", content=content)
    assert response.status == 422
    assert response.json()["problem"]
    assert client.get("/api/runs").json()["runs"] == []


def test_nothing_is_started_from_elsewhere_or_where_it_is_not_offered() -> None:
    content = json.dumps(SOON).encode()
    client = Client(create_watch_app([], starting=Starting()))
    headers = {"host": HOST, "origin": "http://elsewhere.example"}
    assert client.post("/api/start", content=content, headers=headers).status == 403
    client = Client(create_watch_app([]))
    assert client.get("/api/runs").json() == {"runs": [], "starts": False}
    assert client.post("/api/start", content=content).status == 404


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_whatever_ends_the_server_ends_them(name: str, tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with start("watch", "--no-browser", stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(b":")[2].strip(b"/\n"))
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("POST", "/api/start", json.dumps(LONG))
            assert connection.getresponse().status == 200
        (folder,) = (tmp_path / "runs").iterdir()
        until = time.monotonic() + 60.0
        while not read_history(RunFolder(folder).history):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Traceback" not in err
    assert f"mlp train --resume runs/{folder.name} goes on with it" in err.decode()
    assert (folder / "model.safetensors").exists()
