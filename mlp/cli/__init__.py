"""The command line: it parses, builds, calls and prints. It holds no mathematics."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

import typer

from backends import BackendError
from mlp.cli import console
from mlp.cli.group import Entries, group_of, imported
from mlp.common.errors import MLPError
from mlp.common.version import package_version

COMMANDS: Entries = {
    "train": "mlp.cli.train:train",
    "find-lr": "mlp.cli.find_lr:find_lr",
    "search": "mlp.cli.search:search",
    "watch": "mlp.cli.watch:watch",
    "runs": "mlp.cli.runs:runs",
    "eval": "mlp.cli.evaluate:evaluate",
    "convert": "mlp.cli.convert:convert",
    "predict": "mlp.cli.predict:predict",
    "draw": "mlp.cli.draw:draw",
    "export-page": "mlp.cli.export_page:export_page",
    "presets": "mlp.cli.presets:presets",
    "doctor": "mlp.cli.doctor:doctor",
    "reproduce": "mlp.cli.presets:reproduce",
    "bench": "mlp.cli.bench:bench",
    "data": "mlp.cli.data:app",
    "show": "mlp.cli.show:show",
}

app = typer.Typer(
    name="mlp",
    cls=group_of(COMMANDS),
    help="Handwritten digits, read by a network whose every gradient is written by hand.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 training diverged, 130 interrupted, "
    "128 and its number for another signal.",
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"mlp {package_version()}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def load_command(name: str) -> None:
    """Import what a command needs, if there is one of this name, before it is run."""
    if name in COMMANDS:
        imported(COMMANDS[name])


def main() -> None:
    """Run the command line; end with one sentence on stderr and an exit code where it fails."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every stream has a λ
    try:
        try:
            app(prog_name="mlp")  # as completion knows it, also under python -m
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a failure can be reported, and not at exit
    except (MLPError, BackendError) as error:
        _fail(str(error), getattr(error, "exit_code", 1))
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except SystemExit as ended:
        if _is_for_ctrl_c(ended):
            _fail("interrupted", 130)
        raise
    except MemoryError as error:
        _fail(console.out_of_memory(error), 1)
    except ImportError as error:  # for want of memory or of file handles
        _fail(f"a part of the program cannot be loaded ({error}): see to ulimit -v and -n", 1)
    except RuntimeError as error:
        if "new thread" not in str(error):
            raise
        _fail("the system lets no more threads start: end other programs, or raise ulimit -u", 1)
    except BrokenPipeError:  # whoever read our output has seen enough
        _drop_stdout()
        sys.exit(1)
    except OSError as error:  # a full disk under a redirected stdout, say
        _drop_stdout()
        where = error.filename or "stdout"
        _fail(f"{where} cannot be read or written ({error.strerror}): see to room and rights", 1)


def _is_for_ctrl_c(ended: SystemExit) -> bool:
    """Whether typer made this exit, without a word, of an interrupt that a command left to it."""
    exit_ = ended.__context__
    return exit_ is not None and isinstance(exit_.__cause__, KeyboardInterrupt)


def _drop_stdout() -> None:
    """Point stdout at nothing, so that flushing what it still holds cannot fail again at exit."""
    with suppress(OSError):  # there may be no file handle to be had
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(sentence: str, code: int) -> None:
    console.stderr.file.write(f"mlp: {sentence}\n")
    sys.exit(code)
