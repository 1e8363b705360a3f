"""What every C header says, and how C writes numbers and texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS_A_LINE = 12


class Dialect:
    """How C writes numbers of a dtype.

    Args:
        dtype: ``"float32"`` or ``"float64"``.

    Attributes:
        type: ``float`` or ``double``.
        f: what ends the names of functions of `math.h` and constants of this type.
    """

    def __init__(self, dtype: str) -> None:
        self.type, self.f = ("float", "f") if dtype == "float32" else ("double", "")
        self._kind = np.dtype(dtype).type

    def number(self, value: float) -> str:
        """Write a number so that a compiler reads it back to the bit."""
        return f"{self._kind(value)!s}{self.f}"

    def array(self, name: str, values: NDArray[Any], type_: str) -> str:
        """Write a constant array of numbers, by the shortest digits that are exact."""
        ending = {"float": "f"}.get(type_, "")
        numbers = [f"{number!s}{ending}" for number in values.ravel()]
        lines = (
            ", ".join(numbers[start : start + NUMBERS_A_LINE])
            for start in range(0, len(numbers), NUMBERS_A_LINE)
        )
        content = ",\n    ".join(lines)
        return f"static const {type_} {name}[{values.size}] = {{\n    {content}}};\n"

    def each(self, width: int, expression: str) -> str:
        """Write a loop that puts an expression of ``v``, each of the numbers x, in its place."""
        return (
            f"    for (i = 0; i < {width}; i++) {{\n"
            f"        const {self.type} v = x[i];\n"
            f"        x[i] = {expression};\n"
            "    }\n"
        )


def literal(text: str) -> str:
    """Write a string of C; what is no letter, digit or space becomes the octal digits of UTF-8."""
    safe = (
        chr(byte)
        if chr(byte).isascii() and (chr(byte).isalnum() or byte == 0x20)
        else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogateescape")
    )
    return f'"{"".join(safe)}"'


HEADER = """\
/* $file: $network, written by mlp $version.

   Put this into one C file of the program, and the #include alone into any other:

       #define ${NAME}_IMPLEMENTATION
       #include "$file"

   C99; link with -lm. Nothing is allocated: the functions have no state, and need $stack bytes of
   stack and little more.

   $given: ${NAME}_INPUTS of them, $given_is.
   ${name}_names: what each output stands for, in UTF-8.
   ${name}_outputs: puts the network's own outputs into ${NAME}_OUTPUTS numbers.
$functions */
#ifndef ${NAME}_H
#define ${NAME}_H
#define ${NAME}_INPUTS $inputs
#define ${NAME}_OUTPUTS $outputs
#ifdef __cplusplus
extern "C" {
#endif
extern const char *const ${name}_names[${NAME}_OUTPUTS];
void ${name}_outputs(const $value *$given, $type *outputs);
$declarations#ifdef __cplusplus
}
#endif
#endif

#ifdef ${NAME}_IMPLEMENTATION
#include <float.h>
#include <math.h>

const char *const ${name}_names[${NAME}_OUTPUTS] = {
    $names};

$arrays
/* y = x W + b; W has a row for each input, and stands for its own values times the scales. */
static void ${name}_linear(const $type *x, const $stored *W, const $type *scale, const $type *b,
                           int inputs, int outputs, $type *y) {
    int i, o;
    for (o = 0; o < outputs; o++) y[o] = 0;
    for (i = 0; i < inputs; i++, W += outputs)
        for (o = 0; o < outputs; o++) y[o] += x[i] * W[o];
    for (o = 0; o < outputs; o++) y[o] = (scale ? scale[o] : 1) * y[o] + (b ? b[o] : 0);
}

void ${name}_outputs(const $value *$given, $type *outputs) {
    $type one[$widest], other[$widest], *x = one, *y = other, *swap;
    int i;
    for (i = 0; i < $inputs; i++) $bring
$layers    for (i = 0; i < $outputs; i++) outputs[i] = x[i];
}

$definitions#endif
"""
"""Of any network; what differs by its inputs and its task is put in."""
