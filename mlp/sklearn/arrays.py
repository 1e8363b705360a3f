"""Arrays of other libraries: read through DLPack or the Array API, and answered in their kind."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config


@dataclass(frozen=True)
class ArrayKind:
    """Whose an array is, and where it lies.

    Attributes:
        namespace: the module of its functions; NumPy's for all that is no array of another library.
        device: where it lies, as that library says it; None for NumPy's.
    """

    namespace: Any = np
    device: Any = None

    @classmethod
    def of(cls, array: Any) -> ArrayKind:
        """Tell the kind of an array; lists, frames and sparse matrices count as NumPy's."""
        if isinstance(array, np.ndarray | np.generic) or not hasattr(array, "__dlpack__"):
            return cls()
        if hasattr(array, "__array_namespace__"):
            namespace = array.__array_namespace__()
        else:  # PyTorch, whose module is one all the same
            namespace = sys.modules[type(array).__module__.partition(".")[0]]
        return cls(namespace, array.device) if hasattr(namespace, "asarray") else cls()

    @property
    def is_host(self) -> bool:
        """Whether it is NumPy's."""
        return self.namespace is np

    @property
    def name(self) -> str:
        """The library's name, and the device's."""
        library: str = self.namespace.__name__
        return library if self.device is None else f"{library} on {self.device}"

    def to_host(self, array: Any) -> Any:
        """Bring an array of this kind to NumPy; what counts as NumPy's stays what it is.

        What speaks nothing but DLPack is read by it, and counts as NumPy's, as nobody says how to
        make another.
        """
        if self.is_host:
            speaks = hasattr(array, "__dlpack__") and not hasattr(array, "__array__")
            return np.from_dlpack(array) if speaks else array
        if hasattr(array, "detach"):  # PyTorch: of the graph that it may be a part of, the values
            return array.detach().cpu().numpy()
        if hasattr(array, "get"):  # CuPy
            return array.get()
        try:
            return np.from_dlpack(array)
        except (BufferError, RuntimeError, TypeError, ValueError):  # it lies on another device
            host = self.namespace.zeros(0).device
            return np.from_dlpack(self.namespace.asarray(array, device=host))

    def from_host(self, array: NDArray[Any]) -> Any:
        """Bring a NumPy array to this kind's device; texts, which no other library has, stay."""
        if self.is_host or array.dtype.kind not in "biuf":
            return array
        try:
            return self.namespace.asarray(array, device=self.device)
        except TypeError:  # CuPy, whose devices are contexts
            with self.device:
                return self.namespace.asarray(array)


def to_host(array: Any) -> Any:
    """Bring an array of any library to NumPy; what is no such array stays what it is."""
    return ArrayKind.of(array).to_host(array)


def check_same_kind(fitted: str, given: str, method: str) -> None:
    """Refuse, where scikit-learn dispatches by the Array API, arrays of another kind than in fit.

    Args:
        fitted: the name of the kind that the estimator learnt from.
        given: of what it is asked about.
        method: such as ``"MLPClassifier.predict"``, for the message.

    Raises:
        ValueError: in scikit-learn's words.
    """
    if get_config()["array_api_dispatch"] and fitted != given:
        raise ValueError(
            f"Inputs passed to {method}() must use the same namespace and the same device as those "
            f"passed to fit(): {fitted} there, {given} here. Convert either."
        )
