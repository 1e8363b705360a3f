"""How many rows a second ``mlp predict --rows`` answers, and the most memory that it takes.

``python -m bench.rows`` writes files of 10,000 and of 1,000,000 rows of 784 pixels (``--rows``
changes the latter) in a temporary folder, lets a network of 784-256-128-10 answer each in a process
of its own, and prints the rows a second from the first to the last and the peak of its memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import mlp
from bench.harness.arm_process import PINS
from mlp.data.dataset import Split
from mlp.data.formats.csv import write_csv
from mlp.data.formats.idx import write_idx
from mlp.data.load import load_dataset

FORMS = ("npz", "packed.npz", "npy", "idx", "csv")
FEW = 10_000
_CHILD = """
import sys
from mlp.cli import main
try:
    main()
finally:
    lines = open("/proc/self/status").read().splitlines()
    peak = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    print(int(peak) >> 10, file=sys.stderr)
"""


def write(form: str, images: np.ndarray, folder: Path) -> Path:
    """Write images, shape (N, 28, 28), in a form."""
    path = folder / f"{len(images)}.{form}"
    match form:
        case "npz":
            np.savez(path, X=images)
        case "packed.npz":
            np.savez_compressed(path, X=images)
        case "npy":
            np.save(path, images)
        case "idx":
            write_idx(path, images)
        case "csv":
            write_csv(Split(images, np.zeros(len(images), np.uint8)), path)
    return path


def answer(path: Path, model: Path) -> tuple[float, int]:
    """Answer a file; return the seconds, imports included, and the peak of the memory in MB."""
    command = ("predict", "--rows", str(path), "--model", str(model), "--device", "cpu")
    environment = {name: value for name, value in os.environ.items() if name not in PINS}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *command, "--out", f"{path}.out.csv", "--force"],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return time.perf_counter() - start, int(done.stderr.splitlines()[-1])


def main() -> None:
    """Measure each form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    drawn = load_dataset("synthetic:5000+10").train.images
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model.safetensors"
        mlp.save(mlp.MLP([784, 256, 128, 10], seed=0), model)
        print(f"{'':12}{'rows':>10}{'seconds':>10}{'rows/s':>10}{'peak MB':>10}")
        for form in options.forms.split(","):
            files = {}
            for count in (FEW, options.rows):
                images = drawn[np.arange(count) % len(drawn)]
                files[count] = write(form, images, folder)
                del images
            few, many = [], []
            for _ in range(options.repeats):
                few.append(answer(files[FEW], model))
                many.append(answer(files[options.rows], model))
            start = float(np.median([seconds for seconds, _ in few]))
            for count, runs in ((FEW, few), (options.rows, many)):
                seconds = float(np.median([seconds for seconds, _ in runs]))
                speed = (count - FEW) / (seconds - start) if count > FEW else float("nan")
                peak = max(peak for _, peak in runs)
                print(
                    f"{form:12}{count:>10,}{seconds:>10.2f}{speed:>10,.0f}{peak:>10,}", flush=True
                )
                files[count].unlink()


if __name__ == "__main__":
    main()
