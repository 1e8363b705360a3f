"""Digits that the project draws itself: the pen's strokes, an unsteady hand, MNIST's framing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.data.dataset import Dataset, Split
from mlp.data.strokes import SAMPLES, Skeletons, skeletons

CLASSES = 10
SIZE = 28  # pixels along the side of an image
BOX = 20  # pixels along the side of the box that the ink fits in
BLOCK = 500  # images drawn at once, from one random stream; a multiple of CLASSES

Floats = NDArray[np.float32]


def load_synthetic(
    train: int = 60_000, test: int = 10_000, seed: int = 0, *, hand: str = "synthetic"
) -> Dataset:
    """Draw a dataset in MNIST's format.

    Args:
        train: the number of training images, 1 or more.
        test: the number of test images, 1 or more; drawn from a random stream of their own.
        seed: 0 or more. The same seed draws the same digits, and a smaller split is the
            beginning of a larger one.
        hand: whose ways of writing, one of `mlp.data.hands.HANDS`.

    Raises:
        UsageError: if a count is below 1 or the seed below 0.
    """
    train_seed, test_seed = _seed_sequence(seed).spawn(2)
    return Dataset(
        name=hand,
        source=f"drawn by the project, seed {seed}",
        classes=CLASSES,
        train=draw_digits(train, train_seed, hand),
        test=draw_digits(test, test_seed, hand),
    )


def draw_digits(count: int, seed: int | np.random.SeedSequence, hand: str = "synthetic") -> Split:
    """Draw digits, equally many of each class or nearly so.

    Args:
        count: the number of images, 1 or more.
        seed: where the randomness starts, 0 or more; what is drawn for a count is the beginning
            of what is drawn for a larger one.
        hand: whose ways of writing, one of `mlp.data.hands.HANDS`.

    Returns:
        Images of 28x28 pixels in blocks of 500, each block with 50 images of each class in
        random order; the last block is cut to the count.

    Raises:
        UsageError: if the count is below 1 or too large for the memory, or the seed below 0.
    """
    sequence = _seed_sequence(seed)
    if count < 1:
        raise UsageError(f"the number of digits to draw must be 1 or more, not {count:,}")
    try:
        images, labels = np.empty((count, SIZE, SIZE), np.uint8), np.empty(count, np.uint8)
    except (MemoryError, ValueError) as error:
        raise UsageError(f"{count:,} digits do not fit in memory: draw fewer") from error
    for block, start in enumerate(range(0, count, BLOCK)):
        rows = slice(start, min(start + BLOCK, count))
        drawn = _draw_block(_stream(sequence, block), skeletons(hand))
        images[rows], labels[rows] = (array[: rows.stop - start] for array in drawn)
    return Split(images, labels)


class Drawing(NamedTuple):
    """A digit as the way of the pen that writes it, to be drawn at any size.

    Attributes:
        digit: which one.
        strokes: float32, shape (points, 2) each: x and y, from -1 to 1 along the longer side.
    """

    digit: int
    strokes: list[Floats]


def draw_lines(count: int, seed: int, hand: str = "synthetic") -> list[Drawing]:
    """Write digits as `draw_digits` does, and return the lines instead of pixels.

    Args:
        count: the number of digits, 1 or more.
        seed: where the randomness starts, 0 or more.
        hand: whose ways of writing, one of `mlp.data.hands.HANDS`.

    Raises:
        UsageError: if the seed is below 0.
    """
    sequence, shapes = _seed_sequence(seed), skeletons(hand)
    drawings: list[Drawing] = []
    for block in range(-(-count // BLOCK)):
        points, styles = _move_pen(_stream(sequence, block), shapes)
        low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
        points = (2 * points - low - high) / (high - low).max(axis=0)  # (2, P, N)
        for style, line in zip(styles, points.transpose(2, 1, 0), strict=True):  # (P, 2)
            ends = np.flatnonzero(np.diff(shapes.strokes[:, style])) + 1
            drawings.append(Drawing(int(shapes.digits[style]), np.split(line, ends)))
    return drawings[:count]


def _seed_sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if seed < 0:
        raise UsageError(f"the seed must be 0 or more, not {seed}")
    return np.random.SeedSequence(seed)


def _stream(seed: np.random.SeedSequence, block: int) -> np.random.Generator:
    """Make the random stream of one block, as from the child that ``seed.spawn`` would make."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, block))
    return np.random.Generator(np.random.PCG64(child))


