"""The command line: options in, exit code out. Errors become one line on standard error, never a traceback."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

# Before the first numpy import: its thread pool costs start-up time, and nothing here multiplies matrices.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer

from leakreport import __version__
from leakreport.cli.analyze import analyze
from leakreport.cli.baseline import baseline
from leakreport.cli.bisect import bisect_code, is_bisecting
from leakreport.cli.check import check
from leakreport.cli.completion import completion
from leakreport.cli.config import config
from leakreport.cli.convert import convert
from leakreport.cli.diff import diff
from leakreport.cli.doctor import doctor
from leakreport.cli.explain import explain
from leakreport.cli.extract import extract
from leakreport.cli.formats import formats
from leakreport.cli.launch import launch
from leakreport.cli.suppress import suppress
from leakreport.cli.trend import trend
from leakreport.cli.watch import watch
from leakreport.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK, EXIT_OUTPUT, EXIT_USAGE, LeakreportError

app = typer.Typer(
    name="leakreport",
    help="Reads native-memory profiles, says what leaks and who is responsible, and writes one HTML file for the ticket.",
    epilog="Exit codes: 0 done, 1 the gate failed, 2 usage, 3 input unreadable or incomplete, 4 output not written, "
    "5 the gate cannot judge, 70 a bug, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(*, value: bool) -> None:
    if value:
        typer.echo(f"leakreport {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Options of the program itself."""
    del version


COMMANDS: dict[str, Callable[..., int] | typer.Typer] = {
    "analyze": analyze,
    "diff": diff,
    "trend": trend,
    "watch": watch,
    "convert": convert,
    "check": check,
    "baseline": baseline,
    "extract": extract,
    "explain": explain,
    "doctor": doctor,
    "run": launch,
    "formats": formats,
    "suppress": suppress,
    "config": config,
    "completion": completion,
}
# Behind the first word of a command that is started, options are that command's own.
_PASSING_ON = frozenset(("run",))
for _name, _command in COMMANDS.items():
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name, context_settings={"allow_interspersed_args": _name not in _PASSING_ON})(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is the result.

    Source: the codes are those of `docs/json.md`; with `--bisect` those that git knows.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    code = _outcome(arguments)
    return bisect_code(code) if is_bisecting(arguments) else code


def _outcome(arguments: Sequence[str]) -> int:
    """The exit code of `docs/json.md`."""
    # Of a plug-in that does not work, for example.
    logging.basicConfig(format="warning: %(message)s", level=logging.WARNING)
    if not arguments:
        _complain("usage", "no command. See leakreport --help; most of the time: leakreport analyze FILE")
        return EXIT_USAGE
    try:
        _suggest_command(arguments)
        code = app(args=list(arguments), prog_name="leakreport", standalone_mode=False)
    except LeakreportError as error:
        _complain(error.slug, str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted", "interrupted.")
        return EXIT_INTERRUPTED
    except OSError as error:
        # Inputs and outputs have errors of their own; this is standard output, on help and the like.
        _complain("output", f"cannot write to standard output: {error.strerror or error}.")
        return EXIT_OUTPUT
    except Exception as error:
        if hasattr(error, "format_message") and getattr(error, "exit_code", None) == EXIT_USAGE:
            _complain("usage", f"{_usage_words(error)} {_help_hint(error)}")
            return EXIT_USAGE
        return _report_bug(error)
    return code if isinstance(code, int) else EXIT_OK


def run() -> NoReturn:
    """The program: `main` in a process of its own."""
    # A report makes millions of objects, no cycles among them, and then the process ends: looking for cycles would be
    # a tenth of its time.
    gc.disable()
    if sys.stdout is None:
        # Closed by the caller: what goes there goes nowhere.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    sys.exit(main())


def _suggest_command(arguments: Sequence[str]) -> None:
    """`leakreport FILE` is what people try first."""
    from leakreport.errors import UsageError

    first = next((argument for argument in arguments if not argument.startswith("-") or argument == "-"), None)
    if first is None or first in COMMANDS or arguments[0] != first:
        return
    if first == "-" or os.path.exists(first) or "." in first or "/" in first:
        raise UsageError(f"{first!r} is no command", advice=f"Did you mean: leakreport analyze {first}")


def _usage_words(error: Any) -> str:  # noqa: ANN401 - of the library behind typer
    """What is wrong with the command line; a command without the name of a part has its whole help for a message."""
    if type(error).__name__ == "NoArgsIsHelpError":
        parts = ", ".join(getattr(getattr(error.ctx, "command", None), "commands", {}))
        return f"a command is missing: {parts}."
    return f"{error.format_message().rstrip('.')}."


def _help_hint(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "leakreport")
    return f"See {command} --help."


def _report_bug(error: Exception) -> int:
    if os.environ.get("LEAKREPORT_DEBUG"):
        raise error
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"
    _complain(
        "bug",
        f"leakreport {__version__} failed with {type(error).__name__}: {error} ({where}). "
        "Please report it with the command line; LEAKREPORT_DEBUG=1 shows more.",
    )
    return EXIT_BUG


def _complain(slug: str, text: str) -> None:
    line = " ".join(text.split())
    print(f"error[{slug}]: {line}", file=sys.stderr)  # noqa: T201 - this is where printing belongs
