"""Work shared among threads, and the threads of BLAS."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mlp.common import threads
from mlp.common.threads import ahead, blas_library, blas_threads, share_of, share_out


def blas_counts() -> list[int]:
    return [found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"]


@pytest.mark.parametrize(("count", "workers"), [(12, 3), (13, 3), (2, 3), (0, 2), (7, 1)])
def test_shares_are_even_and_make_the_whole(count: int, workers: int) -> None:
    shares = [list(range(count))[share_of(count, rank, workers)] for rank in range(workers)]
    assert [i for share in shares for i in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_shares_run_at_once_and_answer_in_order() -> None:
    barrier = threading.Barrier(3, timeout=20)

    def share(k: int) -> tuple[int, bool]:
        barrier.wait()  # fails unless all three run at once
        return k, threading.current_thread() is threading.main_thread()

    with ThreadPoolExecutor(2) as pool:
        found = share_out(pool, [lambda k=k: share(k) for k in range(3)])  # type: ignore[misc]
    assert found == [(0, True), (1, False), (2, False)]


def test_shares_have_the_callers_context() -> None:
    def divide() -> float:
        return float(np.float64(1) / np.float64(0))

    with np.errstate(divide="ignore"), ThreadPoolExecutor(1) as pool:
        assert share_out(pool, [divide, divide]) == [np.inf, np.inf]


def test_an_error_in_a_share_is_raised() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        share_out(pool, [lambda: 1.0, lambda: 1 / 0])


def test_the_threads_of_blas_are_put_back() -> None:
    threads._controller.cache_clear()  # another test may have loaded SciPy's BLAS since
    with threadpool_limits(2, user_api="blas"):  # whatever this process was started with
        before = blas_counts()
        with blas_threads(1):
            assert set(blas_counts()) <= {1}
        assert blas_counts() == before


def test_the_blas_library_is_named() -> None:
    assert "thread" in blas_library() or blas_library() == "an unknown BLAS"


def test_without_what_finds_blas_its_threads_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    threads._controller.cache_clear()
    try:
        before = blas_counts()
        with blas_threads(1):
            assert blas_counts() == before
        assert blas_library() == "an unknown BLAS"
    finally:
        threads._controller.cache_clear()


def test_without_room_for_threads_the_pool_works_in_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "has_room", lambda threads: False)
    with threads.start_pool(2) as pool:
        assert share_out(pool, [threading.get_ident] * 3) == [threading.get_ident()] * 3
        failed = pool.submit(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        failed.result()


def test_the_next_is_made_while_one_is_in_use() -> None:
    made: list[int] = []
    begun = threading.Event()

    def items() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            if number == 1:
                begun.set()
            yield number
        raise ValueError("cut off")

    found: list[int] = []

    def use(numbers: Iterator[int]) -> None:
        for number in numbers:
            found.append(number)
            assert begun.wait(timeout=20)
            assert made[-1] <= number + 2

    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="cut off"):
        use(ahead(pool, ahead(pool, items())))
    assert found == [0, 1, 2]  # all that come before the fault


def test_there_is_room_where_nothing_is_limited() -> None:
    assert threads.has_room(4)
