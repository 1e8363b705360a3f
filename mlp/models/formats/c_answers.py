"""What a C header answers, by the network's task; see `mlp.data.task.Task`."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

import numpy as np

from mlp.models.formats.c_inputs import HeaderInputs
from mlp.models.formats.c_text import Dialect
from mlp.models.metadata import task_of, temperature_of
from mlp.nn.network import MLP


@dataclass(frozen=True)
class AnswerCode:
    """The functions of a task.

    Attributes:
        told: what they do, the last lines of the header's comment.
        declarations, definitions: of the functions, each ended by a new line.
        arrays: the constants that they need.
    """

    told: str
    declarations: str
    definitions: str
    arrays: str = ""


def answers_of(c: Dialect, name: str, model: MLP, given: HeaderInputs) -> AnswerCode:
    """Return the functions of a header whose names begin with ``name``."""
    task, outputs = task_of(model), model.sizes[-1]
    logits = model.output == "identity"
    T = temperature_of(model)
    values = {
        "name": name,
        "NAME": name.upper(),
        "N": outputs,
        "f": c.f,
        "type": c.type,
        "given": f"const {given.type} *{given.name}",
        "pass": given.name,
        "T": c.number(T),
        "root": c.number(1 / T),
        "half": c.number(0.5),
        "tiny": {"float": "FLT_MIN", "double": "DBL_MIN"}[c.type],
        "threshold": c.number(0.0 if logits else 0.5),
    }

    def filled(*parts: str) -> str:
        return Template("".join(parts)).substitute(values)

    if task.kind == "regression":
        arrays = (
            c.array(f"{name}_{part}", np.array(numbers), "double")
            for part, numbers in (("mean", task.mean), ("deviation", task.deviation))
        )
        return AnswerCode(
            filled(_NUMBERS_TOLD),
            filled(_NUMBERS, ";\n"),
            filled(_NUMBERS, _IN_UNITS),
            "".join(arrays),
        )
    if task.kind == "multiclass":
        told, head, body = _CLASS_TOLD, _CLASS, _LARGEST
        form = (_SOFTMAX if logits else _POSITIVE) + _SUM_TO_ONE
    else:
        told, head, body = _YES_TOLD, _YES, _ABOVE
        form = _SIGMOID if logits else _YES_AND_NO
    return AnswerCode(
        filled(_PROBABILITIES_TOLD, told),
        filled(_PROBABILITIES, ";\n", head, ";\n"),
        filled(_PROBABILITIES, _INTO_P, form, "}\n\n", head, body),
    )


_PROBABILITIES_TOLD = """\
   ${name}_probabilities: puts the probability of each class, or of each yes, there.
"""
_CLASS_TOLD = "   ${name}_answer: returns the class, from 0 to ${NAME}_OUTPUTS - 1."
_YES_TOLD = "   ${name}_answers: puts 1 for yes and 0 for no into ${NAME}_OUTPUTS bytes."
_NUMBERS_TOLD = "   ${name}_answers: puts ${NAME}_OUTPUTS numbers in their own units there."

_PROBABILITIES = "void ${name}_probabilities($given, $type *p)"
_CLASS = "int ${name}_answer($given)"
_YES = "void ${name}_answers($given, unsigned char *answers)"
_NUMBERS = "void ${name}_answers($given, double *answers)"

_INTO_P = """\
 {
    int k;
    ${name}_outputs($pass, p);
"""

_LARGEST = """\
 {
    $type outputs[$N];
    int k, best = 0;
    ${name}_outputs($pass, outputs);
    for (k = 1; k < $N; k++)
        if (outputs[k] > outputs[best]) best = k;
    return best;
}
"""

_ABOVE = """\
 {
    $type outputs[$N];
    int k;
    ${name}_outputs($pass, outputs);
    for (k = 0; k < $N; k++) answers[k] = outputs[k] > $threshold;
}
"""

_IN_UNITS = """\
 {
    $type outputs[$N];
    int k;
    ${name}_outputs($pass, outputs);
    for (k = 0; k < $N; k++) answers[k] = outputs[k] * ${name}_deviation[k] + ${name}_mean[k];
}
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
