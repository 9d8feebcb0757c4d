"""`leakreport baseline …`: the file of known leaks, written on purpose and never by a check."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.baselines import (
    BaselineFile,
    Budgets,
    baseline_file,
    check_options,
    coming_day,
    compared_run,
    whole_analysis,
)
from leakreport.cli.options import READING, ConfigFile, Flag, Given, Inputs, Quiet, takes
from leakreport.cli.output import check_replaces_nothing, write_file
from leakreport.cli.shared import incomplete_inputs, say, tell
from leakreport.errors import EXIT_INCONCLUSIVE, EXIT_OK, InconclusiveEvidence, UsageError, first_exit_code

if TYPE_CHECKING:
    from leakreport.baseline.compare import CheckOptions, Comparison
    from leakreport.baseline.entries import Baseline
    from leakreport.cli.settings import Chosen

baseline = typer.Typer(
    help="Write, update, show, accept or prune the baseline: the file of leaks that are known.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
_QUIETLY = (Flag("quiet", Quiet, False),)
_OF_FILE = (Flag("config", ConfigFile), *_QUIETLY)

# fmt: off
Anyway = Annotated[bool, typer.Option("--force", help="Write it even where the evidence is in doubt.")]
SomeInputs = Annotated[list[str] | None, typer.Argument(metavar="[INPUT...]", help="The recording to look at, files, folders, globs, or -.", show_default=False)]
# fmt: on


@baseline.command()
@takes(READING, _QUIETLY)
def write(
    inputs: Inputs,
    given: Given,
    baseline: BaselineFile = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a baseline that is there, and write even where the evidence is in doubt.")] = False,
) -> int:  # fmt: skip
    """Record every leak of a run as known, and pin the anchor at it: from then on only new and growing leaks fail."""
    chosen = given.chosen({"baseline": baseline})
    given_file = chosen.text("baseline")
    from leakreport.baseline.file import FILE_NAME

    path = given_file or FILE_NAME
    check_replaces_nothing([path], inputs)
    if os.path.exists(path) and not force:
        raise UsageError(
            f"{path} exists",
            advice="leakreport baseline update keeps its reasons and its anchor; --force starts anew.",
        )
    options = check_options(chosen, path)
    comparison, code = _compared(inputs, given, chosen, None, options, is_forced=force)
    if comparison is None:
        return code
    from leakreport.baseline.record import recorded

    found = recorded(comparison, options)
    _write(path, found, options, given)
    return code


@baseline.command()
@takes(READING, _QUIETLY)
def update(
    inputs: Inputs,
    given: Given,
    baseline: BaselineFile = None,
    budget: Budgets = None,
    anchor: Annotated[bool, typer.Option("--anchor", help="Pin the anchor at this run.")] = False,
    ratchet: Annotated[bool | None, typer.Option("--ratchet", help="Amounts and budgets only go down, no new leak is taken in, folders without a leak stay so.", show_default=False)] = None,
    force: Anyway = False,
) -> int:  # fmt: skip
    """Move the baseline to another run: new leaks are taken in, amounts follow, what is gone is marked as fixed."""
    from leakreport.api import read_baseline
    from leakreport.baseline.record import updated

    chosen = given.chosen({"baseline": baseline, "budget": budget, "ratchet": ratchet})
    file = baseline_file(chosen)
    options = check_options(chosen, file.path, is_found=file.is_found)
    check_replaces_nothing([file.path], inputs)
    known = read_baseline(file.path, places=options.places)
    comparison, code = _compared(inputs, given, chosen, known, options, is_forced=force)
    if comparison is None:
        return code
    found = updated(comparison, options, moves_anchor=anchor, is_ratchet=chosen.flag("ratchet"))
    _write(file.path, found, options, given, was=known)
    return code


@baseline.command()
@takes(_OF_FILE)
def show(
    given: Given,
    baseline: BaselineFile = None,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="terminal or json.")] = "terminal",
) -> int:
    """List what is known."""
    from leakreport.api import read_baseline
    from leakreport.baseline.file import written
    from leakreport.baseline.listing import listed
    from leakreport.cli.settings import one_of

    one_of(to, ["terminal", "json"], "--to")
    chosen = given.chosen({"baseline": baseline})
    file = baseline_file(chosen)
    options = check_options(chosen, file.path, is_found=file.is_found)
    known = read_baseline(file.path, places=options.places)
    if to == "json":
        typer.echo(written(known, options.places), nl=False)
        return EXIT_OK
    for line in listed(known, file.path, options.today):
        typer.echo(line)
    return EXIT_OK


@baseline.command()
@takes(READING, _QUIETLY)
def accept(
    given: Given,
    name: Annotated[str, typer.Argument(metavar="ID", help="The leak, by the id that check prints, or its beginning.", show_default=False)],
    inputs: SomeInputs = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it may stay.", show_default=False)] = "",
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="The last day on which it may: 2027-01-31.", show_default=False)] = None,
    baseline: BaselineFile = None,
    force: Anyway = False,
) -> int:  # fmt: skip
    """Accept one leak for a reason; one that is new or grew is taken from the recording that is given."""
    from leakreport.api import read_baseline
    from leakreport.baseline.record import accepted

    if not reason.strip():
        raise UsageError("accept needs a reason", advice="Say why it may stay: --reason 'freed by the kernel at exit'.")
    chosen = given.chosen({"baseline": baseline})
    file = baseline_file(chosen)
    options = check_options(chosen, file.path, is_found=file.is_found)
    last_day = None if until is None else coming_day(until, "--until")
    known = read_baseline(file.path, places=options.places)
    comparison, code = None, EXIT_OK
    if inputs:
        check_replaces_nothing([file.path], inputs)
        comparison, code = _compared(inputs, given, chosen, known, options, is_forced=force)
        if comparison is None:
            return code
    found = accepted(known, comparison, name, options, reason=reason.strip(), until=last_day)
    _write(file.path, found, options, given, was=known)
    return code


@baseline.command()
@takes(READING, _QUIETLY)
def prune(given: Given, inputs: SomeInputs = None, baseline: BaselineFile = None, force: Anyway = False) -> int:
    """Take out the leaks that are fixed: marked so by an update, or not in the recording that is given."""
    from leakreport.api import read_baseline
    from leakreport.baseline.record import pruned

    chosen = given.chosen({"baseline": baseline})
    file = baseline_file(chosen)
    options = check_options(chosen, file.path, is_found=file.is_found)
    known = read_baseline(file.path, places=options.places)
    comparison, code = None, EXIT_OK
    if inputs:
        check_replaces_nothing([file.path], inputs)
        comparison, code = _compared(inputs, given, chosen, known, options, is_forced=force)
        if comparison is None:
            return code
    found, gone = pruned(known, comparison)
    _write(file.path, found, options, given, was=known)
    if not given.flag("quiet"):
        for leak in gone:
            tell(f"took out {leak.id} {leak.function or ''}".rstrip())
    return code


def _compared(
    inputs: list[str],
    given: Given,
    chosen: Chosen,
    known: Baseline | None,
    options: CheckOptions,
    *,
    is_forced: bool,
) -> tuple[Comparison | None, int]:
    """A run and the baseline; None, and the exit code, where the evidence is too weak to be recorded."""
    from leakreport.api import check

    if chosen.flag("redact"):
        raise UsageError("a baseline with tokens would know nothing again", advice="Leave --redact out.")
    analysis = chosen.analysis_options(
        at=None, metric=given.text("metric"), grouping=given.text("as_"), command="check"
    )
    comparison, errors = compared_run(inputs, given, chosen, whole_analysis(analysis), known, options)
    if comparison is not None and not chosen.flag("partial"):
        errors.extend(incomplete_inputs(comparison.report))
    for error in errors:
        say("error", error)
    if comparison is None or errors:
        return None, first_exit_code({error.exit_code for error in errors})
    report = check(comparison, check=options)
    doubts = () if report.check is None else report.check.doubts
    for doubt in doubts:
        say(
            "warning" if is_forced else "error",
            InconclusiveEvidence(doubt.text, advice="Written as asked." * is_forced),
        )
    return (comparison, EXIT_OK) if is_forced or not doubts else (None, EXIT_INCONCLUSIVE)


def _write(path: str, found: Baseline, options: CheckOptions, given: Given, *, was: Baseline | None = None) -> None:
    """Write the file, if anything in it changes, and say what did."""
    from leakreport.baseline.file import written
    from leakreport.baseline.listing import changes

    text = written(found, options.places)
    if was is not None and text == written(was, options.places) and os.path.exists(path):
        if not given.flag("quiet"):
            tell(f"{path} stays as it is")
        return
    write_file(path, text)
    if not given.flag("quiet"):
        tell(f"wrote {path}: {changes(was, found)}")
