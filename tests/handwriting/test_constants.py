"""The table of constants is whole: each is explained, used, and nowhere else told again."""

from __future__ import annotations

import ast
from itertools import pairwise

import pytest
from source import ROOT

from mlp.handwriting import constants

FOLDER = ROOT / "mlp" / "handwriting"
NAMES = [name for name in vars(constants) if name.isupper()]


def test_each_is_followed_by_its_explanation() -> None:
    stages = sorted((FOLDER / "constants").glob("[!_]*.py"))
    body = [node for stage in stages for node in ast.parse(stage.read_text()).body]
    explained = [
        node.targets[0].id
        for node, after in pairwise(body)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    ]
    assert explained == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name != "SURE"])
def test_each_is_looked_up_when_it_is_needed(name: str) -> None:
    used = [path for path in FOLDER.glob("*.py") if f"constants.{name}" in path.read_text()]
    assert used  # `SURE` alone is the default of an option, and looked up once
