"""The help of a command: in groups, within 80 columns, with nothing cut off."""

from __future__ import annotations

import re

import pytest
from command import Command
from rich.console import Console

from mlp.cli import COMMANDS
from mlp.cli.help import TERM_WIDTH, as_typed, table_of


@pytest.mark.parametrize(
    ("record", "typed"),
    [
        ("--bias / --no-bias", "--[no-]bias"),
        ("--browser / --closed", "--browser / --closed"),
        ("--lr <float>", "--lr NUMBER"),
        ("--lr FLOAT", "--lr NUMBER"),
        ("--sure FLOAT RANGE", "--sure NUMBER"),
        ("--port <int range>", "--port N"),
        ("--seed INTEGER", "--seed N"),
        ("--loss TEXT", "--loss NAME"),
        ("  IMAGE... <list[str]>", "IMAGE..."),
        ("MODEL <path>", "MODEL"),
        ("--scale <layer|unit>", "--scale layer|unit"),
        ("--scale [layer|unit]", "--scale layer|unit"),
        ("--force <bool>", "--force"),
        ("--batch-size N|full", "--batch-size N|full"),
        ("-h, --help", "-h, --help"),
    ],
)
def test_an_option_is_shown_as_it_is_typed(record: str, typed: str) -> None:
    assert as_typed(record).plain == typed


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "command",
    [*([name] for name in COMMANDS), ["data", "info"], ["data", "convert"], ["show", "weights"]],
    ids=" ".join,
)
def test_nothing_is_wider_than_the_terminal_or_cut(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, command: list[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = mlp(*command, "--help")
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= columns
    assert "…" not in re.sub(r"(N|W|KIND),…|\[NAME\]…|0, 1, …", "", result.out)
    assert "\\[" not in result.out


def test_train_has_its_options_in_groups(mlp: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = mlp("train", "--help").out
    headings = re.findall(r"^╭─ (\w+) ─", text, re.MULTILINE)
    assert headings == [
        "Options", "Data", "Network", "Training", "Regularisation", "Measurement", "Device", "Runs",
    ]  # fmt: skip
    groups = dict(zip(headings, text.split("╭─ ")[1:], strict=True))
    for name, option in {
        "Options": "--out FILE", "Data": "--drop COLUMNS", "Network": "--[no-]bias",
        "Training": "--lr NUMBER", "Device": "--device NAME", "Runs": "--checkpoint-every MINUTES",
    }.items():  # fmt: skip
        assert option in groups[name]
    told = re.search(r"│ --lr NUMBER +(.*?)│ --momentum", groups["Training"], re.DOTALL)
    assert told is not None
    meaning = " ".join(re.sub(r"[│ \n]+", " ", told[1]).split())
    assert meaning.startswith("The learning rate at its peak; ")
    assert meaning.endswith("[default: 0.15]")


def test_facts_stand_behind_the_meaning(mlp: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = mlp("draw", "--help").out
    assert "--port N                    The port; 0 takes one that is free. [default: 0; " in text
    assert re.search(
        r"│ MODEL +A model, in any format. \[required\]", mlp("show", "weights", "--help").out
    )


def test_a_long_option_has_its_value_beside_the_meaning() -> None:
    class Long:
        help = "What it is."

        def get_help_record(self, _: object) -> tuple[str, str]:
            return f"--{'x' * 20} {'V' * TERM_WIDTH}"[: TERM_WIDTH + 6], "What it is.  [default: 1]"

    console = Console(width=80)
    with console.capture() as captured:
        console.print(table_of([Long()], None))
    assert re.fullmatch(r"--x{20} {6}V{10} What it is. \[default: 1\] *\n", captured.get())
