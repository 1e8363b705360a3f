"""The parsers that are attacked, each with small inputs that it reads, written by the project."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from fuzz import Target
from fuzz_files import as_file, scratch, written
from fuzz_models import export, full_models, state_dicts
from fuzz_tables import arffs
from fuzz_words import lists, read_list, read_words, small_pictures, tables
from PIL import Image
from plain_pictures import bars
from small_datasets import pair
from watched_run import watched_run

from mlp.cli.search_space import parse_tries
from mlp.common.errors import MLPError
from mlp.common.registry import Registry
from mlp.data.formats import convert as data_formats
from mlp.data.formats.idx import decode_idx, write_idx
from mlp.data.formats.pictures import decode
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked
from mlp.data.formats.splits import WHOLE
from mlp.data.inputs import Pixels
from mlp.data.reading import Reading
from mlp.handwriting import extract_digits, load_picture
from mlp.handwriting.picture_files import Labels
from mlp.models.formats.convert import read_model, write_model
from mlp.nn.initializers import INITIALIZERS
from mlp.nn.layers import LAYERS
from mlp.nn.losses import LOSSES
from mlp.nn.network import MLP
from mlp.nn.optim import OPTIMIZERS
from mlp.nn.schedules import SCHEDULES
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import DataSettings, Settings, read_settings, to_toml
from mlp.training.runs.watch_files import ABOUT, ASKED, MOMENT, WatchFiles
from mlp.training.runs.writers import read_history
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.halving import TrialResult, ranked
from mlp.view.curves import curves_of
from mlp.web.guard import is_own_name
from mlp.web.watching import Watching


def _idx(ending: str) -> list[bytes]:
    arrays = (np.arange(60, dtype=np.uint8).reshape(3, 4, 5), np.ones(7, np.float32))
    return [written(f"a{ending}", lambda path, a=array: write_idx(path, a)) for array in arrays]


def _archives() -> list[bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("set/train.csv", "set/test.csv"):
            archive.writestr(name, _data("a.csv")[0])
    return [packed.getvalue()]


def _data(name: str) -> list[bytes]:
    splits = pair()
    if name.endswith(".csv"):
        splits = {WHOLE: next(iter(splits.values()))}
    return [written(name, lambda path: data_formats.write(splits, path))]


def _models(name: str, to: str | None = None) -> list[bytes]:
    networks = [MLP([4, 3, 2], seed=1), MLP([5, 2, 3, 2], dtype="float64", seed=2)]
    return [
        written(name, lambda path, m=model: write_model(m, path, to, force=True))
        for model in networks
    ]


def _weights(content: bytes) -> object:
    folder = scratch() / "weights"
    folder.mkdir(exist_ok=True)
    (folder / "w1.csv").write_bytes(content)
    return read_model(folder)


def _pictures() -> list[bytes]:
    found = []
    for picture in bars(4):
        for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA"):
            file = io.BytesIO()
            Image.fromarray(picture).save(file, kind)
            found.append(file.getvalue())
    return found


def _read_picture(content: bytes) -> object:
    return extract_digits(load_picture(io.BytesIO(content)))


def _search() -> list[bytes]:
    """A plan, and a journal."""
    folder = SearchFolder(scratch() / "seed-search")
    plan = SearchPlan(
        [{"lr": 0.1, "hidden": (8, 4)}, {"lr": 0.2, "hidden": ()}], [1, 3], 3, "loss", 0.1
    )
    with folder.begun(plan, [], print):
        folder.add(TrialResult(0, 1, 0.5, 1.0, 2.0))
        folder.add(TrialResult(1, 1, None, None, 0.0, "it diverged"))
    found = [(folder.path / name).read_bytes() for name in ("search.json", "journal.jsonl")]
    shutil.rmtree(folder.path)
    return found


def _read_search(path: Path) -> object:
    folder = SearchFolder(path.parent)
    path.with_name("journal.jsonl").write_bytes(path.read_bytes())
    return ranked(folder.results(), "accuracy"), folder.plan()


def _read_call(content: bytes) -> None:
    """Read a choice with its numbers as one of each kind; it is refused if it is none of all."""
    refusals = []
    for registry in CALLED:
        try:
            registry.parse(content.decode("utf-8", "surrogateescape"))
        except MLPError as error:
            refusals.append(error)
    if len(refusals) == len(CALLED):
        raise refusals[0]


CALLED: tuple[Registry[Any], ...] = (LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS)


def _recipes() -> list[bytes]:
    """The defaults, a published recipe, and one with something in every table."""
    full = Settings(
        network=Architecture(hidden=(64, 32), activation="leaky_relu(0.1)"),
        training=Recipe(lr=0.05, batch_size="full", schedule="step(3, 0.5)"),
        data=DataSettings(dataset="a, b.csv", task="binary", positive=(0, 2)),
        preset="diary-16",
    )
    return [to_toml(settings).encode() for settings in (Settings(), full)]


def _arrays() -> list[bytes]:
    arrays = (np.arange(60, dtype=np.uint8).reshape(3, 20), np.ones((4, 20), np.float64, order="F"))
    return [written("a.npy", lambda path, a=array: np.save(path, a)) for array in arrays]


def _moments() -> list[bytes]:
    """What a short run tells of itself: what it is, and its last moment."""
    with tempfile.TemporaryDirectory() as folder:
        watched_run(Path(folder))
        return [(Path(folder) / name).read_bytes() for name in (ABOUT, MOMENT)]


@cache
def _told() -> tuple[bytes, bytes]:
    about, moment = _moments()
    return about, moment


def _watch(content: bytes) -> None:
    """Show a run, one of whose files is this one; what is damaged is passed over."""
    about, moment = _told()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for files in ({ABOUT: content, MOMENT: moment}, {ABOUT: about, MOMENT: content}):
            for place, told in {**files, ASKED: content}.items():
                (folder / place).write_bytes(told)
            watching = Watching("a", folder)
            watching.look()
            json.loads(watching.event)
            WatchFiles(folder).asked()


def _read_rows(path: Path) -> int:
    """Read the rows of a file as a network on images of 4 x 5 pixels is to answer them."""
    pixels = next(iter(pair().values())).images.shape[1:]
    asked = Asked(Pixels(pixels), int(np.prod(pixels)), ("id", "label"), tuple("0123456789"))
    return sum(len(rows) for rows in data_formats.read_rows(path, Request(), asked))


def _read_filled(path: Path) -> object:
    return data_formats.read(path, Reading(missing="mean"))


def _read_history(path: Path) -> object:
    return curves_of(read_history(path))


_D, _M = "mlp.data.formats.", "mlp.models."
_TABLE = tuple(
    f"{_D}{name}"
    for name in (
        "table",
        "row_parser",
        "table_head",
        "text_fields",
        "text_lines",
        "whole_numbers",
        "columns",
    )
)
_ROWS = (f"{_D}row_columns", f"{_D}rows")
_ZIP = ("mlp.common.safe_npz",)
_TOLD = (f"{_M}metadata", f"{_M}description")

TARGETS: dict[str, Target] = {
    "idx": Target(
        lambda content: decode_idx(io.BytesIO(content), "a"), lambda: _idx(".idx"), (f"{_D}idx",)
    ),
    "idx-gz": Target(
        lambda content: decode_idx(io.BytesIO(content), "a"), lambda: _idx(".gz"), (f"{_D}idx",)
    ),
    "csv": Target(as_file("a.csv", data_formats.read), lambda: _data("a.csv"), _TABLE),
    "words": Target(as_file("a.csv", _read_filled), tables, (*_TABLE, f"{_D}categories")),
    "npz": Target(as_file("a.npz", data_formats.read), lambda: _data("a.npz"), _ZIP),
    "zip": Target(as_file("a.zip", data_formats.read), _archives, (f"{_D}archive",)),
    "arff": Target(as_file("a.arff", _read_filled), arffs, (f"{_D}arff",)),
    "list": Target(read_list, lists, (f"{_D}picture_list", f"{_D}label_file")),
    "image": Target(lambda c: decode(io.BytesIO(c), "a", 28), small_pictures, (f"{_D}pictures",)),
    "model": Target(
        as_file("m.safetensors", read_model), lambda: _models("m.safetensors"), _TOLD[1:]
    ),
    "model-npz": Target(
        as_file("m.npz", read_model), lambda: _models("m.npz"), (f"{_M}formats.npz",)
    ),
    "model-json": Target(
        as_file("m.json", export), lambda: full_models("m.json"), (f"{_M}formats.json", *_TOLD)
    ),
    "model-torch": Target(
        as_file("m.safetensors", read_model), state_dicts, (f"{_M}formats.torch",)
    ),
    "diary": Target(
        as_file("m.bin", read_model),
        lambda: _models("m.bin", "diary-dynamic"),
        (f"{_M}formats.diary",),
    ),
    "weights-csv": Target(_weights, lambda: [b"w10,w11\n0.5,-1e-3\n2,3\n"], (f"{_M}formats.csv",)),
    "labels": Target(
        as_file("labels.csv", Labels),
        lambda: [b'file,label\n4.png,4\n"a,b.png",yes\n'],
        (f"{_D}label_file",),
    ),
    "picture": Target(_read_picture, _pictures, ("mlp.handwriting.load",)),
    "call": Target(
        _read_call,
        lambda: [b"relu", b"leaky_relu(0.1)", b"step(3, 0.5)", b"uniform(-1, 1)"],
        ("mlp.common.registry",),
    ),
    "recipe": Target(
        as_file("recipe.toml", read_settings), _recipes, ("mlp.training.runs.settings",)
    ),
    "rows": Target(as_file("a.csv", _read_rows), lambda: _data("a.csv"), _ROWS),
    "rows-words": Target(as_file("a.csv", read_words), tables, _ROWS),
    "rows-npz": Target(as_file("a.npz", _read_rows), lambda: _data("a.npz"), _ZIP),
    "rows-npy": Target(as_file("a.npy", _read_rows), _arrays, _ZIP),
    "rows-idx": Target(
        as_file("a-idx3-ubyte", _read_rows), lambda: _idx(".idx") + _idx(".gz"), (f"{_D}idx",)
    ),
    "rows-zip": Target(as_file("a.zip", _read_rows), _archives, (f"{_D}archive",)),
    "history": Target(
        as_file("history.jsonl", _read_history),
        lambda: [b'{"epoch": 1, "loss": 0.5, "test_accuracy": 0.9, "seconds": 1.5}\n' * 3],
    ),
    "watch": Target(
        _watch,
        lambda: [*_told(), b'{"paused": true, "steps": 1, "rate": 0.5}'],
        ("mlp.web.watching", "mlp.training.runs.watch_files"),
    ),
    "search": Target(
        as_file("search.json", _read_search), _search, ("mlp.training.search.folder",)
    ),
    "try": Target(
        lambda content: parse_tries([content.decode("utf-8", "surrogateescape")]),
        lambda: [b"lr=0.01..1:log:5", b"hidden=64/256,128", b"augment=none/affine,elastic"],
        ("mlp.cli.search_space", "mlp.training.search.space"),
    ),
    "host": Target(
        lambda content: is_own_name(content.decode("latin-1"), "127.0.0.1"),
        lambda: [b"127.0.0.1:8000", b"[::1]:80", b"localhost"],
        ("mlp.web.guard",),
    ),
}


if find_spec("starlette") and find_spec("h11"):
    from fuzz_requests import answer, ask, asked, requests

    TARGETS["request"] = Target(answer, requests, ("mlp.web.app", "mlp.web.step_request"))
    TARGETS["watch-request"] = Target(ask, asked, ("mlp.web.watch_app",))

if find_spec("pypdfium2"):
    from pdf_files import FOUR, SEVEN, locked, nested, pdf_of

    TARGETS["pdf"] = Target(
        _read_picture,
        lambda: [pdf_of(SEVEN, FOUR), locked(), nested(3, 2)],
        ("mlp.handwriting.pdf", "mlp.handwriting.pdf_page"),
    )

if find_spec("scipy"):
    from fuzz_tables import mats

    TARGETS["mat"] = Target(as_file("a.mat", data_formats.read), mats, (f"{_D}mat",))

if find_spec("pyarrow"):
    from fuzz_parquet import parquets

    TARGETS["parquet"] = Target(
        as_file("a.parquet", data_formats.read), parquets, (f"{_D}parquet", f"{_D}parquet_columns")
    )

if find_spec("pillow_heif"):
    from fuzz_words import photos

    TARGETS["heic"] = Target(_read_picture, photos, ("mlp.handwriting.heic",))
