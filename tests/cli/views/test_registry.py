"""What all views share: pictures that are saved, views written elsewhere, colours and encodings."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from source import ROOT
from view_command import DATA, lines, png, refusal, show

from mlp.cli import main
from mlp.cli.show import VIEWS
from mlp.data.load import Dataset


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_picture_is_written(view: str, model: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    save = tmp_path / "picture.png"
    arguments = [view] if view == "digits" else [view, model]
    if view in ("digits", "mistakes", "confusion", "robustness"):
        arguments += ["--dataset", DATA]
    if view in ("digits", "mistakes"):
        arguments += ["--count", "2"]
    lines(*arguments, "--save", str(save))
    pixels = png(save)
    assert min(pixels.shape) > 100
    assert pixels.std() > 10
    assert list(tmp_path.iterdir()) == [save]


def test_a_picture_is_replaced_only_on_request(model: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    save = tmp_path / "picture.png"
    save.write_bytes(b"mine")
    assert "--force" in refusal("curves", model, "--save", str(save))
    assert save.read_bytes() == b"mine"
    written = []
    for _ in range(2):
        lines("curves", model, "--save", str(save), "--force")
        written.append(png(save))
    assert (written[0] == written[1]).all()
    assert list(tmp_path.iterdir()) == [save]


def test_the_picture_of_digits_has_their_pixels(data: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    means = []
    for negative in ([], ["--negative"]):
        save = tmp_path / f"{len(negative)}.png"
        lines("digits", "--dataset", DATA, "--index", "0", "--save", str(save), *negative)
        means.append(png(save).mean())
    assert means[0] < means[1]  # paper is black, and white in the negative


def test_without_matplotlib_the_extra_is_named(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.view.plots.find_spec", lambda name: None)
    assert "pip install 'mlp-digits[plots]'" in refusal(
        "curves", model, "--save", str(tmp_path / "curves.png")
    )
    assert not list(tmp_path.iterdir())


def test_a_view_written_elsewhere_is_a_command_once_it_is_imported(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sizes.py").write_text(
        "from rich.text import Text\n"
        "from mlp.cli.views.registry import VIEWS, Canvas, Model\n"
        "from mlp.models.model_file import load\n"
        "@VIEWS.register('sizes')\n"
        "def sizes(*, model: Model, canvas: Canvas, spaces: int = 1) -> None:\n"
        "    'Show the widths of the layers.'\n"
        "    canvas.print([Text((' ' * spaces).join(map(str, load(model).sizes)))])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(VIEWS, "_entries", dict(VIEWS))  # puts back what was there
    import_module("sizes")
    assert "Show the widths of the layers." in show("--help").stdout
    assert lines("sizes", model, "--spaces", "2") == ["784  12  10"]
    assert "end" in refusal("sizes", model, "--save", "sizes.jpg")


def test_an_encoding_without_blocks_gets_ascii(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, "ascii"))
    monkeypatch.setattr(sys, "argv", ["mlp", "show", "weights", model, "--count", "2"])
    with pytest.raises(SystemExit):
        main()
    assert content.getvalue().isascii()
    assert b"unit 1" in content.getvalue()
    assert b"\x1b" not in content.getvalue()


TWICE = """
import os, sys
from mlp.cli import main
for os.environ["NO_COLOR"] in ("", "1"):  # the empty one asks for nothing
    try:
        main()
    except SystemExit as end:
        assert not end.code
    print("~~~")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_gets_colours_within_its_width_unless_it_wants_none(model: str) -> None:
    import fcntl
    import pty
    import re
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", TWICE, "show", "weights", model, "--count", "2"]
    with subprocess.Popen(
        command, env=environment | {"PYTHONPATH": str(ROOT)}, stdin=theirs, stdout=theirs
    ) as process:
        os.close(theirs)
        output = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # so Linux says that the other side is closed
                part = b""
            if not part:
                break
            output += part
    os.close(ours)
    assert process.returncode == 0
    coloured, plain, _ = output.decode().split("~~~")
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    for text in (coloured, plain):
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= 40
        assert "unit 1" in text
