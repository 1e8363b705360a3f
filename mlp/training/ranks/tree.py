"""The fixed tree in which the pieces of an update are added up, whoever computed which.

Floating-point sums depend on their order. So a batch is cut into a number of pieces that follows
from it alone, a power of two, and their gradients are added in pairs, the pairs in pairs, and so
on: the same tree for any number of ranks. A rank has a run of neighbouring pieces; what it can add
by itself are the whole subtrees in it, its blocks. Only these are sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlp.common.threads import share_of
from mlp.training.executors.large_batches import IMAGES_A_PART

USUAL_PIECES = 8
"""Of a batch that bears it; one that leaves each of more pieces `IMAGES_A_PART` has more."""

MOST_PIECES = 64
"""And so the most ranks."""

FEWEST_IMAGES = 4
"""Of a piece; a smaller batch is cut into fewer."""


def plan_pieces(batch_size: int) -> int:
    """Choose how many pieces a batch is cut into, whatever the number of ranks: a power of two.

    Args:
        batch_size: images of an update.
    """
    usual = min(USUAL_PIECES, batch_size // FEWEST_IMAGES)
    wanted = max(1, usual, min(MOST_PIECES, batch_size // IMAGES_A_PART))
    return 1 << (wanted.bit_length() - 1)


def piece_size(batch_size: int, is_cut: bool) -> int:
    """Return how many images the largest piece of a batch has, which may be left whole."""
    return -(-batch_size // plan_pieces(batch_size)) if is_cut else batch_size


class Tree:
    """Who adds up what.

    Args:
        pieces: of an update, a power of two.
        size: the number of ranks, at most as many.

    Attributes:
        blocks: the subtrees that each rank adds up by itself, in order: ranges of pieces.
        joins: the additions that are left, in order: pairs of places in the list of all blocks, the
            second of which is added to the first; the last leaves the total at place 0.
    """

    def __init__(self, pieces: int, size: int) -> None:
        shares = (share_of(pieces, rank, size) for rank in range(size))
        self.blocks = [list(_subtrees(share.start, share.stop)) for share in shares]
        starts = {
            block.start: (place, len(block))
            for place, block in enumerate(block for own in self.blocks for block in own)
        }
        self.joins: list[tuple[int, int]] = []
        width = 1
        while width < pieces:
            for left in range(0, pieces, 2 * width):
                place, length = starts.get(left, (0, pieces))  # or it is within a block
                if length <= width:
                    self.joins.append((place, starts[left + width][0]))
            width *= 2


def carries(number: int) -> int:
    """Return how many pairs are complete when a piece is there, which is counted from 0.

    As many times, the latest two sums of a block become one: as a binary counter carries.
    """
    return (number + 1 & -(number + 1)).bit_length() - 1


def _subtrees(start: int, stop: int) -> Iterator[range]:
    """Cut a range into the largest subtrees: of a power of two, from a multiple of it on."""
    while start < stop:
        width = 1 << (stop - start).bit_length() - 1
        width = min(width, start & -start) if start else width
        yield range(start, start + width)
        start += width
