"""The drawn digits: repeatable, balanced, framed as MNIST frames its own, and no two alike."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.common.errors import UsageError
from mlp.data import strokes
from mlp.data.dataset import Split
from mlp.data.hands import HANDS, WIDTHS
from mlp.data.synthetic import BLOCK, _fit, draw_digits, draw_lines, load_synthetic


@pytest.fixture(scope="module")
def drawn() -> Split:
    return draw_digits(3_000, 0)


def test_the_same_seed_draws_the_same_bytes(drawn):
    assert draw_digits(3_000, 0).checksum == drawn.checksum


def test_the_bytes_are_the_same_on_every_machine(drawn):
    """Published results name this dataset by its seed; to draw other digits is to change them."""
    assert drawn[:1_000].checksum == (
        "eb7a8316db0d5c31c02bc7582277684517173f77b88ac9627f8ba1e492336611"
    )


def test_the_same_seed_sequence_may_be_used_twice():
    sequence = np.random.SeedSequence(5)
    assert draw_digits(20, sequence).checksum == draw_digits(20, sequence).checksum
    assert draw_digits(20, sequence).checksum == draw_digits(20, 5).checksum


def test_another_seed_draws_other_digits(drawn):
    other = draw_digits(3_000, 1)
    assert not (other.images == drawn.images).all(axis=(1, 2)).any()
    assert (other.labels != drawn.labels).any()


@pytest.mark.parametrize("count", [1, 7, BLOCK, BLOCK + 1])
def test_fewer_digits_are_the_first_of_more(drawn, count):
    fewer = draw_digits(count, 0)
    assert len(fewer) == count
    assert fewer.checksum == drawn[:count].checksum


def test_every_class_is_drawn_equally_often_and_in_no_order(drawn):
    assert np.bincount(drawn.labels, minlength=10).tolist() == [300] * 10
    assert len(np.unique(drawn.labels[:50])) > 5


def test_every_image_is_one_of_its_own(drawn):
    assert len(np.unique(drawn.images.reshape(len(drawn), -1), axis=0)) == len(drawn)


def test_the_ink_fills_a_box_of_20_pixels_on_its_longer_side(drawn):
    inked = drawn.images >= 64  # (N, 28, 28)
    sides = np.stack([_extent(inked.any(axis=2)), _extent(inked.any(axis=1))])  # (2, N)
    assert sides.max() <= 20
    assert np.mean(sides.max(axis=0) >= 19) > 0.99
    assert _extent(drawn.images.any(axis=2)).max() <= 20
    assert _extent(drawn.images.any(axis=1)).max() <= 20


def test_no_ink_is_cut_off_by_the_box():
    """A thick line touches the sides of the box with its edge, not with its middle."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2, 30, 40)).astype(np.float32)  # (2, P, N)
    radius = np.full((30, 40), 2, np.float32)
    fitted = _fit(points, radius)
    low, high = fitted.min(axis=1) - 2, fitted.max(axis=1) + 2  # (2, N)
    np.testing.assert_allclose((high - low).max(axis=0), 20, rtol=1e-5)
    np.testing.assert_allclose(low + high, 20, rtol=1e-5)


def test_the_centre_of_mass_is_the_middle_of_the_image(drawn):
    mass = drawn.images.sum(axis=(1, 2), dtype=np.int64)  # (N,)
    for axis in (1, 2):
        profile = drawn.images.sum(axis=axis, dtype=np.int64)  # (N, 28)
        off = np.abs(profile @ np.arange(28) / mass - 14)  # (N,) pixels
        assert np.mean(off <= 0.5 + 1e-9) > 0.99
        assert off.max() < 3  # ink so lopsided that its box is held by the image's edge


def test_the_ink_is_about_as_much_as_in_mnist(drawn):
    ink = drawn.images / 255.0
    each = ink.mean(axis=(1, 2))  # (N,)
    assert 0.11 < ink.mean() < 0.15
    assert 0.28 < ink.std() < 0.33
    assert each.min() > 0.02
    assert each.max() < 0.40
    assert 0.03 < each.std() < 0.06


def test_edges_are_grey_and_strokes_solid(drawn):
    grey = (drawn.images > 0) & (drawn.images < 255)
    assert 0.05 < grey.mean() < 0.20
    assert np.mean(drawn.images.max(axis=(1, 2)) > 200) > 0.99


def test_the_classes_look_different(drawn):
    """Half the digits, each labelled as the most similar of the other half, are mostly right."""
    pixels = drawn.images.reshape(len(drawn), -1).astype(np.float32)
    known, asked = pixels[:2_000], pixels[2_000:]
    nearness = asked @ known.T - 0.5 * (known * known).sum(axis=1)  # (1000, 2000)
    found = drawn.labels[:2_000][nearness.argmax(axis=1)]
    assert np.mean(found == drawn.labels[2_000:]) > 0.75


