"""Writes the files of this version into the zoo: ``python tests/zoo/write.py``.

They are models and checkpoints of a tiny network, with what they answer, and the digits that it
learns from. Run it once for each version that is published, before it is; files that are there
stay as they are, since their version wrote them.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

import mlp
from mlp import MLP, Recipe, predict, save, train
from mlp.common.atomic import replacing_folder
from mlp.common.version import package_version
from mlp.data.dataset import Dataset, Split
from mlp.data.formats import convert as datasets
from mlp.models.metadata import metadata_of
from mlp.models.predict import probabilities
from mlp.training.callbacks import Callback
from mlp.training.run import Run
from mlp.training.state import TrainingState, load_state, save_state

ZOO = Path(__file__).parent
SIZES = (16, 5, 3)
DIGITS = "digits.npz"

RECIPES = {
    "plain": Recipe(epochs=3, batch_size=8),
    "much": Recipe(
        epochs=3,
        batch_size=8,
        nesterov=True,
        lr=0.1,
        schedule="cosine",
        dropout=0.2,
        augment="affine",
        validation=12,
        keep="best",
        average="ema(0.9)",
    ),
}
"""Of the checkpoints: one that keeps little beside the parameters, and one that keeps much."""


def digits(folder: Path) -> Dataset:
    """Read the digits that a version's networks learn from, 4 x 4 pixels of three classes."""
    splits = datasets.read_splits(folder / DIGITS, classes=SIZES[-1])
    return Dataset("zoo", "the zoo", SIZES[-1], splits["train"], splits["test"])


def make_digits(count: int, seed: int) -> Split:
    """Draw a bar in one of three places, and noise."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % SIZES[-1]).astype(np.uint8)  # (N,)
    images = rng.integers(0, 90, (count, 4, 4), dtype=np.uint8)  # (N, 4, 4)
    images[np.arange(count), :, labels] += 160
    return Split(images, labels)


def answers(model: MLP, images: Any) -> dict[str, Any]:
    """Gather what a model answers, and what it knows of itself."""
    about = metadata_of(model).to_json()
    return {
        "sizes": list(model.sizes),
        "activation": model.activation,
        "output": model.output,
        "bias": model.bias,
        "dtype": model.dtype,
        "parameters": sha256(model.backend.to_numpy(model.parameters).tobytes()).hexdigest(),
        "probabilities": probabilities(model, images).tolist(),
        "classes": predict(model, images).tolist(),
        "about": json.loads(json.dumps(about)),
    }


def reached(state: TrainingState) -> dict[str, Any]:
    """Gather what a checkpoint holds."""
    arrays = {"finished": state.finished, "now": state.progress.parameters}
    return {
        "epoch": state.epoch,
        "update": state.progress.update,
        "recipe": state.recipe,
        "measured": len(state.history),
        "callbacks": sorted(state.callbacks),
        **{name: sha256(array.tobytes()).hexdigest() for name, array in arrays.items()},
    }


def resume(path: Path, dataset: Dataset) -> MLP:
    """Go on from a checkpoint, by its own recipe, to the end of the run."""
    state = load_state(path)
    network = {key: state.network[key] for key in ("activation", "output", "bias", "dtype")}
    model = MLP(state.network["sizes"], **network)
    train(model, dataset, Recipe(**state.recipe), state=state)
    return model


class KeepWithin(Callback):
    """Keeps the state two updates into the second epoch."""

    kept: TrainingState | None = None

    def wants_state(self, run: Run) -> bool:
        """Ask at every update, as long as nothing is kept."""
        return run.epoch == 1 and self.kept is None

    def on_state(self, run: Run) -> None:
        """Keep the state."""
        self.kept = run.state()


def write(folder: Path) -> None:
    """Write a version's files.

    Raises:
        FileExistsError: if it has some already.
    """
    if folder.exists():
        raise FileExistsError(folder)
    with replacing_folder(folder) as new:
        _write(new)


def _write(folder: Path) -> None:
    splits = {"train": make_digits(60, 0), "test": make_digits(15, 1)}
    datasets.write(splits, folder / DIGITS)
    dataset = digits(folder)
    images = dataset.test.images[:3]
    for name, dtype, stored in (
        ("float32", "float32", None),
        ("float64", "float64", None),
        ("half", "float32", "float16"),
    ):
        model = MLP(SIZES, dtype=dtype, seed=1)
        _write_model(model, folder / f"model-{name}", images, stored)
    model = MLP(SIZES, activation="tanh", seed=2)
    train(model, dataset, Recipe(epochs=3, batch_size=8, validation=12))
    _write_model(model, folder / "model-trained", images)
    for name, recipe in RECIPES.items():
        keep = KeepWithin()
        train(MLP(SIZES, seed=3), dataset, recipe, callbacks=[keep])
        assert keep.kept is not None
        path = folder / f"checkpoint-{name}.safetensors"
        save_state(keep.kept, path)
        told = reached(load_state(path)) | {"end": answers(resume(path, dataset), images)}
        _write_json(path, told)


def _write_model(model: MLP, path: Path, images: Any, stored: str | None = None) -> None:
    path = path.with_suffix(".safetensors")
    save(model, path, stored=stored)
    _write_json(path, answers(mlp.load(path), images))


def _write_json(path: Path, told: dict[str, Any]) -> None:
    path.with_suffix(".json").write_text(json.dumps(told, indent=1, default=list) + "\n")


def main() -> int:
    """Write the files of this version; return the exit code."""
    try:
        write(ZOO / package_version())
    except FileExistsError:
        print(f"version {package_version()} is in the zoo already", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
