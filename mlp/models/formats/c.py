"""``.h``: a network as one C99 file without any library but `math.h`, for small devices.

The file's own comment documents its functions, which are named after the file. Both the sums and
the numbers are of the network's dtype.
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Any, ClassVar

from numpy.typing import NDArray

from mlp.common.atomic import replacing
from mlp.common.version import package_version
from mlp.models.formats.c_answers import answers_of
from mlp.models.formats.c_inputs import given_of
from mlp.models.formats.c_layers import STATEMENTS
from mlp.models.formats.c_text import HEADER, Dialect, literal
from mlp.models.formats.parameters import on_cpu
from mlp.models.formats.registry import FORMATS, Export
from mlp.models.metadata import inputs_of, task_of
from mlp.models.quantise import quantise
from mlp.nn.layers import Layer, Linear
from mlp.nn.network import MLP


@FORMATS.register("c")
class CHeader(Export):
    """The weights in full."""

    title = "a C header"
    endings = (".h",)
    int8: ClassVar[bool] = False

    def write(self, model: MLP, path: Path) -> None:
        content = _source(on_cpu(model, model.dtype), path, self.int8)
        with replacing(path) as file:
            file.write(content.encode("ascii"))


@FORMATS.register("c-int8")
class CHeaderInt8(CHeader):
    """Weights of eight bits, see `mlp.models.quantise`; the sums are as in the other."""

    int8 = True


def _source(model: MLP, path: Path, int8: bool) -> str:
    """Write the file; its name begins the name of everything in it."""
    name = _identifier(path.stem)
    c, task, outputs = Dialect(model.dtype), task_of(model), model.sizes[-1]
    given = given_of(c, name, inputs_of(model))
    answers = answers_of(c, name, model, given)
    arrays, layers = [given.arrays, answers.arrays], []
    for number, block in enumerate(model.blocks):
        added, statements = _block(c, name, number, block, int8)
        arrays += added
        layers.append(statements)
    return Template(HEADER).substitute(
        name=name,
        NAME=name.upper(),
        file=re.sub(r"[^ -~]|\?", "_", path.name),
        network=repr(model),
        version=package_version(),
        inputs=model.sizes[0],
        outputs=outputs,
        widest=max(model.sizes),
        stack=2 * max(model.sizes) * model.parameters.itemsize,
        type=c.type,
        stored="signed char" if int8 else c.type,
        value=given.type,
        given=given.name,
        given_is=given.told,
        bring=given.statement,
        functions=answers.told,
        declarations=given.declarations + answers.declarations,
        definitions=answers.definitions,
        names=",\n    ".join(map(literal, task.names_of(outputs))),
        arrays="".join(arrays),
        layers="".join(layers),
    )


def _block(
    c: Dialect, name: str, number: int, block: list[Layer], int8: bool
) -> tuple[list[str], str]:
    """Return the arrays of a linear layer, and the statements of it and of what follows it."""
    linear = block[0]
    assert isinstance(linear, Linear)
    arrays: list[str] = []
    given = {"w": "0", "scale": "0", "b": "0"}

    def add(part: str, values: NDArray[Any], type_: str) -> None:
        given[part] = f"{name}_{part}{number}"
        arrays.append(c.array(given[part], values, type_))

    if int8:
        q, scale = quantise(linear.W)
        add("w", q, "signed char")
        add("scale", scale, c.type)
    else:
        add("w", linear.W, c.type)
    if linear.b is not None:
        add("b", linear.b, c.type)
    outputs = linear.outputs
    statements = (
        f"    {name}_linear(x, {given['w']}, {given['scale']}, {given['b']}, {linear.inputs}, "
        f"{outputs}, y);\n"
        "    swap = x, x = y, y = swap;\n"
    )
    return arrays, statements + "".join(STATEMENTS.of(f)(c, f, outputs) for f in block[1:])


def _identifier(name: str) -> str:
    """Make a name of C out of a file's."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return word if word[:1].isalpha() else f"mlp_{word}".rstrip("_")
