"""How a C header takes its input: as the data was before it was interpreted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp.data.inputs import Columns, Inputs
from mlp.models.formats.c_text import Dialect, literal


@dataclass(frozen=True)
class HeaderInputs:
    """What the functions of a header are given.

    Attributes:
        type: of each value.
        name: of the array.
        told: what its values are, for the header's comment.
        statement: puts value i, scaled as `Inputs.apply` and `Batches` do, into ``x[i]``.
        declarations: of what a program may ask about its values.
        arrays: the definitions of that, and the constants that the statement needs.
    """

    type: str
    name: str
    told: str
    statement: str
    declarations: str = ""
    arrays: str = ""


def given_of(c: Dialect, name: str, inputs: Inputs) -> HeaderInputs:
    """Return what a header whose names begin with ``name`` is given."""
    if isinstance(inputs, Columns):
        mean, deviation = f"{name}_columns_mean", f"{name}_columns_deviation"
        names = f"const char *const {name}_columns[{len(inputs.names)}]"
        texts = ",\n    ".join(map(literal, inputs.names))
        scaled = f"(float)((columns[i] - {mean}[i]) / {deviation}[i])"  # as Columns.apply
        are_words = any("=" in column for column in inputs.names)
        return HeaderInputs(
            "double",
            "columns",
            f"in their own units and the order of {name}_columns"
            + (", 1 or 0 for NAME=WORD: whether NAME is that word" if are_words else "")
            + (", NAN where one is missing" if inputs.fill else ""),
            f"x[i] = isnan(columns[i]) ? 0 : {scaled};" if inputs.fill else f"x[i] = {scaled};",
            f"extern {names};\n",
            f"{names} = {{\n    {texts}}};\n"
            + c.array(mean, np.array(inputs.mean), "double")
            + c.array(deviation, np.array(inputs.deviation), "double"),
        )
    byte = c.number(1 / 255)
    if inputs.is_plain:
        told = "bytes row by row, 0 for paper and 255 for ink"
        return HeaderInputs("unsigned char", "pixels", told, f"x[i] = pixels[i] * {byte};")
    low, factor = float(inputs.low), 255.0 / float(inputs.high - inputs.low)
    return HeaderInputs(
        "double",
        "pixels",
        f"row by row, {inputs.low:g} for paper and {inputs.high:g} for ink",
        f"x[i] = ({c.type})rint((pixels[i] - {low!r}) * {factor!r}) * {byte};",
    )
