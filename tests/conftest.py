"""Fixtures that several files share, and the option that makes a missing GPU a failure."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import host_kernel
import pytest
from chromium import chromium
from cuda_stand_in import open_stand_in
from device import CountingBackend
from once import folder_of_the_run, made_once

import backends.cpu
from backends import Backend, BackendError, get_backend, usable_cores
from mlp import MLP, Recipe, load_dataset, save, train
from mlp.benchmark import epochs, roofline
from mlp.training.presets import quirks as quirks  # so that all losses and starts are tested

OPTIONAL = {
    *("anyio", "array_api_strict", "hypothesis", "pandas", "scipy", "selenium", "sklearn"),
    *("starlette", "threadpoolctl", "torch", "uvicorn"),
}
"""What a machine for tests marked ``cuda`` may lack: a file that imports it is skipped there."""

LONGEST = (
    *("bench/test_on_gpu.py", "cli/test_killed_runs.py", "cli/test_runs.py", "cli/test_search.py"),
    *("tests/test_bare_machine.py", "tests/test_data_page.py", "tests/test_readme.py"),
    *("docs/test_export.py", "web/test_watch_page.py"),
)
"""The files with the longest tests, which start processes that train."""

with suppress(ImportError):
    from hypothesis import settings

    # An example may wait for a busy machine; and neither what an earlier run found nor a checkout
    # that cannot be written to decides what is tried: a failure says how it is repeated.
    settings.register_profile("tests", deadline=None, database=None, print_blob=True)
    settings.load_profile("tests")


class TestFile(pytest.Module):
    """A file of tests; it is skipped, and says so, if it imports something optional in vain."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            return super().collect()
        except self.CollectError as error:
            name = getattr(error.__cause__, "name", None) or ""
            if name.partition(".")[0] in OPTIONAL:
                pytest.skip(f"{name} is not installed", allow_module_level=True)
            raise


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> TestFile:
    made: TestFile = TestFile.from_parent(parent, path=module_path)
    return made


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-cuda",
        action="store_true",
        help="fail, rather than skip, the tests that need a CUDA device where there is none",
    )
    parser.addoption(
        "--kills",
        type=int,
        default=3,
        help="how many runs of mlp train to kill at a random moment and to resume",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Start no other process for a single test, ``pytest path::test``, nor on a single core."""
    names_a_test = any("::" in str(argument) for argument in config.invocation_params.args)
    return 0 if names_a_test or usable_cores() == 1 else None


def pytest_configure(config: pytest.Config) -> None:
    """Let BLAS use one thread in each of several processes, or they would wait for each other.

    And let Ctrl-C interrupt, which a shell has its background jobs ignore: it is tested.
    """
    if getattr(config.option, "numprocesses", None):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, lest one process be left with them when the others have ended."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))


def pytest_collection_finish() -> None:
    """Let garbage be looked for in what tests make alone, not in all that they have imported.

    A capture begins with a collection, which took most of the time of a short training.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip of a test marked ``cuda`` into a failure under ``--require-cuda``."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and item.get_closest_marker("cuda") and item.config.option.require_cuda:
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"--require-cuda was given, but this was skipped: {reason}"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, also where the shell started this to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a span be one update."""
    monkeypatch.setattr(backends.cpu, "SPAN", 1)


@pytest.fixture
def short_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure a roofline with tiny matrices and copies, and time short turns."""
    for name, value in {
        "LEAST_SECONDS": 1e-4,
        "TIMINGS": 2,
        "SMALLEST_PRODUCT": 16,
        "LARGEST_PRODUCT": 32,
        "COPY_BYTES": 4096,
    }.items():
        monkeypatch.setattr(roofline, name, value)
    monkeypatch.setattr(epochs, "TURN_SECONDS", 1e-4)


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The folder of the MNIST files that the environment names; a visible skip without one."""
    folder = os.environ.get("MLP_DATA_DIR")
    if folder is None or not Path(folder).is_dir():
        pytest.skip("MLP_DATA_DIR names no folder with the MNIST files")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def folder_of_kernels(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Kernels that run on the host are compiled once for all processes of a run."""
    host_kernel.build = folder_of_the_run(tmp_path_factory)


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model that reads clear handwriting, trained once a run in two seconds."""

    def trained(path: Path) -> None:
        model = MLP([784, 64, 10])
        train(model, load_dataset("synthetic:8000+100"), Recipe(epochs=8, validation=500))
        save(model, path)

    return made_once(folder_of_the_run(tmp_path_factory) / "reader.safetensors", trained)


@pytest.fixture(scope="session")
def chromium_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, driven by selenium; a visible skip where one of them is missing."""
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def browser(chromium_of_the_run: Any) -> Iterator[Any]:
    """Chromium, which is started once, in a tab whose size and log are those of one file."""
    browser, (first, *_) = chromium_of_the_run, chromium_of_the_run.window_handles
    browser.switch_to.new_window("tab")
    browser.get_log("browser")
    yield browser
    browser.close()
    browser.switch_to.window(first)


@pytest.fixture(scope="session")
def cuda() -> Backend:
    """The first CUDA device; a visible skip, with the reason, where there is none."""
    try:
        return get_backend("cuda")
    except BackendError as error:
        pytest.skip(f"no CUDA device: {error}")


@pytest.fixture(params=["counting", "stand-in", pytest.param("cuda", marks=pytest.mark.cuda)])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """A device other than the CPU: the counting one, CUDA's on a stand-in, and the first CUDA."""
    if request.param == "counting":
        return CountingBackend()
    if request.param == "stand-in":
        return open_stand_in(monkeypatch)[1]
    device: Backend = request.getfixturevalue("cuda")
    return device
