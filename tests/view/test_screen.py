"""What a screen can show, and what is printed on it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rich.text import Text

from mlp.view.digit import draw_digit
from mlp.view.screen import Screen


@pytest.mark.parametrize("colour", [True, False])
def test_print_puts_out_escape_codes_only_with_colour(
    colour: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen(80, colour)
    screen.print(draw_digit(np.zeros((4, 4), np.uint8), screen))
    assert ("\x1b" in capsys.readouterr().out) == colour


def test_print_replaces_what_the_encoding_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(80, False, "ascii").print([Text("façade ▀")])
    assert capsys.readouterr().out == "fa?ade ?\n"


@pytest.mark.parametrize(
    ("environment", "colour"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, True),
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
    assert Screen.of_stdout().true_colour == ("COLORTERM" in environment)
    if environment["TERM"] != "dumb":  # which has no width to ask for
        assert Screen.of_stdout().width == 57


def test_a_pipe_has_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    screen = Screen.of_stdout()
    assert (screen.width, screen.colour) == (80, False)
