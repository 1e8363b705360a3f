"""The page in a real browser: strokes are drawn, pictures are given, and the page must read them.

Needs Chromium with its driver, and selenium; skipped without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hard_pictures import STROKES, Scene, draw_digit, photograph, place
from PIL import Image
from served import serving
from visitor import Page, faults

from mlp.handwriting import load_picture
from mlp.handwriting.recognise import recognise_digits
from mlp.models.model_file import load, save
from mlp.nn.network import MLP

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.keys import Keys


@pytest.fixture(scope="module")
def port(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("models")
    save(MLP([784, 10], init="zeros"), folder / "untrained.safetensors")
    with serving("--model", reader, "--models", folder) as port:
        yield port


@pytest.fixture
def page(browser: Any, port: int) -> Iterator[Page]:
    page = Page(browser, port)
    yield page
    assert [told for told in faults(browser) if "status of 422" not in told] == []


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phone's photo of a line of digits in blue, on lined grey paper."""
    scene = Scene((206, 204, 196), (40, 60, 170), (150, 170, 200), light=0.3, grain=3.0)
    drawn = [draw_digit(digit, 110) for digit in (2, 0, 7, 4)]
    path = tmp_path_factory.mktemp("photo") / "line.jpg"
    Image.fromarray(photograph(place(drawn, 300, 700, 30), scene)).save(path)
    return path


# Drawing


def test_an_empty_canvas_is_answered_as_empty(page: Page) -> None:
    assert page.text("#digit") == ""
    assert page.text("#certainty") == "Nothing to read yet"
    assert page.ink("#canvas") == 0
    assert not page.one("#undo").is_enabled()
    assert page.one("#layers canvas").is_displayed(), "the network is in sight"
    assert not page.one("#explained").is_displayed()


def test_one_digit_after_another_is_drawn_and_read(page: Page) -> None:
    """The other tests draw the rest of the ten."""
    for digit in (0, 7):
        page.draw(STROKES[digit])
        page.reads(str(digit))
        assert page.text("#certainty").endswith(("% sure", "%)"))
        assert page.text("#bars tr.best th") == str(digit)
        page.until(lambda: page.run("return document.querySelector('#status').textContent"))
        assert page.ink("#image") > 0.02
        page.one("#clear").click()
        page.reads("")


def test_what_goes_on_inside_is_shown(page: Page) -> None:
    page.draw(STROKES[3])
    page.reads("3")
    captions = [figure.text for figure in page.all("#layers figcaption")]
    assert captions[0].startswith("layer 1: 64 units, ")
    assert captions[1:] == ["output: 10 units"]
    assert len(page.all("#units canvas")) == 6
    assert "784-64-10" in page.text("#about")
    coloured = page.run(
        "return [...document.querySelectorAll('#inside > :not(#unit) canvas')].map(c => "
        "new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size)"
    )
    assert min(coloured) > 4, "no picture is blank"


def test_the_answer_comes_while_it_is_drawn(page: Page) -> None:
    """The pen is still down, after a stroke that looks like a one."""
    page.run(
        "const c = document.getElementById('canvas'), r = c.getBoundingClientRect();"
        "const at = (y) => ({clientX: r.left + r.width / 2, clientY: r.top + y * r.height,"
        " isPrimary: true, button: 0, pointerId: 1, bubbles: true});"
        "c.setPointerCapture = () => {};"
        "c.dispatchEvent(new PointerEvent('pointerdown', at(0.2)));"
        "for (let y = 0.2; y < 0.8; y += 0.05)"
        "  c.dispatchEvent(new PointerEvent('pointermove', at(y)));"
    )
    page.reads("1")


def test_strokes_are_taken_back_one_by_one(page: Page) -> None:
    bar, rest = STROKES[4]
    page.draw([bar])
    one_stroke = page.ink("#canvas")
    page.draw([rest])
    page.reads("4")
    page.one("#undo").click()
    assert page.ink("#canvas") == pytest.approx(one_stroke, abs=1e-3)
    page.one("body").send_keys(Keys.CONTROL, "z")
    page.reads("")
    assert page.ink("#canvas") == 0


def test_the_keyboard_draws_too(page: Page) -> None:
    canvas = page.one("#canvas")
    canvas.send_keys(Keys.ARROW_UP * 9, " ", Keys.ARROW_DOWN * 18, " ")
    page.reads("1")
    canvas.send_keys(Keys.ESCAPE)
    page.reads("")


def test_a_finger_draws_on_a_phone(browser: Any, port: int) -> None:
    page = Page(browser, port, width=390, height=844)
    page.draw(STROKES[2], "touch")
    page.reads("2")
    assert page.run("return document.documentElement.scrollWidth") <= 390
    assert page.run("return scrollY") == 0, "the page does not scroll under the finger"
    bottom = page.run("return document.querySelector('#answer').getBoundingClientRect().bottom")
    assert bottom <= 844, "the answer is in sight"


def test_a_sample_is_taken_and_turns_into_another_digit(page: Page) -> None:
    page.all("#sample-digits button")[7].click()
    page.reads("7")
    page.all("#sample-digits button")[4].click()
    page.reads("4")
    strokes = page.run("return board.strokes.length")
    way = page.one("#way")
    way.send_keys(Keys.END)
    page.reads("9")
    assert page.run("return board.strokes.length") == strokes, "a 9 is written in fewer"
    way.send_keys(Keys.HOME)
    page.reads("4")
    page.one("#undo").click()
    assert page.run("return board.strokes.length") == strokes - 1


