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
from mlp.common.errors import ModelError
from mlp.common.version import package_version
from mlp.data.inputs import Pixels
from mlp.data.task import Task
from mlp.models.formats.c_layers import STATEMENTS, Dialect
from mlp.models.formats.parameters import on_cpu
from mlp.models.formats.registry import FORMATS, Export
from mlp.models.metadata import inputs_of, task_of, temperature_of
from mlp.models.quantise import quantise
from mlp.nn.layers import Layer, Linear
from mlp.nn.network import MLP

NUMBERS_A_LINE = 12


@FORMATS.register("c")
class CHeader(Export):
    """The weights in full."""

    title = "a C header"
    endings = (".h",)
    int8: ClassVar[bool] = False

    def write(self, model: MLP, path: Path) -> None:
        inputs, kind = inputs_of(model), task_of(model).kind
        if kind == "regression" or not (isinstance(inputs, Pixels) and inputs.is_plain):
            told = "answers a regression task" if kind == "regression" else f"reads {inputs}"
            raise ModelError(
                f"the C header takes bytes of pixels to classes or yes and no, but this network "
                f"{told}: write .onnx"
            )
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
    one = task.kind == "multiclass"
    arrays, layers = [], []
    for number, block in enumerate(model.blocks):
        added, statements = _block(c, name, number, block, int8)
        arrays += added
        layers.append(statements)
    threshold = c.number(0.0 if model.output == "identity" else 0.5)
    return Template(
        "".join((_HEAD, _ONE_HEAD if one else _ALL_HEAD, _BODY, _ONE if one else _ALL, _FOOT))
    ).substitute(
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
        byte=c.number(1 / 255),
        names=",\n    ".join(map(_text, task.names_of(outputs))),
        arrays="".join(arrays),
        layers="".join(layers),
        probabilities=_probabilities(c, task, model),
        threshold=threshold,
    )


def _block(
    c: Dialect, name: str, number: int, block: list[Layer], int8: bool
) -> tuple[list[str], str]:
    """Return the arrays of a linear layer, and the statements of it and of what follows it."""
    linear = block[0]
    assert isinstance(linear, Linear)
    arrays, given = [], {"w": "0", "scale": "0", "b": "0"}

    def add(part: str, values: NDArray[Any], type_: str) -> None:
        given[part] = f"{name}_{part}{number}"
        arrays.append(_array(c, given[part], values, type_))

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


def _array(c: Dialect, name: str, values: NDArray[Any], type_: str) -> str:
    ending = "" if values.dtype.kind == "i" else c.f
    numbers = [f"{number!s}{ending}" for number in values.ravel()]  # the shortest that are exact
    lines = (
        ", ".join(numbers[start : start + NUMBERS_A_LINE])
        for start in range(0, len(numbers), NUMBERS_A_LINE)
    )
    return f"static const {type_} {name}[{values.size}] = {{\n    " + ",\n    ".join(lines) + "};\n"


def _probabilities(c: Dialect, task: Task, model: MLP) -> str:
    """Return the statements that turn outputs p into probabilities; see `Task.probabilities`."""
    T, count = temperature_of(model), model.sizes[-1]
    values = {"N": count, "f": c.f, "T": c.number(T), "root": c.number(1 / T), "type": c.type}
    if task.kind != "multiclass":
        form = _SIGMOID if model.output == "identity" else _YES_AND_NO
    else:
        form = (_SOFTMAX if model.output == "identity" else _POSITIVE) + _SUM_TO_ONE
    return Template(form).substitute(values, half=c.number(0.5), tiny=_TINY[c.type])


