"""Attacks a parser, or all: ``python -m tests.fuzz [NAME] --seconds N --seed S``."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from fuzz import attack  # noqa: E402 - found by that path
from fuzz_targets import TARGETS  # noqa: E402

FOUND = Path(__file__).parent / "found"


def main() -> None:
    """Print a line of Markdown for each parser; keep what was a fault; end with 1 if there was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *TARGETS])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| parser | inputs | refused | faults | slowest, s | peak, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    faults = 0
    for name in options.names or TARGETS:
        tally = attack(TARGETS[name], options.seconds, options.seed)
        print(
            f"| {name} | {tally.tries:,} | {tally.refused:,} | {len(tally.faults)} | "
            f"{tally.slowest:.2f} | {tally.peak:.0f} |",
            flush=True,
        )
        for fault, content in tally.faults.items():
            kept = FOUND / f"{name}.{hashlib.sha256(content).hexdigest()[:12]}"
            kept.write_bytes(content)
            print(f"{fault}: kept in {kept}", file=sys.stderr)
        faults += len(tally.faults)
    sys.exit(faults > 0)


if __name__ == "__main__":
    main()
