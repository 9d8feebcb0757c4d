"""Series that have no path: the totals of the points, their parts, and the sums of paths that a threshold names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leakreport.analysis.growth_results import GrowthVerdicts, GrowthWord
from leakreport.analysis.growth_text import Wording
from leakreport.analysis.noise import least_view_bytes
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.trendgate import Watched, ranges_of
from leakreport.analysis.trendparts import Part
from leakreport.analysis.trendpoints import State
from leakreport.analysis.trendreport import Resource
from leakreport.analysis.trendrows import NO_PATH, row_of
from leakreport.analysis.trendseries import SeriesTable
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.metrics import METRICS

_RESOURCES = (
    "retained_bytes", "retained_blocks", "leaked_bytes", "overhead_bytes", "stack_bytes", "open_fds", "threads",
    "thread_stacks", "mapped_file_bytes", "mappings",
)  # fmt: skip
_TOLD = (
    "java_heap_bytes", "malloc_arenas", "writable_bytes", "resident_bytes", "proportional_bytes", "private_bytes",
    "swapped_bytes", "size_bytes", "sockets", "heap_system_bytes", "heap_used_bytes", "heap_free_bytes",
    "mapped_block_bytes", "mapped_blocks",
)  # fmt: skip
JUDGED = ("open_fds", "threads", "thread_stacks", "mapped_file_bytes", "mappings")
"""Resources of a process that growth uses up. Those of `_TOLD` prove nothing: resident memory has page cache and pages
given back lazily in it, address space has arenas. They are a family of their own, so that they do not blunt the others."""
LEAST_COUNT = 3
"""Descriptors, threads: one or two more are no growth."""


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Shape: series × points. The metric of the trend is the first where any point states it; sums of thresholds are last."""

    names: tuple[str, ...]
    """Of the metrics and their parts; the other series are sums."""
    titles: tuple[str, ...]
    units: tuple[str, ...]
    """`bytes`, `blocks` or `count`, as titles one per name."""
    is_judged: tuple[bool, ...]
    """Whether growth of it is growth, beside the metric of the trend."""
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


def grain_of(states: Sequence[State]) -> int:
    """The smallest change of bytes that is one event, where the kernel counts pages; else 1."""
    return max((meta.grain_bytes for state in states for meta in state.metas), default=1)


def least_of(metric: str, states: Sequence[State], options: AnalysisOptions) -> int:
    """The least range of the metric of a trend that is not flat: the user's word, else what is noise in such inputs."""
    metas = [meta for state in states for meta in state.metas]
    if options.min_growth or not all(meta.is_process_view for meta in metas):
        return options.min_growth
    return least_view_bytes(metas) if metric.endswith("_bytes") else LEAST_COUNT


def totals_of(
    states: Sequence[State],
    metric: str,
    table: SeriesTable,
    members: Mapping[str, Int64Column],
    period: int,
    options: AnalysisOptions,
    parts: Sequence[Part],
) -> Totals:
    """The totals of all points, what moved of their parts, and per pattern of a threshold the sum of its paths."""
    names = _measured(dict.fromkeys((metric, *_RESOURCES)), states)
    metrics = (*names, *(part.metric for part in parts))
    values = [[state.point.totals.get(name, 0) for state in states] for name in names]
    values += [part.values.tolist() for part in parts]
    values += [table.values[numbers].sum(axis=0).tolist() for numbers in members.values()]
    missing: list[list[bool]] = [[name not in state.point.totals for state in states] for name in names]
    missing += [part.is_missing.tolist() for part in parts]
    missing += [np.any(table.is_missing[numbers], axis=0).tolist() for numbers in members.values()]
    is_bytes = np.array([_unit(name) == "bytes" for name in metrics] + [True] * len(members), dtype=np.bool_)
    is_metric = np.array([name == metric for name in metrics] + [True] * len(members), dtype=np.bool_)
    floors = np.where(is_metric, least_of(metric, states, options), _floors(is_bytes, states))
    shape = (len(metrics) + len(members), len(states))
    return Totals(
        names=(*names, *(part.name for part in parts)),
        titles=(*map(_title, names), *(part.title for part in parts)),
        units=tuple(map(_unit, metrics)),
        is_judged=tuple(name in JUDGED for name in metrics),
        values=np.asarray(values, dtype=np.int64).reshape(shape),
        is_missing=np.asarray(missing, dtype=np.bool_).reshape(shape),
        quanta=np.where(is_bytes, float(max(period, grain_of(states))), 1.0),
        floors=floors.astype(np.float64),
    )


def told_of(states: Sequence[State], metric: str) -> Totals:
    """The totals that prove nothing and are told beside; `metric` is the one of the trend."""
    names = _measured((name for name in _TOLD if name != metric), states)
    shape = (len(names), len(states))
    is_bytes = np.array([_unit(name) == "bytes" for name in names], dtype=np.bool_)
    values = [[state.point.totals.get(name, 0) for state in states] for name in names]
    missing = [[name not in state.point.totals for state in states] for name in names]
    return Totals(
        names=names,
        titles=tuple(map(_title, names)),
        units=tuple(map(_unit, names)),
        is_judged=(False,) * len(names),
        values=np.asarray(values, dtype=np.int64).reshape(shape),
        is_missing=np.asarray(missing, dtype=np.bool_).reshape(shape),
        quanta=np.where(is_bytes, float(grain_of(states)), 1.0),
        floors=_floors(is_bytes, states),
    )


def _measured(names: Iterable[str], states: Sequence[State]) -> tuple[str, ...]:
    return tuple(name for name in names if any(name in state.point.totals for state in states))


def _title(name: str) -> str:
    return METRICS[name].title if name in METRICS else name


def _unit(name: str) -> str:
    return METRICS[name].unit if name in METRICS else "count"


def _floors(is_bytes: BoolColumn, states: Sequence[State]) -> Float64Column:
    """The least range of resources that is not flat."""
    metas = [meta for state in states for meta in state.metas]
    least_bytes = float(least_view_bytes(metas) if grain_of(states) > 1 else 0)
    return np.where(is_bytes, least_bytes, float(LEAST_COUNT))


def resources_of(
    totals: Totals, verdicts: GrowthVerdicts, wording: Wording, follows_time: BoolColumn
) -> tuple[Resource, ...]:
    """The totals as rows."""
    found = []
    for number, (name, title, unit) in enumerate(zip(totals.names, totals.titles, totals.units, strict=True)):
        row = row_of(
            NO_PATH,
            totals.values[number],
            totals.is_missing[number],
            (verdicts, number),
            replace(wording, is_bytes=unit == "bytes"),
            follows_time=bool(follows_time[number]),
        )
        found.append(Resource(name, title, unit, row, is_judged=totals.is_judged[number]))
    return tuple(found)


def growing_resources(resources: Sequence[Resource], metric: str) -> list[Resource]:
    """What grows beside the metric of a trend, and is used up by growth; of a total the parts are not told again."""
    found = [
        one for one in resources if one.is_judged and one.name != metric and one.row.verdict.word is GrowthWord.GROWING
    ]
    totals = {one.name for one in found}
    return [one for one in found if ":" not in one.name or one.name.partition(":")[0] not in totals]


def watched_of(
    options: AnalysisOptions,
    table: SeriesTable,
    totals: Totals,
    verdicts: GrowthVerdicts,
    members: Mapping[str, Int64Column],
    metric: str,
    beside: Sequence[Resource] = (),
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
                tuple(f"{one.title} grew by {one.row.rate}" for one in beside),
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
