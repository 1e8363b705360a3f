"""One update, slowly, for JSON: its stages with their numbers, and the lines that computed them.

What a stage says is not written here: the formula is the docstring of the method that ran, and the
lines are its source, so that neither can tell of another program than this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlp.data.task import Task
from mlp.models.metadata import task_of, temperature_of
from mlp.nn.activations import Identity
from mlp.nn.layers import Layer, Linear
from mlp.nn.network import MLP
from mlp.nn.optim import SGD
from mlp.training.one_step import Floats, OneStep, Pass, take_one_step
from mlp.web.source import formula_of, source_of, written_by
from mlp.web.step_request import StepRequest

Told = dict[str, Any]

LITTLE = 0.01
"""A loss below this changes nothing that can be seen."""


def answers_of(model: MLP) -> Told:
    """Tell what a step of a network is asked with: ``names`` of its outputs, and their ``kind``.

    Also the number of its linear ``layers``, in each of which a unit can be looked at.
    """
    task = task_of(model)
    names = task.names_of(model.sizes[-1])
    return {"names": names, "kind": task.kind, "layers": len(model.linear)}


def step_payload(model: MLP, asked: StepRequest) -> Told:
    """Take the step and tell of it.

    Returns:
        ``stages``, in order, each with a ``title``, a ``group``, what it ``says``, and ``parts``:
        vectors of numbers by name. Also ``units``, those that are looked at in each linear layer,
        ``names`` of the outputs, ``loss`` and ``loss_after``.

    Raises:
        UsageError: see `mlp.training.one_step.take_one_step`.
    """
    # The same division as that of `mlp.data.batches.Batches`, in the model's own dtype.
    x = asked.image.astype(model.dtype) / np.asarray(255, model.dtype)
    step = take_one_step(model, x, asked.targets, asked.lr, taken=asked.taken)
    task = task_of(model)
    names = task.names_of(model.sizes[-1])
    linear = [p for p in step.passes if isinstance(p.layer, Linear)]
    units = [
        int(np.abs(p.dy).argmax()) if unit is None else unit
        for unit, p in zip(asked.units, linear, strict=True)
    ]
    outputs = np.array([step.passes[-1].y, step.outputs_after])  # (2, C)
    # As the loss takes them: the temperature is fitted after the training.
    p = task.probabilities(outputs, logits=model.output == "identity")
    shown = [p for p in step.passes if not isinstance(p.layer, Identity)]
    stages = [
        _input(step),
        *(_forward(step, p, units[p.block]) for p in shown),
        *_loss(step, names, p[0]),
        *(_backward(step, p, units[p.block]) for p in reversed(shown)),
        *_update(step, units, asked.lr),
        _answer(step, task, names, p, temperature_of(model)),
    ]
    return {
        "stages": stages,
        "units": units,
        "names": names,
        "loss": step.loss,
        "loss_after": step.loss_after,
    }


# --- Stages ----------------------------------------------------------------------------------


def _input(step: OneStep) -> Told:
    x = step.passes[0].x
    return _stage(
        "Forward", "x", "The digit as the network reads it",
        f"{x.size} pixels, each a byte over 255: 0 is paper, 1 is ink.", [_part("x", x)],
    )  # fmt: skip


def _forward(step: OneStep, p: Pass, unit: int) -> Told:
    parts = [_part("x", p.x)]
    if isinstance(p.layer, Linear):
        W, b = step.part(step.before, p.layer, "W"), 0.0
        products = p.x * W[:, unit]
        parts += [_part(f"W[:, {unit}]", W[:, unit]), _part(f"x · W[:, {unit}]", products)]
        if p.layer.b is not None:
            bias = step.part(step.before, p.layer, "b")
            b = float(bias[unit])
            parts.append(_part("b", bias, p.block, unit))
        says = (
            f"Unit {unit} adds up what its {p.x.size} inputs bring it, "
            f"{_short(p.y[unit] - b)}, and its bias, {_short(b)}: y[{unit}] is "
            f"{_short(p.y[unit])}. Choose another unit in y."
        )
    else:
        says = f"From x[{unit}] = {_short(p.x[unit])} it makes y[{unit}] = {_short(p.y[unit])}."
        parts += [_part(name, step.part(step.before, p.layer, name)) for name in _own(p)]
    parts.append(_part("y", p.y, p.block, unit))
    return _stage(
        "Forward", _brief(p.layer), f"Forward through {_name(p)}", says, parts,
        written_by(p.layer, "apply", "forward"),
    )  # fmt: skip


def _loss(step: OneStep, names: list[str], p: Floats) -> Iterator[Told]:
    kind = type(step.criterion)
    outputs = step.passes[-1].y
    says = f"The loss is {_short(step.loss)}; it falls as the outputs come nearer to what t wants."
    if step.loss < LITTLE:
        says += " That is little, so that little will change: let the digit be read as another."
    yield _stage(
        "Loss", "L", "How wrong that is",
        says,
        [
            _bars("outputs", outputs, names), _bars("p", p, names), _bars("t", step.targets, names)
        ],
        kind.value,
        formula=formula_of(kind),
    )  # fmt: skip
    at = int(np.abs(step.doutputs).argmax())
    yield _stage(
        "Back", "dL", "The gradient of the loss by the outputs",
        f"Output {names[at]} has the steepest: {_short(step.doutputs[at])}. Where it is above 0, "
        "a larger output would make the loss larger.",
        [_bars("dy", step.doutputs, names)], kind.gradient,
    )  # fmt: skip


def _backward(step: OneStep, p: Pass, unit: int) -> Told:
    parts = [_part("dy", p.dy, p.block, unit)]
    if isinstance(p.layer, Linear):
        dW = step.part(step.gradients, p.layer, "W")
        parts += [_part("x", p.x), _part(f"dW[:, {unit}]", dW[:, unit])]
        if p.layer.b is not None:
            parts.append(_part("db", step.part(step.gradients, p.layer, "b"), p.block, unit))
        says = (
            f"The weights of unit {unit} get its gradient, {_short(p.dy[unit])}, times their own "
            "inputs: where an input is 0, its weight gets none."
        )
    else:
        parts += [_part(f"d{name}", step.part(step.gradients, p.layer, name)) for name in _own(p)]
        says = f"dy[{unit}] = {_short(p.dy[unit])}"
        says += "." if p.dx is None else f" becomes dx[{unit}] = {_short(p.dx[unit])}."
    if p.dx is None:
        says += " Nothing before this layer learns, so no dx is computed."
    else:
        parts.append(_part("dx", p.dx))
    return _stage(
        "Back", _brief(p.layer), f"Back through {_name(p)}", says, parts,
        written_by(p.layer, "gradient", "slope", "backward"),
    )  # fmt: skip


def _update(step: OneStep, units: list[int], lr: float) -> Iterator[Told]:
    for p in step.passes:
        names = list(p.layer.shapes(p.y.size))
        if not names:
            continue
        unit, parts = units[p.block], []
        for name in names:
            flats = step.before, step.after
            old, new = (step.part(flat, p.layer, name) for flat in flats)
            column = old.ndim == 2
            label = f"{name}[:, {unit}]" if column else name
            old, new = (a[:, unit] if column else a for a in (old, new))
            chosen = () if column else (p.block, unit)
            parts += [
                _part(f"{label} before", old, *chosen),
                _part(f"change of {label}", new - old, *chosen),
                _part(f"{label} after", new, *chosen),
            ]
        change = step.part(step.after, p.layer, names[0]) - step.part(
            step.before, p.layer, names[0]
        )
        yield _stage(
            "Update", _brief(p.layer), f"The update of {_name(p)}",
            f"At a learning rate of {lr:g} no number of its {names[0]} changes by more than "
            f"{_short(float(np.abs(change).max()))}.", parts, SGD.descend,
        )  # fmt: skip


def _answer(step: OneStep, task: Task, names: list[str], p: Floats, T: float) -> Told:
    better = "sank" if step.loss_after < step.loss else "rose"
    says = (
        f"The loss {better} from {_short(step.loss)} to {_short(step.loss_after)}"
        if step.loss_after != step.loss
        else f"The loss stays {_short(step.loss)}"
    )
    says += f". {_answered(task, names, p)}."
    if T != 1:
        says += (
            f" These are the numbers that it learns by; where it reads, the temperature {T:.3g} "
            "makes them fit how often it is right."
        )
    return _stage(
        "Answer", "after", "The answer before and after", says,
        [_bars("before", p[0], names), _bars("after", p[1], names)],
    )  # fmt: skip


def _answered(task: Task, names: list[str], p: Floats) -> str:
    """Say what the probabilities before and after the update, shape (2, C), answer."""
    if task.kind == "binary":
        return f"It answered yes with {p[0, 0]:.1%}, and answers so with {p[1, 0]:.1%}"
    first, then = (task.describe(answer, names) for answer in task.decide(p, logits=False))
    if task.kind == "multilabel":
        return f"It answered {first}, and answers {then}"
    return f"The likeliest was {first}, {p[0].max():.1%}, and is {then}, {p[1].max():.1%}"


# --- Their parts -----------------------------------------------------------------------------


def _stage(
    group: str,
    brief: str,
    title: str,
    says: str,
    parts: list[Told],
    written: Callable[..., Any] | None = None,
    *,
    formula: str | None = None,
) -> Told:
    told: Told = {"group": group, "brief": brief, "title": title, "says": says, "parts": parts}
    if written is not None:
        told |= {"formula": formula or formula_of(written), "source": source_of(written)}
    return told


def _part(name: str, values: Floats, block: int | None = None, unit: int | None = None) -> Told:
    """Tell of a vector; with a block, its elements are units of that linear layer to choose."""
    told: Told = {"name": name, "values": values.tolist()}
    return told if block is None else told | {"block": block, "unit": unit}


def _bars(name: str, values: Floats, names: list[str]) -> Told:
    return _part(name, values) | {"names": names}


def _own(p: Pass) -> list[str]:
    return list(p.layer.shapes(p.y.size))


def _name(p: Pass) -> str:
    shape = f", {p.x.size} → {p.y.size}" if isinstance(p.layer, Linear) else ""
    return f"layer {p.block + 1}{shape}: {type(p.layer).__name__}"


def _brief(layer: Layer) -> str:
    return type(layer).__name__


def _short(value: float) -> str:
    return f"{value:.5g}"
