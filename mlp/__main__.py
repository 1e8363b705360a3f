"""The program: ``python -m mlp``, and the command ``mlp``."""

import os
import sys

from mlp.common.errors import UsageError
from mlp.common.plugins import VARIABLE, load_plugins


def main() -> None:
    """Import the plugins, so that the options list their parts, and run the command line."""
    try:
        load_plugins(os.environ.get(VARIABLE, ""))
    except UsageError as error:
        print(f"mlp: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    from mlp.cli import main as run  # whose options list what is registered by now

    run()


if __name__ == "__main__":
    main()
