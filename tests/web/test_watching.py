"""What the page is told of a run: what the network is, does and mistakes, as JSON."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import DATA
from watched_run import watched_run

from mlp.data.load import load_dataset
from mlp.models.predict import predict
from mlp.nn.network import MLP
from mlp.training.runs.lock import locked
from mlp.training.runs.watch_files import RunControl, WatchFiles
from mlp.web import watching as web_watching
from mlp.web.watching import UNITS_SHOWN, Watching


def told(folder: Path) -> dict[str, Any]:
    watching = Watching("first", folder)
    watching.look()
    event: dict[str, Any] = json.loads(watching.event)
    return event


def test_a_moment_has_what_the_page_shows(tmp_path: Path) -> None:
    model = watched_run(tmp_path)
    event = told(tmp_path)
    assert event["name"] == "first"
    assert event["state"]["ended"]
    assert (event["state"]["epoch"], event["state"]["steps"]) == (2, 15)
    assert event["about"]["network"]["sizes"] == [16, 9, 7, 5]
    assert (event["about"]["epochs"], event["about"]["parameters"]) == (2, model.parameters.size)
    assert [epoch["epoch"] for epoch in event["history"]] == [1, 2]
    assert event["losses"][-1][0] == 2
    assert [layer["units"] for layer in event["layers"]] == [9, 7, 5]


def test_the_weights_are_the_networks(tmp_path: Path) -> None:
    model = watched_run(tmp_path, MLP([16, 60, 5]))
    weights = told(tmp_path)["weights"]
    assert (weights["units"], weights["of"], weights["shape"]) == (UNITS_SHOWN, 60, [4, 4])
    eight = np.frombuffer(base64.b64decode(weights["data"]), np.int8).reshape(UNITS_SHOWN, 16)
    W = model.linear[0].W.T[:UNITS_SHOWN]
    whole = np.abs(W) < weights["maximum"]
    expected = W / weights["maximum"] * 127
    np.testing.assert_allclose(eight[whole], expected[whole], atol=0.51)


def test_confusions_and_mistakes_are_the_networks(tmp_path: Path) -> None:
    model = watched_run(tmp_path, lr=0.01)
    event = told(tmp_path)
    answers, labels = predict(model, DATA.test.images), DATA.test.labels
    assert event["correct"] == (answers == labels).sum()
    confusion = np.array(event["confusion"])
    assert confusion.sum() == len(labels)
    for label, read in {(1, 1), (0, 3), (2, 4)}:
        assert confusion[label, read] == ((labels == label) & (answers == read)).sum()
    wrong = np.flatnonzero(answers != labels)
    assert 0 < len(event["mistakes"]) == min(8, len(wrong))
    for mistake in event["mistakes"]:
        row = mistake["row"]
        assert row in wrong
        assert (mistake["label"], mistake["read"]) == (str(labels[row]), str(answers[row]))
        image = np.frombuffer(base64.b64decode(mistake["image"]), np.uint8)
        np.testing.assert_array_equal(image, DATA.test.images[row].ravel())
    sure = [mistake["confidence"] for mistake in event["mistakes"]]
    assert sure == sorted(sure, reverse=True)


@pytest.mark.parametrize("task", ["regression", "columns"])
def test_other_data_has_neither_pictures_nor_confusions_to_show(tmp_path: Path, task: str) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 6)), rng.integers(0, 3, 80)
    if task == "regression":
        data = load_dataset((X, X @ rng.normal(size=6)), kind="regression", test=0.2)
        watched_run(tmp_path, MLP([6, 4, 1]), data, loss="quadratic")
        event = told(tmp_path)
        assert "confusion" not in event
    else:
        watched_run(tmp_path, MLP([6, 4, 3]), load_dataset((X, y), test=0.2))
        event = told(tmp_path)
        assert len(event["confusion"]) == 3
    assert event["kind"] == ("regression" if task == "regression" else "multiclass")
    assert "mistakes" not in event
    assert event["weights"]["shape"] is None
    assert len(event["layers"]) == 2


def test_many_classes_have_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.web.watching.MOST_CLASSES", 4)
    watched_run(tmp_path)
    assert "confusion" not in told(tmp_path)


def test_a_run_that_told_nothing_shows_its_history(tmp_path: Path) -> None:
    event = told(tmp_path)
    assert (event["state"], event["trains"], event["history"]) == (None, False, [])
    watching = Watching("first", tmp_path)
    with locked(tmp_path, print):
        watching.look()
        assert json.loads(watching.event)["trains"]
        (tmp_path / "history.jsonl").write_text('{"epoch": 1, "loss": 0.5}\n')
    watching.look()
    event = json.loads(watching.event)
    assert (event["trains"], event["history"]) == (False, [{"epoch": 1, "loss": 0.5}])


def test_numbers_that_are_not_finite_are_none(tmp_path: Path) -> None:
    model = watched_run(tmp_path)
    files = WatchFiles(tmp_path)
    moment = files.moment()
    assert moment is not None
    values, arrays = moment
    losses = np.array([[0.1, np.nan], [0.2, np.inf]])
    files.tell(values, {"parameters": np.full_like(model.parameters, np.nan), "losses": losses})
    event = told(tmp_path)
    assert event["losses"] == [[0.1, None], [0.2, None]]
    del arrays


def test_it_looks_anew_only_where_there_is_news(tmp_path: Path) -> None:
    watched_run(tmp_path)
    watching = Watching("first", tmp_path)
    watching.look()
    version = watching.version
    watching.look()
    assert watching.version == version
    files = WatchFiles(tmp_path)
    moment = files.moment()
    assert moment is not None
    files.tell(*moment)
    watching.look()
    assert watching.version == version + 1


def test_another_network_in_the_same_folder_is_taken_anew(tmp_path: Path) -> None:
    watching = Watching("first", tmp_path)
    watched_run(tmp_path)
    watching.look()
    watched_run(tmp_path, MLP([16, 3, 5]))
    watching.look()
    assert json.loads(watching.event)["about"]["network"]["sizes"] == [16, 3, 5]


def test_what_the_page_asks_reaches_the_run(tmp_path: Path) -> None:
    watching, files = Watching("first", tmp_path), WatchFiles(tmp_path)
    assert files.asked() is None
    watching.stay()
    assert files.asked() == RunControl()
    for change in ({"paused": True}, {"step": True}, {"step": True}, {"rate": 0.5}):
        watching.ask(change)
    assert files.asked() == RunControl(paused=True, steps=2, rate=0.5)
    for wrong in ({"rate": -1}, {"other": 1}, {"paused": "yes"}):
        with pytest.raises((ValueError, TypeError)):
            watching.ask(wrong)
    assert files.asked() == RunControl(paused=True, steps=2, rate=0.5)


def test_who_watches_a_run_beside_another_leaves_what_is_asked(tmp_path: Path) -> None:
    one, other = Watching("first", tmp_path), Watching("first", tmp_path)
    for watching in (one, other):
        watching.stay()
    one.ask({"paused": True})
    other.ask({"rate": 0.5})
    one.ask({"step": True})
    other.ask({"step": True})
    one.stay()
    both = RunControl(paused=True, steps=2, rate=0.5)
    assert WatchFiles(tmp_path).asked() == both
    WatchFiles(tmp_path).clear()
    one.stay()  # and what both asked is still asked
    assert WatchFiles(tmp_path).asked() == both


def test_what_another_asked_is_told_with_the_moment(tmp_path: Path) -> None:
    watched_run(tmp_path)
    files = WatchFiles(tmp_path)
    moment = files.moment()
    assert moment is not None
    values, arrays = moment
    files.tell(values | {"ended": False, "paused": True}, arrays)
    watching, other = Watching("first", tmp_path), Watching("first", tmp_path)
    watching.stay()
    other.ask({"paused": True})
    watching.look()
    assert json.loads(watching.event)["state"]["asked"]["paused"]


def test_a_look_that_was_held_up_does_not_put_off_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched_run(tmp_path)
    files, watching = WatchFiles(tmp_path), Watching("first", tmp_path)
    moment = files.moment()
    assert moment is not None
    values, arrays = moment
    now, looked = [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def look_into(model: MLP) -> dict[str, Any]:
        looked.append(model)
        now[0] += 50 if len(looked) == 1 else 0.001
        return {}

    monkeypatch.setattr(watching, "_look_into", look_into)
    for _ in range(3):
        files.tell(values | {"ended": False}, arrays)
        watching.look()
        now[0] += 1
    assert len(looked) == 3


def test_a_run_that_went_on_between_two_looks_is_seen_to(tmp_path: Path) -> None:
    """Of a short one nobody sees that there was a moment with nothing told."""
    watching = Watching("first", tmp_path)
    watched_run(tmp_path)
    watching.look()
    WatchFiles(tmp_path).clear()
    watched_run(tmp_path, epochs=3)
    watching.look()
    assert json.loads(watching.event)["about"]["epochs"] == 3


def test_a_run_that_goes_on_with_more_epochs_is_seen_to(tmp_path: Path) -> None:
    watching = Watching("first", tmp_path)
    watched_run(tmp_path)
    watching.look()
    assert watching.has_ended
    WatchFiles(tmp_path).clear()
    watching.look()
    assert not watching.has_ended
    assert json.loads(watching.event)["state"] is None
    watched_run(tmp_path, epochs=3)
    watching.look()
    assert json.loads(watching.event)["about"]["epochs"] == 3


def test_what_was_asked_of_a_run_that_has_ended_is_not_asked_of_the_next(tmp_path: Path) -> None:
    watching, files = Watching("first", tmp_path), WatchFiles(tmp_path)
    watched_run(tmp_path)
    watching.ask({"stop": True, "paused": True})
    watching.look()
    assert files.asked() == RunControl()
    watching.ask({"step": True})
    assert files.asked() == RunControl(steps=1)


@pytest.mark.parametrize(
    "damage", ["no parameters", "few parameters", "no state", "large", "odd", "deep"]
)
def test_a_moment_that_makes_no_sense_is_passed_over(tmp_path: Path, damage: str) -> None:
    watched_run(tmp_path)
    files = WatchFiles(tmp_path)
    about, moment = files.about(), files.moment()
    assert about is not None
    assert moment is not None
    values, arrays = moment
    match damage:
        case "no parameters":
            del arrays["parameters"]
        case "few parameters":
            arrays["parameters"] = arrays["parameters"][:-1]
        case "no state":
            values = {}
        case "large":
            about[0]["network"]["sizes"] = [10**9, 10**9]
        case "deep":
            for _ in range(600):
                values["epoch"] = [values["epoch"]]
        case "odd":
            about[0]["network"]["sizes"] = None
    files.tell_about(*about)
    files.tell(values, arrays)
    watching = Watching("first", tmp_path)
    watching.look()
    assert json.loads(watching.event)["state"] is None
    watched_run(tmp_path)
    watching.look()
    assert json.loads(watching.event)["state"]["epoch"] == 2


def test_a_moment_that_could_not_be_read_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that waits tells no other."""
    watched_run(tmp_path)
    watching = Watching("first", tmp_path)
    monkeypatch.setattr(watching, "_moment", lambda: [0] * 10**18)  # more than there is room for
    watching.look()
    assert json.loads(watching.event)["state"] is None
    monkeypatch.undo()
    watching.look()
    assert json.loads(watching.event)["state"] is None, "not at once: it may be large"
    monkeypatch.setattr(web_watching, "AGAIN", 0.0)
    watching = Watching("first", tmp_path)
    monkeypatch.setattr(watching, "_moment", lambda: None)
    watching.look()
    assert json.loads(watching.event)["state"] is None
    monkeypatch.delattr(watching, "_moment")
    watching.look()
    assert json.loads(watching.event)["state"]["ended"]


def test_a_history_that_is_nested_without_an_end_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("[" * 100_000 + '\n{"epoch": 1, "loss": 0.5}\n')
    assert told(tmp_path)["history"] == [{"epoch": 1, "loss": 0.5}]
