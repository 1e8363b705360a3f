"""How a user writes deformations: names, numbers, defaults, and what is refused."""

from __future__ import annotations

import pytest

from mlp.common.errors import UsageError
from mlp.data.deformations import parse_augment, scale_augment


def test_numbers_left_out_have_defaults() -> None:
    assert parse_augment("affine( 10 ,0.1), elastic") == {
        "affine": {"rotation": 10.0, "scale": 0.1, "shift": 2.0, "shear": 0.0},
        "elastic": {"sigma": 6.0, "alpha": 36.0},
    }


@pytest.mark.parametrize(
    ("augment", "said"),
    [
        ("mirror", "choose one of affine, elastic, thickness"),
        ("elastic,elastic(4)", "named twice"),
        ("elastic(1, 2, 3)", r"up to 2 finite number\(s\), as in elastic\(sigma, alpha\)"),
        ("thickness(2)", "amount of deformation 'thickness' must be from 0 to 1, not 2"),
    ],
)
def test_what_cannot_be_done_is_said(augment: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_augment(augment)


def test_weaker_deformations_keep_the_smoothness_of_elastic_fields() -> None:
    weaker = scale_augment("affine(10, 0.1), elastic(5,30),thickness", 0.5)
    assert weaker == "affine(5,0.05,1,0),elastic(5,15),thickness(0.25)"
    with pytest.raises(UsageError, match=r"must be from 0 to 1, not 1\.5"):
        scale_augment("thickness", 3)
