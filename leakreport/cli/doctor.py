"""`leakreport doctor [FILE...|PID]`: which command fits what is at hand, what is lacking, and how to record it better."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer

from leakreport.cli.explain import AnswerFormat, check_answer_format, write_answer
from leakreport.cli.options import READING, Flag, Given, Quiet, takes
from leakreport.cli.shared import read_run
from leakreport.errors import EXIT_INPUT, EXIT_OK


@takes(READING, (Flag("quiet", Quiet, False),))
def doctor(
    given: Given,
    what: Annotated[list[str] | None, typer.Argument(metavar="[FILE...|PID]", help="Recordings or reports, or the number of a process that runs; without any, the working directory.", show_default=False)] = None,
    to: AnswerFormat = "terminal",
) -> int:  # fmt: skip
    """Look at files or at a process and say which command to run, what the recording lacks and how to record it better."""
    from leakreport.api import analyze, diagnose_files, diagnose_folder, diagnose_process

    check_answer_format(to)
    chosen = given.chosen()
    include_host = chosen.flag("include-host")
    if not what:
        answer = diagnose_folder(".")
    elif len(what) == 1 and what[0].isascii() and what[0].isdecimal() and not os.path.exists(what[0]):
        answer = diagnose_process(int(what[0]), include_host=include_host)
    else:
        options = chosen.analysis_options(at=None, metric=given.text("metric"), grouping=given.text("as_"))
        options = replace(options, fail_on=(), max_leaked_bytes=None)
        run, errors = read_run(what, given, chosen.symbol_options())
        report = None if run is None else analyze(run, config=options)
        answer = diagnose_files(what, report, errors, include_host=include_host)
    write_answer(answer, to)
    return EXIT_OK if answer.values["usable"] else EXIT_INPUT
