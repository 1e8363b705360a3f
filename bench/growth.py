"""Time and memory against images, width and depth, this project alone: ``python -m bench.growth``.

Each point is trained in a process of its own. The images are random bytes in one file, made once
and kept; ``mapped`` trains from the file through a memory map, ``resident`` reads it first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from bench.harness.arm_process import ArmProcess
from bench.harness.arms import Setting, ours
from bench.harness.job import Job, write_weights
from bench.harness.machine import Provenance
from bench.harness.options import RESULTS
from bench.harness.report import save, spread, table
from mlp.benchmark.workload import CLASSES, PIXELS, SIDE, count_flop, noise
from mlp.common.atomic import replacing
from mlp.training.recipe import Recipe

BASE_IMAGES, BASE_WIDTH = 60_000, 128
BLOCK = 100_000
"""Images that are made at a time, 78 MB."""
SAMPLE_EVERY = 0.02
"""Seconds between two looks at a process's memory."""


@dataclass(frozen=True)
class Point:
    """What is trained: so many images, through these hidden layers, read in this way."""

    axis: str
    value: int
    images: int
    hidden: tuple[int, ...]
    store: str = "resident"

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths, input and output included."""
        return (PIXELS, *self.hidden, CLASSES)


@dataclass(frozen=True)
class Measurement:
    """What came of a point.

    Attributes:
        point: which.
        seconds: of each epoch.
        images_per_second: of the median epoch.
        gflop_per_second: of the median epoch, matrix products only.
        peak_bytes: the most memory that the process had of its own; pages of the mapped file,
            which the system can drop at any time, apart. None where the system does not tell.
        start_bytes: the same with this network and a single image.
    """

    point: Point
    seconds: tuple[float, ...]
    images_per_second: float
    gflop_per_second: float
    peak_bytes: int | None
    start_bytes: int | None


def points(
    images: Sequence[int], widths: Sequence[int], depths: Sequence[int], resident_limit: int
) -> Iterator[Point]:
    """List the points: images from both stores, then widths, then depths."""
    base = (BASE_WIDTH,)
    for count in images:
        yield Point("images", count, count, base, "mapped")
        if count <= resident_limit:
            yield Point("images", count, count, base)
    for width in widths:
        yield Point("width", width, BASE_IMAGES, (width,))
    for depth in depths:
        yield Point("depth", depth, BASE_IMAGES, base * depth)


def measure(point: Point, folder: Path, repeats: int) -> Measurement:
    """Train one point: an epoch of warm-up, then the epochs that count."""
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name:
        weights = str(Path(name) / "weights.npz")
        write_weights(Path(weights), point.sizes, 0)
        job = Job(
            data=str(folder),
            weights=weights,
            sizes=point.sizes,
            recipe=Recipe(lr=1e-3, schedule="constant", warmup=0.0),  # noise is not to be learnt
        )
        empty, _ = _train(replace(job, count=1), 0)
        options = {"mapped": point.store == "mapped"}
        peak, seconds = _train(replace(job, count=point.images, options=options), repeats)
    middle = median(seconds)
    return Measurement(
        point,
        tuple(seconds),
        point.images / middle,
        count_flop(point.sizes, point.images) / middle / 1e9,
        peak,
        empty,
    )


def make_images(folder: Path, count: int) -> None:
    """Write so many random images and labels, unless as many are there."""
    path = folder / "train_images.npy"
    if path.exists() and len(np.load(path, mmap_mode="r")) >= count:
        return
    folder.mkdir(parents=True, exist_ok=True)
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, SIDE, SIDE)}
    labels = np.empty(count, np.uint8)
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, count, BLOCK):
            block = noise(min(BLOCK, count - start), seed=start)
            file.write(block.images.tobytes())
            labels[start : start + BLOCK] = block.labels
        with replacing(folder / "train_labels.npy") as other:
            np.save(other, labels)


def markdown(measurements: list[Measurement], provenance: Provenance) -> str:
    """Write a table for each axis."""
    parts = ["# Growth\n", f"{provenance}\n"]
    for axis in dict.fromkeys(m.point.axis for m in measurements):
        rows = [_row(m) for m in measurements if m.point.axis == axis]
        head = [axis, "images are", "s an epoch", "images/s", "GFLOP/s", "own memory, MiB"]
        parts += [f"## {axis}\n", table(head, rows)]
    parts.append(
        "Own memory is what the process has more than with a single image; mapped pages apart."
    )
    return "\n".join(parts) + "\n"


def _row(m: Measurement) -> list[str]:
    own = "–"
    if m.peak_bytes is not None and m.start_bytes is not None:
        own = f"{(m.peak_bytes - m.start_bytes) / 2**20:,.0f}"
    throughput, speed = f"{m.images_per_second:,.0f}", f"{m.gflop_per_second:.1f}"
    return [f"{m.point.value:,}", m.point.store, spread(m.seconds), throughput, speed, own]


def _train(job: Job, repeats: int) -> tuple[int | None, list[float]]:
    """Train in a new process; return its peak memory and the seconds of the epochs that count."""
    with ArmProcess(ours(), Setting(job.options)) as process, _watch(process.pid) as peak:
        process.prepare(job)
        process.train()
        seconds = [process.train() for _ in range(repeats)]
    return peak[0], seconds


@contextmanager
def _watch(pid: int) -> Iterator[list[int | None]]:
    """Look at a process's memory again and again; the list's one element is the peak so far."""
    peak, done = [_own_bytes(pid)], threading.Event()

    def look() -> None:
        while not done.wait(SAMPLE_EVERY):
            now = _own_bytes(pid)
            if now is not None:
                peak[0] = max(peak[0] or 0, now)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _own_bytes(pid: int) -> int | None:
    """Read a process's anonymous resident memory, which leaves mapped files out (Linux only)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = (int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))
    return next(found, None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument(
        "--images", type=int, nargs="*", default=[10_000, 100_000, 1_000_000, 10_000_000]
    )
    parser.add_argument("--widths", type=int, nargs="*", default=[16, 64, 256, 1_024, 4_096])
    parser.add_argument("--depths", type=int, nargs="*", default=[1, 2, 4, 8, 16])
    parser.add_argument(
        "--resident-limit", type=int, default=1_000_000, help="most images read into memory"
    )
    parser.add_argument("--repeats", type=int, default=3, help="epochs that count")
    parser.add_argument(
        "--folder", type=Path, required=True, help="for the images: 784 bytes each, kept"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the results")
    options = parser.parse_args(arguments)
    provenance = Provenance()
    make_images(options.folder, max([BASE_IMAGES, *options.images]))
    measurements = []
    for point in points(options.images, options.widths, options.depths, options.resident_limit):
        print(f"{point.axis} {point.value:,} {point.store} ...", file=sys.stderr, flush=True)
        measurements.append(measure(point, options.folder, options.repeats))
    text = markdown(measurements, provenance)
    results = {"machine": provenance.to_dict(), "measurements": [asdict(m) for m in measurements]}
    save(results, text, options.out / "growth")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
