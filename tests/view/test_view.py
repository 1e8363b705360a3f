"""The views: every line within the width, only characters that can be shown, any weights at all."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from rich.text import Text

from mlp.common.errors import ModelError, UsageError
from mlp.data.load import Split
from mlp.data.task import Task
from mlp.models.attribution import contributions
from mlp.models.metadata import Metadata
from mlp.nn.network import MLP
from mlp.view.answers import Answers
from mlp.view.bars import draw_bars
from mlp.view.confusions import draw_confusions
from mlp.view.curves import draw_curves, read_curves, sparkline
from mlp.view.digit import STYLES, draw_digit, draw_digits
from mlp.view.heatmap import RAMP, draw_signed, draw_units, legend, robust_maximum, scaled, units_of
from mlp.view.image import as_image, fit, near_square, shrink
from mlp.view.layout import flow, wrap
from mlp.view.mistakes import Case, draw_cases, heatmaps, surest
from mlp.view.screen import Screen
from mlp.view.select import labelled, rows_from

WIDTHS = (16, 40, 80, 200)
SCREENS = [
    Screen(width, colour, encoding)
    for width, (colour, encoding) in itertools.product(
        WIDTHS, ((True, "utf-8"), (False, "utf-8"), (False, "ascii"), (True, "latin-1"))
    )
]
NAMES = [str(digit) for digit in range(10)]
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8)
METADATA = Metadata(
    history=tuple(
        {"epoch": e, "loss": 1.0 / e, "train_accuracy": 0.9, "test_accuracy": 1 - 0.1 / e}
        for e in range(1, 101)
    )
)


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


def case(contributions: list[np.ndarray] | None = None) -> Case:
    shares = RNG.dirichlet(np.ones(10))
    active = contributions or [RNG.normal(size=784), RNG.normal(size=36)]
    return Case("test image 7: 3, read as 8, 99.00% sure", IMAGES[0], shares, active)


def views(screen: Screen) -> dict[str, list[Text]]:
    """Draw everything there is on a screen."""
    confusion = RNG.integers(0, 1000, (10, 10))
    W = RNG.normal(size=(784, 5))
    return {
        **{f"digits {s}": draw_digits(IMAGES, ["a", "b", "c"], screen, s) for s in STYLES},
        "wide digits": draw_digits(np.zeros((1, 9, 300), np.uint8), ["wide"], screen),
        "units": draw_units(units_of(W, 1), screen, 5),
        "units each": draw_units(units_of(W.T, 1, each=True), screen, 784)[:40],
        "bars": draw_bars(RNG.random(10), NAMES, screen),
        "long bars": draw_bars(RNG.random(2), ["short", "a question with a long text"], screen),
        "cases": draw_cases([case(), case()], NAMES, screen),
        "curves": draw_curves(read_curves(METADATA, "m"), screen),
        "confusions": draw_confusions(confusion, NAMES, screen, 10),
        "legend": legend(screen, 0.123),
        "text": wrap("words " * 50, screen.width),
    }


# --- What every view keeps to --------------------------------------------------------------------


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_no_line_is_wider_than_the_screen_or_shows_what_it_cannot(screen: Screen) -> None:
    for name, lines in views(screen).items():
        assert lines, name
        for line in lines:
            assert line.cell_len <= screen.width, f"{name}: {line.plain!r}"
            assert screen.can_show(line.plain), f"{name}: {line.plain!r}"
            assert "\n" not in line.plain
            assert "\x1b" not in line.plain
            assert screen.colour or not line.spans, name


def test_a_wide_screen_is_used() -> None:
    images = np.zeros((6, 28, 28), np.uint8)
    rows = [len(draw_digits(images, NAMES[:6], Screen(width))) for width in (40, 80, 200)]
    assert rows == [6 * 16 - 1, 3 * 16 - 1, 15]


@pytest.mark.parametrize("colour", [True, False])
def test_print_puts_out_escape_codes_only_with_colour(
    colour: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen(80, colour)
    screen.print(draw_digit(IMAGES[0], screen))
    assert ("\x1b" in capsys.readouterr().out) == colour


def test_print_replaces_what_the_encoding_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(80, False, "ascii").print([Text("façade ▀")])
    assert capsys.readouterr().out == "fa?ade ?\n"


@pytest.mark.parametrize(
    ("environment", "colour"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_the_screen_asks_the_terminal(
    environment: dict[str, str], colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"COLUMNS": "57", "LINES": "20", **environment}.items():
        monkeypatch.setenv(name, value)
    terminal = SimpleNamespace(isatty=lambda: True, encoding="cp437", fileno=lambda: 1)
    monkeypatch.setattr("sys.stdout", terminal)
    assert Screen.of_stdout().colour == colour
    assert Screen.of_stdout().encoding == "cp437"
    if environment["TERM"] != "dumb":  # which has no width to ask for
        assert Screen.of_stdout().width == 57


def test_a_pipe_has_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    screen = Screen.of_stdout()
    assert (screen.width, screen.colour) == (80, False)


# --- Images and digits ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "grid"),
    [
        (1, (1, 1)),
        (2, (1, 2)),
        (7, (3, 3)),
        (10, (3, 4)),
        (32, (4, 8)),
        (36, (6, 6)),
        (112, (8, 14)),
        (784, (28, 28)),
    ],
)
def test_grids_are_as_square_as_the_size_allows(count: int, grid: tuple[int, int]) -> None:
    assert near_square(count) == grid


def test_every_value_has_its_place_in_the_grid() -> None:
    for count in range(1, 200):
        image = as_image(np.arange(count))
        there = image[np.isfinite(image)]
        assert there.tolist() == list(range(count))
        assert max(image.shape) <= 2 * min(image.shape)


def test_the_given_shape_is_taken_where_it_fills() -> None:
    assert as_image(np.zeros(12), (6, 2)).shape == (6, 2)
    assert as_image(np.zeros(12), (5, 2)).shape == (3, 4)


def test_shrinking_takes_means_of_what_is_there() -> None:
    image = np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 5.0]])
    assert shrink(image, 2, 2).tolist() == [[1.5, 5.0]]
    assert fit(image, 3).tolist()[1] == [2.0, 3.0, 5.0]


def test_half_blocks_show_two_pixels_a_character() -> None:
    image = np.array([[0, 255, 0, 255], [0, 0, 255, 255]], np.uint8)
    assert plain(draw_digit(image, Screen())) == [" ▀▄█"]
    assert plain(draw_digit(image, Screen(), negative=True)) == ["█▄▀ "]
    assert plain(draw_digit(image[:1], Screen())) == [" ▀ ▀"]


def test_greys_give_each_pixel_two_characters_of_five_shades() -> None:
    image = np.array([[0, 60, 128, 180, 255]], np.uint8)
    assert plain(draw_digit(image, Screen(), "greys")) == ["  ░░▒▒▓▓██"]
    assert plain(draw_digit(image, Screen(), "greys", negative=True)) == ["██▓▓▒▒░░  "]
    assert plain(draw_digit(image, Screen(encoding="ascii"), "greys")) == ["  ..::++##"]


def test_colours_are_the_pixels_greys() -> None:
    (line,) = draw_digit(np.array([[0], [51]], np.uint8), Screen(colour=True))
    style = line.spans[0].style
    assert style.color.triplet == (0, 0, 0)
    assert style.bgcolor.triplet == (51, 51, 51)


# --- Weights -------------------------------------------------------------------------------------

EXTREME = {
    "zero": np.zeros((36, 4)),
    "huge": np.full((36, 4), 1e30, np.float32),
    "largest": np.full((36, 4), np.finfo(np.float64).max) * np.where(np.arange(4) % 2, 1, -1),
    "tiny": np.full((36, 4), 5e-324),
    "outlier": np.where(np.arange(144).reshape(36, 4) == 5, 1e30, 0.1),
    "lone": np.where(np.arange(144).reshape(36, 4) == 5, 1e300, 0.0),
    "not finite": np.where(np.arange(144).reshape(36, 4) % 3, np.inf, np.nan),
}


@pytest.mark.parametrize("name", EXTREME)
@pytest.mark.parametrize("screen", [Screen(colour=True), Screen(), Screen(encoding="ascii")])
@pytest.mark.parametrize("each", [True, False])
def test_any_weights_are_drawn(name: str, screen: Screen, each: bool) -> None:
    units = units_of(EXTREME[name], 1, each=each)
    assert all(np.nanmax(np.abs(image), initial=0) <= 1 for image in units.images)
    assert all(line.cell_len <= 80 for line in draw_units(units, screen, 4))


def test_one_outlier_does_not_dim_the_rest() -> None:
    assert robust_maximum(EXTREME["outlier"]) == pytest.approx(0.1)
    assert scaled(EXTREME["outlier"], 0.1).min() == pytest.approx(1.0)
    assert robust_maximum(EXTREME["lone"]) == 1e300


def test_normal_weights_do_not_saturate() -> None:
    W = RNG.normal(size=(784, 10))
    assert (np.abs(scaled(W, robust_maximum(W))) == 1).mean() < 0.011


def test_without_colour_plus_and_minus_tell_the_sign() -> None:
    image = np.repeat([[-1.0, -0.5, 0.0, 0.5, 1.0]], 12, axis=0).repeat(3, axis=1)
    assert plain(draw_signed(image, Screen()))[0] == "".join(c * 3 for c in RAMP)


def test_with_colour_blue_is_negative_and_orange_positive() -> None:
    (line, *_) = draw_signed(np.array([[-1.0, 1.0]]), Screen(colour=True))
    red, _, blue = line.spans[0].style.color.triplet
    assert blue > 2 * red
    red, _, blue = line.spans[-1].style.color.triplet
    assert red > 2 * blue


def test_places_without_a_weight_stay_blank() -> None:
    lines = draw_signed(as_image(np.ones(10)), Screen(colour=True))
    assert lines[-1].plain.endswith(" " * 8)  # 10 weights leave two places of 3 x 4


# --- Contributions, readings and mistakes --------------------------------------------------------


def test_contributions_sum_to_the_output_of_a_network_of_relus_without_biases() -> None:
    model = MLP([784, 20, 7, 10], bias=False, dtype="float64", seed=3)
    z = model.forward(IMAGES[:1].reshape(1, -1) / 255.0)
    z = z.copy()
    for unit in (0, 9):
        parts = contributions(model, IMAGES[0], unit)
        assert [len(part) for part in parts] == [784, 20, 7]
        np.testing.assert_allclose([part.sum() for part in parts], z[0, unit], rtol=1e-10)


def test_contributions_are_input_times_gradient_by_differences() -> None:
    model = MLP([784, 5, 10], "tanh", "sigmoid", dtype="float64", seed=1)
    hidden = model.layers[:-1]
    image = IMAGES[0]
    x = image.reshape(1, -1) / 255.0

    def z(x: np.ndarray) -> float:
        for layer in hidden:
            x = layer.forward(x)
        return float(x[0, 4])

    first = contributions(model, image, 4)[0]
    step = np.zeros_like(x)
    for pixel in (0, 100, 400):
        step[:] = 0
        step[0, pixel] = 1e-6
        slope = (z(x + step) - z(x - step)) / 2e-6
        assert first[pixel] == pytest.approx(x[0, pixel] * slope, rel=1e-5)


@pytest.mark.parametrize("size", [1e30, 0.0])
def test_extreme_networks_are_drawn(size: float) -> None:
    model = MLP([784, 36, 10], init="zeros")
    for layer in model.linear:
        layer.W[...] = size
    active = contributions(model, IMAGES[0], 0)
    assert all(np.nanmax(np.abs(image)) <= 1 for image in heatmaps(case(active)))
    assert draw_cases([case(active)], NAMES, Screen(colour=True))


def test_the_surest_come_first_and_nan_last() -> None:
    confidence = np.array([0.5, np.nan, 0.9, 0.7, 0.9])
    candidates = np.array([True, True, True, False, True])
    assert surest(candidates, confidence, 9) == [2, 4, 0, 1]
    assert surest(candidates, confidence, 2) == [2, 4]


def test_readings_of_classes() -> None:
    shares = np.array([[0.1, 0.9], [0.8, 0.2]])
    read = Answers(Task(names=("cat", "dog")), shares, np.array([1, 1], np.uint8))
    assert read.correct.tolist() == [True, False]
    assert read.confidence.tolist() == [0.9, 0.8]
    assert read.caption(1) == "test image 1: dog, read as cat, 80.00% sure"


def test_readings_of_questions() -> None:
    task = Task("multilabel", ("a", "b", "c"))
    shares = np.array([[0.9, 0.8, 0.1], [0.9, 0.01, 0.3], [0.2, 0.1, 0.3]])
    labels = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]], np.uint8)
    read = Answers(task, shares, labels)
    assert read.correct.tolist() == [True, False, True]
    assert read.unit.tolist() == [1, 1, 2]
    assert read.confidence.tolist() == [0.8, 0.99, 0.7]
    assert read.caption(1) == "test image 1: a and b, read as a, 99.00% sure of no b"
    assert read.caption(2) == "test image 2: nothing, read as nothing, 70.00% sure of no c"
    binary = Answers(Task("binary", ("0 or 2",), (0, 2)), np.array([[0.75]]), labels[:1, 2:])
    assert binary.caption(0) == "test image 0: no, read as yes, 75.00% sure"


def test_readings_name_as_many_outputs_as_there_are() -> None:
    assert Answers(Task(), np.ones((1, 12)) / 12, np.zeros(1, np.uint8)).names[-1] == "11"


# --- Bars, curves, confusions and layout ---------------------------------------------------------


def test_bars_are_as_long_as_their_values() -> None:
    values = np.array([0.0, 0.5, 1.0, np.nan])
    lines = plain(draw_bars(values, ["a", "b", "c", "d"], Screen(80, encoding="ascii")))
    assert [line.count("#") for line in lines] == [0, 30, 60, 0]
    assert [line[-7:].strip() for line in lines[:3]] == ["0.00%", "50.00%", "100.00%"]
    assert "▌" in draw_bars(np.array([0.5]), ["a"], Screen(26))[0].plain


def test_a_sparkline_goes_from_the_least_to_the_largest() -> None:
    assert sparkline([1.0, 2.0, 3.0], 10, Screen()) == "▁▅█"
    assert sparkline([3.0, 1.0], 10, Screen(encoding="ascii")) == "#_"
    assert len(sparkline(list(range(1000)), 30, Screen())) == 30
    assert sparkline([2.0, 2.0], 10, Screen()) == "██"
    assert sparkline([-1e308, 1e308], 10, Screen()) == "▁█"


def test_curves_have_the_first_and_the_last_epoch() -> None:
    lines = plain(draw_curves(read_curves(METADATA, "m"), Screen()))
    assert lines[0].startswith("loss ")
    assert lines[0].endswith("1.0000 to 0.0100")
    table = lines[lines.index("") + 1 :]
    assert table[0].split() == ["epoch", "loss", "train", "test"]
    assert table[1].split()[0] == "1"
    assert table[-1].split() == ["100", "0.0100", "90.00%", "99.90%"]


@pytest.mark.parametrize(
    "history",
    [
        None,
        [],
        "text",
        {"epoch": 1},
        [1, 2],
        [{}],
        [{"epoch": 1}],
        [{"epoch": 1, "loss": None}],
        [{"epoch": 1, "loss": float("nan")}],
        [{"epoch": 1, "loss": 1.0}, {"epoch": 2}],
    ],
)
def test_a_history_that_makes_no_sense_is_refused(history: object) -> None:
    with pytest.raises(ModelError, match=r"m\.safetensors"):
        read_curves(Metadata.from_json({"history": history}), "m.safetensors")


def test_figures_that_some_epochs_lack_are_left_out() -> None:
    epochs = [{"epoch": e, "loss": 1.0, "validation_accuracy": None} for e in (1, 2)]
    assert list(read_curves(Metadata.from_json({"history": epochs}), "m")) == ["epoch", "loss"]


def test_confusions_are_ranked_by_their_share() -> None:
    confusion = np.array([[90, 10, 0], [1, 8, 1], [0, 0, 5]])
    lines = plain(draw_confusions(confusion, ["a", "b", "c"], Screen(), 10))
    assert [line.split(" |")[0].split(": ")[1] for line in lines] == [
        "a read as b",
        "b read as a",
        "b read as c",
    ]
    assert draw_confusions(np.eye(3, dtype=np.int64), ["a", "b", "c"], Screen(), 10) == []


def test_blocks_flow_over_the_width() -> None:
    blocks = [[Text("aaaa"), Text("a")], [Text("bb")], [Text("cccc")], [Text("far too wide")]]
    assert plain(flow(blocks, 8)) == ["aaaa  bb", "a", "", "cccc", "", "far too "]
    assert flow([], 8) == []


def test_rows_are_chosen_by_label_and_number() -> None:
    labels = np.array([3, 1, 3, 2], np.uint8)
    wanted = labels == 3
    assert rows_from(wanted, 0).tolist() == [0, 2]
    assert rows_from(wanted, 1).tolist() == [2]
    for index, message in ((-1, "0 to 3"), (4, "0 to 3"), (3, "begin earlier")):
        with pytest.raises(UsageError, match=message):
            rows_from(wanted, index)


@pytest.mark.parametrize("labels", [np.array([0, 1, 1]), np.array([[1, 0], [0, 1], [1, 1]])])
def test_labels_are_looked_for_in_classes_and_in_answers(labels: np.ndarray) -> None:
    split = Split(np.zeros((3, 2, 2), np.uint8), labels.astype(np.uint8))
    assert labelled(split, None, 3).all()
    assert labelled(split, 1, 2).tolist() == [False, True, True]
    for digit in (-1, 2):
        with pytest.raises(UsageError, match=f"--digit {digit}"):
            labelled(split, digit, 2)
