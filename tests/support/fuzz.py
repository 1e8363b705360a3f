"""Parsers attacked with changed bytes: whatever they are given, they read it or say why not."""

from __future__ import annotations

import io
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from plain_pictures import bars
from small_datasets import pair

from mlp.cli.search_space import parse_tries
from mlp.common.errors import MLPError
from mlp.common.printable import LONGEST
from mlp.data.formats import convert as data_formats
from mlp.data.formats.idx import decode_idx, write_idx
from mlp.data.formats.splits import WHOLE
from mlp.handwriting import extract_digits, load_picture
from mlp.handwriting.picture_files import Labels
from mlp.models.formats.convert import read_model, write_model
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP
from mlp.training.search.folder import Plan, SearchFolder
from mlp.training.search.halving import Result, ranked
from mlp.web.guard import is_own_name

Try = Callable[[bytes], object]
TOKENS = (
    *(b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x01", b"9" * 400),
    *(b"-1", b"1e999", b"nan", b"inf", b"\x1b[2J", b'"', b",", b"\n", b"{", b"[" * 50, b"null"),
    *(b"(", b")", b"'shape': (-1,)", b"0x", b"PK\x05\x06", b"label", b"\xef\xbb\xbf", b"=", b":"),
)


@dataclass
class Tally:
    """What came of an attack: tries, distinct faults, the slowest in seconds, peak in MB."""

    tries: int = 0
    refused: int = 0
    slowest: float = 0.0
    peak: float = 0.0
    faults: dict[str, bytes] = field(default_factory=dict)


def mutate(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Change a few places: bytes, bits, tokens, cuts, repeats, or a part of another input."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at, end = sorted(rng.integers(0, len(changed) + 1, 2).tolist())
        if rng.random() < 0.4:  # where headers are
            at = min(at, int(rng.integers(0, 160)))
        token = TOKENS[rng.integers(len(TOKENS))]
        match int(rng.integers(7)):
            case 0 if at < len(changed):
                changed[at] ^= 1 << int(rng.integers(8))
            case 1 if at < len(changed):
                changed[at] = int(rng.integers(256))
            case 2:
                changed[at:at] = token
            case 3:
                changed[at : at + len(token)] = token
            case 4:
                del changed[at : min(end, at + int(rng.integers(1, 60)))]
            case 5:
                changed[at:at] = changed[at : min(end, at + 60)]
            case _:
                start = int(rng.integers(0, len(other) + 1))
                changed[at : at + 20] = other[start : start + 20]
    return bytes(changed)


def attempt(target: Target, content: bytes, tally: Tally) -> None:
    """Try one input; a fault is an exception that is no `MLPError`, or one unfit to print."""
    started = time.process_time()
    tally.tries += 1
    try:
        target.act(content)
    except MLPError as error:
        tally.refused += 1
        text = str(error)
        if len(text) > LONGEST or not text.isprintable():
            tally.faults.setdefault(f"message {text[:80]!r}", content)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        tally.faults.setdefault(f"{type(error).__name__} at {last.filename}:{last.lineno}", content)
    tally.slowest = max(tally.slowest, time.process_time() - started)


def attack(target: Target, seconds: float, seed: int = 0, most: int | None = None) -> Tally:
    """Try the seeds, and changed ones until the time is over or ``most`` inputs are tried."""
    rng = np.random.default_rng(seed)
    tally = Tally()
    seeds = target.seeds()
    for content in seeds:
        attempt(target, content, tally)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (most is None or tally.tries < most):
        one, other = (seeds[i] for i in rng.integers(0, len(seeds), 2))
        attempt(target, mutate(one, other, rng), tally)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tally.peak = kilobytes / (1024 if sys.platform != "darwin" else 1 << 20)
    return tally


@dataclass(frozen=True)
class Target:
    """A parser: what to do with an input, and inputs that it reads."""

    act: Try
    seeds: Callable[[], list[bytes]]


def as_file(name: str, read: Callable[[Path], object]) -> Try:
    """Give a parser of files its input in a file of this name."""

    def act(content: bytes) -> object:
        path = _folder() / name
        path.write_bytes(content)
        return read(path)

    return act


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))  # noqa: PTH112


def _written(name: str, write: Callable[[Path], object]) -> bytes:
    path = _folder() / f"seed-{name}"
    write(path)
    content = path.read_bytes()
    path.unlink()
    return content


