"""`leakreport diff BEFORE AFTER`: what is larger, on which call path, and what became of each leak."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.options import COMPARING, READING, WRITING, At, FailOn, Given, Records, takes
from leakreport.cli.outcome import finish, red_without_report, targets_of
from leakreport.cli.shared import read_run

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport


@takes(READING, COMPARING, WRITING)
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A file, a folder or a glob.", show_default=False)],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The same, later.", show_default=False)],
    given: Given,
    at: At = None,
    min_change: Annotated[str | None, typer.Option("--min-change", metavar="SIZE", help="Smaller changes of a path are noise: marked and summed, never dropped.", show_default=False)] = None,
    fail_on: FailOn = None,
    per: Annotated[str | None, typer.Option("--per", metavar="WORK", help="Add bytes per unit of work: N, UNIT=N, or UNIT=BEFORE,AFTER.", show_default=False)] = None,
    records: Records = False,
) -> int:  # fmt: skip
    """Compare two runs: which call path retains more, what is new and what is gone."""
    from leakreport.render import as_diff, get_renderer

    chosen = given.chosen({"fail-on": fail_on, "min-change": min_change, "per": per})
    targets = targets_of(given.to, given.texts("output"), [before, after])
    for name, _ in targets:
        as_diff(get_renderer(name))
    options = chosen.analysis_options(at=at, metric=given.text("metric"), grouping=given.text("as_"), command="diff")
    report = None
    with red_without_report(chosen, targets, "diff"):
        old, errors = read_run([before], given, chosen.symbol_options())
        new, more = read_run([after], given, chosen.symbol_options())
        errors.extend(more)
        if old is not None and new is not None:
            from leakreport.api import compare

            report = compare(old, new, config=options)
    if report is not None and not given.flag("quiet") and not options.redact:
        report = replace(report, next_commands=_next(report, before, after, targets))
    return finish(report, given, chosen, targets, errors, records=records or chosen.flag("records"), kind="diff")


def _next(report: DiffReport, before: str, after: str, targets: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    given = shlex.join([before, after])
    found = []
    if not any(name == "html" for name, _ in targets):
        found.append(f"leakreport diff {given} -o report.html")
    if report.verdict.gate == "not-asked":
        found.append(f"leakreport diff {given} --fail-on growth")
    found.append(f"leakreport diff {given} -v")
    return tuple(found[:2])
