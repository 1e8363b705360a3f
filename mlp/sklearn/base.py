"""What both estimators do: check the input, train by the package's own loop, predict."""

from __future__ import annotations

import math
import numbers
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from backends import Backend, BackendError, get_backend
from mlp.common.errors import DivergedError, MLPError
from mlp.data.batches import Batches
from mlp.data.dataset import Dataset, Split
from mlp.models.predict import outputs
from mlp.nn.network import MLP
from mlp.sklearn.arrays import ArrayKind, check_same_kind, to_host
from mlp.sklearn.lesson import Lesson
from mlp.sklearn.optimizer_state import OptimizerState
from mlp.sklearn.parameters import Parameters, architecture_of, in_parameters, recipe_of
from mlp.sklearn.stopping import Progress
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run

FLOATS = (np.float64, np.float32)


@dataclass(eq=False, repr=False)
class BaseMLP(Parameters):
    """The part that classifier and regressor share.

    Attributes:
        network_: the `mlp.MLP`.
        coefs_, intercepts_: the weights (I, O) and biases (O,) of each layer, on the host.
        loss_, loss_curve_: the loss of the last epoch, and of each.
        best_loss_: the least of these; None with early stopping.
        validation_scores_, best_validation_score_: the score after each epoch on the samples held
            out, and the best; None without early stopping.
        n_iter_, t_: the epochs of the last fit, and the samples seen since the weights were drawn.
        n_layers_, n_outputs_, out_activation_: of the network.
        n_features_in_, feature_names_in_: of X.
    """

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """The weights of each layer, (I, O), on the host."""
        return [self._network().backend.to_numpy(layer.W) for layer in self._network().linear]

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """The biases of each layer, (O,), on the host; zeros where it has none."""
        network = self._network()
        return [
            np.zeros(layer.W.shape[1], network.dtype)
            if layer.b is None
            else network.backend.to_numpy(layer.b)
            for layer in network.linear
        ]

    @property
    def n_layers_(self) -> int:
        """The layers of units: the input, the hidden ones and the output."""
        return len(self._network().sizes)

    @property
    def n_outputs_(self) -> int:
        """The width of the last layer."""
        return self._network().sizes[-1]

    def _network(self) -> MLP:
        if "network_" not in vars(self):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet: call fit first")
        network: MLP = self.network_
        return network

    def _samples(self, X: Any, y: Any, reset: bool) -> tuple[NDArray[Any], NDArray[Any]]:
        """Check X and y in scikit-learn's way; they come back on the host."""
        kind = ArrayKind.of(X)
        checked = validate_data(
            self, kind.to_host(X), to_host(y), accept_sparse="csr", multi_output=True,
            dtype=FLOATS, reset=reset,
        )  # fmt: skip
        if reset:
            self._fitted_with = kind.name
        return self._dense(checked[0]), checked[1]

    def _dense(self, X: Any) -> NDArray[Any]:
        dense = X.toarray() if sparse.issparse(X) else X
        dtype = dense.dtype if self.dtype == "auto" else np.dtype(self.dtype)
        return np.ascontiguousarray(dense, dtype)

    def _learn(self, lesson: Lesson, *, fresh: bool, epochs: int | None = None) -> None:
        """Train on a lesson.

        Args:
            lesson: what to learn.
            fresh: whether to draw new weights first.
            epochs: how many, for `partial_fit`; None to go on until it is time to stop.
        """
        N, weight = len(lesson.X), 1.0 if lesson.weights is None else float(lesson.weights.mean())
        weights = None if lesson.weights is None else lesson.weights / weight
        incremental = epochs is not None
        try:
            seed = self._seed(incremental)
            recipe = recipe_of(self, lesson.loss, N, weight, seed, epochs)
            if fresh:
                backend = self._open_device()
                is_regression = lesson.task.kind == "regression"
                architecture = architecture_of(self, lesson.X.dtype.name, linear=is_regression)
                self.network_ = architecture.build(
                    lesson.X.shape[1], lesson.outputs, lesson.loss, seed, backend
                )
                self.t_ = 0
            if fresh or not incremental:
                self._optimizer = self._new_optimizer()
            images = lesson.X
            if self.image_shape is not None:
                images = images.reshape(N, *self.image_shape)
            split = Split(images, lesson.labels, weights)
            # The loop wants test samples; this one is never looked at.
            data = Dataset("X", "X", lesson.outputs, split, split[:1], lesson.task)
            self._train(data, recipe, incremental)
        except (MLPError, BackendError) as error:
            raise ValueError(in_parameters(str(error))) from error

    def _train(self, data: Dataset, recipe: Recipe, incremental: bool) -> None:
        """Run the training loop, keep what it leaves and warn of how it ended."""
        early_stopping = self.early_stopping and not incremental
        progress = Progress(
            self.tol,
            math.inf if incremental else self.n_iter_no_change,
            self._optimizer,
            self._score_in if early_stopping else None,
            getattr(self, "monitor", "accuracy"),
            verbose=self.verbose,
        )
        ended: Warning | None = None
        try:
            callbacks = [progress, self._optimizer]
            history = train(self.network_, data, recipe, callbacks=callbacks, measured=False)
            if history.interrupted:
                ended = UserWarning("Training interrupted by user.")
            elif not (progress.converged or incremental):
                ended = ConvergenceWarning(
                    f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                    "optimization hasn't converged yet."
                )
        except DivergedError as error:
            reason = in_parameters(str(error))
            if not early_stopping:
                raise ValueError(
                    "Solver produced non-finite parameter weights. The input data may contain "
                    f"large values and need to be preprocessed: {reason}"
                ) from error
            progress.diverge()
            ended = ConvergenceWarning(
                "Training diverged: the weights are those that validated best before, or the "
                f"initial ones where none did. {reason}"
            )
        self._keep(progress, incremental, early_stopping)
        if ended is not None:
            warnings.warn(ended, stacklevel=4)

    def _new_optimizer(self) -> OptimizerState:
        """Make what an optimizer begins with; its learning rate is lowered as scikit-learn does."""
        lowered = self.learning_rate if self.solver == "sgd" else "constant"
        return OptimizerState(lowered, self.power_t, self.t_)

    def _score_in(self, run: Run) -> float:
        """Score the network on the samples that a run holds out; NaN if its outputs overflow."""
        held_out = run.evaluation.held_out
        found = outputs(run.model, held_out)
        return (
            self._score_of(found, held_out.given_labels) if np.isfinite(found).all() else math.nan
        )

    def _score_of(self, outputs: NDArray[Any], labels: NDArray[Any]) -> float:
        """Score outputs, shape (N, C), against labels in the form that a split has."""
        raise NotImplementedError

    def _keep(self, progress: Progress, incremental: bool, early_stopping: bool) -> None:
        """Keep what a run left, under scikit-learn's names."""
        curve: list[float] = vars(self)["loss_curve_"] if incremental and self.t_ else []
        self.n_iter_ = len(progress.losses)
        self.t_ += progress.seen
        self.loss_curve_ = [*curve, *progress.losses]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else math.nan
        self.best_loss_ = None if early_stopping else min(self.loss_curve_, default=math.inf)
        self.validation_scores_ = progress.scores if early_stopping else None
        self.best_validation_score_ = progress.best_score if early_stopping else None
        self._no_improvement_count = progress.waited

    def _seed(self, incremental: bool) -> int:
        """Return the seed of a fit: the random state itself where it is a number.

        A first `partial_fit` has the same, so that it starts from the same weights; each later one
        has another, and so another order of the samples.
        """
        given = self.random_state
        seed: int = (
            int(given)
            if isinstance(given, numbers.Integral)
            else check_random_state(given).randint(2**31 - 1)
        )
        return (seed + getattr(self, "t_", 0)) % 2**32 if incremental else seed

    def _open_device(self) -> Backend:
        return get_backend(self.device, precision=self.precision, graph=bool(self.graph))

    def _outputs(self, X: Any, method: str) -> tuple[NDArray[Any], ArrayKind]:
        """Run the network on checked X; see `mlp.models.predict.outputs`."""
        check_is_fitted(self, "network_")
        kind = ArrayKind.of(X)
        check_same_kind(self._fitted_with, kind.name, f"{type(self).__name__}.{method}")
        return self._outputs_of(kind.to_host(X)), kind

    def _outputs_of(self, X: Any) -> NDArray[Any]:
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        network, dense = self._network(), self._dense(X)
        return outputs(network, Batches(dense, np.zeros(len(dense), np.int64), network))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the device out of what is pickled."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "network_" in state:
            network: MLP = state.pop("network_")
            state["_pickled"] = (
                {
                    "sizes": network.sizes,
                    "activation": network.activation,
                    "output": network.output,
                    "bias": network.bias,
                    "dtype": network.dtype,
                },
                network.backend.to_numpy(network.parameters),
            )
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Bring the network back to the device."""
        pickled = state.pop("_pickled", None)
        super().__setstate__(state)
        if pickled is not None:
            described, parameters = pickled
            backend = self._open_device()
            self.network_ = MLP(**described, init=None, backend=backend)
            backend.xp.copyto(self.network_.parameters, backend.asarray(parameters))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags
