"""A run against a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leakreport.api.suppressing import suppress

if TYPE_CHECKING:
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.baseline.compare import CheckOptions, Comparison
    from leakreport.baseline.entries import Baseline
    from leakreport.baseline.places import Places
    from leakreport.model.snapshot import Run
    from leakreport.suppressions.rules import Rule


def read_baseline(path: str | Path, *, places: Places | None = None) -> Baseline:
    """The baseline in a file; `places` says where its relative paths begin: in its folder.

    Raises:
        BaselineError: it is missing, not whole, or of a newer version.
    """
    from leakreport.baseline.file import read
    from leakreport.baseline.places import Places

    return read(str(path), places or Places(str(Path(path).absolute().parent)))


def compare_with_baseline(
    report: Report,
    run: Run,
    baseline: Baseline | None,
    *,
    config: AnalysisOptions,
    check: CheckOptions,
    rules: Sequence[Rule] = (),
) -> Comparison:
    """Find the leaks of a baseline in a run.

    Args:
        report: what `analyze` says of the run.
        run: the same run.
        baseline: None where there is none: then every leak is new.
        config: what the report was made with.
        check: what the gate counts.
        rules: those that were applied to the run.
    """
    from leakreport.baseline.compare import compared

    return compared(report, run, baseline, config, check, without_suppressed=lambda one: suppress(one, rules))


def check(comparison: Comparison, *, check: CheckOptions, redact: bool = False) -> Report:
    """The report with what the baseline knows of each leak, and a gate that counts only what is worse.

    Args:
        comparison: what `compare_with_baseline` found.
        check: what the gate counts.
        redact: the report is one of tokens.
    """
    from leakreport.baseline.compare import checked
    from leakreport.baseline.unseen import told_check

    report = checked(comparison, check)
    return told_check(report) if redact else report
