"""The page of mlp watch in a real browser, beside a real training: it shows it, and steers it.

Needs Chromium with its driver, and selenium; skipped without them.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accessible import hindrances
from visitor import faults

from mlp.models.model_file import load
from mlp.training.runs.watched import STOPPED

pytest.importorskip("selenium.webdriver")
pytest.importorskip("starlette", reason="the page needs the extra mlp-digits[draw]")

PATIENCE = 60.0  # seconds
HEADINGS = (
    "return Array.from(document.querySelectorAll('.panels h3'))"
    ".filter((h) => h.checkVisibility()).map((h) => h.textContent)"
)
TRAIN = ("train", "--dataset", "synthetic:6000+500", "--hidden", "24,16", "--device", "cpu")


@contextmanager
def started(folder: Path, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command that serves a page, and give its process and its address."""
    environment = {**os.environ, "BROWSER": "true"}  # opens nothing
    process = subprocess.Popen(
        [sys.executable, "-m", "mlp", *map(str, arguments)],
        cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = process.stderr if "train" in arguments else process.stdout
        told = ""
        for line in lines:
            told += line
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                break
        else:
            raise AssertionError(told)
        try:
            yield process, found[0]
        except BaseException:
            process.kill()  # or a test that fails would wait for it for ever
            raise
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)


