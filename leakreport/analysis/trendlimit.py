"""When a limit is reached, and what was there before the first unit of work, as sentences and figures."""

from __future__ import annotations

import numpy as np

from leakreport.analysis.forecast import initial_amounts, time_to_limit
from leakreport.analysis.growth_results import GrowthVerdicts, GrowthWord
from leakreport.analysis.growth_text import Wording
from leakreport.analysis.options import WorkDone
from leakreport.analysis.trendreport import LimitForecast, TrendRow, Work
from leakreport.analysis.trendwords import span_text
from leakreport.model.columns import BoolColumn, Int64Column


def forecast_of(
    limit: int,
    series: tuple[Int64Column, BoolColumn],
    total: TrendRow,
    verdicts: GrowthVerdicts,
    *,
    wording: Wording,
    unit: str,
    work_unit: str,
) -> LimitForecast:
    """When the total, the first series of these verdicts, reaches a limit.

    Args:
        limit: in the unit of the values.
        series: the values of the total, and where it was not measured.
        total: the same as a row.
        verdicts: of the totals.
        wording: of amounts and slopes.
        unit: what the figures of the answer count.
        work_unit: as the user wrote it, or empty.
    """
    amount = wording.amount
    values, is_missing = series

    def unknown(reason: str) -> LimitForecast:
        return LimitForecast(limit, None, None, None, unit, f"No time for {amount(limit)}: {reason}.")

    last = total.verdict.last
    if last >= limit:
        reached = f"{amount(limit)} is reached already: the total is {amount(last)}."
        return LimitForecast(limit, 0.0, 0.0, 0.0, unit, reached)
    if total.verdict.word is not GrowthWord.GROWING:
        return unknown(f"the total is {total.verdict.word}, and only what grows has one")
    if is_missing.any():
        return unknown("the total was not measured everywhere")
    found = time_to_limit(values, limit, verdicts)
    if found is None:
        return unknown("the total does not rise")
    when = span_text(found.when, wording, work_unit)
    least = span_text(found.low, wording, work_unit)
    if found.high is None:
        text = f"{amount(limit)} is reached in about {when}, not before {least}, if it goes on like this."
    else:
        most = span_text(found.high, wording, work_unit)
        text = f"{amount(limit)} is reached in about {when} ({least} … {most}), if it goes on like this."
    return LimitForecast(limit, found.when, found.low, found.high, unit, text)


def work_of(
    done: WorkDone,
    values: Int64Column,
    is_missing: BoolColumn,
    total: TrendRow | None,
    verdicts: GrowthVerdicts,
    wording: Wording,
) -> Work:
    """The work at each point, and what the total was before any of it.

    The latter only where the total grows with work: a line through anything else meets zero at no amount that means anything.
    """
    if total is None or total.verdict.word is not GrowthWord.GROWING or is_missing.any():
        return Work(done.unit, done.amounts, None, None, "")
    if total.follows_time:
        text = f"The total grows with time, not with {done.unit}."
        return Work(done.unit, done.amounts, None, None, text)
    initial, error = initial_amounts(values[None, :], np.asarray(done.amounts, dtype=np.float64), verdicts)
    amount, half = float(initial[0]), float(error[0])
    text = (
        f"About {wording.amount(amount)} (± {wording.amount(half)}) of the total was there before the first {wording.per}: "
        f"initialisation, if {done.unit} are counted from the start."
    )
    return Work(done.unit, done.amounts, amount, half, text)
