"""``mlp bench``: what is timed and how, what it tells, and what it refuses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from device import CountingBackend
from toys import toy_dataset
from typer.testing import CliRunner, Result

import mlp.benchmark.epochs
from backends import Backend, BackendError, get_backend
from backends.cpu import CpuBackend
from mlp.benchmark import roofline as ceilings
from mlp.benchmark.epochs import (
    Cell,
    Timing,
    Workload,
    as_map,
    count_flop,
    noise,
    sweep,
    time_epochs,
)
from mlp.benchmark.machine import describe_device
from mlp.benchmark.roofline import Ceiling, measure_ceiling
from mlp.cli import app
from mlp.common.errors import MLPError
from mlp.data.formats.idx_folder import write_idx_folder
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.trainer import Trainer

COMMAND = import_module("mlp.cli.bench")  # mlp.cli has a function of this name
SMALL = ["--images", "60", "--hidden", "6,5", "--batch-size", "20", "--repeats", "2"]
MAP = ["--sweep", "--images", "60", "--repeats", "1", "--batch-sizes", "20,60", "--widths", "3,6,4"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure tiny ceilings and short turns, on the CPU unless told."""
    for name, value in {
        "LEAST_SECONDS": 1e-4,
        "TIMINGS": 2,
        "SMALLEST_PRODUCT": 16,
        "LARGEST_PRODUCT": 32,
        "COPY_BYTES": 4096,
    }.items():
        monkeypatch.setattr(ceilings, name, value)
    monkeypatch.setattr(mlp.benchmark.epochs, "TURN_SECONDS", 1e-4)


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a device that keeps CuPy's rules stand in for CUDA."""
    devices: dict[str, Callable[[], Backend]] = {"cpu": CpuBackend, "cuda": CountingBackend}
    monkeypatch.setattr(COMMAND, "get_backend", lambda name: devices[name]())


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bench", *arguments])


def output(*arguments: str) -> str:
    result = bench(*arguments)
    assert result.exception is None, (result.exception, result.output)
    return result.stdout


def refusal(*arguments: str) -> str:
    error = bench(*arguments).exception
    assert isinstance(error, MLPError | BackendError), error
    return str(error)


def timing(device: str, *seconds: float) -> Timing:
    return Timing(device, seconds)


# What is timed


