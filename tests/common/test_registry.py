"""Registries: what enters is found by name, and a choice is read or refused in a sentence."""

from __future__ import annotations

import pytest

from mlp.common.errors import UsageError
from mlp.common.registry import Registry, split_choices

SHAPES: Registry[type] = Registry("shape")


@SHAPES.register("circle")
class Circle:
    def __init__(self, name: str, *, radius: float = 1.0, filled: bool = False) -> None:
        self.name, self.radius, self.filled = name, radius, filled


@SHAPES.register("box")
class Box:
    def __init__(self, name: str, *, width: float, height: float = 2.0) -> None:
        self.name, self.width, self.height = name, width, height


@SHAPES.register("dot")
class Dot:
    pass


def test_a_registry_is_a_mapping_in_the_order_of_its_entries() -> None:
    assert list(SHAPES) == ["circle", "box", "dot"]
    assert SHAPES["dot"] is Dot
    assert "ring" not in SHAPES


def test_numbers_are_the_keyword_only_floats() -> None:
    assert SHAPES.parse("circle") == (Circle, {"radius": 1.0})
    assert SHAPES.parse(" box( 3 ,.5) ") == (Box, {"width": 3.0, "height": 0.5})
    assert SHAPES.parse("dot()") == (Dot, {})
    assert SHAPES.make("box(3)", "b").height == 2.0
    assert SHAPES.describe() == "circle(radius), box(width, height), dot"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ring", "there is no shape 'ring': choose one of circle, box, dot"),
        ("circle(1", "there is no shape"),
        (
            "circle(1, 2)",
            r"takes up to 1 finite number\(s\), as in circle\(radius\), not",
        ),
        ("box", r"shape 'box' takes up to 2 finite number\(s\), as in box\(width, height\)"),
        ("box(nan)", "finite"),
        ("box(wide)", "finite"),
        ("dot(1)", r"takes 0 finite number\(s\), as in dot, not 'dot\(1\)'"),
    ],
)
def test_a_bad_choice_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SHAPES.parse(text)


def test_a_name_is_taken_once_and_can_be_written() -> None:
    with pytest.raises(ValueError, match="already"):
        SHAPES.register("dot")
    with pytest.raises(ValueError, match="no name"):
        SHAPES.register("Half Circle")


def test_choices_are_split_outside_of_brackets() -> None:
    assert split_choices("box(1,2),dot, circle(3)") == ["box(1,2)", "dot", " circle(3)"]


def test_many_choices_take_no_longer_than_their_number() -> None:
    """As a stranger's model may name them: twice as many must not take four times as long."""
    assert len(split_choices("a," * 500_000)) == 500_001
    assert split_choices("box(" + "1," * 500_000 + ")")[0].startswith("box(1")
