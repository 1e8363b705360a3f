"""The model of growth: its arithmetic by hand, and that a fit finds what made the figures."""

from __future__ import annotations

import math

import pytest

from bench import scale_model as model
from bench.scale_model import Machine, Net, Work
from mlp.nn.network import MLP
from mlp.training.ranks.tree import Tree, plan_pieces

CORE = Machine("core", flops=1e9, touch=1e-9)
NET = Net("net", latency=1e-5, bandwidth=1e8)
WORK = Work((20,), 1_000)
"""Of 784-20-10: 15,910 parameters; 5 products of 2 · 1,000 numbers each, but for one dx."""


def test_a_network_has_as_many_parameters_as_its_model() -> None:
    assert WORK.parameters == MLP([784, 20, 10]).parameters.size == 15_910
    assert WORK.name == "784-20-10, 1,000"


def test_one_rank_computes_all_pieces_and_adds_nothing() -> None:
    flop = 2 * 1_000 * (2 * 784 * 20 + 3 * 20 * 10)
    pieces = 8
    assert plan_pieces(1_000) == pieces
    expected = flop / 1e9 + (2.5 * pieces + 3) * 15_910 * 1e-9
    assert model.seconds_an_update(CORE, NET, WORK, 1) == pytest.approx(expected)


@pytest.mark.parametrize(("ranks", "own"), [(2, 4), (3, 3), (8, 1)])
def test_the_slowest_rank_counts(ranks: int, own: int) -> None:
    assert own == max(sum(map(len, blocks)) for blocks in Tree(8, ranks).blocks)
    flop = 2 * 1_000 * (2 * 784 * 20 + 3 * 20 * 10) * own / 8
    expected = flop / 1e9 + (2.5 * own + 3) * 15_910 * 1e-9
    assert model.seconds_to_compute(CORE, WORK, ranks) == pytest.approx(expected)


def test_a_sum_takes_messages_bytes_and_additions() -> None:
    assert model.seconds_to_add(CORE, NET, 1_000, 1) == 0.0
    sent = 0.75 * 1_000
    rest = 2 * sent * 4 / 1e8 + 1.5 * sent * 1e-9
    assert model.seconds_to_add(CORE, NET, 1_000, 4) == pytest.approx((3 + 2) * 1e-5 + rest)
    by_halving = model.seconds_to_add(CORE, NET, 1_000, 4, halving=True)
    assert by_halving == pytest.approx(4 * 1e-5 + rest)


def test_more_ranks_than_pieces_have_a_piece_each() -> None:
    flop = 2 * 1_000 * (2 * 784 * 20 + 3 * 20 * 10) / 16
    expected = flop / 1e9 + 5.5 * 15_910 * 1e-9
    assert model.seconds_to_compute(CORE, WORK, 16) == pytest.approx(expected)


def test_without_a_network_in_the_way_all_pay_and_with_a_slow_one_none() -> None:
    ideal, slow = Net("ideal", 0.0, math.inf), Net("slow", 1.0, 1e3)
    instant = Machine("core", 1e9, 0.0)
    for ranks in (2, 4, 8):
        assert model.speedup(instant, ideal, WORK, ranks) == pytest.approx(ranks)
        assert model.weak_efficiency(instant, ideal, WORK, ranks) == pytest.approx(1.0)
        assert model.weak_efficiency(instant, slow, WORK, ranks) < 0.1
    assert model.most_that_pay(lambda n: model.speedup(instant, ideal, WORK, n), 1_000) == 512
    assert model.most_that_pay(lambda n: model.speedup(instant, slow, WORK, n), 1_000) == 1
    assert model.updates_between_sums(instant, ideal, WORK, 8, 0.1) == 1


def test_sums_are_as_seldom_as_their_share_asks() -> None:
    adding = model.seconds_to_add(CORE, NET, WORK.parameters, 8)
    computing = model.seconds_to_compute(CORE, WORK, 8)
    apart = model.updates_between_sums(CORE, NET, WORK, 8, 0.05)
    assert adding / apart <= 0.05 * computing < adding / (apart - 1)


def test_a_fit_finds_the_machine() -> None:
    works = [Work(hidden, N) for hidden in ((20,), (500, 300)) for N in (128, 2_000)]
    found = model.fit_machine("x", {w: model.seconds_an_update(CORE, NET, w, 1) for w in works})
    assert (found.flops, found.touch) == (pytest.approx(1e9), pytest.approx(1e-9))


def test_a_fit_finds_the_network() -> None:
    sums = {n: model.seconds_to_add(CORE, NET, n, 2) for n in (1_000, 50_000, 10_000_000)}
    found = model.fit_net("x", CORE, 2, sums)
    assert found.latency == pytest.approx(NET.latency)
    assert found.bandwidth == pytest.approx(NET.bandwidth)


def test_a_fit_has_nothing_below_zero() -> None:
    """Where larger sums took less time, as on a busy machine, one of the two has to do."""
    by_latency = model.fit_net("x", CORE, 2, {1_000: 1e-3, 10_000: 5e-4})
    assert by_latency.latency > 0
    assert by_latency.bandwidth == math.inf
    works = {Work((20,), 128): 1.0, Work((20,), 2_000): 0.9}
    found = model.fit_machine("x", works)
    assert (found.flops, found.touch > 0) == (math.inf, True)


def test_a_sum_is_never_quicker_than_a_tenth_of_what_it_took() -> None:
    slow = Machine("core", 1e9, 1.0)
    found = model.fit_net("x", slow, 2, {1_000: 1e-3, 10_000: 1e-2})
    assert found.bandwidth == pytest.approx(4 / (1e-6 / 10))
