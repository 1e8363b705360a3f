"""What a layer looks like in a format for other programs: a form for each class of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from mlp.common.errors import ModelError
from mlp.nn.layers import LAYERS, Layer

Form = TypeVar("Form", bound=Callable[..., Any])


class LayerForms(Generic[Form]):
    """The forms of one format, each by the class of layers that it is of.

    A class that inherits from one of these computes something else, and has no form.

    Args:
        format: what the format is called, for the sentence that refuses a layer.
    """

    def __init__(self, format: str) -> None:
        self.format = format
        self._forms: dict[type[Layer], Form] = {}

    def register(self, kind: type[Layer]) -> Callable[[Form], Form]:
        """Decorate a function to make it the form of a class of layers."""

        def enter(form: Form) -> Form:
            self._forms[kind] = form
            return form

        return enter

    def __iter__(self) -> Iterator[type[Layer]]:
        return iter(self._forms)

    def of(self, layer: Layer) -> Form:
        """Return a layer's form.

        Raises:
            ModelError: if it has none.
        """
        if type(layer) not in self._forms:
            names = [name for name, kind in LAYERS.items() if kind is type(layer)]
            raise ModelError(
                f"{self.format} has no form of {names[0] if names else layer}, which this network "
                "has: keep it as safetensors"
            )
        return self._forms[type(layer)]