def _identifier(name: str) -> str:
    """Make a name of C out of a file's."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return word if word[:1].isalpha() else f"mlp_{word}".rstrip("_")


def _text(text: str) -> str:
    """Write a string of C; what is no letter, digit or space becomes the octal digits of UTF-8."""
    safe = (
        chr(byte)
        if chr(byte).isascii() and (chr(byte).isalnum() or byte == 0x20)
        else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogateescape")
    )
    return f'"{"".join(safe)}"'


_TINY = {"float": "FLT_MIN", "double": "DBL_MIN"}

_HEAD = """\
/* $file: $network, written by mlp $version.

   Put this into one C file of the program, and the #include alone into any other:

       #define ${NAME}_IMPLEMENTATION
       #include "$file"

   C99; link with -lm. Nothing is allocated: the functions have no state, and need $stack bytes of
   stack and little more.

   pixels: ${NAME}_INPUTS bytes, row by row, 0 for paper and 255 for ink.
   ${name}_names: what each output stands for, in UTF-8.
   ${name}_outputs: puts the network's own outputs into ${NAME}_OUTPUTS numbers.
   ${name}_probabilities: puts the probability of each class, or of each yes, there.
"""

_ONE_HEAD = """\
   ${name}_answer: returns the class, from 0 to ${NAME}_OUTPUTS - 1. */
#ifndef ${NAME}_H
#define ${NAME}_H
#define ${NAME}_ANSWER int ${name}_answer(const unsigned char *pixels)
"""

_ALL_HEAD = """\
   ${name}_answers: puts 1 for yes and 0 for no into ${NAME}_OUTPUTS bytes. */
#ifndef ${NAME}_H
#define ${NAME}_H
#define ${NAME}_ANSWER void ${name}_answers(const unsigned char *pixels, unsigned char *answers)
"""

_BODY = """\
#define ${NAME}_INPUTS $inputs
#define ${NAME}_OUTPUTS $outputs
#ifdef __cplusplus
extern "C" {
#endif
extern const char *const ${name}_names[${NAME}_OUTPUTS];
void ${name}_outputs(const unsigned char *pixels, $type *outputs);
void ${name}_probabilities(const unsigned char *pixels, $type *probabilities);
${NAME}_ANSWER;
#ifdef __cplusplus
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

void ${name}_outputs(const unsigned char *pixels, $type *outputs) {
    $type one[$widest], other[$widest], *x = one, *y = other, *swap;
    int i;
    for (i = 0; i < $inputs; i++) x[i] = pixels[i] * $byte;
$layers    for (i = 0; i < $outputs; i++) outputs[i] = x[i];
}

void ${name}_probabilities(const unsigned char *pixels, $type *p) {
    int k;
    ${name}_outputs(pixels, p);
$probabilities}

${NAME}_ANSWER {
    $type outputs[$outputs];
    int k;
"""

_ONE = """\
    int best = 0;
    ${name}_outputs(pixels, outputs);
    for (k = 1; k < $outputs; k++)
        if (outputs[k] > outputs[best]) best = k;
    return best;
"""

_ALL = """\
    ${name}_outputs(pixels, outputs);
    for (k = 0; k < $outputs; k++) answers[k] = outputs[k] > $threshold;
"""

_FOOT = """\
}
#endif
"""

_SOFTMAX = """\
    $type largest = p[0];
    $type sum = 0;
    for (k = 1; k < $N; k++)
        if (p[k] > largest) largest = p[k];
    for (k = 0; k < $N; k++) p[k] = exp$f((p[k] - largest) / $T);
"""

_POSITIVE = """\
    $type sum = 0;
    for (k = 0; k < $N; k++) p[k] = p[k] > 0 ? pow$f(p[k], $root) : 0;
"""

_SUM_TO_ONE = """\
    for (k = 0; k < $N; k++) sum += p[k];
    for (k = 0; k < $N; k++) p[k] /= sum > $tiny ? sum : $tiny;
"""

_SIGMOID = """\
    for (k = 0; k < $N; k++) p[k] = $half + $half * tanh$f($half * p[k] / $T);
"""

_YES_AND_NO = """\
    for (k = 0; k < $N; k++) {
        const $type yes = pow$f(p[k], $root), no = pow$f(1 - p[k], $root);
        p[k] = yes / (yes + no);
    }
"""
