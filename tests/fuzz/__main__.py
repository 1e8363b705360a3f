"""Attacks a parser, or all: ``python -m tests.fuzz [NAME] --seconds N --seed S --guided``."""

from __future__ import annotations

import argparse
import hashlib
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from fuzz import Guide, Tally, Target, attack  # noqa: E402 - found by that path
from fuzz_apart import apart  # noqa: E402
from fuzz_reach import Reach  # noqa: E402
from fuzz_targets import TARGETS  # noqa: E402

FOUND = Path(__file__).parent / "found"


def main() -> None:
    """Print a line of Markdown for each parser; keep what was a fault; end with 1 if there was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *TARGETS])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, help="end after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--guided",
        action="store_true",
        help="change on what reached new lines, and count these; each input takes longer",
    )
    options = parser.parse_args()
    print("| parser | inputs | refused | lines | faults | slowest, s | peak, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    faults = 0
    for name in options.names or TARGETS:
        tally, lines = apart(partial(_attack, TARGETS[name], options))
        print(
            f"| {name} | {tally.tries:,} | {tally.refused:,} | {lines} | {len(tally.faults)} | "
            f"{tally.slowest:.2f} | {tally.peak:.0f} |",
            flush=True,
        )
        for fault, content in tally.faults.items():
            kept = FOUND / f"{name}.{hashlib.sha256(content).hexdigest()[:12]}"
            kept.write_bytes(content)
            print(f"{fault}: kept in {kept}", file=sys.stderr)
        faults += len(tally.faults)
    sys.exit(faults > 0)


def _attack(
    target: Target, options: argparse.Namespace, before: Callable[[bytes], object]
) -> tuple[Tally, str]:
    """Attack as the options say; return how many lines were reached, too, of how many."""
    warnings.simplefilter("ignore")
    guide = Reach() if options.guided else Guide()
    tally = attack(
        target, options.seconds, options.seed, options.inputs, guide, before, strict=True
    )
    if not isinstance(guide, Reach) or not target.modules:
        return tally, "-"
    return tally, "{:,} of {:,}".format(*guide.reached(target.modules))


if __name__ == "__main__":
    main()
