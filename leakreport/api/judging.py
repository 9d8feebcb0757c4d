"""Runs to reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.model.snapshot import Run


def analyze(run: Run, *, config: AnalysisOptions | None = None) -> Report:
    """Judge a run.

    Raises:
        UsageError: an option names something that the run does not have.
    """
    from leakreport.analysis.analyze import analyze as analyze_run

    if config is not None and config.redact:
        from leakreport.analysis.redaction import judged_unseen

        return judged_unseen(analyze_run, [run], config)
    return analyze_run(run, config)


def compare(before: Run, after: Run, *, config: AnalysisOptions | None = None) -> DiffReport:
    """What is different between two runs: every path of either side, every byte accounted for.

    Raises:
        UsageError: an option names something that a run does not have.
    """
    from leakreport.analysis.compare import compare as compare_runs

    if config is not None and config.redact:
        from leakreport.analysis.redaction import judged_unseen

        return judged_unseen(compare_runs, [before, after], config)
    return compare_runs(before, after, config)


def trend(run: Run, *, config: AnalysisOptions | None = None) -> TrendReport:
    """What each call path holds over the snapshots of a run, or over several runs in order, and whether that is growth.

    Raises:
        UsageError: there are not two points.
    """
    from leakreport.analysis.trend import trend as trend_of

    if config is not None and config.redact:
        from leakreport.analysis.redaction import judged_unseen

        return judged_unseen(trend_of, [run], config)
    return trend_of(run, config)
