"""Many pictures: in their order, by one process or several, with the same digits."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hard_pictures import write_digits

from mlp.handwriting import extraction
from mlp.handwriting.extraction import Extraction, Source, Way, extract_all


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    folder = tmp_path_factory.mktemp("pictures")
    write_digits(folder, range(6), 50, 80)
    (folder / "broken.png").write_bytes(b"no picture")
    content = io.BytesIO((folder / "3.png").read_bytes()).getvalue()
    files = [Source(str(path)) for path in sorted(folder.iterdir())]
    return [*files, Source("-", content), Source(str(folder / "gone.png"))]


def told(found: list[Extraction]) -> list[tuple[list[bytes], str | None]]:
    return [([digit.image.tobytes() for digit in one.digits], one.problem) for one in found]


def test_processes_extract_what_one_does(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = list(extract_all(sources, Way(), 1))
    monkeypatch.setattr(extraction, "POOL_SECONDS", 0.0)
    several = list(extract_all(sources, Way(), 2))
    assert told(several) == told(alone)
    problems = [Path(s.name).name for s, e in zip(sources, alone, strict=True) if e.problem]
    assert problems == ["broken.png", "gone.png"]
    assert told(alone)[-2] == told(alone)[3]


def test_stages_are_kept_where_they_are_wanted(sources: list[Source]) -> None:
    (plain,) = extract_all(sources[:1], Way(), 1)
    (kept,) = extract_all(sources[:1], Way(keeps_stages=True), 1)
    assert plain.digits[0].stages == {}
    assert "strokes" in kept.digits[0].stages


def test_processes_end_where_no_more_is_wanted(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "POOL_SECONDS", 0.0)
    found = extract_all(sources, Way(), 2)
    for _ in range(3):
        next(found)
    found.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("seconds", "most"), [(1e6, 4), (0.0, 1)])
def test_processes_are_given_more_pictures_at_a_time_if_these_take_little(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch, seconds: float, most: int
) -> None:
    submit, given = extraction._submit, []

    def watched(pool: Any, left: Any, count: int, way: Way, ahead: Any) -> None:
        waiting = len(ahead)
        submit(pool, left, count, way, ahead)
        given.extend([count] * (len(ahead) - waiting))

    many = sources * 5
    alone = told(list(extract_all(many, Way(), 1)))
    monkeypatch.setattr(extraction, "_submit", watched)
    monkeypatch.setattr(extraction, "POOL_SECONDS", 0.0)
    monkeypatch.setattr(extraction, "SECONDS_AT_ONCE", seconds)
    monkeypatch.setattr(extraction, "MOST_AT_ONCE", 4)
    assert told(list(extract_all(many, Way(), 2))) == alone
    assert given[: 2 * extraction.AHEAD] == [1] * 2 * extraction.AHEAD
    assert max(given) == most
    assert (len(given) == len(many) - 2) is (most == 1)