class Page:
    """The page, as its visitor sees it."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        browser.get("about:blank")
        self.errors()  # of an earlier page, whose server has ended
        browser.get(address)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def text(self, selector: str, nth: int = 0) -> str:
        script = "return document.querySelectorAll(arguments[0])[arguments[1]]?.textContent ?? ''"
        return str(self.run(script, selector, nth))

    def count(self, selector: str) -> int:
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def click(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).click()", selector)

    def until(self, holds: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, self.text("body")
            time.sleep(0.05)

    def errors(self) -> list[str]:
        return faults(self.browser)


def test_a_training_is_watched_to_its_end(browser: Any, tmp_path: Path) -> None:
    with started(tmp_path, *TRAIN, "--epochs", "4", "--watch", "--json") as (process, address):
        page = Page(browser, address)
        page.until(lambda: "the training has ended" in page.text(".state"))
        assert page.errors() == []
        assert "after 4 of 4 epochs, test accuracy" in page.text(".state")
        assert hindrances(browser) == []
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    result = json.loads(out)
    assert f"{result['test_accuracy']:.1%}".replace("%", " %") in page.text(".state")
    assert page.count(".charts polyline") == 3  # the loss; train and test
    assert page.count(".grid canvas") == 24
    assert page.count(".confusion td") == 100
    assert page.count(".layers .histograms svg") == 6
    assert page.run("return document.querySelector('.pause').disabled")
    # The first unit's picture has the signs of its weights.
    model = load(tmp_path / "digits.safetensors")
    w = model.linear[0].W[:, 0]
    pixels = page.run(
        "const c = document.querySelector('.grid canvas');"
        "return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    )
    rgba = np.array(pixels).reshape(784, 4)
    strong = rgba[:, 3] > 60
    assert strong.sum() > 20
    warm = np.sign(rgba[strong, 0] - rgba[strong, 2])
    np.testing.assert_array_equal(warm, np.sign(w[strong]))
    assert "24 units" in page.text(".weights .legend")
    assert [path.name for path in tmp_path.iterdir()] == ["digits.safetensors"]


def test_a_training_is_paused_stepped_slowed_and_stopped(browser: Any, tmp_path: Path) -> None:
    long = ("--epochs", "500", "--report-every", "1", "--run", "first", "--watch")
    with started(tmp_path, *TRAIN, *long) as (process, address):
        page = Page(browser, address)
        page.until(lambda: "epoch" in page.text(".state"))
        page.click(".pause")
        page.until(lambda: page.text(".state").startswith("waiting at"))
        assert page.text(".pause") == "Go on"
        place = page.text(".state")
        page.click(".step")
        page.until(lambda: page.text(".state") != place)
        page.until(lambda: page.text(".state").startswith("waiting at"))
        page = Page(browser, address)  # opened anew, the page knows that it waits
        page.until(lambda: page.text(".state").startswith("waiting at"))
        assert page.text(".pause") == "Go on"
        assert not page.run("return document.querySelector('.step').disabled")
        page.run(
            "const rate = document.querySelector('.rate'); rate.value = '0.5';"
            "rate.dispatchEvent(new Event('change'))"
        )
        page.click(".pause")
        page.until(lambda: "learning rate × 0.5" in page.text(".state"))
        page.click(".stop")
        page.until(lambda: "stopped" in page.text(".state"))
        assert page.errors() == []
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert STOPPED in out
    assert "learning rates times 0.5 from epoch" in err
    assert (tmp_path / "first" / "model.safetensors").is_file()


def test_two_runs_are_watched_side_by_side(browser: Any, tmp_path: Path) -> None:
    for name in ("first", "second"):
        command = [sys.executable, "-m", "mlp", *TRAIN, "--epochs", "1", "--run", name]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        assert not list((tmp_path / name).glob("watch*"))  # nobody watched
    with started(tmp_path, "watch", "first", "second", "--no-browser") as (process, address):
        page = Page(browser, address)
        page.until(lambda: page.count(".charts svg") == 4)
        assert [page.text(".name", nth) for nth in (0, 1)] == ["first", "second"]
        resume = [sys.executable, "-m", "mlp", "train", "--resume", "second", "--epochs", "3"]
        subprocess.run(resume, cwd=tmp_path, check=True, capture_output=True)
        page.until(lambda: "after 3 of 3 epochs" in page.text(".state", 1))
        assert page.errors() == []
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "the page is closed" in err
    assert "Traceback" not in err


def test_a_run_that_is_resumed_is_watched_again(browser: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlp", *TRAIN, "--epochs", "1", "--run", "first"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with started(tmp_path, "watch", "first", "--no-browser") as (process, address):
        page = Page(browser, address)
        page.until(lambda: page.count(".charts svg") == 2)
        for epochs in (3, 5):
            resume = [*command[:3], "train", "--resume", "first", "--epochs", str(epochs)]
            subprocess.run(resume, cwd=tmp_path, check=True, capture_output=True)
            ended = f"after {epochs} of {epochs} epochs"
            page.until(lambda ended=ended: ended in page.text(".state"))
            assert page.run("return document.querySelector('.stop').disabled")
        resume = ["train", "--resume", "first", "--epochs", "500", "--watch"]
        with started(tmp_path, *resume) as (run, _):
            page.until(lambda: "of 500, update" in page.text(".state"))
            assert not page.run("return document.querySelector('.stop').disabled")
            page.click(".stop")
            page.until(lambda: "stopped" in page.text(".state"))
            out, err = run.communicate(timeout=PATIENCE)
        assert STOPPED in out, err
        assert page.errors() == []
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_a_run_on_a_table_is_told_by_its_measure(browser: Any, tmp_path: Path, task: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6))
    y = X @ rng.normal(size=6)
    if task == "multiclass":
        y = (y > 0).astype(np.int64)
    np.savez(tmp_path / "table.npz", X=X, y=y)
    table = ("train", "--dataset", "table.npz", "--task", task, "--test", "0.2", "--hidden", "4")
    told = (*table, "--epochs", "1", "--device", "cpu", "--run", "first")
    with started(tmp_path, *told, "--watch") as (process, address):
        page = Page(browser, address)
        page.until(lambda: "the training has ended" in page.text(".state"))
        headings = page.run(HEADINGS)
        assert page.errors() == []
        process.communicate(timeout=PATIENCE)
    last = json.loads((tmp_path / "first" / "history.jsonl").read_text("utf-8"))
    score = last["test_accuracy"]
    if task == "regression":
        measure, written = "R²", f"{score:.4f}"
        assert headings == ["Loss and R²", "What the first layer looks for", "Layer by layer"]
    else:
        measure, written = "accuracy", f"{score:.1%}".replace("%", " %")
        assert "What is taken for what" in headings
        assert "The worst mistakes of the moment" not in headings  # rows are no pictures
        assert "of 16 test rows are read right" in page.text(".confusion .legend")
    ended = f"after 1 of 1 epoch, test {measure} {written}"
    assert page.text(".state") == f"the training has ended, {ended}"
    assert f"{measure}, after each epoch" in page.text(".charts figcaption", 1)
    if task == "regression":
        assert "%" not in page.text(".charts")
    for watched in (tmp_path / "first").glob("watch*"):
        watched.unlink()
    with started(tmp_path, "watch", "first", "--no-browser") as (process, address):
        page = Page(browser, address)
        page.until(lambda: "nothing trains here now" in page.text(".state"))
        assert page.text(".state").endswith(f"after 1 epoch, test {measure} {written}")
        page.until(lambda: page.run(HEADINGS) == [f"Loss and {measure}"])
        assert page.errors() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_training_is_started_on_the_page(browser: Any, tmp_path: Path, scheme: str) -> None:
    with started(tmp_path, "watch", "--no-browser") as (process, address):
        page = Page(browser, address)
        page.until(lambda: page.run("return document.getElementById('start').open"))
        assert hindrances(browser, scheme) == []
        fill = (
            "for (const [name, value] of Object.entries(arguments[0]))"
            " document.querySelector(`#start [name=${name}]`).value = value;"
        )
        page.run(fill, {"hidden": "16", "epochs": "0", "batch_size": "full"})
        page.click("#start button")
        page.until(lambda: "It did not start:" in page.text("#start-told"))
        page.run(fill, {"epochs": "3"})
        page.click("#start button")
        page.until(lambda: "the training has ended, after 3 of 3 epochs" in page.text(".state"))
        assert not page.run("return document.getElementById('start').open")
        assert "784-16-10, relu" in page.text(".about")
        page.run(fill, {"epochs": "9999"})
        page.run("document.querySelector('#start').open = true")
        page.click("#start button")
        page.until(lambda: "of 9999" in page.text(".state", 1))
        assert hindrances(browser, scheme) == []
        assert [fault for fault in page.errors() if "422" not in fault] == []  # which was refused
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "mlp train --resume runs" in err
    assert "Traceback" not in err
    assert len(list((tmp_path / "runs").glob("*/model.safetensors"))) == 2
