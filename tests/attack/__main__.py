"""Kills and signals at random moments: ``python -m tests.attack --attacks 400 --seed 1``.

It prints a table of what was attacked how often, and what was lost and left. Each loss is told on
stderr with the number of its attack; ``--only N`` repeats that one. Ctrl-C ends it with the table.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from attacks import ATTACKS, FAULTS, Targets, attack  # noqa: E402 - found by that path


def main() -> None:
    """Attack as often as asked, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attacks", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    numbers = range(options.attacks) if options.only is None else [options.only]
    tried: Counter[str] = Counter()
    faults: Counter[tuple[str, str]] = Counter()
    with TemporaryDirectory() as name:
        targets = Targets(Path(name))
        with suppress(KeyboardInterrupt):  # what has been tried is told
            for number in numbers:
                kind = list(ATTACKS)[number % len(ATTACKS)]
                tried[kind] += 1
                for fault, what in attack(kind, targets, options.seed, number).items():
                    faults[kind, fault] += 1
                    if not fault.startswith("("):
                        print(
                            f"attack {number}, {kind}: {fault}: {what}", file=sys.stderr, flush=True
                        )
    print(f"| attack | tries | {' | '.join(FAULTS)} |\n| --- |{' ---: |' * (len(FAULTS) + 1)}")
    for kind in ATTACKS:
        cells = [tried[kind], *(faults[kind, fault] for fault in FAULTS)]
        print(f"| {kind} | {' | '.join(map(str, cells))} |")
    sums = [tried.total(), *(sum(faults[k, fault] for k in ATTACKS) for fault in FAULTS)]
    print(f"| all | {' | '.join(map(str, sums))} |")


if __name__ == "__main__":
    main()
