"""Networks between this project's model files and the forms that other programs have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backends import Backend
from mlp.common.errors import ModelError, UsageError
from mlp.common.overwrite import check_holds_only, check_target
from mlp.common.safe_npz import is_zip
from mlp.models import checkpoint
from mlp.models.formats.csv import csv_files, read_csv_weights, write_csv_weights
from mlp.models.formats.diary import Layout, read_diary, write_diary
from mlp.models.formats.npz import read_npz_weights, write_npz_weights
from mlp.models.formats.parameters import Parameters, build, parameters_of
from mlp.models.metadata import task_of
from mlp.nn.network import MLP

ACTIVATION, OUTPUT = "relu", "identity"
"""What a file that does not tell is taken to have: ReLU, and logits for a softmax."""


@dataclass(frozen=True)
class Form:
    """A form that weights are written in.

    Attributes:
        name: what ``--to`` calls it.
        endings: of the file names that mean it.
        is_folder: whether it is a folder of files.
        keeps_task: whether it tells what a network's outputs answer.
        write: puts a network there, whole or not at all.
    """

    name: str
    endings: tuple[str, ...]
    is_folder: bool
    keeps_task: bool
    write: Callable[[MLP, Path], None]


def read_model(
    path: str | Path,
    *,
    activation: str | None = None,
    output: str | None = None,
    dtype: str | None = None,
    backend: Backend | None = None,
) -> MLP:
    """Read a network of any form; which it is shows in the file.

    Args:
        path: a model file, an ``.npz``, a diary's weight file, or a folder of CSV files.
        activation: what follows each hidden layer, where the file does not tell; else `ACTIVATION`.
        output: what follows the last layer, where the file does not tell; else `OUTPUT`.
        dtype: the network's, where the file does not tell; else float32 if that holds every value
            exactly, and float64 if not.
        backend: the device; the CPU unless given.

    Raises:
        ModelError: if the file is missing, damaged, hostile or of no known form.
        UsageError: if what is given is unknown or not what the file tells.
    """
    path = Path(path)
    if not (path.is_file() or path.is_dir()):
        raise ModelError(f"there is no model file {path}: check its name")
    try:
        if path.is_file() and _is_safetensors(path):
            return _load(path, activation, output, dtype, backend)
        found = _read_foreign(path)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None
    return build(
        found,
        path,
        _settle(path, "activation", found.activation, activation, ACTIVATION),
        _settle(path, "output", found.output, output, OUTPUT),
        _settle(path, "dtype", found.dtype, dtype, found.narrowest_dtype),
        backend,
    )


def write_model(
    model: MLP, path: str | Path, to: str | None = None, *, force: bool = False
) -> Form:
    """Write a network, whole or not at all.

    Model files and ``.npz`` keep what is known of its training; the others hold nothing but
    networks that tell one of several classes. The diary's forms hold nothing but ReLU and logits,
    with biases, and the static one nothing but two hidden layers.

    Args:
        model: the network.
        path: the file or folder; its ending tells the form: ``.safetensors``, ``.npz``, ``.bin``
            for the diary's dynamic form, none for a folder of CSV files.
        to: the form by its name, where the ending does not tell: ``safetensors``,
            ``safetensors-half``, ``npz``, ``csv``, ``diary-dynamic`` or ``diary-static``.
        force: whether something of that kind that is there may be replaced.

    Returns:
        The form that was written.

    Raises:
        UsageError: if the form is not told, or the place is taken.
        ModelError: if the form cannot hold the network, or it cannot be written there.
    """
    path = Path(path)
    form = choose(path, to)
    check_target(path, force, form.is_folder, ModelError)
    if path.is_dir() and any(path.iterdir()):
        check_holds_only(path, csv_files(path), ModelError)
    task = task_of(model)
    if not form.keeps_task and task.kind != "multiclass":
        raise ModelError(
            f"{form.name} cannot say that the network answers a {task.kind} task, and would be "
            "read as another: write .safetensors or .npz"
        )
    try:
        form.write(model, path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from None
    return form


def choose(path: Path, to: str | None) -> Form:
    """Settle the form to write, from its name or the path's ending.

    Raises:
        UsageError: if neither tells it, or they disagree.
    """
    ending = path.suffix.lower()
    form = next((f for f in FORMS if (f.name == to if to else ending in f.endings)), None)
    if form is None:
        raise UsageError(
            f"{to or path} tells no form of weights: choose one with --to {'|'.join(NAMES)}, or "
            "end the name in .safetensors, .npz or .bin, or in nothing for a folder of CSV files"
        )
    if ending not in form.endings and any(ending in f.endings for f in FORMS if not f.is_folder):
        raise UsageError(f"the name {path} does not suit the form {form.name}: change its ending")
    return form


def _load(
    path: Path,
    activation: str | None,
    output: str | None,
    dtype: str | None,
    backend: Backend | None,
) -> MLP:
    """Read a model file, which tells everything."""
    model = checkpoint.load(path, backend)
    for what, told, asked in (
        ("activation", model.activation, activation),
        ("output", model.output, output),
        ("dtype", model.dtype, dtype),
    ):
        _settle(path, what, told, asked, told)
    return model


def _read_foreign(path: Path) -> Parameters:
    if path.is_dir():
        return read_csv_weights(path)
    return read_npz_weights(path) if is_zip(path) else read_diary(path)


def _is_safetensors(path: Path) -> bool:
    """Whether a file has the ending, or begins as one: eight bytes of length, then JSON."""
    if path.suffix.lower() == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(10)[8:] == b'{"'


def _settle(path: Path, what: str, told: str | None, asked: str | None, default: str) -> str:
    """Take what the file tells, else what was asked for, else the default."""
    if told is not None and asked not in (None, told):
        raise UsageError(f"{path} says that its {what} is {told}: leave out --{what} {asked}")
    return told or asked or default


def _foreign(write: Callable[[Parameters, Path], None]) -> Callable[[MLP, Path], None]:
    return lambda model, path: write(parameters_of(model), path)


def _diary(layout: Layout) -> Form:
    write = _foreign(partial(write_diary, layout=layout))
    return Form(f"diary-{layout}", (".bin",), is_folder=False, keeps_task=False, write=write)


FORMS = (
    Form("safetensors", (".safetensors",), False, True, checkpoint.save),  # by its ending
    Form("safetensors-half", (".safetensors",), False, True, partial(checkpoint.save, half=True)),
    Form("npz", (".npz",), False, True, _foreign(write_npz_weights)),
    Form("csv", ("",), True, False, _foreign(write_csv_weights)),
    _diary("dynamic"),  # what .bin means unless told otherwise
    _diary("static"),
)
NAMES = tuple(form.name for form in FORMS)
