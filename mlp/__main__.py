"""The program: ``python -m mlp``, and the command ``mlp``."""

import os
import signal
import sys
from collections.abc import Callable


def main() -> None:
    """Import the plugins, so that the options list their parts, and run the command line.

    While nothing but imports is done, and when all is done, Ctrl-C ends the process as the system
    does it, since Python would print where it was.
    """
    takes_interrupts = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if takes_interrupts:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    run = _imported()
    try:
        if takes_interrupts:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:  # before its first line
        print("mlp: interrupted", file=sys.stderr)
        sys.exit(130)
    finally:
        if takes_interrupts:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _imported() -> Callable[[], None]:
    """Import the plugins, and then the command line and the command that is asked for.

    Its options list what is registered by then.

    Where a library cannot be loaded, which takes memory and file handles, that is told.
    """
    try:
        from mlp.common.errors import UsageError
        from mlp.common.plugins import VARIABLE, load_plugins

        try:
            load_plugins(os.environ.get(VARIABLE, ""))
        except UsageError as error:
            print(f"mlp: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
        from mlp.cli import load_command
        from mlp.cli import main as run

        load_command(next(iter(sys.argv[1:]), ""))
    except (ImportError, OSError, MemoryError, SystemError) as error:
        lines = str(error).split("\n")  # NumPy's is a page, with the reason near its end
        reason = next((line for line in reversed(lines) if line.strip()), type(error).__name__)
        print(
            f"mlp: the program cannot be loaded ({reason}): see to memory, file handles "
            "(ulimit -v, ulimit -n) and the installation",
            file=sys.stderr,
        )
        sys.exit(1)
    return run


if __name__ == "__main__":
    main()
