"""Tries every fault in everything that writes, and counts them: ``python -m tests.faults``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from faults import Tally, folder_in_memory, try_all  # noqa: E402 - found by that path
from run_faults import try_run  # noqa: E402
from scarce import every_shortage, suffer  # noqa: E402
from writers import WRITERS  # noqa: E402


def main() -> None:
    """Print a line of Markdown for each writer, and the sum; then one for each shortage."""
    print("| what is written | calls that failed | kills |\n| --- | ---: | ---: |")
    total = Tally()
    tries = {writer.title: partial(try_all, writer) for writer in WRITERS}
    for title, attempt in {**tries, "mlp train --run": try_run}.items():
        with folder_in_memory() as folder:
            tally = attempt(folder)
        print(f"| {title} | {tally.errors} | {tally.kills} |", flush=True)
        total.errors += tally.errors
        total.kills += tally.kills
    print(f"| all | {total.errors} | {total.kills} |")
    print("\n| shortage | ends with |\n| --- | --- |")
    for shortage in every_shortage():
        with folder_in_memory() as folder:
            said = suffer(shortage, folder).replace(str(folder), "FOLDER")
        print(f"| {shortage.title} | {said or 'all epochs'} |", flush=True)


if __name__ == "__main__":
    main()
