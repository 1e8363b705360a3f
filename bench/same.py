"""Whether this tree computes the same bytes as another commit: ``python -m bench.same COMMIT``.

Both trees train the same networks from the same seeds, each as a command of its own: every preset
for an epoch, and what no preset touches. The arrays of the model files are compared byte by byte,
their metadata key by key, seconds apart. With ``--pictures``, both also read every picture of these
folders, and what they answer is compared. The long presets run on few synthetic digits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from safetensors import safe_open

from bench.harness.report import table
from mlp.training.presets.preset import load_preset, preset_names

ROOT = Path(__file__).resolve().parent.parent
FEW = ("--dataset", "synthetic:2000+500")
"""The images of a long preset, and of what needs no more."""

BESIDES = {
    "the default": (),
    "the default, on one core": (),
    "float64": ("--dtype", "float64", *FEW),
    "full batch": ("--batch-size", "full", "--epochs", "5"),
    "full batch, float64, wide": (
        *("--batch-size", "full", "--epochs", "5", "--hidden", "1024,1024", "--dtype", "float64"),
        *FEW,
    ),
    "dropout, max-norm": (
        *("--dropout", "0.5", "--input-dropout", "0.2", "--max-norm", "2", "--epochs", "3"),
        *FEW,
    ),
    "dropout, full batch": (
        *("--dropout", "0.5", "--max-norm", "2", "--batch-size", "full", "--epochs", "5"),
        *FEW,
    ),
    "augmentation": ("--augment", "affine,elastic,thickness", *FEW),
    "augmentation, full batch": (
        *("--augment", "affine(10, 0.1, 1),elastic", "--batch-size", "full", "--epochs", "3"),
        *FEW,
    ),
    "nesterov, decay, clipping": (
        *("--nesterov", "--weight-decay", "1e-4", "--clip-norm", "1", "--schedule", "step(1, 0.5)"),
        *("--epochs", "3", "--batch-size", "50", *FEW),
    ),
    "no captured steps": ("--no-graph", *FEW),
    "no hidden layer": ("--hidden", "none", *FEW),
    "tanh, accuracy while running": (
        *("--activation", "tanh", "--hidden", "64", "--train-accuracy", "running", *FEW),
    ),
    "binary": ("--task", "binary", "--positive", "0,2,4,6,8", *FEW),
    "multilabel": ("--task", "multilabel", *FEW),
    "validation": ("--validation", "0.1", "--epochs", "2", *FEW),
    "visual, none held out": ("--preset", "visual", "--validation", "0"),
}
"""What is trained besides the presets: names, and arguments of ``mlp train``."""

ONE_CORE = frozenset({"the default, on one core"})


@dataclass(frozen=True)
class Outcome:
    """What a command left behind.

    Attributes:
        digest: of the arrays, or of what was printed; None if the command failed.
        values: the metadata or what was printed, by path of keys.
        error: the last line that a failed command wrote.
    """

    digest: str | None
    values: dict[str, Any]
    error: str = ""


@dataclass(frozen=True)
class Row:
    """A command's name, and what it left behind in this tree and in the other."""

    name: str
    here: Outcome
    there: Outcome

    @property
    def same_arrays(self) -> bool:
        """Whether both succeeded with the same arrays or answers."""
        return self.here.digest == self.there.digest is not None

    @property
    def keys(self) -> list[str]:
        """The paths of values that differ, the numbers of list elements left out.

        A path begins with ``+`` if this tree alone has it, and with ``-`` if the other alone has.
        """
        here, there = self.here.values, self.there.values
        found = set()
        for path in here.keys() | there.keys():
            name = ".".join(part for part in path.split("\n") if not part.isdigit())
            if path not in there:
                found.add(f"+{name}")
            elif path not in here:
                found.add(f"-{name}")
            elif here[path] != there[path]:
                found.add(name)
        return sorted(found)

    def cells(self) -> list[str]:
        """Return the row of the table."""
        here, there = self.here, self.there
        digest = (here.digest or "failed")[:12]
        if here.digest is None or there.digest is None:
            errors = f"here: {here.error or 'done'}; there: {there.error or 'done'}"
            return [self.name, digest, errors, ""]
        arrays = "same" if here.digest == there.digest else f"DIFFER: there {there.digest[:12]}"
        return [self.name, digest, arrays, "same" if not self.keys else ", ".join(self.keys)]


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Make a worktree of a commit, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="mlp-same-") as name:
        tree = Path(name) / "tree"
        _git("worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def commands(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield names with arguments of ``mlp train``: the presets, and what there is besides.

    Args:
        names: parts of the names to keep; none for all.
    """
    for name, arguments in chain(_presets(), BESIDES.items()):
        if not names or any(part in name for part in names):
            yield name, arguments


def _presets() -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in preset_names():
        preset = load_preset(name)
        if preset.members > 1:  # trained one by one, as the preset that it is like
            continue
        # Of a full batch, the third update is the first that replays what was recorded.
        epochs = 5 if preset.recipe.batch_size == "full" else 1
        warmup = min(preset.recipe.warmup, 0.5)
        arguments = ("--preset", name, "--epochs", str(epochs), "--warmup", str(warmup))
        yield name, (*arguments, *(FEW if preset.long else ()))


def train(tree: Path, name: str, arguments: Sequence[str], folder: Path) -> Outcome:
    """Train in a tree and look at the model file."""
    out = folder / "model.safetensors"
    out.unlink(missing_ok=True)
    epochs = () if "--epochs" in arguments else ("--epochs", "1")
    command = ("train", "--seed", "1", "--device", "cpu", "--out", str(out), *epochs, *arguments)
    done = _mlp(tree, command, folder, one_core=name in ONE_CORE)
    return _read_model(out) if out.exists() else _failed(done)


def predict(tree: Path, pictures: Path, options: Sequence[str], folder: Path) -> Outcome:
    """Read a folder's pictures in a tree."""
    done = _mlp(tree, ("predict", "--json", "--device", "cpu", *options, str(pictures)), folder)
    try:
        answers = json.loads(done.stdout)
    except ValueError:
        return _failed(done)
    return Outcome(_digest(done.stdout.encode()), dict(_flat(answers)))


def _mlp(
    tree: Path, arguments: Sequence[str], folder: Path, *, one_core: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a tree's command in another folder, so that no other tree's package is found first."""
    return subprocess.run(
        [sys.executable, "-m", "mlp", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_keep_one_core if one_core and hasattr(os, "sched_setaffinity") else None,
    )


def _keep_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _read_model(path: Path) -> Outcome:
    with safe_open(path, framework="np") as file:
        parts = [
            f"{key} {(array := file.get_tensor(key)).dtype} {array.shape}".encode()
            + array.tobytes()
            for key in sorted(file.keys())
        ]
        metadata = json.loads(file.metadata()["mlp"])
    return Outcome(_digest(b"".join(parts)), dict(_flat(metadata)))


def _failed(done: subprocess.CompletedProcess[str]) -> Outcome:
    lines = done.stderr.strip().splitlines()
    return Outcome(None, {}, lines[-1] if lines else f"exit code {done.returncode}")


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield what a JSON value holds by its path of keys, without the seconds."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            if key != "seconds":
                yield from _flat(part, (*path, str(key)))
    else:
        yield "\n".join(path), value


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git(*arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"bench.same: {done.stderr.strip()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m bench.same", description=__doc__)
    parser.add_argument("commit", help="what to compare this tree with")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument(
        "--presets", nargs="*", default=[], metavar="NAME", help="parts of the names to run"
    )
    options = parser.parse_args(arguments)
    rows = []
    with checked_out(options.commit) as there, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, given in commands(options.presets):
            print(f"{title} ...", file=sys.stderr, flush=True)
            both = (train(tree, title, given, folder) for tree in (ROOT, there))
            rows.append(Row(title, *both))
        for pictures in options.pictures:
            for extra in ((), ("--many",)):
                title = " ".join(("predict", *extra, pictures.name))
                print(f"{title} ...", file=sys.stderr, flush=True)
                where = pictures.resolve()
                both = (predict(tree, where, extra, folder) for tree in (ROOT, there))
                rows.append(Row(title, *both))
    head = ["what", "digest here", f"arrays or answers at {options.commit}", "metadata differs in"]
    print(table(head, [row.cells() for row in rows]))
    same, exact = sum(row.same_arrays for row in rows), sum(not row.keys for row in rows)
    print(f"Of {len(rows)}, {same} have the same arrays or answers, {exact} the same metadata.")
    return 0 if same == exact == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
