"""Who takes part, and the documented settings that each may choose its best from."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One way to run an arm's process: options in its job, variables in its environment."""

    options: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The setting in a few words, for tables."""
        pairs = {**self.options, **self.env}.items()
        words = [f"{k} {json.dumps(v) if isinstance(v, dict) else v}" for k, v in pairs]
        return ", ".join(words) or "as it comes"


@dataclass(frozen=True)
class Arm:
    """One contender of a comparison.

    Attributes:
        name: what the tables call it.
        command: how its process starts; processes run in the repository's root.
        settings: what it may choose its best from, workload by workload.
        recipe: hyperparameters in which it differs from the workload's, if it brings its own.
    """

    name: str
    command: tuple[str, ...]
    settings: tuple[Setting, ...]
    recipe: dict[str, Any] = field(default_factory=dict)


OURS = "mlp"
THREADS = (1, 2)
"""Threads worth trying; a machine with more cores is worth more."""

XLA_ONE_THREAD = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "OMP_NUM_THREADS": "1",
}
ADAM = {"lr": 0.001, "schedule": "constant", "warmup": 0.0, "momentum": 0.0}
"""Adam with the learning rate that PyTorch and scikit-learn default to."""


def ours() -> Arm:
    """Return this project, in the driver's own interpreter; it chooses its threads itself."""
    return Arm(OURS, _command(sys.executable, "ours"), (Setting(),))


def peers(python: str) -> list[Arm]:
    """Return the others.

    Args:
        python: the interpreter that they are installed for.
    """
    pytorch, jax = _command(python, "pytorch"), _command(python, "jax_scan")
    return [
        Arm("PyTorch eager", pytorch, _eager()),
        Arm("torch.compile", pytorch, _compiled()),
        Arm("JAX jit + scan", jax, _jax()),
        Arm("scikit-learn", _command(python, "scikit"), _scikit()),
    ]


def peers_with_own_recipes(python: str) -> list[Arm]:
    """Return the libraries that have Adam and a default for it, trained that way."""
    return [
        Arm(
            "PyTorch eager, Adam",
            _command(python, "pytorch"),
            tuple(Setting({"threads": n, "update": "adam"}) for n in THREADS),
            ADAM,
        ),
        Arm(
            "scikit-learn, Adam",
            _command(python, "scikit"),
            tuple(Setting({**s.options, "solver": "adam"}) for s in _scikit()),
            {**ADAM, "batch_size": 200},  # its default
        ),
    ]


def by_adam(python: str) -> list[Arm]:
    """Return this project and PyTorch, both training by Adam, fused there, at its default rate."""
    theirs, _ = peers_with_own_recipes(python)
    return [replace(ours(), recipe={**ADAM, "optimizer": "adam"}), theirs]


def _command(python: str, module: str) -> tuple[str, ...]:
    return (python, "-m", f"bench.peers.{module}")


def _eager() -> tuple[Setting, ...]:
    return tuple(
        Setting({"threads": n, "gather": gather, "update": update})
        for n, gather, update in product(THREADS, ("batch", "epoch"), ("foreach", "fused"))
    )


def _compiled() -> tuple[Setting, ...]:
    whole: dict[str, Any] = {"compiled": "step"}
    return tuple(
        Setting({"threads": n, **options})
        for n, options in product(
            THREADS,
            (
                {"compiled": "model", "update": "fused"},
                whole,
                {**whole, "gather": "epoch"},
                {**whole, "inductor": {"cpp_wrapper": True}},
            ),
        )
    )


def _jax() -> tuple[Setting, ...]:
    options: tuple[dict[str, Any], ...] = (
        {"gather": "batch"},
        {"gather": "epoch"},
        {"gather": "batch", "unroll": 4},
        {"loop": "steps"},
    )
    return tuple(Setting(o, env) for o, env in product(options, ({}, XLA_ONE_THREAD)))


def _scikit() -> tuple[Setting, ...]:
    return tuple(
        Setting({"threads": n, "assume_finite": finite})
        for n, finite in product(THREADS, (False, True))
    )
