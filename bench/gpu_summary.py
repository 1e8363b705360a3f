"""About a hundred lines on what `bench/on_gpu.sh` found: ``python -m bench.gpu_summary FOLDER``."""

from __future__ import annotations

import argparse
import json
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

WIDTH = 300
"""The most characters of a line."""


def summary(folder: Path) -> Iterator[str]:
    """Yield the lines of a summary of what is in a folder; a missing file is said to be missing."""
    telling = ("step ", "NO GPU", "import mlp", "MNIST")
    yield "===== SUMMARY ====="
    yield from (line for line in read(folder / "steps.log") if line.startswith(telling))
    yield from some("tests", _tests(folder), 22)
    yield from some("checks", _checks(list(rows(folder / "checks.jsonl"))), 40)
    yield from some("bench.gpu", _bench(list(rows(folder / "gpu-run.jsonl"))), 44)
    yield from some("warnings and errors", _complaints(folder), 10)
    yield from some("trainings", _trainings(read(folder / "train.log")), 10)
    yield from some("doctor", _doctor(list(rows(folder / "doctor.json"))), 8)


def read(path: Path) -> list[str]:
    """Return a file's lines; none where it is missing."""
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a file of lines, but no other line, nor one cut short."""
    for line in read(path):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def some(title: str, lines: Iterator[str], most: int) -> Iterator[str]:
    """Yield a title and some lines under it, each cut to WIDTH, and how many more there are."""
    yield f"-- {title}"
    found = list(lines) or ["nothing"]
    yield from (f"  {line[:WIDTH]}" for line in found[:most])
    if len(found) > most:
        yield f"  … and {len(found) - most} more"


def _tests(folder: Path) -> Iterator[str]:
    yield from read(folder / "tests.log")[-1:]
    try:
        cases = list(ET.parse(folder / "tests.xml").iter("testcase"))
    except (OSError, ET.ParseError) as error:
        yield f"no report of pytest: {error}"
        return
    for case in cases:
        for outcome in case:
            if outcome.tag in ("failure", "error"):
                said = f"{outcome.get('message') or ''}\n{outcome.text or ''}".splitlines()
                lines = [
                    line.strip() for line in said if line.strip(" :") not in ("", "AssertionError")
                ]
                yield f"FAILED {case.get('name')}: {(lines or [''])[0][:140]}"


def _checks(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong first, at most three lines a check, and then what was timed."""
    wrong = Counter[str]()
    for row in found:
        if row.get("holds") is False or row.get("replays") is False:
            wrong[row["section"]] += 1
            if wrong[row["section"]] <= 3:
                yield f"LOOK {_line(row)}"
    if wrong:
        yield f"LOOK at {', '.join(f'{name} ({count})' for name, count in wrong.items())}"
    ended = [row["section"] for row in found if row.get("ended")]
    yield f"ended: {', '.join(ended) or 'none'}"
    for row in found:
        if "skipped" in row:
            yield _line(row)
        elif "microseconds" in row:
            times = (f"{name} {value}" for name, value in row["microseconds"].items())
            yield f"us in a graph, {row['rows']} rows: {'; '.join(times)}"
        elif "epoch_ms" in row or "to_device_ms" in row or "pixels" in row:
            yield _line(row)


def _line(row: dict[str, Any]) -> str:
    rest = {name: value for name, value in row.items() if name != "section"}
    return f"{row['section']}: {json.dumps(rest, ensure_ascii=False)}"


def _bench(found: list[dict[str, Any]]) -> Iterator[str]:
    for row in found:
        match row["section"]:
            case "machine":
                yield f"{row['gpu']}, CUDA {row['driver']}/{row['runtime']}, {row['clocks']}, commit {row['commit']}"  # noqa: E501
            case "correctness" if not row["holds"]:
                yield f"WRONG {_line(row)}"
            case "call" if "784-" not in row["name"]:
                yield f"{row['name']}: {1e6 * row['seconds']:.2f} us"
            case "roofline":
                yield f"roofline, {row['precision']}: {row['flop_per_second'] / 1e12:.1f} TFLOP/s, {row['bytes_per_second'] / 1e12:.2f} TB/s"  # noqa: E501
            case "epoch":
                ms = [1e3 * row[name] for name in ("median", "min", "max")]
                replayed = "" if row.get("replays") is not False else ", LOOK: without a graph"
                yield (
                    f"{row['network']:14.14} {row['batch']!s:>5} {row['arm']:21} {ms[0]:9.3f} ms "
                    f"({ms[1]:.3f} to {ms[2]:.3f}) {row['share_of_floor']:.0%}{replayed}"
                )
            case "time to 98 %":
                yield f"98 %, seed {row['seed']}: {row['seconds']} s, {row['epochs']} epochs, {row['test_accuracy']:.2%}"  # noqa: E501
            case "absent" | "failed" | "out of time":
                yield _line(row)


def _complaints(folder: Path) -> Iterator[str]:
    """Yield the lines of the logs that complain, alike but for their numbers only once."""
    found = Counter[str]()
    for name in ("checks.log", "bench.log", "train.log", "doctor.json"):
        for line in read(folder / name):
            if re.search(r"[Ww]arning|Error\b|^Traceback|: error:", line) and line[:1] != "{":
                found[f"{name}: {re.sub(r'[-+]?[0-9][0-9.e+-]*', '#', line.strip())}"] += 1
    yield from (f"{count} x {line}" for line, count in found.most_common())


def _trainings(lines: list[str]) -> Iterator[str]:
    name = ""
    for line in lines:
        if line.startswith("=== "):
            name = line[4:]
        if not line.startswith("{"):
            continue
        try:
            row = json.loads(line)
        except ValueError:
            continue
        seconds = [epoch["seconds"] for epoch in row["history"]]
        first, last = row["history"][0]["epoch"], row["history"][-1]["epoch"]
        each = 1e3 * (sum(seconds[1:]) / (last - first) if last > first else seconds[0] / first)
        yield (
            f"{name}: test {row['test_accuracy']:.2%}, {row['train_seconds']:.2f} s, "
            f"{last} epochs, {each:.2f} ms each{' after the first report' if last > first else ''}"
            f"{', INTERRUPTED' if row['interrupted'] else ''}"
        )


def _doctor(found: list[dict[str, Any]]) -> Iterator[str]:
    for row in found:
        yield from (f"problem: {problem['sentence']}" for problem in row["problems"])
        for device, checks in row["parity"].items():
            wrong = [f"{c['check']} {c['difference']:.1e}" for c in checks if not c["holds"]]
            yield f"{device}: {'; '.join(wrong) or 'as the CPU'}"
        yield "; ".join(
            f"{s['device']} {s['hidden']} {s['images_per_second']:,.0f}/s" for s in row["speeds"]
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the summary; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_summary", description=__doc__)
    parser.add_argument("folder", type=Path, help="what OUT was for bench/on_gpu.sh")
    for line in summary(parser.parse_args(arguments).folder):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
