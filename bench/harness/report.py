"""Results as JSON and as Markdown."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from bench.harness.arms import OURS
from bench.harness.contest import Contest, Entry
from bench.harness.machine import machine_line


def contest_document(contests: list[Contest], machine: dict[str, Any]) -> dict[str, Any]:
    """Gather a run of contests for JSON."""
    ratios = [c.ratio.median for c in contests if c.ratio]
    return {
        "machine": machine,
        "contests": [contest.to_dict() for contest in contests],
        "geometric_mean_of_ratios": geometric_mean(ratios) if ratios else None,
        "failures": [c.failure for c in contests if c.failure],
    }


def contest_markdown(contests: list[Contest], machine: dict[str, Any]) -> str:
    """Write a run of contests as tables: seconds, settings, and what went wrong if anything."""
    names = list(dict.fromkeys(name for c in contests for name in c.entries))
    ratios = [c.ratio.median for c in contests if c.ratio]
    seconds = table(
        ["workload", *names, f"{OURS} / best peer"],
        [
            [c.name, *(_cell(c.entries.get(name)) for name in names), _ratio_cell(c)]
            for c in contests
        ],
    )
    settings = table(
        ["workload", *names],
        [[c.name, *(_setting_cell(c.entries.get(name)) for name in names)] for c in contests],
    )
    parts = [
        "# Seconds an epoch\n",
        machine_line(machine),
        _versions(contests),
        "Median, and the range in brackets, of epochs run in turn. A ratio below 1 means that "
        f"{OURS} is quicker; its range is that of neighbouring turns.\n",
        seconds,
    ]
    if ratios:
        parts.append(f"Geometric mean of the ratios: **{geometric_mean(ratios):.2f}**.\n")
    parts += ["## The setting each chose, and the test accuracy it reached\n", settings]
    failures = [c.failure for c in contests if c.failure]
    if failures:
        parts += ["## Not the same work\n", *(f"- {failure}" for failure in failures)]
    return "\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def spread(values: Sequence[float], form: str = ".3g") -> str:
    """Write a median with its range."""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def save(document: dict[str, Any], markdown: str, stem: Path) -> None:
    """Write ``stem.json`` and ``stem.md``."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    _write(stem.with_suffix(".json"), json.dumps(document, indent=1) + "\n")
    _write(stem.with_suffix(".md"), markdown)


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)


def _cell(entry: Entry | None) -> str:
    return spread(entry.seconds) if entry and entry.seconds else "–"


def _setting_cell(entry: Entry | None) -> str:
    if entry is None or entry.absent:
        return (entry.absent if entry else None) or "–"
    return f"{entry.setting}: {entry.accuracy:.2%}"


def _ratio_cell(contest: Contest) -> str:
    ratio = contest.ratio
    if ratio is None:
        return "–"
    return f"**{ratio.median:.2f}** ({ratio.low:.2f}–{ratio.high:.2f}), {ratio.peer}"


def _versions(contests: list[Contest]) -> str:
    """Say what each arm ran on, once."""
    found = {name: e.versions for c in contests for name, e in c.entries.items() if e.versions}
    each = (
        f"{name}: {', '.join(f'{k} {v}' for k, v in versions.items())}"
        for name, versions in found.items()
    )
    return "; ".join(each) + ".\n"
