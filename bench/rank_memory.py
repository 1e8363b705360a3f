"""What each of several ranks keeps in memory: ``python -m bench.rank_memory``.

All ranks of this machine make a few updates of 784-128-10 on images that lie in files, of which
large ones are mapped, as `mlp train` does it. The images are a hole in their file, so that they
take no room on the disk. What a process needs with a single batch of images, most of it Python,
NumPy and MPI, is subtracted.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness.machine import Provenance
from bench.harness.options import RESULTS
from bench.harness.report import save, table
from bench.scale import launch
from mlp.benchmark.workload import CLASSES, PIXELS, SIDE
from mlp.common.errors import UsageError
from mlp.data.formats.idx_folder import IDX_FILES, load_idx_folder
from mlp.nn.network import MLP
from mlp.training.executors.executor import Pause
from mlp.training.ranks.launcher import join
from mlp.training.ranks.ranks import Ranks
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

BATCH, UPDATES, TESTED = 128, 5, 16

LINES = {"private": ("Private_Clean:", "Private_Dirty:"), "share": ("Pss_Anon:", "Pss_Shmem:"),
         "resident": ("Rss:",)}  # fmt: skip
"""What is told of a process, as sums of lines of Linux's ``smaps_rollup``: pages that it alone has;
its share of all memory that is no file's, a page that two have counting half; and all pages."""


def write_images(folder: Path, count: int) -> None:
    """Write IDX files of so many training images, all of them a hole, and of their labels."""
    train, labels, test, test_labels = (folder / name for name in IDX_FILES)
    for path, images in ((train, count), (test, TESTED)):
        with path.open("wb") as file:
            file.write(struct.pack(">4B3I", 0, 0, 8, 3, images, SIDE, SIDE))
            file.truncate(file.tell() + images * PIXELS)
    for path, images in ((labels, count), (test_labels, TESTED)):
        with path.open("wb") as file:
            file.write(struct.pack(">4BI", 0, 0, 8, 1, images))
            file.write((np.arange(images) % CLASSES).astype(np.uint8).tobytes())


def measure(ranks: Ranks, folder: Path) -> list[dict[str, int]]:
    """Train as one of the ranks, and return what each has in memory, in bytes, by the names above.

    Args:
        ranks: who trains together.
        folder: what `write_images` wrote.
    """
    images = ranks.share(lambda: load_idx_folder(folder, classes=CLASSES))
    recipe = Recipe(batch_size=BATCH, lr=1e-3, schedule="constant", warmup=0.0)
    trainer = Trainer(MLP([PIXELS, 128, CLASSES]), images.train, recipe, ranks)
    trainer.epoch(0, pause=Pause(lambda: True, lambda update: update == UPDATES))
    for array in (images.train.images, images.train.labels, trainer.order):
        if not isinstance(array, np.memmap):  # whose pages are the system's
            array.max()  # as every page is read in the course of an epoch
    ranks.all_gather(None)
    return ranks.all_gather(own_memory())


def own_memory() -> dict[str, int]:
    """Read what this process has in memory, in bytes, by the names of `LINES`.

    Raises:
        UsageError: if the system does not tell.
    """
    try:
        lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise UsageError(f"only Linux tells what a process shares ({error.strerror})") from None
    told = {name: int(value.split()[0]) << 10 for name, value in _fields(lines)}
    return {what: sum(told.get(name, 0) for name in names) for what, names in LINES.items()}


def _fields(lines: Sequence[str]) -> list[tuple[str, str]]:
    split = (line.split(None, 1) for line in lines)
    return [(name, value) for name, value in split if name.endswith(":")]


def markdown(found: dict[int, dict[int, list[dict[str, int]]]], base: dict[str, int]) -> str:
    """Write the table: the largest of the ranks in each column.

    Args:
        found: what `measure` found, by the images and by the ranks.
        base: what one rank has with a single batch of images.
    """
    rows = []
    for images, by_ranks in found.items():
        first: dict[str, int] = {}
        for count, each in by_ranks.items():
            most = {what: max(one[what] - base[what] for one in each) for what in LINES}
            first = first or most
            cells = [f"{most[what] / 2**20:,.0f}" for what in LINES]
            ratio = f"{most['share'] / first['share']:.0%}" if first["share"] > 0 else "–"
            rows.append([f"{images:,}", str(count), *cells, ratio])
    head = ["images", "ranks", "private, MiB", "own share, MiB", "resident, MiB", "share of first"]
    return table(head, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", default="1,2", help="numbers of ranks, with commas")
    parser.add_argument(
        "--images", default="300000,10000000", help="numbers of images, with commas"
    )
    parser.add_argument("--folder", type=Path, help="for the files; else a temporary one")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the results")
    parser.add_argument("--as-rank", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.as_rank is not None:
        ranks = join()
        found = measure(ranks, asked.as_rank)
        if ranks.rank == 0:
            print(json.dumps(found))
        return 0
    provenance = Provenance()
    images, counts = ([int(n) for n in told.split(",")] for told in (asked.images, asked.ranks))
    try:
        (base,) = _started(BATCH, 1, asked.folder)
        measured = {
            n: {count: _started(n, count, asked.folder) for count in counts} for n in images
        }
    except UsageError as error:
        print(f"bench.rank_memory: {error}", file=sys.stderr)
        return 2
    text = f"# Memory of ranks\n\n{provenance}\n\n{markdown(measured, base)}"
    print(text)
    document = {"provenance": provenance.to_dict(), "base": base, "measured": measured}
    save(document, text, asked.out / "rank_memory")
    return 0


def _started(images: int, count: int, folder: Path | None) -> Any:
    """Let so many ranks train on so many images, and return what each has in memory."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        write_images(Path(name), images)
        return launch(count, "bench.rank_memory", ["--as-rank", name])


if __name__ == "__main__":
    sys.exit(main())
