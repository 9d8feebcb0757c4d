"""Bytes per unit of work: what two runs that did different work can be compared by. Rates stand beside bytes, never in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leakreport.analysis.diffreport import PerWork, Rate
from leakreport.model.raw import SnapshotMeta
from leakreport.units import format_rate, format_rate_change, one_of_unit

Work = tuple[str, tuple[float, float]]
"""The unit, and how much of it was done before and after, above zero."""


def per_work(
    work: Work | None, before: Mapping[str, int], after: Mapping[str, int], metrics: Iterable[str], *, is_estimate: bool
) -> PerWork | None:
    """The totals per unit of work; None where the work is not known."""
    if work is None:
        return None
    unit, amounts = work
    rates = {
        metric: _rate(before[metric], after[metric], amounts, is_estimate=is_estimate)
        for metric in metrics
        if metric.endswith("_bytes")
    }
    return PerWork(unit, amounts, rates)


def is_sampled(metas: Iterable[SnapshotMeta]) -> bool:
    """Whether any bytes are scaled up: a sample of everything is none."""
    return any(meta.sampling is not None and meta.sampling.period > 1 for meta in metas)


def rate_of(before: Mapping[str, int], after: Mapping[str, int], work: Work, *, is_estimate: bool) -> Rate:
    """What a path retains per unit of work."""
    return _rate(before.get("retained_bytes", 0), after.get("retained_bytes", 0), work[1], is_estimate=is_estimate)


def _rate(before: int, after: int, work: tuple[float, float], *, is_estimate: bool) -> Rate:
    first, second = before / work[0], after / work[1]
    # Of equal work the change is divided once: differences of rounded quotients would not be exact.
    change = (after - before) / work[0] if work[0] == work[1] else second - first
    return Rate(first, second, change, is_estimate)


def work_words(per: PerWork | None, metric: str) -> tuple[str, ...]:
    """The rate of the total in a sentence, for the lines below the headline."""
    if per is None or metric not in per.totals:
        return ()
    rate = per.totals[metric]
    what = "Estimated per" if rate.is_estimate else "Per"
    change = format_rate_change(rate.change)
    ends = f"{format_rate(rate.before)} before, {format_rate(rate.after)} after"
    return (f"{what} {one_of_unit(per.unit)}: {ends}, a difference of {change}.",)


def unequal_work(per: PerWork | None) -> tuple[str, ...]:
    """That bytes alone mislead, where the sides did different work."""
    if per is None or per.is_equal:
        return ()
    before, after = (f"{amount:,}" for amount in per.work)
    what = f"The work differs: {before} before, {after} after ({per.unit})."
    return (f"{what} Bytes, verdict and gate are of all of it; compare what is held per {one_of_unit(per.unit)}.",)
