"""``mlp bench``: what it times, what it prints, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from device import CountingBackend
from toys import toy_dataset
from typer.testing import CliRunner, Result

from backends import Backend, BackendError, get_backend
from backends.cpu import CpuBackend
from mlp.benchmark.workload import count_flop
from mlp.cli import app
from mlp.common.errors import MLPError
from mlp.data.formats.idx_folder import write_idx_folder

SMALL = ["--images", "60", "--hidden", "6,5", "--batch-size", "20", "--repeats", "2"]
MAP = ["--sweep", "--images", "60", "--repeats", "1", "--batch-sizes", "20,60", "--widths", "3,6,4"]


@pytest.fixture(autouse=True)
def quick(short_measurements: None) -> None:
    """Measure tiny products and short turns."""


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a device that keeps CuPy's rules stand in for CUDA."""
    devices: dict[str, Callable[[], Backend]] = {"cpu": CpuBackend, "cuda": CountingBackend}
    monkeypatch.setattr("mlp.cli.bench.get_backend", lambda name: devices[name]())


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

    monkeypatch.setattr("mlp.cli.bench.get_backend", open_device)
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
    assert (found["layers"], found["images"]) == ([16, 3, 5], 70)


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
