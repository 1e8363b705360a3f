"""``mlp export-page``: the page reads by itself, in a real browser, what the program reads."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command, refused
from exported import OWN_LAYERS, close, randomise
from exported_page import PATIENCE, Page, drawings, on_board
from PIL import Image

from mlp.cli.export_page import LARGE
from mlp.data.inputs import Columns
from mlp.data.task import Task
from mlp.handwriting.recognise import join, recognise_digits
from mlp.models.attribution import activations, contributions
from mlp.models.metadata import Metadata
from mlp.models.model_file import load, save
from mlp.models.predict import probabilities
from mlp.models.pretrained import pretrained_model
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.web.network import FORMS
from mlp.web.page import write_page

SHOWN_LAYERS = [name for name in OWN_LAYERS if LAYERS[name] in FORMS]


def test_a_page_is_written_once(mlp: Command, reader: Path) -> None:
    result = mlp("export-page", reader, "digits.html", "--json")
    told = json.loads(result.out)
    assert (result.code, told["path"]) == (0, "digits.html")
    page = Path("digits.html").read_text("utf-8")
    assert told["bytes"] == len(page.encode())
    assert page.count("<script") == 4
    refused(mlp("export-page", reader, "digits.html"), "--force", code=2)
    assert Path("digits.html").read_text("utf-8") == page
    assert mlp("export-page", reader, "digits.html", "--force").code == 0
    refused(mlp("export-page", reader, "digits.png"), ".html", code=2)
    refused(mlp("export-page", "none.safetensors", "other.html"), "no model file")
    refused(mlp("export-page", reader, "none/digits.html"), "no folder")


def test_the_pretrained_model_fits_and_a_large_one_is_told(mlp: Command) -> None:
    assert write_page(pretrained_model(), Path("digits.html"), "digits") < LARGE
    save(MLP([784, 700, 10]), "large.safetensors")
    result = mlp("export-page", "large.safetensors", "large.html")
    assert result.code == 0
    assert "safetensors-half" in result.err


def test_what_a_page_cannot_hold_is_refused_by_name(mlp: Command) -> None:
    model = MLP([2, 10])
    model.metadata = Metadata(inputs=Columns(("length", "width"), (0.0, 0.0), (1.0, 1.0)))
    save(model, "columns.safetensors")
    refused(mlp("export-page", "columns.safetensors", "page.html"), "columns")
    model = MLP([784, 1])
    model.metadata = Metadata(task=Task("regression", ("age",), (), (0.0,), (1.0,)))
    save(model, "age.safetensors")
    refused(mlp("export-page", "age.safetensors", "page.html"), "regression")
    assert not Path("page.html").exists()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SHOWN_LAYERS)
def test_every_layer_computes_the_same_in_the_browser(
    name: str, dtype: str, browser: Any, tmp_path: Path
) -> None:
    model = MLP([784, 12, 9, 10], name, dtype=dtype, bias_init="normal(1)", seed=3)
    randomise(model)
    write_page(model, tmp_path / "page.html", name)
    page = Page(browser, tmp_path / "page.html")
    image = np.random.default_rng(1).integers(0, 256, (28, 28)).astype(np.uint8)
    read = page.read(image)
    close(read["probabilities"], probabilities(model, image[None])[0])
    for found, expected in zip(read["activations"], activations(model, image), strict=True):
        close(found, expected)
    unit = int(np.argmax(read["probabilities"]))
    close(read["evidence"], contributions(model, image, unit)[0])


@pytest.mark.parametrize(
    ("output", "task", "temperature"),
    [
        ("identity", Task(names=("a", "</script>", "c")), 1.7),
        ("sigmoid", Task(names=("a", "b", "c")), 1.3),
        ("identity", Task("multilabel", ("big", "round", "<!--")), 0.8),
        ("sigmoid", Task("multilabel", ("big", "round", "even")), 1.4),
        ("identity", Task("binary", ("even",), (0, 2, 4, 6, 8)), 1.2),
    ],
)
def test_answers_are_those_of_the_program(
    output: str, task: Task, temperature: float, browser: Any, tmp_path: Path
) -> None:
    model = MLP([784, 20, len(task.names)], output=output, seed=5)
    model.metadata = Metadata(task=task, temperature=temperature)
    write_page(model, tmp_path / "page.html", "a <b> & c")
    page = Page(browser, tmp_path / "page.html")
    for image in np.random.default_rng(2).integers(0, 256, (4, 28, 28)).astype(np.uint8):
        shares = probabilities(model, image[None])
        read = page.read(image)
        close(read["probabilities"], shares[0])
        answer = task.decide(shares, logits=False)[0]
        assert read["text"] == task.describe(answer, task.names_of(len(task.names)))
    names = page.run("return [...document.querySelectorAll('#bars th')].map(e => e.textContent)")
    assert names == list(task.names)


def test_weights_are_kept_to_the_bit(browser: Any, reader: Path, tmp_path: Path) -> None:
    model = load(reader)
    write_page(model, tmp_path / "page.html", "reader")
    page = Page(browser, tmp_path / "page.html")
    W = page.run("return Array.from(live.network.layers[0].W)")
    np.testing.assert_array_equal(np.array(W, np.float32), model.linear[0].W.ravel())


def test_drawings_are_read_as_the_program_reads_them(
    browser: Any, reader: Path, tmp_path: Path
) -> None:
    model = load(reader)
    write_page(model, tmp_path / "page.html", "reader")
    page = Page(browser, tmp_path / "page.html")
    texts = []
    for strokes in drawings():
        picture = page.draw(strokes)
        expected = recognise_digits(model, picture)
        digits = page.run(
            "return shown.result.digits.map(d => ({text: d.text, image: [...d.image]}))"
        )
        texts.append("".join(digit["text"] for digit in digits))
        assert texts[-1] == join(expected)
        for digit, answer in zip(digits, expected, strict=True):
            image = np.array(digit["image"], float).reshape(28, 28)
            assert (
                np.corrcoef(image.ravel(), answer.digit.image.ravel())[0, 1] > 0.75
            )  # a pixel aside, at times
    assert texts[:10] == [str(digit) for digit in range(10)]
    assert texts[-1] == "2074"
    assert sum(text == str(n % 10) for n, text in enumerate(texts[:-1])) >= 28


def test_a_drawing_is_made_harder_to_read(browser: Any, reader: Path, tmp_path: Path) -> None:
    write_page(load(reader), tmp_path / "page.html", "reader")
    page = Page(browser, tmp_path / "page.html")
    page.draw(on_board(3, 150, 80, 400))
    drawn = page.run("return [...shown.result.digits[0].image]")
    page.run("setAmounts({ rotation: 90 })")
    turned = page.run("return [...shown.result.digits[0].image]")
    np.testing.assert_array_equal(
        np.array(turned).reshape(28, 28), np.rot90(np.array(drawn).reshape(28, 28), -1)
    )
    assert page.run("return byId('certainty').textContent").endswith(", with turned +90°")


def test_an_answer_is_saved_as_a_picture(browser: Any, reader: Path, tmp_path: Path) -> None:
    write_page(load(reader), tmp_path / "page.html", "reader")
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    page = Page(browser, tmp_path / "page.html")
    assert page.run("return byId('save').disabled"), "there is nothing to save yet"
    page.draw(on_board(3, 150, 80, 400))
    page.run("byId('save').click()")
    saved, end = tmp_path / "read-3.png", time.monotonic() + PATIENCE
    while not saved.exists():
        assert time.monotonic() < end, list(tmp_path.iterdir())
        time.sleep(0.05)
    with Image.open(saved) as picture:
        assert picture.size == (960, 540)
        assert np.asarray(picture.convert("L")).std() > 10
