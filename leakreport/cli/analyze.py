"""`leakreport analyze INPUT...`: one run, what is retained, lost, by whom."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.options import READING, SELECTING, WRITING, At, FailOn, Given, Inputs, MaxLeaked, Records, takes
from leakreport.cli.outcome import finish, red_without_report, targets_of
from leakreport.cli.shared import analyse

if TYPE_CHECKING:
    from leakreport.analysis.report import Report


@takes(READING, SELECTING, WRITING)
def analyze(
    inputs: Inputs,
    given: Given,
    fail_on: FailOn = None,
    max_leaked: MaxLeaked = None,
    group_by: Annotated[str | None, typer.Option("--group-by", metavar="WHAT", help="Add sums by path, function, file, module, kind or owner.", show_default=False)] = None,
    top: Annotated[int | None, typer.Option("--top", metavar="N", min=1, help="Only the first N entries of the reading list.", show_default=False)] = None,
    at: At = None,
    records: Records = False,
) -> int:  # fmt: skip
    """Read one run and say what is retained, what is lost, on which call path, and who is responsible."""
    chosen = given.chosen({"fail-on": fail_on, "max-leaked": max_leaked, "group-by": group_by, "top": top})
    targets = targets_of(given.to, given.texts("output"), inputs)
    options = chosen.analysis_options(at=at, metric=given.text("metric"), grouping=given.text("as_"))
    with red_without_report(chosen, targets):
        report, errors = analyse(inputs, given, options, chosen.symbol_options())
    if report is not None and not given.flag("quiet") and not options.redact:
        report = replace(report, next_commands=next_commands(report, inputs, targets, options.own))
    return finish(report, given, chosen, targets, errors, records=records or chosen.flag("records"))


def next_commands(
    report: Report, inputs: Sequence[str], targets: Sequence[tuple[str, str]], own: Sequence[str]
) -> tuple[str, ...]:
    """The two most useful next commands, file names filled in."""
    given = shlex.join("FILE" if name == "-" else name for name in inputs)
    found: list[str] = []
    hidden = [note.slug for summary in report.inputs for note in summary.notes]
    program = shlex.join(report.inputs[0].command) if report.inputs and report.inputs[0].command else "./program"
    record = "valgrind --leak-check=full --show-leak-kinds=all --xml=yes --xml-file=memcheck.%p.xml"
    if {"leak-check-not-run", "kinds-not-recorded", "tool-without-leak-search"} & set(hidden):
        found.append(f"{record} {program}")
    if not any(name == "html" for name, _ in targets):
        found.append(f"leakreport analyze {given} -o report.html")
    wrapper = next((finding for finding in report.findings if finding.rule == "recording.wrapper"), None)
    if wrapper is not None:
        found.append(f"leakreport analyze {given} --alloc-fn {shlex.quote(wrapper.advice.rsplit(' ', 1)[-1])}")
    if report.verdict.gate == "not-asked" and report.by_kind and report.paths:
        found.append(f"leakreport analyze {given} --fail-on definite")
    if not own and report.paths:
        found.append(f"leakreport analyze {given} --own 'src/**'")
    if report.paths:
        found.append(f"leakreport analyze {given} --group-by function")
    found.append(f"leakreport analyze {given} --to json")
    return tuple(found[:2])
