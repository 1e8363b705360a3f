"""The classifier: one of several classes, or several labels each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from mlp.common.option import option
from mlp.data.task import Task
from mlp.sklearn.arrays import to_host
from mlp.sklearn.base import BaseMLP
from mlp.sklearn.constraints import check_parameters
from mlp.sklearn.lesson import Lesson, check_weights
from mlp.sklearn.parameters import OURS, of_recipe


@dataclass(eq=False, repr=False, kw_only=True)
class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # no types there
    """A multilayer perceptron that classifies, with scikit-learn's interface."""

    loss: str = option(
        "auto", "What training minimises; auto is the cross-entropy of the task.", group=OURS
    )
    class_weight: Any = option(
        None, "Weights of the classes: 'balanced', or numbers by class.", group=OURS
    )
    monitor: str = of_recipe("monitor")

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Learn from samples.

        Args:
            X: shape (N, I).
            y: classes, shape (N,), or labels of 0 and 1, shape (N, L).
            sample_weight: how much each sample counts, shape (N,).
        """
        check_parameters(self)
        fresh = not (self.warm_start and hasattr(self, "network_"))
        X, y = self._samples(X, y, reset=fresh)
        y, present = self._checked(y)
        if fresh:
            self._learn_classes(y, present)
        self._check_kind(y, present)
        if set(present) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {present}"
            )
        if self.early_stopping and not self._multilabel:
            self._check_members(y)
        self._learn(self._lesson(X, y, sample_weight), fresh=fresh)
        return self

    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Learn from each sample once.

        Args:
            X: shape (N, I).
            y: classes, shape (N,), or labels of 0 and 1, shape (N, L).
            sample_weight: how much each sample counts, shape (N,).
            classes: all classes there will be; needed in the first call.
        """
        check_parameters(self)
        fresh = not hasattr(self, "network_")
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if fresh and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None and not (fresh or set(to_host(classes)) == set(self.classes_)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}"
            )
        X, y = self._samples(X, y, reset=fresh)
        y, present = self._checked(y)
        if fresh:
            self._learn_classes(y, present if y.ndim == 2 else unique_labels(to_host(classes)))
        self._check_kind(y, present)
        if len(unknown := np.setdiff1d(present, self.classes_)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {unknown}."
            )
        self._learn(self._lesson(X, y, sample_weight), fresh=fresh, epochs=1)
        return self

    def predict(self, X: Any) -> Any:
        """Predict the class of each sample, shape (N,), or its labels, shape (N, L)."""
        outputs, kind = self._outputs(X, "predict")
        return kind.from_host(self._decide(outputs))

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class, shape (N, C), or of each label, shape (N, L)."""
        outputs, kind = self._outputs(X, "predict_proba")
        return kind.from_host(self._probabilities(outputs))

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithm of each probability; see `predict_proba`."""
        outputs, kind = self._outputs(X, "predict_log_proba")
        with np.errstate(divide="ignore"):
            return kind.from_host(np.log(self._probabilities(outputs)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy of `predict`, from 0 to 1; of labels, those right altogether."""
        answers = to_host(self.predict(X))
        return float(accuracy_score(to_host(y), answers, sample_weight=to_host(sample_weight)))

    @property
    def out_activation_(self) -> str:
        """What makes probabilities of the last layer: logistic, or softmax."""
        return "softmax" if self._task().kind == "multiclass" else "logistic"

    def _checked(self, y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Check labels, and return them with those there are, in order, which are looked for once.

        Returns:
            y of shape (N,), or (N, L) with several labels each; the classes in it, or these labels.
        """
        check_classification_targets(y)
        if sparse.issparse(y):
            y = y.toarray()
        if y.ndim != 2 or not type_of_target(y).startswith("multilabel"):
            y = column_or_1d(y, warn=True)
        return y, unique_labels(y)

    def _learn_classes(self, y: NDArray[Any], classes: NDArray[Any]) -> None:
        self._multilabel = y.ndim == 2
        self.classes_ = np.arange(y.shape[1]) if self._multilabel else classes

    def _check_kind(self, y: NDArray[Any], present: NDArray[Any]) -> None:
        """Refuse labels of another form than the first fit had.

        Raises:
            ValueError: if there are several labels each instead of one class or the other way
                round, another number of labels, or texts instead of numbers.
        """
        if y.ndim != 1 + self._multilabel:
            forms = "one class each, shape (N,)", "several labels each, shape (N, L)"
            raise ValueError(
                f"y has {forms[y.ndim - 1]}, but the first fit had {forms[self._multilabel]}: "
                "give y in that form, or fit a new estimator"
            )
        if self._multilabel and y.shape[1] != len(self.classes_):
            raise ValueError(
                f"y has {y.shape[1]} columns, but had {len(self.classes_)} in the first fit"
            )
        if not self._multilabel:
            unique_labels(present, self.classes_)  # refuses texts among numbers

    def _check_members(self, y: NDArray[Any]) -> None:
        """Refuse classes of which none can be held out, as scikit-learn does.

        Raises:
            ValueError: if a class has one sample alone.
        """
        present, members = np.unique(y, return_counts=True)
        if members.min() < 2:
            raise ValueError(
                "The least populated classes in y have only 1 member, which is too few to hold "
                "samples of each out for early stopping. Classes with too few members are: "
                f"{present[members < 2].tolist()}"
            )

    def _task(self) -> Task:
        names = tuple(map(str, self.classes_.tolist()))
        if self._multilabel:
            return Task("multilabel", names)
        if len(self.classes_) == 2:
            return Task("binary", names[1:], (1,))
        return Task("multiclass", names)

    def _lesson(self, X: NDArray[Any], y: NDArray[Any], sample_weight: Any) -> Lesson:
        task, weights = self._task(), check_weights(sample_weight, len(X))
        if self.class_weight is not None:
            weights = (1.0 if weights is None else weights) * compute_sample_weight(
                self.class_weight, y
            )
        labels = y if self._multilabel else np.searchsorted(self.classes_, y)
        if task.kind == "binary":
            labels = labels[:, None]
        kind = np.uint8 if labels.ndim == 2 or len(self.classes_) <= 256 else np.uint16
        auto = "cross_entropy" if task.kind == "multiclass" else "binary_cross_entropy"
        return Lesson(
            X,
            labels.astype(kind),
            weights,
            1 if task.kind == "binary" else len(self.classes_),
            task,
            auto if self.loss == "auto" else self.loss,
        ).counted()

    def _score_of(self, outputs: NDArray[Any], labels: NDArray[Any]) -> float:
        answers = self._task().decide(outputs, logits=self._network().output == "identity")
        return float(accuracy_score(labels, answers))

    def _decide(self, outputs: NDArray[Any]) -> NDArray[Any]:
        logits = self._network().output == "identity"
        answers = self._task().decide(outputs, logits=logits)
        if self._multilabel:
            labels: NDArray[Any] = answers.astype(np.int64)
            return labels
        decided: NDArray[Any] = self.classes_[answers.ravel()]
        return decided

    def _probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        task, logits = self._task(), self._network().output == "identity"
        probabilities = task.probabilities(outputs, logits=logits).astype(outputs.dtype)
        if task.kind == "binary":
            probabilities = np.hstack([1.0 - probabilities, probabilities])
        return probabilities

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