def _idx(ending: str) -> list[bytes]:
    arrays = (np.arange(60, dtype=np.uint8).reshape(3, 4, 5), np.ones(7, np.float32))
    return [_written(f"a{ending}", lambda path, a=array: write_idx(path, a)) for array in arrays]


def _archives() -> list[bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("set/train.csv", "set/test.csv"):
            archive.writestr(name, _data("a.csv")[0])
    return [packed.getvalue()]


def _data(name: str) -> list[bytes]:
    splits = pair()
    if name.endswith(".csv"):
        splits = {WHOLE: next(iter(splits.values()))}
    return [_written(name, lambda path: data_formats.write(splits, path))]


def _models(name: str, to: str | None = None) -> list[bytes]:
    networks = [MLP([4, 3, 2], seed=1), MLP([5, 2, 3, 2], dtype="float64", seed=2)]
    return [
        _written(name, lambda path, m=model: write_model(m, path, to, force=True))
        for model in networks
    ]


def _weights(content: bytes) -> object:
    folder = _folder() / "weights"
    folder.mkdir(exist_ok=True)
    (folder / "w1.csv").write_bytes(content)
    return read_model(folder)


def _pictures() -> list[bytes]:
    found = []
    for picture in bars(4):
        for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA"):
            file = io.BytesIO()
            Image.fromarray(picture).save(file, kind)
            found.append(file.getvalue())
    return found


def _read_picture(content: bytes) -> object:
    return extract_digits(load_picture(io.BytesIO(content)))


def _search() -> list[bytes]:
    """A plan, and a journal."""
    folder = SearchFolder(_folder() / "seed-search")
    plan = Plan([{"lr": 0.1, "hidden": (8, 4)}, {"lr": 0.2, "hidden": ()}], [1, 3], 3, "loss", 0.1)
    with folder.begun(plan, [], print):
        folder.add(Result(0, 1, 0.5, 1.0, 2.0))
        folder.add(Result(1, 1, None, None, 0.0, "it diverged"))
    found = [(folder.path / name).read_bytes() for name in ("search.json", "journal.jsonl")]
    shutil.rmtree(folder.path)
    return found


def _read_search(path: Path) -> object:
    folder = SearchFolder(path.parent)
    path.with_name("journal.jsonl").write_bytes(path.read_bytes())
    return ranked(folder.results(), "accuracy"), folder.plan()


TARGETS: dict[str, Target] = {
    "idx": Target(lambda content: decode_idx(io.BytesIO(content), "a"), lambda: _idx(".idx")),
    "idx-gz": Target(lambda content: decode_idx(io.BytesIO(content), "a"), lambda: _idx(".gz")),
    "csv": Target(as_file("a.csv", data_formats.read), lambda: _data("a.csv")),
    "npz": Target(as_file("a.npz", data_formats.read), lambda: _data("a.npz")),
    "zip": Target(as_file("a.zip", data_formats.read), _archives),
    "model": Target(as_file("m.safetensors", read_model), lambda: _models("m.safetensors")),
    "model-npz": Target(as_file("m.npz", read_model), lambda: _models("m.npz")),
    "diary": Target(as_file("m.bin", read_model), lambda: _models("m.bin", "diary-dynamic")),
    "weights-csv": Target(_weights, lambda: [b"w10,w11\n0.5,-1e-3\n2,3\n"]),
    "labels": Target(
        as_file("labels.csv", Labels), lambda: [b'file,label\n4.png,4\n"a,b.png",yes\n']
    ),
    "picture": Target(_read_picture, _pictures),
    "call": Target(
        lambda content: LAYERS.parse(content.decode("utf-8", "surrogateescape")),
        lambda: [b"relu", b"leaky_relu(0.1)"],
    ),
    "search": Target(as_file("search.json", _read_search), _search),
    "try": Target(
        lambda content: parse_tries([content.decode("utf-8", "surrogateescape")]),
        lambda: [b"lr=0.01..1:log:5", b"hidden=64/256,128", b"augment=none/affine,elastic"],
    ),
    "host": Target(
        lambda content: is_own_name(content.decode("latin-1"), "127.0.0.1"),
        lambda: [b"127.0.0.1:8000", b"[::1]:80", b"localhost"],
    ),
}


def regressions(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Inputs that once were a fault, with the target's name: files called TARGET.WHAT."""
    for path in sorted(folder.iterdir()):
        yield path.name.split(".")[0], path.read_bytes()
