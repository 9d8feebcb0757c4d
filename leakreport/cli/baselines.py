"""What `check` and `baseline` have in common: which file, which date, which budgets, and the run compared with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.shared import read_run
from leakreport.errors import ConfigError, InputError, UsageError

if TYPE_CHECKING:
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.baseline.compare import CheckOptions, Comparison
    from leakreport.baseline.entries import Baseline
    from leakreport.cli.options import Given
    from leakreport.cli.settings import Chosen

# fmt: off
BaselineFile = Annotated[str | None, typer.Option("--baseline", metavar="FILE", help="The baseline; without it the nearest leakreport-baseline.json in this folder or above.", show_default=False)]
Budgets = Annotated[list[str] | None, typer.Option("--budget", metavar="[SCOPE=]LIMIT", help="What may be held: SCOPE is total, lib:GLOB, owner:NAME, dir:GLOB or path:ID; LIMIT is SIZE, +SIZE or +N% over the last run, anchor+SIZE or anchor+N%. Repeatable.", show_default=False)]
# fmt: on

LATEST_EPOCH = 253_402_300_799
"""Seconds since 1970 of the last second of the year 9999."""


def today() -> str:
    """The date, or that of `SOURCE_DATE_EPOCH`.

    Raises:
        ConfigError: the variable is no number of seconds.

    Source: reproducible-builds.org, SOURCE_DATE_EPOCH specification 1.1.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return datetime.now(tz=UTC).date().isoformat()
    if not (epoch.isascii() and epoch.isdecimal()) or int(epoch) > LATEST_EPOCH:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH is {epoch!r}, no number of seconds", advice="Unset it, or give seconds since 1970."
        )
    return datetime.fromtimestamp(int(epoch), tz=UTC).date().isoformat()


def date_of(text: str, option: str) -> str:
    """A date as the baseline has it.

    Raises:
        UsageError: it is none.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"{option} {text!r} is no date", advice="Write it as 2027-01-31.") from None


def coming_day(text: str, option: str) -> str:
    """A date up to which something is accepted: today or later.

    Raises:
        UsageError: it is no date, or has passed.
    """
    day = date_of(text, option)
    if day < today():
        raise UsageError(f"{option} {day} has passed", advice="Give a day to come.")
    return day


def check_options(chosen: Chosen, file: str, *, is_found: bool = False) -> CheckOptions:
    """What the gate of a check counts.

    Args:
        chosen: the settings.
        file: the baseline, whether it is there or not; its folder is where relative paths begin.
        is_found: nobody named it.

    Raises:
        UsageError: a budget is not known.
    """
    from leakreport.analysis.options import FAIL_ON
    from leakreport.baseline.budgets import parse_budget
    from leakreport.baseline.compare import CheckOptions
    from leakreport.baseline.places import Places

    return CheckOptions(
        today=today(),
        places=Places(str(Path(file).absolute().parent)),
        baseline_file=os.path.relpath(file) if is_found else file,
        is_found=is_found,
        fail_on=tuple(word for word in chosen.fail_on() if word in FAIL_ON),
        budgets=tuple(parse_budget(text) for text in chosen.texts("budget")),
    )


@dataclass(frozen=True, slots=True)
class Named:
    """Which file is the baseline."""

    path: str
    is_found: bool
    """Nobody named it, and it is there."""
    is_there: bool


def baseline_file(chosen: Chosen) -> Named:
    """The file that was named, by an option or a setting, else the nearest one, else a new one in this folder."""
    from leakreport.baseline.file import FILE_NAME, nearest_file

    given = chosen.text("baseline")
    if given is not None:
        return Named(given, is_found=False, is_there=os.path.exists(given))
    found = nearest_file(os.getcwd())
    return Named(found or FILE_NAME, is_found=found is not None, is_there=found is not None)


def compared_run(
    inputs: Sequence[str],
    given: Given,
    chosen: Chosen,
    analysis: AnalysisOptions,
    baseline: Baseline | None,
    check: CheckOptions,
) -> tuple[Comparison | None, list[InputError]]:
    """What could be read, analysed and compared with a baseline, None where that is nothing; and what could not."""
    from leakreport.api import analyze, compare_with_baseline
    from leakreport.suppressions.parse import read_rules

    run, errors = read_run(inputs, given, chosen.symbol_options())
    if run is None:
        return None, errors
    report = analyze(run, config=analysis)
    rules = read_rules(chosen.texts("suppressions"))
    return compare_with_baseline(report, run, baseline, config=analysis, check=check, rules=rules), errors


def whole_analysis(analysis: AnalysisOptions, *words: str) -> AnalysisOptions:
    """Options of an analysis that hides nothing, with a gate of these words only."""
    return replace(analysis, focus=None, ignore=None, top=None, group_by="path", fail_on=tuple(words))
