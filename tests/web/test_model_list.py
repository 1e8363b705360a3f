"""The models that the page offers: which, which first, and no other files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from asgi import Client
from snapped_run import snapped_run

from mlp.common.errors import ModelError
from mlp.models.metadata import metadata_of
from mlp.models.model_file import load, save
from mlp.nn.network import MLP
from mlp.web.app import create_app
from mlp.web.model_list import PRETRAINED, SNAPSHOTS_KEPT, ModelList


def network(client: Client, name: str) -> dict[str, Any]:
    response = client.get("/api/network", params={"model": name})
    assert response.status == 200, response.content.decode()
    told: dict[str, Any] = response.json()
    return told


def test_models_are_listed_as_they_come(own_folder: Client, reader: Path, tmp_path: Path) -> None:
    client = own_folder
    listed = client.get("/api/models").json()
    names = [name for name in listed["models"] if name != PRETRAINED]
    assert names == [reader.name, "broken.npz", "other.safetensors", "small.safetensors"]
    assert listed["first"] == reader.name
    shutil.copy(reader, tmp_path / "late.safetensors")
    assert "late.safetensors" in client.get("/api/models").json()["models"]
    assert network(client, "late.safetensors")["sizes"] == [784, 64, 10]


def test_a_model_that_changed_is_read_again(own_folder: Client, tmp_path: Path) -> None:
    client = own_folder
    before = network(client, "other.safetensors")
    (tmp_path / "other.safetensors").unlink()
    save(MLP([784, 5, 10]), tmp_path / "other.safetensors")
    assert network(client, "other.safetensors")["sizes"] == [784, 5, 10] != before["sizes"]


@pytest.mark.parametrize(
    "name",
    ["../reader.safetensors", "/etc/passwd", "notes.txt", "none", "", "small.safetensors",
     "broken.npz", "\0", "..%2fnotes.txt"],
)  # fmt: skip
def test_no_other_file_is_opened(client: Client, name: str) -> None:
    response = client.get("/api/network", params={"model": name})
    assert response.status == 422
    assert b"secret" not in response.content


def test_where_there_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> MLP:
        raise ModelError("this package comes without a trained model")

    monkeypatch.setattr("mlp.web.model_list.pretrained_model", none)
    with pytest.raises(ModelError, match="without a trained model"):
        ModelList()
    with pytest.raises(ModelError, match="no folder"):
        ModelList(folder=tmp_path / "none")
    with pytest.raises(ModelError, match="no model file"):
        ModelList(tmp_path / "none.safetensors")
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(ModelError):
        ModelList(folder=tmp_path)
    save(MLP([784, 10]), tmp_path / "b.safetensors")
    assert ModelList(folder=tmp_path).first == "b.safetensors", (
        "a broken file stands in no one's way"
    )


def test_the_pretrained_model_comes_first(
    reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.web.model_list.pretrained_model", lambda: load(reader))
    save(MLP([784, 10]), tmp_path / "a.safetensors")
    offered = ModelList(folder=tmp_path)
    assert offered.names() == [PRETRAINED, "a.safetensors"]
    assert offered.get(offered.first).sizes == load(reader).sizes
    assert ModelList(tmp_path / "a.safetensors").names() == ["a.safetensors", PRETRAINED]


def test_the_browser_is_not_told_where_the_files_are(own_folder: Client, tmp_path: Path) -> None:
    response = own_folder.get("/api/network", params={"model": "broken.npz"})
    assert response.status == 422
    assert "broken.npz" in response.json()["problem"]
    assert str(tmp_path) not in response.json()["problem"]


def test_a_run_is_offered_by_its_folders_name_with_its_snapshots(tmp_path: Path) -> None:
    run = snapped_run(tmp_path / "mine")
    offered = ModelList(folder=tmp_path / "mine", run=run)
    assert offered.first == "mine"
    places = offered.snapshots("mine")
    assert (places[0], places[-1]) == ((0, 0), (4, 0))
    assert offered.snapshots(PRETRAINED) == offered.snapshots("none") == []
    client = Client(create_app(offered))
    assert network(client, "mine")["snapshots"] == [list(place) for place in places]
    told = client.get("/api/network", params={"model": "mine", "at": "0-0"}).json()
    assert (told["name"], told["snapshots"]) == ("mine", [])
    first = metadata_of(load(run.snapshot((0, 0))))
    assert told["test_accuracy"] == first.test_accuracy
    for at in ("0-999", "9-0", "", "-", "x", "../model", "0-0-0"):
        answer = client.get("/api/network", params={"model": "mine", "at": at})
        assert (answer.status, b"no such model" in answer.content) == (422, True), at
    of_another = {"model": PRETRAINED, "at": "0-0"}
    assert client.get("/api/network", params=of_another).status == 422
    run.snapshot((4, 0)).write_bytes(b"cut")
    answer = client.get("/api/crowd", params={"model": "mine", "at": "4-0"})
    assert answer.status == 422
    assert str(tmp_path).encode() not in answer.content


def test_of_its_snapshots_those_asked_for_last_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def read_model(path: Path) -> MLP:
        read.append(path)
        return load(path)

    run = snapped_run(tmp_path / "mine")
    offered = ModelList(run=run)
    monkeypatch.setattr("mlp.web.model_list.read_model", read_model)
    places = offered.snapshots("mine")[: SNAPSHOTS_KEPT + 1]
    for place in (*places[:-1], places[0], places[-1], places[0], places[1]):
        offered.get("mine", place)
    assert read == [run.snapshot(place) for place in (*places, places[1])]
    assert offered.get("mine") is offered.get("mine")


def test_a_name_that_is_no_text_is_shown_as_it_can_be(reader: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"m\xff\x1b[2J.safetensors")
    shutil.copy(reader, tmp_path / odd)
    (tmp_path / os.fsdecode(b"d\xff.npz")).write_bytes(b"PK")
    client = Client(create_app(ModelList(tmp_path / odd, tmp_path)))
    listed = client.get("/api/models").json()
    assert listed["first"] == r"m\udcff\x1b[2J.safetensors"
    assert network(client, listed["first"])["name"] == listed["first"]
    problem = client.get("/api/network", params={"model": r"d\udcff.npz"}).json()["problem"]
    assert str(tmp_path) not in problem
