"""What the tests of the estimators share."""

from __future__ import annotations

import os
from importlib.util import find_spec

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # before SciPy is imported: it dispatches by it

collect_ignore_glob = [] if find_spec("sklearn") else ["test_*.py"]
