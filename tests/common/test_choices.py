"""The sentence for a name that there is not."""

from __future__ import annotations

import pytest

from mlp.common.choices import did_you_mean, no_such


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("hintin", " (did you mean hinton?)"),
        ("SIMARD", " (did you mean simard?)"),
        ("x", ""),
        ("", ""),
    ],
)
def test_a_name_that_comes_near_is_asked_about(name: str, near: str) -> None:
    assert did_you_mean(name, ["hinton", "simard"]) == near


def test_all_names_follow() -> None:
    said = no_such("preset", "hintin", iter(["hinton", "simard"]))
    assert said == (
        "there is no preset 'hintin' (did you mean hinton?): choose one of hinton, simard"
    )
