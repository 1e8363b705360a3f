"""MNIST: found on this machine or downloaded, and verified by checksums."""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path

from mlp.common.errors import DataError
from mlp.data.dataset import Dataset
from mlp.data.download import DownloadError, Progress, fetch
from mlp.data.formats.idx import decode_idx
from mlp.data.formats.idx_folder import IDX_FILES, check_sha256, find_idx_file, load_idx_folder

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

# Of the unpacked files: the packed ones differ with whoever packed them.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class MnistUnavailable(DataError):  # noqa: N818 - it is a state of the world, not of a file
    """MNIST is not on this machine and cannot be downloaded; a caller may use other digits."""


def load_mnist(
    folder: str | Path | None = None, *, download: bool = True, progress: Progress | None = None
) -> Dataset:
    """Load MNIST, 60,000 and 10,000 images of 28 x 28, and verify the checksum of each file.

    Without a folder, the first of these that holds the four files is taken: the folder in the
    environment variable ``MLP_DATA_DIR``, the user's cache (``cache_folder``), and a download
    into that cache, unless the environment variable ``MLP_OFFLINE`` is set to 1.

    Args:
        folder: where the files are; nothing else is then tried.
        download: whether the network may be used.
        progress: called as the download of each file goes on.

    Raises:
        MnistUnavailable: if no folder was given, and the files are not found and cannot be
            downloaded.
        DataError: if a given folder lacks a file, or a file is damaged or not MNIST's.
    """
    if folder is not None:
        return _load(Path(folder))
    places = _places()
    for place in places:
        if not _missing(place):
            return _load(place)
    searched = " or ".join(str(place) for place in places)
    if not download:
        raise _unavailable(f"not in {searched}, and downloading was not asked for")
    if os.environ.get("MLP_OFFLINE", "0") not in ("", "0"):
        raise _unavailable(f"not in {searched}, and MLP_OFFLINE forbids downloading it")
    try:
        _download_missing(progress)
    except DownloadError as error:
        raise _unavailable(f"not in {searched}, and downloading it failed ({error})") from error
    return _load(cache_folder())


def cache_folder() -> Path:
    """Return the folder that MNIST is downloaded into, such as ``~/.cache/mlp/mnist``."""
    try:
        from platformdirs import user_cache_path
    except ImportError:  # it knows the places of all systems; else they are Linux's
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return Path(caches).expanduser() / "mlp" / "mnist"
    return user_cache_path("mlp", appauthor=False) / "mnist"


def _places() -> list[Path]:
    named = os.environ.get("MLP_DATA_DIR")
    return [*([Path(named)] if named else []), cache_folder()]


def _missing(folder: Path) -> list[str]:
    return [name for name in IDX_FILES if find_idx_file(folder, name) is None]


def _load(folder: Path) -> Dataset:
    return load_idx_folder(folder, "mnist", checksums=SHA256)


def _download_missing(progress: Progress | None) -> None:
    folder = cache_folder()
    for name in _missing(folder):
        fetch(folder / f"{name}.gz", MIRRORS, partial(_check, name), progress)


def _check(name: str, stream: io.BytesIO, url: str) -> None:
    check_sha256(decode_idx(stream, url), SHA256[name], url)


def _unavailable(what: str) -> MnistUnavailable:
    return MnistUnavailable(
        f"MNIST is {what}: put its four files into {cache_folder()}, "
        f"or name the folder that they are in with --data"
    )
