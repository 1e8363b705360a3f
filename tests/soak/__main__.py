"""Asks the page for long: ``python -m tests.soak --requests 100000 --clients 50``.

Ctrl-C ends it with what has been answered by then."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from soak import soak  # noqa: E402 - found by that path


def main() -> None:
    """Print how many requests were answered rightly, how fast, and the memory meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    report = soak(options.requests, options.clients, options.seed)
    rate = report.requests / report.seconds
    print(f"{report.requests:,} requests of {options.clients} clients, {rate:.0f} a second")
    print("memory at rest, MB:", ", ".join(f"{megabytes:.0f}" for megabytes in report.rest))
    print(f"most, MB: {report.alone:.0f} with one client, {report.peak:.0f} with all at once")
    sys.exit(not (report.is_flat and report.is_bounded))


if __name__ == "__main__":
    main()
