"""The tree of sums: the same, whoever adds up what."""

from __future__ import annotations

from typing import Any

import pytest

from mlp.training.ranks.tree import MOST_PIECES, Tree, carries, plan_pieces


def in_pairs(pieces: list[Any]) -> Any:
    """What the tree adds to what, as nested pairs."""
    while len(pieces) > 1:
        pieces = list(zip(pieces[::2], pieces[1::2], strict=True))
    return pieces[0]


@pytest.mark.parametrize("pieces", [1, 2, 8, 64])
def test_any_number_of_ranks_adds_in_the_same_order(pieces: int) -> None:
    for size in range(1, pieces + 1):
        tree = Tree(pieces, size)
        blocks = [block for own in tree.blocks for block in own]
        assert [piece for block in blocks for piece in block] == list(range(pieces))
        sums = []
        for block in blocks:
            stack: list[Any] = []
            for number, piece in enumerate(block):
                stack.append(piece)
                for _ in range(carries(number)):
                    stack[-2:] = [(stack[-2], stack[-1])]
            assert len(stack) == 1
            sums.append(stack[0])
        for left, right in tree.joins:
            sums[left] = (sums[left], sums[right])
        assert sums[0] == in_pairs(list(range(pieces)))


def test_ranks_of_a_power_of_two_send_one_sum_each() -> None:
    assert [len(own) for own in Tree(8, 4).blocks] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("batch_size", "pieces"),
    [(1, 1), (8, 2), (32, 8), (100, 8), (1_599, 8), (3_200, 16), (60_000, MOST_PIECES)],
)
def test_a_batch_is_cut_as_it_bears(batch_size: int, pieces: int) -> None:
    assert plan_pieces(batch_size) == pieces
