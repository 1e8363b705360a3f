"""What it costs a training to be watched: ``python -m bench.watching`` prints a ratio of times.

The default network trains on MNIST again and again, each time an epoch: by turns alone, and with
`mlp.training.runs.watched.Watched` while the server of ``mlp watch`` runs beside it and somebody
reads its events. The watched time of each pair is divided by the other one's; every other pair is
turned round. Where other programs keep the machine busy the ratios of time say little; those of the
processor's seconds say more, with one worker (``taskset -c 0``): several poll while they wait.
What the callback takes of the training's thread, and what the server takes besides, of cores that
the training may want, is also counted by itself. A browser on the same machine draws as well.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path
from typing import Any, NamedTuple

import mlp
from mlp.training.runs.watch_files import WatchFiles
from mlp.training.runs.watched import Watched
from mlp.web.watch_process import page_apart

_READER = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1] + "api/events") as events:
    for line in events:
        if line.startswith(b"data:"):
            print(len(line), flush=True)
"""


class Counted(Watched):
    """Counts the processor's seconds that it takes of the training's thread."""

    seconds = 0.0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in CALLED:
            return found

        def counted(*arguments: Any) -> Any:
            start = time.thread_time()
            try:
                return found(*arguments)
            finally:
                Counted.seconds += time.thread_time() - start

        return counted


CALLED = ("wants_state", "on_state", "on_epoch_begin", "on_epoch_measured", "on_epoch_end")


def seconds_of(process: int) -> float:
    """Return the processor's seconds that a process has taken, on Linux."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def reader(address: str) -> Iterator[list[str]]:
    """Read the events in a process of its own while the block runs; a line each, when it ends."""
    command = [sys.executable, "-c", _READER, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        lines: list[str] = []
        yield lines
        process.kill()
        lines += process.stdout.read().splitlines()


class Taken(NamedTuple):
    """The seconds of a training: by the clock, and of the processor in this process."""

    clock: float
    processor: float


def train(data: mlp.Dataset, epochs: int, folder: Path | None) -> Taken:
    """Train a new network."""
    model = mlp.MLP([data.pixels, 256, 128, data.classes])
    watched = [Counted(WatchFiles(folder))] if folder is not None else []
    clock, processor = time.perf_counter(), time.process_time()
    mlp.train(model, data, mlp.Recipe(epochs=epochs), callbacks=watched)
    return Taken(time.perf_counter() - clock, time.process_time() - processor)


def main() -> None:
    """Measure pairs, and print the median of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    data = mlp.load_dataset(options.dataset)
    ratios: list[Taken] = []
    events, seconds, served = 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with page_apart(folder, "bench", browser=False) as address:
            (server,) = (child.pid for child in active_children() if child.pid)
            train(data, options.epochs, None)  # warms the caches
            for pair in range(options.pairs):
                times: dict[bool, Taken] = {}
                for watched in (False, True) if pair % 2 else (True, False):
                    if not watched:
                        times[watched] = train(data, options.epochs, None)
                        continue
                    with reader(address) as lines:
                        before = seconds_of(server)
                        times[watched] = train(data, options.epochs, folder)
                        served += seconds_of(server) - before
                    events += len(lines)
                    seconds += times[watched].clock
                pairs = zip(times[True], times[False], strict=True)
                ratios.append(Taken(*(one / other for one, other in pairs)))
                print(f"pair {pair + 1}: {ratios[-1]}", file=sys.stderr)
    for name, values in zip(Taken._fields, zip(*ratios, strict=True), strict=True):
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"{name}: watched, {middle:.3f} ({low:.3f} to {high:.3f}) of the time alone")
    print(
        f"{events / seconds:.1f} moments a second; of a core, the callback takes "
        f"{Counted.seconds / seconds:.2%}, and the server {served / seconds:.2%}"
    )


if __name__ == "__main__":
    main()
