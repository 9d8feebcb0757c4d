"""`leakreport trend INPUT...`: what each call path holds over many snapshots or runs, and whether it grows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.growth import work_done
from leakreport.cli.options import COMPARING, READING, WRITING, FailOn, Given, Inputs, takes
from leakreport.cli.outcome import finish, red_without_report, targets_of
from leakreport.cli.settings import one_of
from leakreport.cli.shared import read_run
from leakreport.units import parse_size

if TYPE_CHECKING:
    from leakreport.analysis.trendreport import TrendReport


@takes(READING, COMPARING, WRITING)
def trend(
    inputs: Inputs,
    given: Given,
    sort: Annotated[str | None, typer.Option("--sort", metavar="BY", help="Points by time or name, instead of the order given.", show_default=False)] = None,
    per: Annotated[str | None, typer.Option("--per", metavar="UNIT=WORK", help="Growth per unit of work: requests=1000,2000,3000 (cumulative, one per point), or requests=FILE:COLUMN.", show_default=False)] = None,
    limit: Annotated[str | None, typer.Option("--limit", metavar="SIZE", help="Say when the total reaches this.", show_default=False)] = None,
    min_growth: Annotated[str | None, typer.Option("--min-growth", metavar="SIZE", help="Series that range over less are flat.", show_default=False)] = None,
    fail_on: FailOn = None,
) -> int:  # fmt: skip
    """Judge the series of every call path: the snapshots of one process, or several runs in the order given."""
    from leakreport.analysis.options import SORTS
    from leakreport.render import as_trend, get_renderer

    chosen = given.chosen({"fail-on": fail_on, "min-growth": min_growth, "sort": sort, "limit": limit})
    targets = targets_of(given.to, given.texts("output"), inputs)
    for name, _ in targets:
        as_trend(get_renderer(name))
    options = replace(
        chosen.analysis_options(at=None, metric=given.text("metric"), grouping=given.text("as_"), command="trend"),
        sort=None if (order := chosen.text("sort")) is None else one_of(order, SORTS, "--sort"),
        work=None if per is None else work_done(per),
        limit=None if (most := chosen.text("limit")) is None else parse_size(most),
    )
    report = None
    with red_without_report(chosen, targets, "trend"):
        run, errors = read_run(inputs, given, chosen.symbol_options())
        if run is not None:
            from leakreport.api import trend as trend_of

            report = trend_of(run, config=options)
    if report is not None and not given.flag("quiet") and not options.redact:
        report = replace(report, next_commands=_next(report, inputs, targets))
    return finish(report, given, chosen, targets, errors, kind="trend")


def _next(report: TrendReport, inputs: Sequence[str], targets: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    given = shlex.join(inputs)
    found = []
    if not any(name == "markdown" for name, _ in targets):
        found.append(f"leakreport trend {given} -o trend.md")
    if report.verdict.gate == "not-asked":
        found.append(f"leakreport trend {given} --fail-on growth")
    if len(report.rows) > report.growing:
        found.append(f"leakreport trend {given} -v")
    return tuple(found[:2])
