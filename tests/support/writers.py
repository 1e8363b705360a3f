"""Everything in the project that writes a file or a folder, as `faults.Operation`s."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import small_datasets
from faults import Around, Operation
from hard_pictures import draw_digit, place
from injector import another_system
from mirrors import DIGITS, checksums, mirroring
from PIL import Image
from small_networks import PLACES

from bench import growth, record, table
from bench.harness import report
from mlp.cli import main
from mlp.data import mnist
from mlp.data.dataset import Dataset, Split
from mlp.data.formats import convert as datasets
from mlp.data.formats.idx_folder import IDX_FILES, write_idx_folder
from mlp.data.formats.splits import TEST, TRAIN, WHOLE, Splits
from mlp.models import model_file
from mlp.models.formats.convert import write_model
from mlp.nn.network import MLP
from mlp.training.callbacks import Callback
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.search.folder import SearchFolder
from mlp.training.search.halving import TrialResult
from mlp.training.state import TrainingState, save_state


def command(*arguments: object) -> None:
    """Run the command line in this process.

    Raises:
        RuntimeError: with its sentence, if it fails.
    """
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            patch.object(sys, "argv", ["mlp", *map(str, arguments)]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as end:
        if end.code:
            lines = err.getvalue().strip().splitlines()
            last = [line for line in lines if line.startswith("mlp: ")]
            raise RuntimeError(last[-1] if last else "; ".join(lines)) from None


def network(seed: int, hidden: int = 1) -> MLP:
    return MLP([9, *[2] * hidden, 2], seed=seed)


def _save_model() -> Operation:
    name = "m.safetensors"
    return Operation(
        "saving a model",
        lambda folder: model_file.save(network(1), folder / name),
        lambda folder: model_file.save(network(2), folder / name),
        (name,),
    )


def _checkpoint() -> Operation:
    def write(folder: Path, epochs: int) -> None:
        save_state(trained(epochs), folder / "checkpoint.safetensors")

    return Operation(
        "a checkpoint",
        lambda folder: write(folder, 1),
        lambda folder: write(folder, 2),
        ("checkpoint.safetensors",),
    )


@cache
def trained(epochs: int) -> TrainingState:
    """Train a tiny network, and return its last state."""
    states = States()
    dataset = Dataset("random", "memory", 2, *(Split(s.images, s.labels % 2) for s in SPLITS))
    train(network(1), dataset, Recipe(epochs=epochs, batch_size=4), callbacks=[states])
    return states.states[-1]


class States(Callback):
    """Keeps the state after each epoch."""

    def __init__(self) -> None:
        self.states: list[TrainingState] = []

    def on_epoch_end(self, run: Run) -> None:
        self.states.append(run.state())


SPLITS = tuple(small_datasets.digits(count, 3, 3) for count in (9, 4))


def _convert_model(to: str, system: Around = nullcontext) -> Operation:
    place, hidden = PLACES.get(to, "half.safetensors"), 2 if to == "diary-static" else 1

    def prepare(folder: Path) -> None:
        write_model(network(1, hidden), folder / place, to)
        model_file.save(network(2, hidden), folder / "in.safetensors")

    def act(folder: Path) -> None:
        command("convert", folder / "in.safetensors", folder / place, "--to", to, "--force")

    return Operation(f"mlp convert --to {to}", prepare, act, (place,), system)


def _convert_data(to: str, target: str, system: Around = nullcontext) -> Operation:
    source = "in.csv" if target.endswith(".csv") else "in.npz"

    def splits(seed: int) -> Splits:
        names = (WHOLE,) if source == "in.csv" else (TRAIN, TEST)
        return {name: small_datasets.digits(k + 1, 3, 3, seed) for k, name in enumerate(names)}

    def prepare(folder: Path) -> None:
        datasets.write(splits(1), folder / target, to)
        datasets.write(splits(2), folder / source)

    def act(folder: Path) -> None:
        command("data", "convert", folder / source, folder / target, "--to", to, "--force")

    return Operation(f"mlp data convert {target} --to {to}", prepare, act, (target,), system)


def _download() -> Operation:
    files = [f"{name}.gz" for name in IDX_FILES]

    @contextmanager
    def around() -> Iterator[None]:
        with (
            TemporaryDirectory() as folder,
            mirroring(Path(folder)) as (_, urls),
            patch.object(mnist, "MIRRORS", urls),
            patch.object(mnist, "SHA256", checksums()),
            patch.dict(os.environ, no_proxy="127.0.0.1", MLP_OFFLINE=""),
        ):
            os.environ.pop("MLP_DATA_DIR", None)
            yield

    def prepare(folder: Path) -> None:
        write_idx_folder(DIGITS, folder / "cache")
        for name in files[1:3]:
            (folder / "cache" / name).unlink()

    def act(folder: Path) -> None:
        with patch.object(mnist, "cache_folder", lambda: folder / "cache"):
            mnist.load_mnist()

    targets = tuple(f"cache/{name}" for name in files)
    return Operation("downloading MNIST", prepare, act, targets, around)


def _show() -> Operation:
    def prepare(folder: Path) -> None:
        model_file.save(network(2), folder / "m.safetensors")
        (folder / "p.png").write_bytes(b"old")

    def act(folder: Path) -> None:
        options = ("--save", folder / "p.png", "--force")
        command("show", "weights", folder / "m.safetensors", "--layer", 2, *options)

    return Operation("mlp show weights --save", prepare, act, ("p.png",), most=3)


def _predict() -> Operation:
    def prepare(folder: Path) -> None:
        Image.fromarray(255 - 200 * place([draw_digit(4, 60)], 90, 90).astype(np.uint8)).save(
            folder / "photo.png"
        )
        (folder / "p.png").write_bytes(b"old")

    def act(folder: Path) -> None:
        command("predict", folder / "photo.png", "--save", folder / "p.png", "--force")

    return Operation("mlp predict --save", prepare, act, ("p.png",), most=3)


def _journal() -> Operation:
    def keep(folder: Path, *accuracies: float) -> None:
        results = [TrialResult(trial, 1, value, 1.0, 1.0) for trial, value in enumerate(accuracies)]
        SearchFolder(folder).keep(results)

    return Operation(
        "the journal of a search",
        lambda folder: keep(folder, 0.5),
        lambda folder: keep(folder, 0.5, 0.6),
        ("journal.jsonl",),
    )


def _bench_report() -> Operation:
    def write(name: str) -> Callable[[Path], None]:
        return lambda folder: report.save(
            {"a": name * 9}, f"# {name}\n" * 9, folder / "results" / "cpu"
        )

    return Operation(
        "the results of bench", write("old"), write("new"), ("results/cpu.json", "results/cpu.md")
    )


def _bench_table() -> Operation:
    def write(folder: Path, text: str) -> None:
        table.write(folder / "figures.md", text)

    def prepare(folder: Path) -> None:
        (folder / "figures.md").write_text(f"a\n{table.BEGIN}\nold\n{table.END}\nz\n")

    return Operation(
        "the table of bench", prepare, lambda folder: write(folder, "new"), ("figures.md",)
    )


def _bench_record() -> Operation:
    def add(folder: Path, commit: str) -> None:
        record.write(folder / "records.md", [[commit, *record.HEAD[1:]]])

    def prepare(folder: Path) -> None:
        (folder / "records.md").write_text(f"a\n{record.BEGIN}\n{record.END}\nz\n")
        add(folder, "old")

    return Operation(
        "a row of bench.record", prepare, lambda folder: add(folder, "new"), ("records.md",)
    )


def _bench_images() -> Operation:
    return Operation(
        "the images of bench.growth",
        lambda folder: growth.make_images(folder / "images", 2),
        lambda folder: growth.make_images(folder / "images", 3),
        ("images/train_images.npy", "images/train_labels.npy"),
    )


WRITERS = (
    _save_model(),
    _checkpoint(),
    *(_convert_model(to) for to in (*PLACES, "safetensors-half")),
    _convert_model("csv", another_system),
    _convert_data("npz", "out.npz"),
    _convert_data("csv", "out.csv"),
    *(_convert_data(to, "out") for to in ("idx", "csv", "images")),
    _convert_data("images", "out", another_system),
    _download(),
    _show(),
    _predict(),
    _journal(),
    _bench_report(),
    _bench_table(),
    _bench_record(),
    _bench_images(),
)
"""Where two have the same name, the second is on a system without Linux's calls."""
