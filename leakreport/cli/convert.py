"""`leakreport convert INPUT... --to FORMAT`: what was read, in another tool's format."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.options import READING, SELECTING, At, Given, Inputs, takes
from leakreport.cli.output import check_replaces_nothing, check_shows
from leakreport.cli.shared import analyse, incomplete_inputs, say, tell, write_report
from leakreport.errors import OutputError, first_exit_code

if TYPE_CHECKING:
    from leakreport.analysis.report import Report


@takes(READING, SELECTING)
def convert(
    inputs: Inputs,
    given: Given,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="pprof, folded, speedscope, json, csv, or what else leakreport formats lists as written.", show_default=False)],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write a file; - is standard output.")] = "-",
    at: At = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no word on what was written.")] = False,
) -> int:  # fmt: skip
    """Write the judged snapshot in another tool's format, every path of it.

    folded and speedscope hold one metric, the one that --metric names; pprof, json and csv hold all.
    """
    from leakreport.render import get_renderer

    renderer = get_renderer(to)
    if output == "-":
        check_shows(sys.stdout, renderer.name, is_binary=renderer.is_binary)
    else:
        check_replaces_nothing([output], inputs)
    chosen = given.chosen()
    # Settings that shorten a report or judge it are for people and CI, not for the next tool.
    options = replace(
        chosen.analysis_options(at=at, metric=given.text("metric"), grouping=given.text("as_")),
        top=None,
        group_by="path",
        fail_on=(),
    )
    report, errors = analyse(inputs, given, options, chosen.symbol_options(), is_quiet=quiet)
    codes = set()
    if report is not None:
        render_options = replace(chosen.render_options(command=("leakreport", *sys.argv[1:])), max_paths=None)
        try:
            write_report(report, renderer.name, output, render_options, is_quiet=quiet)
        except OutputError as error:
            say("error", error)
            codes.add(error.exit_code)
        if report.totals.get(report.metric) == 0 and not quiet:
            tell(f"nothing is held of {report.metric}; --metric takes {', '.join(_held(report)) or 'no other'}")
        if not chosen.flag("partial"):
            errors.extend(incomplete_inputs(report))
    for found in errors:
        say("error", found)
        codes.add(found.exit_code)
    return first_exit_code(codes)


def _held(report: Report) -> list[str]:
    """The metrics that some path holds anything of."""
    return sorted({metric for row in report.paths for metric, amount in row.values.items() if amount})
