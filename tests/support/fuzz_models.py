"""Networks with all that a file tells of them, read from strangers' files and written on."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from fuzz_files import scratch, written

from mlp.common.errors import MLPError
from mlp.data.inputs import Columns, Pixels
from mlp.data.task import Task
from mlp.models.formats.convert import read_model, write_model
from mlp.models.metadata import DatasetSummary, Initialisation, Metadata
from mlp.nn.network import MLP
from mlp.web.network import network_payload
from mlp.web.page import exported_page

SIDE = 28
C_CHARACTERS = re.compile(r"[\n -~]*")
C_STRING = re.compile(r'"(?:[A-Za-z0-9 ]|\\[0-7]{3})*"')
"""What stands in a header between quotes, so that nothing ends them, and no trigraph begins."""


def _networks() -> list[MLP]:
    """Networks that read columns, pixels of a range and digits, with all metadata."""
    columns = Columns(("a", "b c", "d=x", "d=y"), (0.5, 1.0, 0.0, 0.0), (1.0, 2.0, 1.0, 1.0), True)
    names = ("no", "it's </script>", "ä")
    summary = DatasetSummary("t", (4,), 10, "0" * 64, 5, "1" * 64, "t.csv", {"missing": "mean"})
    history = ({"epoch": 1, "loss": 0.5, "test_accuracy": 0.9}, {"epoch": 2, "loss": 0.25})
    one = MLP([4, 3, 3], "leaky_relu(0.1)", seed=1)
    one.metadata = Metadata(
        Initialisation("he", "zeros", 1), Task(names=names), {"lr": 0.1}, summary, history, 2,
        temperature=1.5, inputs=columns,
    )  # fmt: skip
    other = MLP([6, 2], seed=2, dtype="float64")
    numbers = Task("regression", ("kg", "m"), (), (1.0, 2.0), (3.0, 4.0))
    other.metadata = Metadata(task=numbers, inputs=Pixels(-1.0, 1.0, (2, 3)))
    return [one, other]


def full_models(name: str, to: str | None = None) -> list[bytes]:
    """Write them in a format of the project's own."""
    return [written(name, lambda p, m=m: write_model(m, p, to, force=True)) for m in _networks()]


def state_dicts() -> list[bytes]:
    """Write them as PyTorch has them."""
    return full_models("t.safetensors", "torch")


class _Page(HTMLParser):
    """Notes the elements of a page, and of which script or style each text is."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)


def elements_of(page: str) -> list[str]:
    """Return the elements of a page in order."""
    parser = _Page()
    parser.feed(page)
    return parser.elements


def export(path: Path) -> None:
    """Read a network, and write it as what people open, compile and run.

    Raises:
        MLPError: if it cannot be read.
        AssertionError: if a name in it has become code.
    """
    model = read_model(path)
    for ending, to in ((".h", "c"), (".onnx", None), (".json", None), (".safetensors", "torch")):
        target = scratch() / f"exported{ending}"
        try:
            write_model(model, target, to, force=True)
        except MLPError:  # a layer that the format has not
            continue
        if to == "c":
            check_header(target.read_text("ascii"))
    if model.sizes[0] == SIDE * SIDE:
        try:
            json.dumps(network_payload(model, path.name), ensure_ascii=False).encode()
            page = exported_page(model, path.name)
        except MLPError:
            return
        assert elements_of(page) == elements_of(exported_page(MLP([SIDE * SIDE, 2]), "m"))


def check_header(text: str) -> None:
    """Look whether a header has its own comments, strings and brackets alone."""
    assert C_CHARACTERS.fullmatch(text)
    comment, mark, code = text.partition("*/")
    assert mark
    assert "/*" not in comment[2:]
    assert "??" not in text
    bare = C_STRING.sub("", re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL))
    lines = [line for line in bare.splitlines() if not line.startswith("#")]
    assert '"' not in "".join(line for line in lines if line != "extern  {")
    assert bare.count("{") == bare.count("}")
