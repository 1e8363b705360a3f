"""MNIST: where it is looked for, and that nothing else is taken for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from mirrors import DIGITS, FIRST, Mirrors, assert_holds_only_the_files, assert_is_digits

from mlp.common.errors import DataError
from mlp.data import mnist
from mlp.data.formats.idx import write_idx
from mlp.data.formats.idx_folder import IDX_FILES, write_idx_folder
from mlp.data.mnist import MnistUnavailable, load_mnist

# --- Where it is looked for ----------------------------------------------------------------------


def test_a_given_folder_is_the_only_one(
    mirrors: Mirrors, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx_folder(DIGITS, cache)
    monkeypatch.setenv("MLP_DATA_DIR", str(cache))
    (tmp_path / "given").mkdir()
    with pytest.raises(DataError, match="given lacks train-images") as caught:
        load_mnist(tmp_path / "given")
    assert not isinstance(caught.value, MnistUnavailable)
    write_idx_folder(DIGITS, tmp_path / "given")
    assert_is_digits(load_mnist(tmp_path / "given"), tmp_path / "given")
    assert not mirrors.requests


def test_the_environment_comes_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx_folder(DIGITS, cache, compress=False)
    assert_is_digits(load_mnist(), cache)
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path / "named"))
    assert_is_digits(load_mnist(), cache)
    write_idx_folder(DIGITS, tmp_path / "named")
    assert_is_digits(load_mnist(), tmp_path / "named")


def test_without_a_network_the_places_searched_are_named(
    mirrors: Mirrors, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", "named")
    with pytest.raises(
        MnistUnavailable, match=r"not in named or .*mnist, .* not asked for"
    ) as told:
        load_mnist(download=False)
    assert f"put its four files into {cache}, or name the folder" in str(told.value)
    monkeypatch.setenv("MLP_OFFLINE", "1")
    with pytest.raises(MnistUnavailable, match="MLP_OFFLINE forbids"):
        load_mnist()
    assert not mirrors.requests
    assert not cache.exists()
    monkeypatch.setenv("MLP_OFFLINE", "0")
    assert_is_digits(load_mnist(), cache)


def test_other_data_is_not_mnist(cache: Path) -> None:
    write_idx_folder(DIGITS, cache)
    write_idx(cache / "t10k-labels-idx1-ubyte.gz", np.zeros(300, np.uint8))
    with pytest.raises(
        DataError, match=r"t10k-labels-idx1-ubyte.gz is a sound .* not the right"
    ) as told:
        load_mnist()
    assert not isinstance(told.value, MnistUnavailable)


def test_a_damaged_file_is_named(cache: Path) -> None:
    write_idx_folder(DIGITS, cache)
    (cache / FIRST).write_bytes((cache / FIRST).read_bytes()[:-20])
    with pytest.raises(DataError, match=f"{FIRST} ends early"):
        load_mnist()


def test_the_cache_is_the_users() -> None:
    assert mnist.cache_folder().name == "mnist"
    assert mnist.cache_folder().is_absolute()


def test_the_cache_is_found_without_platformdirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    expected = mnist.cache_folder()
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    if sys.platform == "linux":
        assert mnist.cache_folder() == expected
    assert mnist.cache_folder() == tmp_path / "mlp" / "mnist"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert mnist.cache_folder() == Path.home() / ".cache" / "mlp" / "mnist"


# --- Downloading ---------------------------------------------------------------------------------


def test_what_was_downloaded_is_not_downloaded_again(mirrors: Mirrors, cache: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    found = load_mnist(progress=lambda *report: seen.append(report))
    assert_is_digits(found, cache)
    assert_holds_only_the_files(cache)
    for name, body in mirrors.files.items():
        reports = [(done, total) for file, done, total in seen if file == name]
        assert reports == sorted(reports)
        assert reports[-1] == (len(body), len(body))
    assert_is_digits(load_mnist(), cache)
    assert [name for _, name in mirrors.requests] == [f"{name}.gz" for name in IDX_FILES]


def test_only_what_is_missing_is_downloaded(mirrors: Mirrors, cache: Path) -> None:
    write_idx_folder(DIGITS, cache)
    (cache / FIRST).unlink()
    assert_is_digits(load_mnist(), cache)
    assert mirrors.requests == [("first", FIRST)]


@pytest.mark.mnist
def test_the_real_files_are_mnist() -> None:
    try:
        found = load_mnist(download=False)
    except MnistUnavailable as error:
        pytest.skip(str(error))
    assert found.train.images.shape == (60_000, 28, 28)
    assert found.test.images.shape == (10_000, 28, 28)
    assert found.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert round(float(found.train.images.mean()), 4) == 33.3184  # 0.1307 of 255, as is well known
