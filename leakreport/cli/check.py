"""`leakreport check INPUT...`: which leaks are new, which grew, and a gate on these only."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.baselines import (
    BaselineFile,
    Budgets,
    Named,
    baseline_file,
    check_options,
    compared_run,
    whole_analysis,
)
from leakreport.cli.bisect import OPTION as BISECT
from leakreport.cli.options import READING, WRITING, At, FailOn, Given, Inputs, MaxLeaked, Records, takes
from leakreport.cli.outcome import finish, red_without_report, targets_of
from leakreport.cli.shared import tell

if TYPE_CHECKING:
    from leakreport.analysis.report import Report

_OF_ONE_RUN = ("errors", "fds")


@takes(READING, WRITING)
def check(
    inputs: Inputs,
    given: Given,
    baseline: BaselineFile = None,
    budget: Budgets = None,
    fail_on: FailOn = None,
    max_leaked: MaxLeaked = None,
    min_change: Annotated[str | None, typer.Option("--min-change", metavar="SIZE", help="Smaller changes of a leak are noise.", show_default=False)] = None,
    bisect: Annotated[bool, typer.Option(BISECT, help="Exit codes for git bisect run: what cannot be judged is skipped (125).")] = False,
    at: At = None,
    records: Records = False,
) -> int:  # fmt: skip
    """Compare one run with a baseline, and fail for what is new or grew. The baseline is never written."""
    from leakreport.api import check as check_report
    from leakreport.api import read_baseline

    del bisect  # `main` looks at it: it is for errors of this very command line, too
    chosen = given.chosen(
        {"fail-on": fail_on, "max-leaked": max_leaked, "min-change": min_change, "baseline": baseline, "budget": budget}
    )
    targets = targets_of(given.to, given.texts("output"), inputs)
    analysis = chosen.analysis_options(at=at, metric=given.text("metric"), grouping=given.text("as_"), command="check")
    analysis = whole_analysis(analysis, *(word for word in analysis.fail_on if word in _OF_ONE_RUN))
    file = baseline_file(chosen)
    report = None
    with red_without_report(chosen, targets, "check"):
        options = check_options(chosen, file.path, is_found=file.is_found)
        is_asked = file.is_found or chosen.text("baseline") is not None
        known = read_baseline(file.path, places=options.places) if is_asked else None
        comparison, errors = compared_run(inputs, given, chosen, analysis, known, options)
        if comparison is not None:
            report = check_report(comparison, check=options, redact=analysis.redact)
    for line in report.check.budgets if report is not None and report.check is not None else ():
        if not line.is_matched and not line.is_implied:
            tell(f"warning: --budget {line.budget} matches nothing here")
    if report is not None and not given.flag("quiet") and not analysis.redact:
        report = replace(report, next_commands=_next(report, inputs, targets, file, is_there=known is not None))
    return finish(report, given, chosen, targets, errors, records=records, kind="check")


def _next(
    report: Report, inputs: Sequence[str], targets: Sequence[tuple[str, str]], file: Named, *, is_there: bool
) -> tuple[str, ...]:
    """The two most useful next commands, file names filled in."""
    assert report.check is not None
    given = shlex.join("FILE" if name == "-" else name for name in inputs)
    where = "" if file.is_found or not is_there else f" --baseline {shlex.quote(file.path)}"
    doubts = report.check.doubts
    if any(not doubt.is_comparable for doubt in doubts):
        return ()
    if not is_there and not doubts:
        return (f"leakreport baseline write {given}",)
    found = []
    # No baseline is made of a run that is in doubt.
    failing = [leak for leak in report.check.leaks if leak.is_counted and not doubts]
    if failing:
        found.append(f"leakreport baseline accept {failing[0].id} {given} --reason TEXT{where}")
    if failing or report.check.counts["fixed"]:
        found.append(f"leakreport baseline update {given}{where}")
    if not any(name == "html" for name, _ in targets):
        found.append(f"leakreport check {given}{where} -o report.html")
    return tuple(found[:2])
