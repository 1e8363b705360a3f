"""The published recipes, each a small TOML file under ``mlp/training/presets``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from statistics import median
from typing import Any, Literal

from mlp.common.choices import no_such
from mlp.common.errors import UsageError
from mlp.training.architecture import Architecture
from mlp.training.history import History
from mlp.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A figure, or a curve of figures, that a system published.

    Attributes:
        what: the claim in words.
        measure: the field of `mlp.training.history.Epoch` that it states.
        epochs: the epochs that it gives figures for.
        figures: one for each of these.
        within: how far from each figure ours may be.
        of: ``median`` where the median over our seeds must be that near; ``range`` where the
            figure must lie between the least and the largest of our seeds, widened by that much;
            ``at_least`` where the median may be better, but worse by no more than that.
    """

    what: str
    measure: Literal["loss", "train_accuracy", "test_accuracy"]
    epochs: tuple[int, ...]
    figures: tuple[float, ...]
    within: float
    of: Literal["median", "range", "at_least"] = "median"

    def measured(self, histories: list[History]) -> list[list[float]]:
        """Return what was measured: for each of the claim's epochs, the values of all seeds."""
        by_epoch = [{epoch.epoch: epoch for epoch in history.epochs} for history in histories]
        return [[getattr(run[e], self.measure) for run in by_epoch] for e in self.epochs]

    def holds(self, histories: list[History]) -> bool:
        """Tell whether our runs bear the claim out, at each of its epochs."""
        measured = self.measured(histories)
        return all(map(self._holds_at, self.figures, measured))

    def _holds_at(self, figure: float, values: list[float]) -> bool:
        if self.of == "range":
            return min(values) - self.within <= figure <= max(values) + self.within
        if self.of == "at_least":
            return median(values) >= figure - self.within
        return abs(median(values) - figure) <= self.within


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A recipe with a name: what to build, how to train it and what was published of it.

    Attributes:
        explanation: why its outcome is as it is, where that is not obvious.
        members: how many networks, each from its own seed, vote with their mean probabilities.
        long: whether it takes hours without a GPU; such a preset runs only if it is named.
    """

    name: str
    description: str
    architecture: Architecture
    recipe: Recipe
    claims: tuple[Claim, ...]
    explanation: str = ""
    members: int = 1
    long: bool = False


def preset_names() -> list[str]:
    """List the presets, in alphabetical order."""
    folder = files("mlp.training.presets")
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def load_preset(name: str) -> Preset:
    """Read a preset.

    Raises:
        UsageError: if there is none of this name.
    """
    if name not in preset_names():
        raise UsageError(no_such("preset", name, preset_names()))
    content = _read(name)
    if "like" in content:  # the network and the training of another preset
        content = _read(content["like"]) | content
    if content.get("quirks"):
        import_module("mlp.training.presets.quirks")  # registers what such presets name
    return Preset(
        name=name,
        description=content["description"],
        architecture=_build(Architecture, content["network"]),
        recipe=_build(Recipe, content["training"]),
        claims=tuple(_build(Claim, claim) for claim in content.get("published", [])),
        explanation=content.get("explanation", ""),
        members=content.get("members", 1),
        long=content.get("long", False),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("mlp.training.presets") / f"{name}.toml").read_text("utf-8"))


def _build(kind: type[Any], table: dict[str, Any]) -> Any:
    """Make a dataclass of a TOML table, lists as tuples."""
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})
