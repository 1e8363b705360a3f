"""Options that are made of dataclasses: what typer is shown, and what the command is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner, Result

from mlp.cli.expand import Overrides, Without, expand
from mlp.common.errors import UsageError
from mlp.common.option import option
from mlp.common.registry import Registry

COLOURS: Registry[type] = Registry("colour")
COLOURS.register("red")(object)


@dataclass(frozen=True, kw_only=True)
class House:
    """Fields of every kind."""

    name: str = option("Ours", "What it is called.", group="About")
    colour: str = option("red", "Its paint", group="About", choices=COLOURS)
    height: float | None = option(None, "In metres.", group="Size", metavar="M")
    floors: int = option(2, "One above the other.", group="Size")
    garden: bool = option(True, "Whether there is one.", group="Size")
    widths: tuple[int, ...] = option((3, 4), "Of the rooms.", group="Size")
    doors: int | Literal["full"] = option(1, "How many, or full.", group="Size")
    roof: Literal["flat", "steep"] = option("flat", "Its form.", group="Size")

    def __post_init__(self) -> None:
        if self.floors < 1:
            raise UsageError("a house has floors")


@dataclass
class Address:
    """Options that several commands share."""

    street: Annotated[str, typer.Argument()]
    number: Annotated[int, typer.Option(min=1)] = 1


def built(*arguments: str, few: bool = False) -> tuple[Result, list[object]]:
    """Run a command that builds a house, or may paint it alone; return what it was given."""
    calls: list[object] = []
    app = typer.Typer()

    @app.command()
    @expand
    def build(*, address: Address, house: Overrides[House], loud: bool = False) -> None:
        """Build a house."""
        calls.extend([address, house.over(House()), loud, "floors" in house])

    @app.command()
    @expand
    def paint(*, house: Annotated[Overrides[House], "colour"]) -> None:
        calls.append(house.over(House()))

    result = CliRunner().invoke(app, ["paint" if few else "build", *arguments])
    return result, calls


def test_what_is_not_given_stays() -> None:
    result, calls = built("High Street")
    assert result.exception is None, result.output
    assert calls == [Address("High Street", 1), House(), False, False]


def test_values_are_read_by_their_types() -> None:
    _, calls = built(
        "High Street", "--number", "3", "--name", "Theirs", "--height", "7.5", "--floors", "3",
        "--no-garden", "--widths", "5,6,7", "--doors", "full", "--roof", "steep", "--loud",
    )  # fmt: skip
    house = House(
        name="Theirs", height=7.5, floors=3, garden=False, widths=(5, 6, 7), doors="full",
        roof="steep",
    )  # fmt: skip
    assert calls == [Address("High Street", 3), house, True, True]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--widths", "5,x"], "--widths takes widths such as 256,128, or none, not '5,x'"),
        (["--doors", "many"], "--doors takes a whole number or full, not 'many'"),
        (["--floors", "0"], "a house has floors"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], sentence: str) -> None:
    result, calls = built("High Street", *arguments)
    assert str(result.exception) == sentence
    assert calls == []


def test_the_help_is_made_of_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(COLOURS, "_entries", dict(COLOURS))  # puts back what was there
    COLOURS.register("blue")(object)
    text = built("--help")[0].stdout
    assert "Build a house." in text
    about, size = text.index(" About "), text.index(" Size ")
    assert about < text.index("Its paint: red, blue. [default: red]") < size
    for told in (
        "--number", "[default: Ours]", "--height", "M ", "[default: garden]", "--no-garden",
        "[default: 3,4]",
    ):  # fmt: skip
        assert told in text


def test_the_help_leaves_out_what_has_one_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--colour" not in built("--help")[0].stdout
    result, calls = built("High Street", "--colour", "red")
    assert result.exception is None
    assert calls[1] == House()
    monkeypatch.setattr(COLOURS, "_entries", dict(COLOURS))
    COLOURS.register("blue")(object)
    assert "--colour" in built("--help")[0].stdout


def test_a_few_fields_alone() -> None:
    result, calls = built("--colour", "blue", few=True)
    assert result.exception is None
    assert calls == [House(colour="blue")]
    text = built("--help", few=True)[0].stdout
    assert "--floors" not in text
    assert " About " not in text


def test_all_fields_but_some() -> None:
    calls: list[House] = []
    app = typer.Typer()

    @app.command()
    @expand
    def build(*, house: Annotated[Overrides[House], Without("floors", "roof")]) -> None:
        calls.append(house.over(House()))

    assert CliRunner().invoke(app, ["--height", "3"]).exception is None
    assert calls == [House(height=3.0)]
    assert CliRunner().invoke(app, ["--floors", "3"]).exit_code == 2
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert "--roof" not in text
    assert " About " in text
