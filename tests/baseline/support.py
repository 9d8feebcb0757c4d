"""Runs of a program that does not exist, checked against baselines without a file or a command line in between."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import Report
from leakreport.api import analyze
from leakreport.baseline.budgets import parse_budget
from leakreport.baseline.compare import CheckOptions, Comparison, checked, compared
from leakreport.baseline.entries import Baseline
from leakreport.baseline.file import read, written
from leakreport.baseline.places import Places
from leakreport.baseline.record import recorded, updated
from leakreport.cli import main
from leakreport.model.snapshot import Run
from tests.analysis.runs_support import loaded, memcheck

TODAY = "2026-11-03"
PLACES = Places("/srv/checkout")


def svc(
    amounts: Mapping[str, int], *, pid: int = 100, kind: str = "Leak_DefinitelyLost", command: str = "./svc"
) -> Run:
    """One run: bytes by function."""
    return loaded([memcheck(amounts, pid=pid, kind=kind, command=command)])


def options(*budgets: str, fail_on: Sequence[str] = (), today: str = TODAY) -> CheckOptions:
    """What a check counts."""
    return CheckOptions(
        today=today,
        places=PLACES,
        baseline_file="leakreport-baseline.json",
        fail_on=tuple(fail_on),
        budgets=tuple(map(parse_budget, budgets)),
    )


def comparison(run: Run, baseline: Baseline | None, check: CheckOptions) -> Comparison:
    """A run and a baseline."""
    analysis = AnalysisOptions()
    return compared(analyze(run, config=analysis), run, baseline, analysis, check)


def baseline_of(run: Run, check: CheckOptions | None = None) -> Baseline:
    """What `baseline write` makes of a run."""
    check = check or options()
    return recorded(comparison(run, None, check), check)


def check_of(run: Run, baseline: Baseline | None, check: CheckOptions | None = None) -> Report:
    """What `check` says."""
    check = check or options()
    return checked(comparison(run, baseline, check), check)


def update_of(
    run: Run,
    baseline: Baseline,
    check: CheckOptions | None = None,
    *,
    moves_anchor: bool = False,
    is_ratchet: bool = False,
) -> Baseline:
    """What `baseline update` makes of a run."""
    check = check or options()
    return updated(comparison(run, baseline, check), check, moves_anchor=moves_anchor, is_ratchet=is_ratchet)


def stored(baseline: Baseline, folder: Path) -> Baseline:
    """The same, written to a file and read again."""
    path = folder / "stored.json"
    path.write_text(written(baseline, PLACES), encoding="utf-8")
    return read(str(path), PLACES)


def states(report: Report) -> dict[str, int]:
    """How many leaks have each state, those that none has left out."""
    assert report.check is not None
    return {state: count for state, count in report.check.counts.items() if count}


def called(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command line."""
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main([str(argument) for argument in arguments])
    assert "Traceback" not in complaints.getvalue()
    return code, out.getvalue(), complaints.getvalue()


def document(*arguments: str | Path, code: int) -> dict[str, Any]:
    """The JSON of a check."""
    found, text, complaint = called("check", *arguments, "--to", "json")
    assert found == code, complaint
    parsed: dict[str, Any] = json.loads(text)
    return parsed
