"""What the estimators' parameters may be, checked before anything is learnt."""

from __future__ import annotations

from math import inf
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from sklearn import get_config
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from mlp.common.whole import as_whole
from mlp.nn.network import DTYPES

if TYPE_CHECKING:
    from mlp.sklearn.parameters import Parameters

COUNT = Interval(Integral, 1, None, closed="left")
SHARE = Interval(Real, 0, 1, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", COUNT],
    "activation": [str],
    "solver": [str],
    "loss": [str],
    "alpha": [NOT_NEGATIVE],
    "batch_size": [StrOptions({"auto", "full"}), COUNT],
    "learning_rate": [str],
    "learning_rate_init": [POSITIVE],
    "power_t": [NOT_NEGATIVE],
    "max_iter": [COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [NOT_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [SHARE],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [SHARE],
    "n_iter_no_change": [COUNT, Options(Real, {inf})],
    "beta_1": [SHARE],
    "beta_2": [SHARE],
    "epsilon": [POSITIVE],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "bias": ["boolean"],
    "init": [str],
    "bias_init": [str],
    "output": [str, None],
    "dtype": [StrOptions({"auto", *DTYPES})],
    "image_shape": [tuple, list, None],
    "device": [str],
    "precision": [str],
    "graph": ["boolean"],
}
"""What each parameter may be, as scikit-learn writes it; the others, and names, a recipe checks."""


def check_parameters(estimator: Parameters) -> None:
    """Refuse parameters that make no sense, unless scikit-learn is told to check none.

    Raises:
        ValueError: naming the first such parameter, what it may be and what it is; scikit-learn's
            InvalidParameterError, which is a TypeError, too.
    """
    if get_config()["skip_parameter_validation"]:
        return
    validate_parameter_constraints(
        CONSTRAINTS, estimator.get_params(deep=False), type(estimator).__name__
    )
    shape = estimator.image_shape
    if shape is not None and (len(shape) != 2 or any((as_whole(n) or 0) < 1 for n in shape)):
        raise ValueError(f"image_shape must be two whole numbers of at least 1, got {shape!r}.")
