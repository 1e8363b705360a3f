"""Results as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from bench.harness.arms import OURS
from bench.harness.comparison import Comparison, Entry
from bench.harness.machine import Provenance
from mlp.common.atomic import replacing


def comparison_document(comparisons: list[Comparison], provenance: Provenance) -> dict[str, Any]:
    """Gather the comparisons of a run for JSON; the geometric mean is that of the quiet ones."""
    return {
        "machine": provenance.to_dict(),
        "comparisons": [comparison.to_dict() for comparison in comparisons],
        "geometric_mean_of_ratios": _mean_ratio([c for c in comparisons if not c.busy]),
        "failures": [c.failure for c in comparisons if c.failure],
    }


def comparison_markdown(comparisons: list[Comparison], provenance: Provenance) -> str:
    """Write the comparisons of a run as tables: seconds, settings, and what went wrong."""
    parts = [
        "# Seconds an epoch\n",
        str(provenance),
        _versions(comparisons),
        "Median, and the range in brackets, of epochs run in turn. A ratio below 1 means that "
        f"{OURS} is quicker; its range is that of neighbouring turns.\n",
    ]
    quiet = {c.name: c for c in comparisons if not c.busy}
    for busy in dict.fromkeys(c.busy for c in comparisons):
        alike = [c for c in comparisons if c.busy == busy]
        parts += _tables(alike, quiet if busy else None)
    failures = [c.failure for c in comparisons if c.failure]
    if failures:
        parts += ["## Not the same work\n", *(f"- {failure}" for failure in failures)]
    return "\n".join(parts) + "\n"


def _tables(comparisons: list[Comparison], quiet: dict[str, Comparison] | None) -> list[str]:
    """Write the seconds and the settings of comparisons under one load.

    Args:
        comparisons: one a workload.
        quiet: the same without a load, where these have one, by the workload.
    """
    names = list(dict.fromkeys(name for c in comparisons for name in c.entries))
    head = ["workload", *names, f"{OURS} / best peer"]
    rows = [
        [c.name, *(_cell(c.entries.get(name)) for name in names), _ratio_cell(c)]
        for c in comparisons
    ]
    beside = ""
    if quiet is not None:
        beside = f" beside {comparisons[0].busy} busy processes"
        head.append(f"{OURS} / {OURS} when quiet")
        for row, c in zip(rows, comparisons, strict=True):
            row.append(_slowdown_cell(c, quiet[c.name]))
    parts = [f"## Each turn{beside}\n"] if beside else []
    parts.append(table(head, rows))
    mean = _mean_ratio(comparisons)
    if mean is not None:
        parts.append(f"Geometric mean of the ratios: **{mean:.2f}**.\n")
    settings = [
        [c.name, *(_setting_cell(c.entries.get(name)) for name in names)] for c in comparisons
    ]
    title = f"## The setting each chose{beside}, and the test accuracy it reached\n"
    return [*parts, title, table(["workload", *names], settings)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def spread(values: Sequence[float], spec: str = ".3g") -> str:
    """Write a median with its range."""
    return f"{median(values):{spec}} ({min(values):{spec}}–{max(values):{spec}})"


def save(document: dict[str, Any], markdown: str, stem: Path) -> None:
    """Write ``stem.json`` and ``stem.md``."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    texts = {".json": json.dumps(document, indent=1) + "\n", ".md": markdown}
    for suffix, text in texts.items():
        with replacing(stem.with_suffix(suffix)) as file:
            file.write(text.encode())


def put_between(path: Path, begin: str, end: str, change: Callable[[str], str]) -> None:
    """Change what stands between two marks of a file.

    Args:
        path: the file.
        begin: the first mark.
        end: the second mark.
        change: is given the lines between them and returns the new ones, without the last break.

    Raises:
        ValueError: if the marks are not there.
    """
    before, found_begin, rest = path.read_text(encoding="utf-8").partition(begin)
    old, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"{path} has no place for the table: add the lines {begin} and {end}")
    with replacing(path) as file:
        new = change(old.strip("\n"))
        file.write(f"{before}{begin}\n{new}\n{end}{after}".encode())


def _cell(entry: Entry | None) -> str:
    return spread(entry.seconds) if entry and entry.seconds else "–"


def _setting_cell(entry: Entry | None) -> str:
    if entry is None or entry.absent:
        return ((entry.absent if entry else None) or "–").replace("|", "\\|")
    return f"{entry.setting}: {entry.accuracy:.2%}"


def _ratio_cell(comparison: Comparison) -> str:
    ratio = comparison.ratio
    if ratio is None:
        return "–"
    return f"**{ratio.median:.2f}** ({ratio.low:.2f}–{ratio.high:.2f}), {ratio.peer}"


def _slowdown_cell(comparison: Comparison, quiet: Comparison) -> str:
    """Compare this project's turns beside busy processes with those next to them."""
    mine = [c.entries[OURS].seconds if OURS in c.entries else [] for c in (comparison, quiet)]
    ratios = [a / b for a, b in zip(*mine, strict=False)]
    return f"**{median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})" if ratios else "–"


def _mean_ratio(comparisons: Sequence[Comparison]) -> float | None:
    ratios = [c.ratio.median for c in comparisons if c.ratio]
    return geometric_mean(ratios) if ratios else None


def _versions(comparisons: list[Comparison]) -> str:
    """Say what each arm ran on, once."""
    found = {name: e.versions for c in comparisons for name, e in c.entries.items() if e.versions}
    each = (
        f"{name}: {', '.join(f'{k} {v}' for k, v in versions.items())}"
        for name, versions in found.items()
    )
    return "; ".join(each) + ".\n"
