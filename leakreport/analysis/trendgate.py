"""Thresholds on a trend. Only what is called growing fails; what the data could not have shown is no pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.gate import doubted
from leakreport.analysis.growth_results import CODES, GrowthVerdicts, GrowthWord, SeriesVerdict
from leakreport.analysis.growth_text import Wording
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import GateLine, GateResult
from leakreport.analysis.trendseries import SeriesTable
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.units import plural

_UNDECIDED = frozenset((GrowthWord.UNCLEAR, GrowthWord.SLOWING, GrowthWord.TOO_FEW))
LEAST_POINTS = 4


class Watched(NamedTuple):
    """What one threshold looks at: some paths, and their sum or the total."""

    gate: str
    """As written on the command line."""
    limit: int
    budget: int | None
    """The same where the user gave it; None where no growth at all is allowed."""
    is_member: BoolColumn
    """Per series of the table, whether it belongs to these."""
    whole: SeriesVerdict | None
    """Of their sum, or of the total; None where no path matches."""
    whole_range: float
    """Its largest less its smallest value."""
    noun: str
    """What the whole is called: `the total`, `the sum of libfoo.so*`."""
    beside: tuple[str, ...] = ()
    """Of each resource of the process that grows beside the memory, the sentence. They fail where no growth is allowed."""


class Facts(NamedTuple):
    """What the gate may look at."""

    table: SeriesTable
    verdicts: GrowthVerdicts
    span: float
    """Units of x from the first point to the last."""
    points: int
    wording: Wording
    mismatches: Sequence[str]
    is_complete: bool
    unread: str
    """What `unread_siblings` says of the run."""


def evaluate_trend(
    options: AnalysisOptions, watched: Sequence[Watched], facts: Facts
) -> tuple[GateResult, tuple[GateLine, ...]]:
    """Every threshold, and what they make together."""
    if not watched:
        return GateResult.NOT_ASKED, ()
    lines = []
    for one in watched:
        if facts.mismatches and not options.force_compare:
            reason = facts.mismatches[0].rstrip(".")
            lines.append(GateLine(one.gate, GateResult.INCONCLUSIVE, f"not comparable: {reason}"))
            continue
        line = _line(one, facts)
        if not facts.is_complete:
            line = doubted(line, "an input is incomplete")
        if facts.unread:
            line = doubted(line, facts.unread)
        lines.append(line._replace(limit=one.budget))
    results = {line.result for line in lines}
    for result in (GateResult.FAILED, GateResult.INCONCLUSIVE):
        if result in results:
            return result, tuple(sorted(lines, key=lambda line: line.result is not result))
    return GateResult.PASSED, tuple(lines)


def _line(watched: Watched, facts: Facts) -> GateLine:
    if watched.whole is None:
        text = "no path of any point matches; a library or function that is not there has not passed"
        return GateLine(watched.gate, GateResult.INCONCLUSIVE, text)
    failure = _failure(watched, facts)
    if failure:
        return GateLine(watched.gate, GateResult.FAILED, failure)
    doubt = _doubt(watched, facts)
    if doubt:
        return GateLine(watched.gate, GateResult.INCONCLUSIVE, doubt)
    return GateLine(watched.gate, GateResult.PASSED, _passed(watched, watched.whole, facts))


def _rises(facts: Facts) -> Float64Column:
    is_growing = facts.verdicts.words == CODES[GrowthWord.GROWING]
    return np.where(is_growing, facts.verdicts.slope * facts.span, 0.0)


def _failure(watched: Watched, facts: Facts) -> str:
    """What grew by more than the limit, slope times the span of all points: the whole, or the growing paths together."""
    whole = watched.whole
    assert whole is not None
    rises = _rises(facts)
    growing = watched.is_member & (rises > 0)
    amount = facts.wording.amount
    parts = []
    if whole.word is GrowthWord.GROWING and whole.slope * facts.span > watched.limit:
        parts.append(f"{watched.noun} grew by {amount(whole.slope * facts.span)} ({facts.wording.rate(whole.slope)})")
    if float(rises[growing].sum()) > watched.limit:
        largest = amount(float(rises[growing].max()))
        together = f"by {amount(float(rises[growing].sum()))} together, the largest by {largest}"
        count = int(growing.sum())
        parts.append(f"{plural(count, 'path')} grew {f'by {largest}' if count == 1 else together}")
    if watched.budget is None:
        parts.extend(watched.beside)
    return "; ".join(parts)


def _doubt(watched: Watched, facts: Facts) -> str:
    """Why nothing allows a pass; empty where something does."""
    whole = watched.whole
    assert whole is not None
    amount = facts.wording.amount
    if facts.points < LEAST_POINTS:
        return f"{plural(facts.points, 'point')} cannot show growth, {LEAST_POINTS} can at the earliest"
    if whole.smallest_leak is None and watched.whole_range > watched.limit:
        return f"{watched.noun} is {whole.word}, and no leak in it could have been shown"
    if whole.word in _UNDECIDED:
        least = None if whole.smallest_leak is None else whole.smallest_leak * facts.span
        if least is None or not watched.limit or least > watched.limit:
            could = "" if least is None else f"; only growth of {amount(least)} or more would have been found"
            return f"{watched.noun} is {whole.word}{could}"
    hidden = (
        watched.is_member
        & ~np.isfinite(facts.verdicts.smallest_leak)
        & (ranges_of(facts.table.values, facts.table.is_missing) > watched.limit)
    )
    hidden &= facts.verdicts.words != CODES[GrowthWord.GROWING]
    if hidden.any():
        return (
            f"in {plural(int(hidden.sum()), 'path')} that moved by more than the limit, no leak could have been shown"
        )
    return ""


def ranges_of(values: Int64Column, is_missing: BoolColumn) -> Float64Column:
    """Per series, its largest less its smallest measured value; 0 where nothing was measured."""
    if not values.size:
        return np.zeros(len(values))
    low = np.where(is_missing, np.iinfo(np.int64).max, values).min(axis=1)
    high = np.where(is_missing, np.iinfo(np.int64).min, values).max(axis=1)
    return np.asarray(np.where(is_missing.all(axis=1), 0.0, high.astype(np.float64) - low))


def _passed(watched: Watched, whole: SeriesVerdict, facts: Facts) -> str:
    amount = facts.wording.amount
    if whole.word is GrowthWord.GROWING:
        return f"{watched.noun} grew by {amount(whole.slope * facts.span)}, within the limit"
    rises = _rises(facts)[watched.is_member]
    within = (
        f"the largest path grew by {amount(float(rises.max()))}, within the limit" if rises.any() else "nothing grew"
    )
    if whole.smallest_leak is None:
        return within
    return f"{within}; in {watched.noun}, growth of {amount(whole.smallest_leak * facts.span)} would have been found"
