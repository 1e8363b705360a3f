"""Ranks agree on errors and on what they train, and one alone needs nobody."""

from __future__ import annotations

import numpy as np
import pytest
from thread_ranks import run_ranks

from mlp.common.errors import DataError, ModelError
from mlp.training.ranks.ranks import ALONE, LONGEST, AgreedError, Ranks, digest_of
from mlp.training.ranks.tree import Tree


def test_one_process_is_alone() -> None:
    assert (ALONE.rank, ALONE.size, ALONE.launched) == (0, 1, False)
    assert ALONE.all_gather(3) == [3]
    assert ALONE.broadcast(3) == ALONE.on_first(lambda: 3) == ALONE.on_all(lambda: 3) == 3
    ALONE.check_alike(lambda: 1 / 0, "never asked")
    ALONE.wait(iter([False, True]).__next__)
    total = np.zeros(4)
    ALONE.all_reduce(np.ones((1, 4)), Tree(8, 1), total)
    assert total.tolist() == [1, 1, 1, 1]


def test_an_error_of_one_process_stays_what_it_is() -> None:
    def fail() -> None:
        raise ModelError("no model")

    for run in (ALONE.on_first, ALONE.on_all):
        with pytest.raises(ModelError):
            run(fail)


def test_the_first_does_it_for_all() -> None:
    done = []

    def work(ranks: Ranks) -> int:
        return ranks.on_first(lambda: done.append(ranks.rank) or 7)

    assert run_ranks(3, work) == [7, 7, 7]
    assert done == [0]


def test_all_know_what_one_failed_at() -> None:
    def work(ranks: Ranks) -> str:
        def load() -> int:
            if ranks.rank == 1:
                raise DataError("there is no such file")
            return ranks.rank

        with pytest.raises(AgreedError) as caught:
            ranks.on_all(load)
        assert ranks.on_all(lambda: ranks.rank) == ranks.rank
        return f"{caught.value} {caught.value.exit_code}"

    assert run_ranks(3, work) == ["rank 1: there is no such file 1"] * 3


def test_the_first_ones_error_needs_no_number() -> None:
    def fail() -> None:
        raise DataError("there is no such file")

    def work(ranks: Ranks) -> str:
        with pytest.raises(AgreedError) as caught:
            ranks.on_first(fail)
        return str(caught.value)

    assert run_ranks(2, work) == ["there is no such file"] * 2


def test_who_differs_is_told_by_all() -> None:
    def work(ranks: Ranks) -> str:
        ranks.check_alike(lambda: {"seed": 1, "names": ("a", "b")}, "never told")
        text = "x" * 2 * LONGEST if ranks.rank == 2 else "y"
        with pytest.raises(AgreedError) as caught:
            ranks.check_alike(lambda: {"seed": 1, "name": text}, "start again")
        return str(caught.value)

    first, *others = run_ranks(3, work)
    assert first.startswith("rank 2 on ")
    assert 'differs from rank 0: its name is "xxx' in first
    assert first.endswith('…, not "y"; start again')
    assert others == [first, first]


def test_a_digest_sees_a_bit() -> None:
    array = np.zeros((3, 2))
    before = digest_of(array)
    array[2, 1] = -0.0
    assert digest_of(array) != before
    assert digest_of(array[:, ::-1]) != digest_of(array)
