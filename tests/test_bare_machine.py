"""On a machine that has NumPy, typer, rich, Pillow and safetensors alone, the project works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from source import ROOT

BARE = """
import sys
class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Bare())
{code}
"""
INSTALLED = ("numpy", "typer", "rich", "pillow", "safetensors")


@cache
def missing(*also: str) -> set[str]:
    """The names of what is installed but neither one of these nor needed by them."""
    needed, found = [*INSTALLED, *also], set[str]()
    while needed:
        name = re.sub(r"[-_.]+", "-", needed.pop()).lower()
        if name not in found:
            found.add(name)
            with suppress(PackageNotFoundError):  # for another system
                needed += [
                    re.split(r"[^\w.-]", line)[0]
                    for line in requires(name) or ()
                    if "extra ==" not in line
                ]
    found.add("mlp-digits")
    owners = packages_distributions().items()
    return {name for name, of in owners if not {re.sub("_", "-", o).lower() for o in of} & found}


def run_bare(folder: Path, code: str, *also: str) -> subprocess.CompletedProcess[str]:
    """Run code where nothing else can be imported; it must end well."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they could not be imported
    environment.pop("MLP_DATA_DIR", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BARE.format(missing=missing(*also), code=code)],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done


def command(folder: Path, *arguments: str) -> str:
    """Run the command line there; return what it prints."""
    code = f"sys.argv = ['mlp', *{arguments!r}]\nfrom mlp.__main__ import main\nmain()"
    return run_bare(folder, code).stdout


def test_the_bare_machine_of_these_tests_is_bare(tmp_path: Path) -> None:
    for name in ("platformdirs", "threadpoolctl", "scipy.sparse", "matplotlib"):
        code = f"try:\n    import {name}\nexcept ImportError as e:\n    print(e)"
        assert "No module named" in run_bare(tmp_path, code).stdout


def test_all_is_imported(tmp_path: Path) -> None:
    run_bare(
        tmp_path, "import mlp, mlp.cli.train, backends.cuda\nfor n in mlp.__all__: getattr(mlp, n)"
    )


@pytest.mark.parametrize("workers", [(), ("--batch-size", "full")])
def test_a_network_is_trained_and_used(tmp_path: Path, workers: tuple[str, ...]) -> None:
    data = ("--dataset", "synthetic:300+50", "--device", "cpu")
    trained = command(
        tmp_path, "train", *data, "--epochs", "2", *workers, "--out", "m.safetensors", "--json"
    )
    result = json.loads(trained)
    told = json.loads(command(tmp_path, "eval", "m.safetensors", *data[:2], "--json"))
    assert told["test_accuracy"] == pytest.approx(result["test_accuracy"])


def test_the_folder_of_mnist_is_that_of_the_environment(tmp_path: Path) -> None:
    code = "from mlp.data.mnist import cache_folder\nprint(cache_folder())"
    assert run_bare(tmp_path, code).stdout.strip() == str(tmp_path / "mlp" / "mnist")


def test_tests_are_collected_with_pytest_alone(tmp_path: Path) -> None:
    """So that ``pytest -m cuda --require-cuda`` runs on a machine that has little else."""
    options = ("--collect-only", "-q", "-m", "cuda", "-p", "no:cacheprovider")
    options += ("-o", "addopts=--import-mode=importlib", "--rootdir", str(ROOT))
    code = f"import pytest\nsys.exit(pytest.main([*{options!r}, {str(ROOT / 'tests')!r}]))"
    collected = run_bare(tmp_path, code, "pytest").stdout
    assert "tests/backends/test_parity.py::test_operations[cuda-float32]" in collected
