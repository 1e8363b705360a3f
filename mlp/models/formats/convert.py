"""Networks between this project's model files and the formats that other programs have."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from backends import Backend
from mlp.common.atomic import claiming, put_back
from mlp.common.errors import ModelError, UsageError
from mlp.common.foreign import MODEL, foreign
from mlp.common.overwrite import check_destination, check_holds_only, taken
from mlp.common.plain_file import check_file
from mlp.data.formats.registry import FORMATS as DATA_FORMATS
from mlp.data.inputs import Pixels
from mlp.models.formats.parameters import build
from mlp.models.formats.registry import FORMATS, Format, OwnFormat
from mlp.models.metadata import inputs_of, task_of
from mlp.nn.network import MLP

ACTIVATION, OUTPUT = "relu", "identity"
"""Assumed where the file names no activations."""

NORMED = "batch_norm,relu"
"""The same where it holds batch normalisation."""

PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle")
"""The endings of files that PyTorch and others write by pickling."""


def read_model(
    path: str | Path,
    *,
    activation: str | None = None,
    output: str | None = None,
    dtype: str | None = None,
    backend: Backend | None = None,
) -> MLP:
    """Read a network in any format, which is found out from the file.

    Args:
        path: a file or folder in one of the formats in `mlp.models.formats`.
        activation: what follows each hidden layer, where the file does not say; else `ACTIVATION`.
        output: what follows the last layer, where the file does not say; else `OUTPUT`.
        dtype: the network's, where the file does not say; else float32 if that holds every value
            exactly, and float64 if not.
        backend: the device; the CPU unless given.

    Raises:
        ModelError: if the file is missing, damaged, hostile or of no known format.
        UsageError: if a given value is unknown, or differs from what the file says.
    """
    path = Path(path)
    put_back(path)
    check_file(path, ModelError)
    if not (path.is_file() or path.is_dir()):
        raise ModelError(f"there is no model file {path}: check its name, or make one by mlp train")
    if path.suffix.lower() in PICKLES:
        raise ModelError(
            f"{path} is a pickle, which is never opened, since it may run any code: write it from "
            "PyTorch by safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
        )
    try:
        format = _detect(path)
        other = foreign(path)
        if other not in (None, MODEL) and (format.last_resort or format.name == "npz"):
            raise ModelError(
                f"{path} is {other.kind}, and no model: name a file that mlp train or mlp convert "
                "wrote"
            )
        if isinstance(format, OwnFormat):  # holds layers that `Parameters` cannot, too
            return _read_own(format, path, activation, output, dtype, backend)
        try:
            found = format.read(path)
        except ModelError:
            _refuse_data(format, path)
            raise
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None
    usual = NORMED if found.batch_norms else ACTIVATION
    return build(
        found,
        path,
        _settle(path, "activation", found.activation, activation, usual),
        _settle(path, "output", found.output, output, OUTPUT),
        _settle(path, "dtype", found.dtype, dtype, found.narrowest_dtype),
        backend,
    )


def write_model(
    model: MLP, path: str | Path, to: str | None = None, *, force: bool = False
) -> Format:
    """Write a network, whole or not at all.

    Args:
        model: the network.
        path: the file or folder; its ending decides the format.
        to: the name of the format, where the ending does not decide it.
        force: whether something of that kind that is there may be replaced.

    Returns:
        The format that was written.

    Raises:
        UsageError: if the format is not stated, or the place is taken.
        ModelError: if the format cannot hold the network, or it cannot be written there.
    """
    path = Path(path)
    format = FORMATS.choose(path, to)
    check_destination(path, force, format.is_folder, ModelError)
    if path.is_dir() and any(path.iterdir()):
        check_holds_only(path, format.files(path), ModelError)
    task = task_of(model)
    if not format.keeps_task and task.kind != "multiclass":
        raise ModelError(
            f"{format.name} cannot say that the network answers a {task.kind} task, and would be "
            "read as another: write .safetensors or .npz"
        )
    if not format.keeps_task and not _is_plain(model):
        raise ModelError(
            f"{format.name} cannot say which values the network reads ({inputs_of(model)}), or "
            "what its classes are called, and would be read as another: write .safetensors or .npz"
        )
    try:
        with nullcontext(path) if force else claiming(path) as place:
            format.write(model, place)
    except FileExistsError:
        raise taken(path) from None
    except ModelError as error:
        raise ModelError(str(error).replace(str(place), str(path))) from None
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from None
    return format


def _is_plain(model: MLP) -> bool:
    """Whether a model reads bytes, and its classes are called by their numbers."""
    inputs, names = inputs_of(model), task_of(model).names
    reads_bytes = isinstance(inputs, Pixels) and inputs.is_plain
    return reads_bytes and names == tuple(map(str, range(len(names))))


def _read_own(
    format: OwnFormat,
    path: Path,
    activation: str | None,
    output: str | None,
    dtype: str | None,
    backend: Backend | None,
) -> MLP:
    """Read a network that a format holds whole, and compare what it says with what is asked."""
    model = format.load(path, backend)
    _settle(path, "activation", model.activation, activation, ACTIVATION)
    _settle(path, "output", model.output, output, OUTPUT)
    _settle(path, "dtype", model.dtype, dtype, model.dtype)
    return model


def _refuse_data(format: Format, path: Path) -> None:
    """Refuse a file that is no model, and is data by its name or its beginning.

    Raises:
        ModelError: saying so.
    """
    data = DATA_FORMATS.matching(path) if format.last_resort and path.is_file() else []
    if data:
        raise ModelError(
            f"{path} is {data[0].title} of data, and no model: name a file of mlp train, and "
            "the data with --dataset or --rows"
        )


def _detect(path: Path) -> Format:
    # There is always one: any file may be the diary's, and any folder one of CSV files.
    return min(FORMATS.matching(path), key=lambda format: format.last_resort)


def _settle(path: Path, what: str, stated: str | None, asked: str | None, default: str) -> str:
    """Take what the file states, else what was asked for, else the default."""
    if stated is not None and asked not in (None, stated):
        raise UsageError(f"{path} says that its {what} is {stated}: leave out --{what} {asked}")
    return stated or asked or default