# From here on N = BLOCK images lie along the last axis, so that every operation runs over them.
# All arithmetic on them is + - * / and square roots in float32, and all randomness is uniform:
# these are the same to the last bit on every machine, which sines, logarithms and BLAS are not.


def _draw_block(
    rng: np.random.Generator, shapes: Skeletons
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw one block of images (N, 28, 28) and labels (N,)."""
    points, style = _move_pen(rng, shapes)  # (2, P, N), (N,)
    radius = _press(rng)  # (P, N), pixels
    grey = _ink(_fit(points, radius), radius, rng)  # (20, 20, N)
    return _centre(grey), shapes.digits[style]


def _move_pen(rng: np.random.Generator, shapes: Skeletons) -> tuple[Floats, NDArray[np.int64]]:
    """Lead the pen through the points (2, P, N) of digits in the styles (N,)."""
    style = _choose_styles(rng, shapes)  # (N,)
    waypoints = _stretch_ends(_jitter(shapes.waypoints[:, :, style], rng), style, shapes, rng)
    points = _trace(waypoints, style, shapes)  # (2, P, N)
    return _slant_and_turn(_ripple(_bend(points, rng), rng), rng, shapes.width), style


def _uniform(rng: np.random.Generator, low: float, high: float, *shape: int) -> Floats:
    return rng.random(shape, np.float32) * np.float32(high - low) + np.float32(low)


def _bell(rng: np.random.Generator, spread: float, *shape: int) -> Floats:
    """Draw random numbers around 0 with this standard deviation, at most three times as large."""
    total = rng.random(shape, np.float32)
    total += rng.random(shape, np.float32)
    total += rng.random(shape, np.float32)  # variance 1/4
    return (total - np.float32(1.5)) * np.float32(2 * spread)


def _wave(turns: Floats) -> Floats:
    """Evaluate a smooth wave of period 1 between -1 and 1, made of parabolas in place of a sine."""
    phase = turns - np.floor(turns) - 0.5  # -0.5 to 0.5
    wave: Floats = 16 * phase * (0.5 - np.abs(phase))
    return wave


def _choose_styles(rng: np.random.Generator, shapes: Skeletons) -> NDArray[np.int64]:
    """Choose the styles (N,) of equally many digits of each class, in random order."""
    digits = rng.permutation(np.repeat(np.arange(CLASSES), BLOCK // CLASSES))  # (N,)
    # A style has as many tickets as its share says; each digit draws one of its styles' tickets.
    held = np.bincount(shapes.digits, shapes.shares).astype(np.int64)  # (10,)
    first = np.cumsum(held) - held  # (10,)
    tickets = np.repeat(np.arange(len(shapes.shares)), shapes.shares)
    style: NDArray[np.int64] = tickets[first[digits] + rng.integers(held[digits])]
    return style


def _jitter(waypoints: Floats, rng: np.random.Generator) -> Floats:
    """Move each of the waypoints (C, 2, N) at random, for some digits further than for others."""
    spread = _uniform(rng, 0.03, 0.17, BLOCK)
    return waypoints + _bell(rng, 1, *waypoints.shape) * spread


def _stretch_ends(
    waypoints: Floats, style: NDArray[np.int64], shapes: Skeletons, rng: np.random.Generator
) -> Floats:
    """Pull the free ends of strokes through waypoints (C, 2, N) further out or back in."""
    before = np.take_along_axis(waypoints, shapes.towards[:, None, style], axis=0)
    amount = _uniform(rng, -0.5, 0.7, len(waypoints), 1, BLOCK)
    return waypoints + amount * (waypoints - before)


def _trace(waypoints: Floats, style: NDArray[np.int64], shapes: Skeletons) -> Floats:
    """Follow the strokes through the waypoints (C, 2, N) in samples (2, P, N)."""
    points = np.zeros((2, SAMPLES, BLOCK), np.float32)
    for knots, weights in zip(shapes.knots, shapes.weights, strict=True):
        for axis in range(2):
            picked = np.take_along_axis(waypoints[:, axis], knots[:, style], axis=0)
            points[axis] += picked * weights[:, style]
    return points


def _bend(points: Floats, rng: np.random.Generator) -> Floats:
    """Bend points (2, P, N), from -1 to 1, by a quadratic map.

    Straight lines become bows, and one half, the upper or the lower, grows while the other shrinks.
    """
    x, y = points
    bow, tilt, balance, trapezium = _bell(rng, 0.13, 4, BLOCK)
    return np.stack([x + bow * y * y + trapezium * x * y, y + tilt * x * x + balance * (y * y - 1)])


def _ripple(points: Floats, rng: np.random.Generator) -> Floats:
    """Stretch the paper under points (2, P, N) unevenly, by waves in random directions."""
    moved = points.copy()
    for _ in range(2):
        across, down = _uniform(rng, -0.6, 0.6, 2, BLOCK)  # turns per unit of length
        phase = _uniform(rng, 0, 1, BLOCK)
        height = _bell(rng, 0.06, 2, 1, BLOCK)
        moved += height * _wave(across * points[0] + down * points[1] + phase)
    return moved


def _slant_and_turn(points: Floats, rng: np.random.Generator, usual: float) -> Floats:
    """Make points (2, P, N) narrower or wider than usual, slant them and turn them."""
    width = (1 + _bell(rng, 0.16, BLOCK)) * np.float32(usual)
    slant = np.float32(0.12) + _bell(rng, 0.25, BLOCK)
    half = _bell(rng, 0.06, BLOCK)  # tangent of half the angle
    cosine = (1 - half * half) / (1 + half * half)
    sine = 2 * half / (1 + half * half)
    x = points[0] * width - points[1] * slant
    y = points[1]
    return np.stack([x * cosine - y * sine, x * sine + y * cosine])


def _press(rng: np.random.Generator) -> Floats:
    """Choose half the width of the line at every sample, (P, N), in pixels."""
    pen = np.float32(1.2) * (1 + _bell(rng, 0.16, BLOCK)) ** 2
    along = np.linspace(0, 1, SAMPLES, dtype=np.float32)[:, None]
    phase, turns = _uniform(rng, 0, 1, BLOCK), _uniform(rng, 0.5, 2, BLOCK)
    unevenness = _bell(rng, 0.15, BLOCK)
    return np.maximum(pen * (1 + unevenness * _wave(along * turns + phase)), np.float32(0.6))


def _fit(points: Floats, radius: Floats) -> Floats:
    """Scale points (2, P, N) to pixels, so that the digit, with its line width, fills the box."""
    low, high = points.min(axis=1), points.max(axis=1)  # (2, N)
    room = BOX - 2 * radius.max(axis=0)  # (N,)
    scale = room / (high - low).max(axis=0)
    middle = (low + high) * np.float32(0.5)
    fitted: Floats = (points - middle[:, None]) * scale + BOX / 2
    return fitted


def _ink(points: Floats, radius: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shade the boxes (20, 20, N) with a round pen led through the points (2, P, N).

    The pen's edge is where the distance from the nearest point, over the radius there, is 1;
    across it the ink fades linearly.
    """
    centres = np.arange(BOX, dtype=np.float32)[:, None] + np.float32(0.5)  # (20, 1)
    nearest = np.full((BOX, BOX, BLOCK), np.inf, np.float32)
    distance = np.empty_like(nearest)
    for x, y, r in zip(*points, radius, strict=True):  # (N,) each
        across, down = (x - centres) / r, (y - centres) / r  # (20, N)
        np.add((down * down)[:, None], (across * across)[None], out=distance)
        np.minimum(nearest, distance, out=nearest)
    fade = _uniform(rng, 0.8, 1.4, BLOCK)  # pixels from full ink to paper
    shade = (1 - np.sqrt(nearest)) * (radius.mean(axis=0) / fade) + np.float32(0.5)
    grey: NDArray[np.uint8] = np.rint(np.clip(shade, 0, 1) * 255).astype(np.uint8)
    return grey


def _centre(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Place boxes (20, 20, N) in images (N, 28, 28), their centres of mass in the middle."""
    boxes = np.ascontiguousarray(grey.transpose(2, 0, 1))  # (N, 20, 20)
    total = boxes.sum(axis=(1, 2), dtype=np.int64)  # (N,)
    pixels = np.arange(BOX)
    down = boxes.sum(axis=2, dtype=np.int64) @ pixels / total  # (N,) row of the centre of mass
    right = boxes.sum(axis=1, dtype=np.int64) @ pixels / total
    tops, lefts = (np.clip(np.rint(SIZE / 2 - c), 0, SIZE - BOX).astype(int) for c in (down, right))
    images = np.zeros((BLOCK, SIZE, SIZE), np.uint8)
    for image, box, top, left in zip(images, boxes, tops, lefts, strict=True):
        image[top : top + BOX, left : left + BOX] = box
    return images
