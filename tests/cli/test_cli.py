"""``mlp`` itself: its streams, its exit codes and the completion of its words."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, TextIO

import pytest
from command import TINY, Command, start

from backends import BackendError
from mlp.cli import COMMANDS, main
from mlp.common.errors import UsageError


def run(monkeypatch: pytest.MonkeyPatch, stdout: TextIO, *arguments: str) -> object:
    """Run the command line with this standard output, and return its exit code."""
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "argv", ["mlp", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


@pytest.mark.parametrize("arguments", [["presets"], ["train", "--help"]])
def test_a_stream_without_our_letters_gets_others(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = io.BytesIO()
    stdout = io.TextIOWrapper(content, "ascii")
    assert run(monkeypatch, stdout, *arguments) in (0, None)
    assert b"?" in content.getvalue()
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("buffered", [True, False])
def test_a_result_that_cannot_be_written_is_told_in_a_sentence(
    buffered: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With and without a buffer, as PYTHONUNBUFFERED=1 makes standard output."""
    full: Any = io.FileIO("/dev/full", "w")
    stream = io.BufferedWriter(full) if buffered else full
    with io.TextIOWrapper(stream, write_through=not buffered) as stdout:
        assert run(monkeypatch, stdout, "presets") == 1
    assert re.fullmatch(r"mlp: stdout cannot .*No space left.*\n", capsys.readouterr().err)


def test_the_output_survives_a_pipe_that_is_closed() -> None:
    """Nobody reads any more when the process, which has yet to start, comes to its first word."""
    process = start("presets", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    assert process.wait() == 1
    process.stderr.close()
    assert told == b""


def test_no_colour_codes_reach_a_pipe(mlp: Command) -> None:
    result = mlp("train", *TINY, "--lr", "30", "--clip-value", "9")
    assert "warning: " in result.err, "which is yellow on a terminal"
    assert "\x1b" not in result.out + result.err


def test_the_version_is_told(mlp: Command) -> None:
    assert re.fullmatch(r"mlp \d+\.\d+.*\n", mlp("--version").out)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UsageError("no such thing"), 2, "no such thing"),
        (BackendError("no such device"), 1, "no such device"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError("1 TiB"), 1, "out of memory (1 TiB): take fewer images"),
    ],
)
def test_what_fails_ends_in_a_sentence_and_an_exit_code(
    error: BaseException,
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def presets() -> None:
        raise error

    monkeypatch.setitem(COMMANDS, "presets", presets)
    assert run(monkeypatch, sys.stdout, "presets") == code
    told = capsys.readouterr()
    assert told.out == ""
    assert re.fullmatch(rf"mlp: {re.escape(sentence)}.*\n", told.err)


@pytest.mark.parametrize(
    ("words", "meant"), [(["tran"], "train"), (["show", "curve"], "curves"), (["none"], None)]
)
def test_a_command_that_does_not_exist_is_refused_with_one_that_does(
    words: list[str], meant: str | None, mlp: Command
) -> None:
    result = mlp(*words)
    assert (result.code, result.out) == (2, "")
    assert f"No such command '{words[-1]}'." in result.err
    assert ("Did you mean" in result.err) == (meant is not None)
    assert meant is None or f"'{meant}'?" in result.err


def test_the_help_lists_every_command(mlp: Command) -> None:
    listed = re.findall(r"^│ ([a-z][a-z-]*) ", mlp("--help").out, re.MULTILINE)
    assert listed == list(COMMANDS)


# Completion


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mlp tr", ["train"]),
        ("mlp show cu", ["curves"]),
        ("mlp train --batch", ["--batch-size"]),
    ],
)
def test_words_are_completed(
    line: str, words: list[str], mlp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_MLP_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    assert mlp().out.split() == words


def test_the_script_for_the_shell_completes_mlp(
    mlp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it was started: python -m mlp would else write a script for python."""
    assert "--install-completion" in mlp("--help").out
    monkeypatch.setenv("_MLP_COMPLETE", "source_bash")
    assert "complete -o default -F _mlp_completion mlp" in mlp().out