class Clock:
    """Time that passes only where it is told to."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Watched:
    """Stands in for a trainer on a device: notes its epochs, whose work is done when waited for."""

    def __init__(self, name: str, clock: Clock, notes: list[str], seconds: float = 1.0) -> None:
        self.backend, self.name = self, name
        self._clock, self._notes, self._seconds, self._pending = clock, notes, seconds, 0

    def epoch(self, number: int) -> None:
        self._notes.append(self.name)
        self._pending += 1

    def synchronize(self) -> None:
        self._clock.now += self._seconds * self._pending
        self._pending = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(mlp.benchmark.epochs, "time", clock)
    return clock


def watched(*trainers: Watched, **options: Any) -> list[Timing]:
    return time_epochs(cast("list[Trainer]", trainers), **options)


def test_devices_take_turns_after_two_epochs_of_warm_up(clock: Clock) -> None:
    notes: list[str] = []
    timings = watched(Watched("a", clock, notes), Watched("b", clock, notes, 3.0), repeats=3)
    assert "".join(notes) == "aabb" + "ab" + "ba" + "ab"
    assert timings == [timing("a", 1.0, 1.0, 1.0), timing("b", 3.0, 3.0, 3.0)]


def test_a_turn_of_several_epochs_tells_the_seconds_of_one(clock: Clock) -> None:
    notes: list[str] = []
    (found,) = watched(Watched("a", clock, notes, 2.0), repeats=2, epochs=5)
    assert found == timing("a", 2.0, 2.0)
    assert len(notes) == 2 + 2 * 5


def test_short_epochs_are_repeated_to_fill_a_turn(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlp.benchmark.epochs, "TURN_SECONDS", 16.0)
    notes: list[str] = []
    watched(Watched("a", clock, notes, 5.0), Watched("b", clock, notes, 20.0), repeats=1)
    assert "".join(notes) == "aabb" + "aaaa" + "b"


def test_training_goes_through_all_images() -> None:
    workload = Workload(architecture=Architecture(hidden=(4,)), recipe=Recipe(), images=noise(300))
    trainer = workload.trainer(get_backend("cpu"))
    seen: list[int] = []
    trainer.epoch(0, lambda images, _: seen.append(images))
    assert seen[-1] == 300
    before = trainer.model.parameters.copy()
    time_epochs([trainer], repeats=1)
    assert (trainer.model.parameters != before).any()
    assert np.isfinite(trainer.model.parameters).all()


def test_operations_are_counted_as_by_hand() -> None:
    y_and_dW = 2 * 5 * (3 * 2 + 2 * 4) * 2
    assert count_flop([3, 2, 4], 5) == y_and_dW + 2 * 5 * 2 * 4


def test_noise_is_in_range_and_the_same_again() -> None:
    first, again = noise(200), noise(200)
    assert (first.images == again.images).all()
    assert first.images.shape == (200, 28, 28)
    assert first.images.max() == 255
    assert sorted(set(first.labels.tolist())) == list(range(10))


# Ceilings


class Slow(CpuBackend):
    """A CPU on which each product and each copy takes some time longer."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        matmul, copyto = self.xp.matmul, self.xp.copyto

        def late(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                time.sleep(seconds)
                return function(*args, **kwargs)

            return call

        self.xp.matmul, self.xp.copyto = late(matmul), late(copyto)  # type: ignore[attr-defined]


def test_ceilings_are_what_the_device_does() -> None:
    lanes = CpuBackend().memory().workers
    found = measure_ceiling(Slow(0.002), "float32")
    assert 2 * 16**3 / 0.1 < found.flop_per_second <= lanes * 2 * 32**3 / 0.002
    assert 2 * 4096 / 0.1 < found.bytes_per_second <= 2 * 4096 / 0.002


def test_ceilings_need_nothing_that_a_gpu_lacks() -> None:
    found = measure_ceiling(CountingBackend(), "float64")
    assert found.flop_per_second > 0
    assert found.bytes_per_second > 0


def test_the_floor_is_the_longer_of_products_and_bytes() -> None:
    result = mlp.benchmark.epochs.Result(
        timing("cpu", 4.0), 100, 1000, 600, Ceiling(1000.0, 300.0), peak_bytes=0
    )
    assert result.floor_seconds == 2.0
    assert result.share_of_ceiling == 0.5
    assert (result.images_per_second, result.flop_per_second) == (25.0, 250.0)


def test_a_gpu_is_described_by_its_name_and_versions() -> None:
    runtime = SimpleNamespace(
        getDeviceProperties=lambda index: {"name": b"GPU %d" % index},
        runtimeGetVersion=lambda: 12090,
    )
    xp = SimpleNamespace(__version__="14.2.0", cuda=SimpleNamespace(runtime=runtime))
    gpu = cast("Backend", SimpleNamespace(name="cuda:1", xp=xp))
    assert describe_device(gpu) == "GPU 1, CuPy 14.2.0, CUDA 12.9"


# Verdicts


def test_the_faster_device_wins_unless_times_overlap() -> None:
    cpu, cuda = timing("cpu", 3.0, 4.0, 5.0), timing("cuda:0", 1.0, 2.0, 2.5)
    assert Cell(1, 1, 1, (cpu, cuda)).verdict == "cuda:0 2.0x"
    assert Cell(1, 1, 1, (cuda, cpu)).verdict == "cuda:0 2.0x"
    assert Cell(1, 1, 1, (timing("cpu", 2.4, 3.0), cuda)).verdict == "even"
    assert Cell(1, 1, 1, (cpu, cuda, timing("cuda:1", 9.0))).verdict == "cuda:0 2.0x"


def test_a_map_has_each_place_once() -> None:
    workload = Workload(architecture=Architecture(hidden=(9, 9)), recipe=Recipe(), images=noise(40))
    cells = list(sweep(workload, [CpuBackend()], [10, 20], [2, 3], repeats=1))
    batch_sizes, widths, rows = as_map(cells)
    assert (batch_sizes, widths) == ([10, 20], [2, 3])
    assert [[(c.batch_size, c.width) for c in row] for row in rows] == [
        [(10, 2), (10, 3)],
        [(20, 2), (20, 3)],
    ]


# The command


def test_json_has_the_figures_and_what_they_were_measured_on() -> None:
    found = json.loads(output("--device", "cpu", *SMALL, "--loss", "quadratic", "--json"))
    assert found["layers"] == [784, 6, 5, 10]
    assert (found["batch_size"], found["images"], found["loss"]) == (20, 60, "quadratic")
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["versions"]["NumPy"] == np.__version__
    assert found["machine"]["blas"]
    assert found["gflop_per_epoch"] == pytest.approx(count_flop([784, 6, 5, 10], 60) / 1e9)
    (cpu,) = found["results"]
    assert cpu["device"] == "cpu"
    assert found["devices"]["cpu"]
    assert len(cpu["seconds"]) == 2
    assert cpu["seconds_min"] <= cpu["seconds_median"] <= cpu["seconds_max"]
    assert cpu["images_per_second"] == pytest.approx(60 / cpu["seconds_median"])
    assert cpu["gflop_per_second"] == pytest.approx(
        found["gflop_per_epoch"] / cpu["seconds_median"]
    )
    assert cpu["share_of_ceiling"] == pytest.approx(cpu["floor_seconds"] / cpu["seconds_median"])
    assert cpu["peak_bytes"] > 60 * 784


def test_the_table_has_a_line_a_device() -> None:
    lines = output("--device", "cpu", *SMALL).splitlines()
    assert lines[0].split("  ")[0].strip() == "device"
    assert lines[1].split()[0] == "cpu"
    assert "%" in lines[1]
    assert lines[2].startswith("cpu at most: ")
    assert lines[-1].startswith("counted: ")


@pytest.mark.usefixtures("two_devices")
def test_two_devices_are_compared() -> None:
    text = output(*SMALL)  # the CPU and CUDA, unless told
    assert "cpu at most: " in text
    assert "counting at most: " in text
    assert re.search(r"^(cpu|counting) is \d+\.\d times as fast as (cpu|counting)", text, re.M)
    found = json.loads(output("--device", "cuda", "--device", "cpu", *SMALL, "--json"))
    assert [result["device"] for result in found["results"]] == ["counting", "cpu"]


def test_a_device_that_is_named_twice_is_timed_once() -> None:
    found = json.loads(output("--device", "cpu", "--device", "cpu", *SMALL, "--json"))
    assert len(found["results"]) == 1


def test_without_cuda_the_cpu_is_timed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_device(name: str) -> Backend:
        if name == "cuda":
            raise BackendError("no GPU here")
        return get_backend(name)

    monkeypatch.setattr(COMMAND, "get_backend", open_device)
    result = bench(*SMALL, "--json")
    assert [r["device"] for r in json.loads(result.stdout)["results"]] == ["cpu"]
    assert "no GPU here" in result.stderr
    assert refusal("--device", "cpu", "--device", "cuda", *SMALL) == "no GPU here"


def test_a_preset_is_timed_with_what_is_given_over_it() -> None:
    small = ["--device", "cpu", "--images", "50", "--repeats", "1", "--json"]
    found = json.loads(output("--preset", "deep-network", *small))
    assert (found["layers"], found["batch_size"]) == ([784, 10, 10], "full")
    found = json.loads(output("--preset", "deep-network", "--hidden", "4", *small))
    assert (found["layers"], found["batch_size"]) == ([784, 4, 10], "full")


def test_a_dataset_is_trained_on_in_the_noises_place(tmp_path: Path) -> None:
    write_idx_folder(toy_dataset(train=70), tmp_path)
    arguments = ["--device", "cpu", "--dataset", str(tmp_path), "--hidden", "3", "--repeats", "1"]
    found = json.loads(output(*arguments, "--json"))
    assert (found["layers"], found["images"]) == ([16, 3, 10], 70)


def test_a_map_of_one_device_tells_images_a_second() -> None:
    lines = output("--device", "cpu", *MAP).splitlines()
    assert lines[0] == "cpu, images a second"
    assert lines[1].split()[-3:] == ["3", "4", "6"]
    assert [line.split()[0] for line in lines[2:4]] == ["20", "60"]


@pytest.mark.usefixtures("two_devices")
def test_a_map_of_two_devices_tells_who_wins_where() -> None:
    text = output(*MAP)
    assert " of 6 places" in text
    assert "counting, images a second" in text
    found = json.loads(output(*MAP, "--json"))["map"]
    assert len(found) == 6
    for place in found:
        cpu, other = place["results"]
        ratio = other["seconds_per_image"] / cpu["seconds_per_image"]
        assert place["verdict"] in (
            "even", f"cpu {ratio:.1f}x", f"counting {1 / ratio:.1f}x"
        )  # fmt: skip


@pytest.mark.parametrize("arguments", [SMALL, MAP], ids=["speeds", "map"])
@pytest.mark.parametrize("devices", [["cpu"], ["cpu", "cuda"]], ids=len)
@pytest.mark.usefixtures("two_devices")
def test_a_picture_is_drawn(arguments: list[str], devices: list[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "speeds.png"
    named = [part for device in devices for part in ("--device", device)]
    output(*named, *arguments, "--plot", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 3000
    assert "--force" in refusal(*named, *arguments, "--plot", str(picture))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--device", "gpu"], "there is no device 'gpu'"),
        (["--device", "cuda:999"], ""),
        (["--images", "5", "--dataset", "synthetic"], "leave one of them away"),
        (["--data", "."], "add --dataset mnist"),
        (["--sweep", "--batch-size", "8"], "--batch-sizes"),
        (["--widths", "8"], "add --sweep"),
        (["--sweep", "--hidden", "none"], "--hidden 100"),
        (["--sweep", "--widths", "8,x"], "--widths takes whole numbers"),
        (["--sweep", "--batch-sizes", "0,8"], "--batch-sizes takes whole numbers"),
        (["--sweep", "--images", "7", "--batch-sizes", "8"], "there are 7"),
        (["--hidden", "3,-1"], "--hidden takes widths"),
        (["--batch-size", "0"], "the batch size must be"),
        (["--activation", "step"], "there is no activation 'step'"),
        (["--loss", "hinge"], "there is no loss 'hinge'"),
        (["--dtype", "float16"], "there is no dtype 'float16'"),
        (["--preset", "none-such"], "there is no preset"),
        (["--plot", "speeds.pdf"], "end"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refusal_is_one_sentence(arguments: list[str], sentence: str) -> None:
    device = [] if "--device" in arguments else ["--device", "cpu"]
    told = refusal(*device, *arguments)
    assert sentence in told
    assert "\n" not in told


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.view.plots.find_spec", lambda name: None)
    assert "pip install 'mlp-digits[plots]'" in refusal(
        *SMALL, "--plot", str(tmp_path / "speeds.png")
    )
