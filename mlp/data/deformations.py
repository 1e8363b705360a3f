"""The kinds of deformation by name, with their numbers, and how the user writes them."""

from __future__ import annotations

from collections.abc import Callable

from mlp.common.errors import UsageError
from mlp.common.registry import Registry, split_choices

DEFORMATIONS: Registry[Callable[..., dict[str, float]]] = Registry("deformation")
"""The kinds of deformation: each takes its numbers, holds them to their ranges and returns them."""


@DEFORMATIONS.register("affine")
def affine(
    *, rotation: float = 15.0, scale: float = 0.15, shift: float = 2.0, shear: float = 0.0
) -> dict[str, float]:
    """Turn, scale, move and shear.

    Args:
        rotation: the largest angle, in degrees.
        scale: the largest change of either side's length, as a share.
        shift: the largest move, in pixels.
        shear: the largest angle of a shear, in degrees.
    """
    most = {"rotation": 180.0, "scale": 0.9, "shift": 1e3, "shear": 80.0}
    numbers = {"rotation": rotation, "scale": scale, "shift": shift, "shear": shear}
    return {name: _within("affine", name, numbers[name], 0.0, most[name]) for name in numbers}


@DEFORMATIONS.register("elastic")
def elastic(*, sigma: float = 6.0, alpha: float = 36.0) -> dict[str, float]:
    """Move each pixel by noise that is smooth.

    Args:
        sigma: the deviation in pixels of the Gaussian that smooths noise from U(-1, 1).
        alpha: what the noise is then multiplied by, in pixels.
    """
    return {
        "sigma": _within("elastic", "sigma", sigma, 0.1, 1e3),
        "alpha": _within("elastic", "alpha", alpha, 0.0, 1e6),
    }


@DEFORMATIONS.register("thickness")
def thickness(*, amount: float = 0.5) -> dict[str, float]:
    """Make strokes thicker or thinner.

    Args:
        amount: the largest share of the way to a stroke a pixel thicker or thinner all round.
    """
    return {"amount": _within("thickness", "amount", amount, 0.0, 1.0)}


def _within(kind: str, name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise UsageError(
            f"the {name} of deformation {kind!r} must be from {low:g} to {high:g}, not {value:g}"
        )
    return value


def parse_augment(text: str) -> dict[str, dict[str, float]]:
    """Read what the user wrote, such as ``affine(10, 0.1),elastic``.

    Returns:
        The numbers of each of `DEFORMATIONS` that is named, by their names.

    Raises:
        UsageError: if a kind is unknown or named twice, or a number is out of its range.
    """
    chosen: dict[str, dict[str, float]] = {}
    for part in split_choices(text):
        numbers = DEFORMATIONS.make(part)
        name = part.partition("(")[0].strip()
        if name in chosen:
            raise UsageError(f"deformation {name!r} is named twice in {text!r}: name it once")
        chosen[name] = numbers
    return chosen


def scale_augment(text: str, share: float) -> str:
    """Write deformations that are weaker, or stronger, than others.

    Args:
        text: what `parse_augment` takes.
        share: what each number is multiplied by, but that which smooths an elastic field.

    Raises:
        UsageError: see `parse_augment`, also if a number leaves its range.
    """
    kinds = []
    for kind, numbers in parse_augment(text).items():
        scaled = [n if name == "sigma" else n * share for name, n in numbers.items()]
        kinds.append(f"{kind}({','.join(f'{number:g}' for number in scaled)})")
    parse_augment(weaker := ",".join(kinds))
    return weaker