def test_a_dataset_has_two_splits_of_digits_of_their_own():
    dataset = load_synthetic(train=1_200, test=301, seed=3)
    assert (dataset.name, dataset.classes, dataset.pixels) == ("synthetic", 10, 784)
    assert dataset.source == "drawn by the project, seed 3"
    assert (len(dataset.train), len(dataset.test)) == (1_200, 301)
    train = {image.tobytes() for image in dataset.train.images}
    assert train.isdisjoint(image.tobytes() for image in dataset.test.images)


def test_the_size_of_one_split_leaves_the_other_alone():
    small, large = load_synthetic(train=1, test=30), load_synthetic(train=700, test=30)
    assert small.test.checksum == large.test.checksum


@pytest.mark.parametrize("count", [0, -1, 10**15, 10**30])
def test_a_count_that_cannot_be_drawn_is_refused(count):
    with pytest.raises(UsageError, match=f"{count:,}"):
        draw_digits(count, 0)


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="-1"):
        load_synthetic(train=1, test=1, seed=-1)


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("digit", range(10))
def test_every_digit_has_several_styles_and_each_is_drawable(digit, hand):
    assert len(HANDS[hand][digit]) >= 4
    skeletons = strokes.skeletons(hand)
    rows = np.flatnonzero(skeletons.digits == digit)
    assert len(rows) == len(HANDS[hand][digit])
    np.testing.assert_allclose(skeletons.weights[:, :, rows].sum(axis=0), 1, atol=1e-6)
    assert (skeletons.shares[rows] > 0).all()


def test_a_closed_stroke_ends_where_it_began_and_a_spline_meets_its_waypoints(monkeypatch):
    styles = {0: ((1, "0,0 50,0 50,50 0,50 0,0"),), 1: ((1, "10,0 10,60 10,100"),)}
    monkeypatch.setitem(HANDS, "synthetic", styles)
    strokes.skeletons.cache_clear()
    try:
        skeletons = strokes.skeletons()
    finally:
        monkeypatch.undo()
        strokes.skeletons.cache_clear()
    square, line = (
        (skeletons.waypoints[skeletons.knots[..., s], :, s] * skeletons.weights[..., s, None]).sum(
            axis=0
        )
        for s in range(2)
    )  # (P, 2) each
    np.testing.assert_allclose(square[0], [-1, -1], atol=1e-6)
    np.testing.assert_allclose(square[-1], [-1, -1], atol=1e-6)
    corner = np.abs(square - [1, 1]).sum(axis=1).min()
    assert corner < 0.05
    np.testing.assert_allclose(line[[0, -1]], [[0, -1], [0, 1]], atol=1e-6)
    assert np.array_equal(skeletons.towards[:, 0], np.arange(4))  # a loop has no free end
    assert skeletons.towards[:3, 1].tolist() == [1, 1, 1]


def _extent(marked: np.ndarray) -> np.ndarray:
    """From the first to the last marked of each row of (N, 28), in pixels."""
    return marked.shape[1] - marked.argmax(axis=1) - marked[:, ::-1].argmax(axis=1)


@pytest.mark.parametrize("hand", HANDS)
def test_lines_are_those_of_the_digits_and_fill_their_box(hand):
    lines = draw_lines(510, 3, hand)
    assert [line.digit for line in lines] == draw_digits(510, 3, hand).labels.tolist()
    for line in lines:
        points = np.concatenate(line.strokes)
        assert len(points) == strokes.SAMPLES
        assert np.ptp(points, axis=0).max() == pytest.approx(2, rel=1e-5)
        np.testing.assert_allclose(points.min(axis=0) + points.max(axis=0), 0, atol=1e-5)


def test_the_pen_is_lifted_between_strokes_and_nowhere_else():
    """Samples are evenly apart along a stroke, however far apart two strokes are."""
    crossed = [line for line in draw_lines(500, 3, "continental") if len(line.strokes) == 3]
    assert crossed
    for line in draw_lines(500, 3, "continental"):
        for stroke in line.strokes:
            assert np.hypot(*np.diff(stroke, axis=0).T).max(initial=0) < 0.35


def test_a_slim_hand_writes_the_same_digits_two_thirds_as_wide(monkeypatch):
    def shapes() -> np.ndarray:
        strokes.skeletons.cache_clear()
        drawn = (np.concatenate(line.strokes) for line in draw_lines(500, 3, "slim"))
        return np.array([np.divide(*np.ptp(points, axis=0)) for points in drawn])  # (N,)

    slim = shapes()
    monkeypatch.setitem(WIDTHS, "slim", 1.0)
    usual = shapes()
    monkeypatch.undo()
    strokes.skeletons.cache_clear()
    assert 0.6 < np.median(slim / usual) < 0.75  # a slant adds the same to either
