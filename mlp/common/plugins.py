"""Parts that lie outside of the package: imported at the start, so that registries know them."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from mlp.common.errors import UsageError

VARIABLE = "MLP_PLUGINS"
"""The environment variable that names them."""


def load_plugins(names: str) -> None:
    """Import modules, whose registered parts are then known.

    Args:
        names: modules, or paths of files that end in ``.py``, with commas between.

    Raises:
        UsageError: if one cannot be imported, with the reason.
    """
    for name in filter(None, map(str.strip, names.split(","))):
        try:
            if name.endswith(".py"):
                _import_file(Path(name))
            else:
                import_module(name)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(
                f"{VARIABLE} names {name}, which cannot be imported ({reason}): mend it or leave "
                "it out"
            ) from error


def _import_file(path: Path) -> None:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None  # as the name ends in .py
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
