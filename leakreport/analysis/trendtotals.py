"""Series that have no path: the totals of the points, and the sums of paths that a threshold names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leakreport.analysis.growth_results import GrowthVerdicts
from leakreport.analysis.growth_text import Wording
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.trendgate import Watched, ranges_of
from leakreport.analysis.trendpoints import State
from leakreport.analysis.trendreport import Resource
from leakreport.analysis.trendrows import NO_PATH, row_of
from leakreport.analysis.trendseries import SeriesTable
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.metrics import METRICS

_RESOURCES = ("retained_bytes", "retained_blocks", "leaked_bytes", "overhead_bytes", "stack_bytes", "open_fds")
_LEAST_COUNT = 3
"""Descriptors: one or two more are no growth."""


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Shape: series × points. The metric of the trend is the first where any point states it; sums of thresholds are last."""

    names: tuple[str, ...]
    """Of the metrics; the other series are sums."""
    values: Int64Column
    is_missing: BoolColumn
    quanta: Float64Column
    floors: Float64Column


def sampled_quanta(quanta: Float64Column, period: int) -> Float64Column:
    """What one more sampled block changes: of small blocks about one period, of large ones the block.

    Source: a block of s bytes is sampled with 1 − exp(−s / period) and counted with the inverse of that.
    """
    if period <= 1:
        return quanta
    return np.asarray(quanta / -np.expm1(-quanta / period))


def totals_of(
    states: Sequence[State],
    metric: str,
    table: SeriesTable,
    members: Mapping[str, Int64Column],
    period: int,
    options: AnalysisOptions,
) -> Totals:
    """The totals of all points, and per pattern of a threshold the sum of its paths."""
    wanted = dict.fromkeys((metric, *_RESOURCES))
    names = tuple(name for name in wanted if any(name in state.point.totals for state in states))
    is_bytes = np.array(
        [METRICS[name].unit == "bytes" if name in METRICS else False for name in names] + [True] * len(members)
    )
    values = [[state.point.totals.get(name, 0) for state in states] for name in names]
    values += [table.values[numbers].sum(axis=0).tolist() for numbers in members.values()]
    missing: list[list[bool]] = [[name not in state.point.totals for state in states] for name in names]
    missing += [np.any(table.is_missing[numbers], axis=0).tolist() for numbers in members.values()]
    shape = (len(names) + len(members), len(states))
    is_metric = np.array([name == metric for name in names] + [True] * len(members), dtype=np.bool_)
    floors = np.where(is_metric, options.min_growth, np.where(is_bytes, 0, _LEAST_COUNT))
    return Totals(
        names=names,
        values=np.asarray(values, dtype=np.int64).reshape(shape),
        is_missing=np.asarray(missing, dtype=np.bool_).reshape(shape),
        quanta=np.where(is_bytes, float(max(period, 1)), 1.0),
        floors=floors.astype(np.float64),
    )


def resources_of(
    totals: Totals, verdicts: GrowthVerdicts, wording: Wording, follows_time: BoolColumn
) -> tuple[Resource, ...]:
    """The totals as rows."""
    found = []
    for number, name in enumerate(totals.names):
        metric = METRICS.get(name)
        unit = "count" if metric is None else metric.unit
        row = row_of(
            NO_PATH,
            totals.values[number],
            totals.is_missing[number],
            (verdicts, number),
            replace(wording, is_bytes=unit == "bytes"),
            follows_time=bool(follows_time[number]),
        )
        found.append(Resource(name, name if metric is None else metric.title, unit, row))
    return tuple(found)


def watched_of(
    options: AnalysisOptions,
    table: SeriesTable,
    totals: Totals,
    verdicts: GrowthVerdicts,
    members: Mapping[str, Int64Column],
    metric: str,
) -> list[Watched]:
    """What each threshold looks at."""
    ranges = ranges_of(totals.values, totals.is_missing)
    found = []
    if options.max_growth_bytes is not None or set(options.fail_on) & {"growth", "any"}:
        gate = f"--max-growth {options.max_growth_text}"
        if options.max_growth_bytes is None:
            gate = "--fail-on growth" if "growth" in options.fail_on else "--fail-on any"
        has_total = totals.names[:1] == (metric,)
        every = np.ones(len(table.values), dtype=np.bool_)
        whole = verdicts[0] if has_total else None
        found.append(
            Watched(
                gate,
                options.max_growth_bytes or 0,
                options.max_growth_bytes,
                every,
                whole,
                float(ranges[0]) if has_total else 0.0,
                "the total",
            )
        )
    for number, limit in enumerate(options.max_growth_of, len(totals.names)):
        is_member = np.zeros(len(table.values), dtype=np.bool_)
        is_member[members[limit.pattern]] = True
        whole = verdicts[number] if is_member.any() else None
        noun = f"the sum of {limit.pattern}"
        gate = f"--max-growth {limit.text}"
        found.append(Watched(gate, limit.limit, limit.limit, is_member, whole, float(ranges[number]), noun))
    return found