# Pictures


def test_a_photo_of_a_line_is_read(page: Page, photo: Path) -> None:
    page.one("#file").send_keys(str(photo))
    page.reads("2074")
    assert len(page.all("#boxes div")) == 4
    page.all("#several button")[2].click()
    assert page.text("#bars tr.best th") == "7"
    page.one("#several [aria-checked=true]").send_keys(Keys.ARROW_RIGHT)
    assert page.text("#bars tr.best th") == "4"
    page.draw(STROKES[5])
    page.reads("5")
    assert not page.one("#photo").is_displayed(), "drawing begins anew"


def test_what_is_shown_while_a_picture_is_read_is_told_to_be_behind(
    page: Page, photo: Path
) -> None:
    is_behind = "return byId('result').classList.contains('behind')"
    page.draw(STROKES[3])
    page.reads("3")
    with page.held("api/extract"):
        page.one("#file").send_keys(str(photo))
        page.until(lambda: page.run("return withheld.length"))
        page.one("#rotation").send_keys(Keys.ARROW_RIGHT)
        assert page.text("#certainty") == "Reading …"
        assert page.run(is_behind)
        page.until(lambda: page.run("return byId('status').textContent") == "Reading …")
        page.one("#as-drawn").click()
        page.run("withheld[0]()")
        page.reads("2074")
    assert not page.run(is_behind)
    with page.held("api/extract"):
        page.run("takePhoto(served.photo)")
        assert page.run(is_behind)
        page.draw(STROKES[7])
        page.reads("7")
        assert not page.run(is_behind), "the picture is wanted no more"


def test_a_photo_is_doubted_as_the_program_doubts_it(page: Page, photo: Path, reader: Path) -> None:
    page.one("#file").send_keys(str(photo))
    page.reads("2074")
    answers = recognise_digits(load(reader), load_picture(str(photo)))
    told = page.run(
        "return shown.result.digits.map((d) => [d.text, d.confidence, ...d.probabilities])"
    )
    for (text, sure, *shares), answer in zip(told, answers, strict=True):
        assert text == answer.text
        assert sure == pytest.approx(answer.confidence, abs=1e-4)
        np.testing.assert_allclose(shares, answer.probabilities, atol=1e-5)


def test_a_picture_is_pasted(page: Page, photo: Path) -> None:
    page.run(
        "const bytes = Uint8Array.from(arguments[0]), data = new DataTransfer();"
        "data.items.add(new File([bytes], 'p.jpg', {type: 'image/jpeg'}));"
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data}));",
        list(photo.read_bytes()),
    )
    page.reads("2074")
    page.one("#undo").click()
    page.reads("")


def test_what_is_no_picture_is_told(page: Page, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    page.one("#file").send_keys(str(tmp_path / "drawing.svg"))
    page.until(lambda: "SVG" in page.text("#problem"))
    assert page.one("#problem").get_attribute("role") == "alert"
    (tmp_path / "large.png").write_bytes(bytes(11 << 20))
    page.one("#file").send_keys(str(tmp_path / "large.png"))
    page.until(lambda: "10 MB" in page.text("#problem"))
    page.one("#file").send_keys(str(photo))
    page.reads("2074")
    assert not page.one("#problem").is_displayed()


# The page as a whole


def test_another_model_is_chosen(page: Page) -> None:
    page.draw(STROKES[8])
    page.reads("8")
    option = next(option for option in page.all("#models option") if "untrained" in option.text)
    option.click()
    page.until(lambda: "not sure" in page.text("#certainty"), told=lambda: page.text("#result"))
    assert page.text("#certainty") == "not sure (10.0 %)"


def test_everything_comes_from_this_server(page: Page) -> None:
    page.draw(STROKES[6])
    page.reads("6")
    names = page.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert len(names) >= 4
    assert all(name.startswith((page.origin, "data:")) for name in names)


def test_all_controls_have_names_for_screen_readers(page: Page) -> None:
    page.draw(STROKES[1])
    page.reads("1")
    nodes = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {}
    for node in nodes:
        properties = {p["name"]: p["value"].get("value") for p in node.get("properties", ())}
        if properties.get("focusable") and node["role"]["value"] != "RootWebArea":
            named[node["name"]["value"].strip()] = node["role"]["value"]
    assert {"Drawing area", "Picture", "Save a picture of the answer", "Model"} <= set(named)
    assert "" not in named
    assert page.one("#status").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(page: Page, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        for selector in ("h1", "#certainty", "#keys", "#clear"):
            colours = page.run(
                "const s = getComputedStyle(document.querySelector(arguments[0]));"
                "return [s.color, getComputedStyle(document.body).backgroundColor]",
                selector,
            )
            text, back = (luminance(colour) for colour in colours)
            assert (back > 0.5) == (scheme == "light")
            contrast = (max(text, back) + 0.05) / (min(text, back) + 0.05)
            assert contrast >= 4.5, (selector, "WCAG 2, 1.4.3")
        page.draw(STROKES[9])
        page.reads("9")
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def luminance(colour: str) -> float:
    """The relative luminance of ``rgb(r, g, b)``, as WCAG 2 defines it."""
    rgb = np.array(colour[colour.index("(") + 1 : -1].split(",")[:3], float) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
