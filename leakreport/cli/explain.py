"""`leakreport explain ID|RULE [INPUT...]`: one leak, rule or message in plain words."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.options import READING, Flag, Given, Quiet, takes
from leakreport.cli.output import write_stdout
from leakreport.cli.shared import analyse, incomplete_inputs, say
from leakreport.errors import EXIT_INPUT, EXIT_OK, UsageError

if TYPE_CHECKING:
    from leakreport.explain.answer import Answer

_REPORTS = ("report.json", "report.html")
"""What is read where no input is given."""
AnswerFormat = Annotated[str, typer.Option("--to", metavar="FORMAT", help="terminal, markdown or json.")]


@takes(READING, (Flag("quiet", Quiet, False),))
def explain(
    given: Given,
    topic: Annotated[str | None, typer.Argument(metavar="ID|RULE", help="A path or finding of the inputs (p1-..., e1-..., four digits are enough), or a rule, a note, an error, a pattern or a function.", show_default=False)] = None,
    inputs: Annotated[list[str] | None, typer.Argument(metavar="INPUT...", help="Recordings or reports that have the id; report.json or report.html of this folder without any.", show_default=False)] = None,
    to: AnswerFormat = "terminal",
) -> int:  # fmt: skip
    """Say in plain words what a leak or a rule is, why it matters, how sure it is, how to fix it and how to prove the fix."""
    from leakreport.api import explain_leak, explain_topic, list_topics

    check_answer_format(to)
    if topic is None:
        write_answer(list_topics(), to)
        return EXIT_OK
    if not _is_id(topic):
        write_answer(explain_topic(topic), to)
        return EXIT_OK
    chosen = given.chosen()
    paths = list(inputs or _default_inputs(topic))
    options = chosen.analysis_options(at=None, metric=given.text("metric"), grouping=given.text("as_"))
    # What a project hides from its reports can be asked for by its id all the same.
    options = replace(options, focus=None, ignore=None, top=None)
    report, errors = analyse(paths, given, options, chosen.symbol_options())
    if report is None:
        for error in errors:
            say("error", error)
        return EXIT_INPUT
    answer = explain_leak(report, topic, include_host=chosen.flag("include-host"))
    if not chosen.flag("partial"):
        errors.extend(incomplete_inputs(report))
    write_answer(answer, to)
    for error in errors:
        say("error", error)
    return EXIT_INPUT if errors else EXIT_OK


def check_answer_format(to: str) -> None:
    """See that an answer can be written so.

    Raises:
        UsageError: it cannot.
    """
    from leakreport.render.answers import FORMATS

    if to not in FORMATS:
        raise UsageError(f"answers are not written as {to!r}", advice=f"Choose one of {', '.join(FORMATS)}.")


def write_answer(answer: Answer, to: str) -> None:
    """Write an answer to standard output.

    Raises:
        OutputError: it could not be written.
    """
    from leakreport.render.answers import written

    write_stdout(written(answer, to, width=shutil.get_terminal_size((100, 24)).columns), sys.stdout)


def _is_id(topic: str) -> bool:
    from leakreport.explain.leak import ID

    return ID.match(topic) is not None


def _default_inputs(topic: str) -> tuple[str, ...]:
    found = next((name for name in _REPORTS if os.path.isfile(name)), None)
    if found is None:
        raise UsageError(
            f"{topic} is an id, and no input is given",
            advice="Give the recordings or the report that has it, or work in a folder with report.json or report.html.",
        )
    return (found,)
