"""Rows of several networks: how outputs that stand side by side are seen, and summed apart.

The outputs of S networks for an example are a row of S·C numbers; see `mlp.nn.stack`. The same
numbers, seen as S rows of C, are the rows of the networks in turn: as (N·S, C), a loss computes
what it does of one network, and each network's values are added up by themselves, those of every
S-th row.
"""

from __future__ import annotations

from typing import Any

from backends import Array
from mlp.nn.buffers import Buffers


def by_network(
    outputs: Array, targets: Array, networks: int, buffer: Buffers
) -> tuple[Array, Array]:
    """See S networks' outputs, (N, S·C), as rows (N·S, C); and so their targets.

    Args:
        outputs: shape (N, S·C), contiguous.
        targets: the same shape; or (N, C), the same for all networks, which are repeated.
        networks: S.
        buffer: where repeated targets go.
    """
    N, C = len(outputs), outputs.shape[1] // networks
    rows = outputs.reshape(N * networks, C)
    if targets.shape == outputs.shape:
        return rows, targets.reshape(N * networks, C)
    repeated = buffer("repeated", N, networks, C)
    buffer.xp.copyto(repeated, targets.reshape(N, 1, C))
    return rows, repeated.reshape(N * networks, C)


def add_up(
    xp: Any, terms: Array, factors: Array | None, sums: Array, ones: Array, buffer: Buffers
) -> None:
    """Write Σ terms · factors, over the rows of each of S networks, to sums of shape (S, 1).

    Args:
        xp: the array namespace.
        terms: shape (N, C), contiguous; the rows 0, S, 2 S and so on are the first network's.
        factors: the same shape; None for Σ terms.
        sums: shape (S, 1).
        ones: of 1, shape (C, 1).
        buffer: for what lies between.
    """
    S, C = len(sums), terms.shape[1]
    if S == 1:
        if factors is None:
            xp.sum(terms, out=sums.reshape(()))
        else:
            xp.matmul(terms.reshape(1, -1), factors.reshape(-1, 1), out=sums)
        return
    if factors is not None:
        products = buffer("products", *terms.shape)  # (N, C)
        terms = xp.multiply(terms, factors, out=products)
    columns = buffer("columns", S * C)
    xp.sum(terms.reshape(-1, S * C), axis=0, out=columns)  # (S·C,)
    xp.matmul(columns.reshape(S, C), ones, out=sums)  # (S, 1)
