"""A folder of CSV files, one for each array: ``w1.csv``, ``b1.csv``, ``w2.csv`` and so on.

This is the format of the full-batch system with polars: W is stored as (outputs, inputs) and b as
(outputs, 1), under a header that numbers the columns (``w10,w11,…``). ``network.csv``, which that
system neither writes nor reads, names the activations.

Every number is written in full for a float64, so that any float32 or float64 is read back exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp.common.atomic import replacing, replacing_folder
from mlp.common.errors import ModelError
from mlp.models.formats.parameters import Parameters, parameters_of
from mlp.models.formats.registry import FORMATS, Format
from mlp.nn.network import MLP

_NETWORK = "network.csv"
_NETWORK_HEADER = "activation,output"


@FORMATS.register("csv")
class CsvFolder(Format):
    """Without ``network.csv``, a folder does not name the activations."""

    title = "a folder of CSV files"
    endings = ("",)
    last_resort = True

    def matches(self, path: Path) -> bool:
        return True

    def files(self, path: Path) -> list[Path]:
        layers = _count(path, "w")
        names = [f"{letter}{k}.csv" for k in range(1, layers + 1) for letter in "wb"]
        return [path / name for name in [*names, _NETWORK] if (path / name).is_file()]

    def read(self, path: Path) -> Parameters:
        layers, biases = _count(path, "w"), _count(path, "b")
        if not layers:
            raise ModelError(f"the folder {path} holds no w1.csv: name a folder of weights as CSV")
        own = self.files(path)
        for file in sorted(path.iterdir()):
            if re.fullmatch(r"[wb]\d+\.csv", file.name) and file not in own:
                raise ModelError(
                    f"{path} holds {file.name} but not all layers before it: one is missing"
                )
        if biases not in (0, layers):
            raise ModelError(
                f"{path} holds weights of {layers} layers but biases of {biases}: a file is missing"
            )
        activation, output = _read_network(path / _NETWORK)
        return Parameters(
            [_read_table(path / f"w{k}.csv").T for k in range(1, layers + 1)],
            [_read_column(path / f"b{k}.csv") for k in range(1, biases + 1)],
            activation,
            output,
        )

    def write(self, model: MLP, path: Path) -> None:
        parameters = parameters_of(model)
        with replacing_folder(path) as folder:
            for k, W in enumerate(parameters.weights, 1):
                _write_table(folder, f"w{k}", W.T)
            for k, b in enumerate(parameters.biases, 1):
                _write_table(folder, f"b{k}", b[:, None])
            network = f"{parameters.activation},{parameters.output}"
            _write_lines(folder / _NETWORK, [_NETWORK_HEADER, network])


def _count(folder: Path, letter: str) -> int:
    """Count the folder's files letter1.csv, letter2.csv, … up to the first gap."""
    count = 0
    while (folder / f"{letter}{count + 1}.csv").is_file():
        count += 1
    return count


def _write_table(folder: Path, name: str, table: NDArray[np.floating]) -> None:
    header = ",".join(f"{name}{column}" for column in range(table.shape[1]))
    rows = (",".join(map(repr, row)) for row in table.astype(np.float64).tolist())
    _write_lines(folder / f"{name}.csv", [header, *rows])


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with replacing(path) as file:
        file.writelines(f"{line}\n".encode() for line in lines)


def _read_table(path: Path) -> NDArray[np.float64]:
    """Read numbers under a header, shape (rows, columns)."""
    header, *rows = _read_lines(path) or [""]
    names = header.split(",")
    if any(_is_number(name) for name in names):
        raise ModelError(f"{path} begins with numbers: put a header above them")
    if not any(row.strip() for row in rows):
        raise ModelError(f"{path} holds no numbers: it is cut off, get it again")
    try:
        table = np.loadtxt(rows, np.float64, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        raise ModelError(f"{path} is not a table of numbers ({error}): get it again") from None
    if table.shape[1] != len(names):
        raise ModelError(
            f"{path} has {table.shape[1]} columns under a header of {len(names)}: it is damaged"
        )
    return table


def _read_column(path: Path) -> NDArray[np.float64]:
    table = _read_table(path)
    if table.shape[1] != 1:
        raise ModelError(f"{path} has {table.shape[1]} columns, where a bias has one: get it again")
    return table[:, 0]


def _read_network(path: Path) -> tuple[str | None, str | None]:
    if not path.is_file():
        return None, None
    lines = _read_lines(path)
    fields = lines[1].split(",") if len(lines) == 2 and lines[0] == _NETWORK_HEADER else []
    if len(fields) != 2:
        raise ModelError(
            f"{path} does not tell the activations: it needs the line {_NETWORK_HEADER} and "
            "below it their names, or to be deleted"
        )
    return fields[0], fields[1]


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
