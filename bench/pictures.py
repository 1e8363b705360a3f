"""How many pictures a second ``mlp predict FOLDER`` reads, and the most memory that it takes.

``python -m bench.pictures`` draws digits on pictures of 28 x 28, 1,000 x 750 and 4,000 x 3,000
pixels into a temporary folder, reads each kind in a process of its own, and prints the pictures a
second from a few to all of them, with the peak of the memory of the process and its children.
``--tree DIR`` measures another checkout in turn with this one, and tells the ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mlp.data.load import load_dataset

ROOT = Path(__file__).parents[1]
KINDS = {"28": (28, 28, "png", 1_000), "1000": (1_000, 750, "jpg", 100),
         "12mp": (4_000, 3_000, "jpg", 24)}  # fmt: skip
"""Width, height, format and number of pictures."""


def draw(kind: str, count: int, folder: Path) -> Path:
    """Write pictures of one digit each; on large ones it fills some of a grainy page."""
    width, height, ending, _ = KINDS[kind]
    place = folder / f"{kind}-{count}"
    place.mkdir()
    rng = np.random.default_rng(0)
    digits = load_dataset("synthetic:2000+10").train.images
    for i in range(count):
        digit = Image.fromarray(255 - digits[i % len(digits)])
        if width > 28:
            side = int(height * 0.6)
            pixels = np.full((height, width), 255.0, np.float32)
            top, left = (height - side) // 2, int(rng.integers(0, width - side))
            scaled = digit.resize((side, side), Image.Resampling.BICUBIC)
            pixels[top : top + side, left : left + side] = np.asarray(scaled)
            grain = rng.normal(0, 3, (-(-height // 4), width // 4)).astype(np.float32)
            grain = grain.repeat(4, axis=0).repeat(4, axis=1)[:height]
            pixels = 40 + 0.75 * pixels + grain
            tinted = pixels[..., None] * np.array([1.0, 0.98, 0.92], np.float32)  # in lamplight
            digit = Image.fromarray(tinted.clip(0, 255).astype(np.uint8))
        digit.save(place / f"{i:05}.{ending}")
    return place


def read(folder: Path, tree: Path) -> tuple[float, int]:
    """Read a folder by a checkout; return the seconds and the peak of all processes in MB."""
    command = [sys.executable, "-m", "mlp", "predict", str(folder), "--device", "cpu", "--json"]
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.02)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - start, peak


def _memory(pid: int) -> int:
    """Add up what a process and those below it hold of memory that no other shares, in MB."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) >> 10
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += _memory(int(child))
    except (OSError, ValueError):  # it has just ended
        pass
    return total


def main() -> None:
    """Measure each kind of picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--tree", type=Path, help="another checkout to compare with")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--counts", default="", help="numbers of pictures, in place of the usual")
    options = parser.parse_args()
    trees = {"here": ROOT} | ({"there": options.tree.resolve()} if options.tree else {})
    counts = [int(count) for count in options.counts.split(",") if count]
    print(f"{'':8}{'tree':>8}{'few':>8}{'all':>8}{'pictures/s':>12}{'MB few':>8}{'MB all':>8}")
    for kind in options.kinds.split(","):
        many = counts[0] if counts else KINDS[kind][3]
        few = max(2, many // 10)
        with tempfile.TemporaryDirectory() as name:
            folders = [draw(kind, count, Path(name)) for count in (few, many)]
            speeds: dict[str, list[float]] = {tree: [] for tree in trees}
            for _ in range(options.repeats):
                for tree, path in trees.items():
                    (short, low), (long, high) = (read(folder, path) for folder in folders)
                    speed = (many - few) / max(long - short, 1e-9)
                    speeds[tree].append(speed)
                    print(f"{kind:8}{tree:>8}{few:>8,}{many:>8,}{speed:>12,.1f}{low:>8}{high:>8}",
                          flush=True)  # fmt: skip
            medians = {tree: statistics.median(found) for tree, found in speeds.items()}
            told = ", ".join(f"{tree} {speed:,.1f}/s" for tree, speed in medians.items())
            ratio = f", ratio {medians['here'] / medians['there']:.2f}" if options.tree else ""
            print(f"{kind}: {told}{ratio}", flush=True)


if __name__ == "__main__":
    main()
