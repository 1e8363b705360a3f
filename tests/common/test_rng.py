"""The random streams of a run: repeatable, and independent of one another."""

from __future__ import annotations

from mlp.common.rng import generator


def test_a_seed_and_a_purpose_make_one_stream() -> None:
    def draw(seed: int, purpose: str) -> list[int]:
        numbers: list[int] = generator(seed, purpose).integers(0, 1 << 40, 4).tolist()
        return numbers

    assert draw(0, "shuffle") == draw(0, "shuffle")
    streams = [draw(seed, purpose) for seed in (0, 1) for purpose in ("shuffle", "validation")]
    assert len({tuple(stream) for stream in streams}) == 4


def test_the_streams_are_the_same_in_every_version() -> None:
    """A saved recipe names its seed alone."""
    assert generator(0, "parameters").integers(0, 1000, 3).tolist() == [227, 765, 301]
