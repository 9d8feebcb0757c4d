"""Many snapshots or runs in order: what each call path holds over them, and whether that is growth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from leakreport.analysis.analyze import input_summaries, title_of
from leakreport.analysis.folded import without_folded
from leakreport.analysis.forecast import follows_time
from leakreport.analysis.frames import FrameColumns, describe
from leakreport.analysis.gate import unread_siblings
from leakreport.analysis.growth import judge_series
from leakreport.analysis.growth_bars import GrowthOptions
from leakreport.analysis.growth_results import CODES, GrowthVerdicts, GrowthWord
from leakreport.analysis.growth_text import Wording
from leakreport.analysis.growthlimits import meant
from leakreport.analysis.heapview import heap_growth
from leakreport.analysis.measures import default_metric
from leakreport.analysis.options import AnalysisOptions, WorkDone
from leakreport.analysis.owned import owner_notes, with_owners
from leakreport.analysis.ownership import ownership_of
from leakreport.analysis.page_trend import page_of_trend
from leakreport.analysis.pagetree import PageTree
from leakreport.analysis.processes import Grouping, Judged
from leakreport.analysis.report import Verdict
from leakreport.analysis.trendcompare import build_of, trend_mismatches
from leakreport.analysis.trendfit import fits_of, hidden_leaks, places_of
from leakreport.analysis.trendgate import Facts, evaluate_trend
from leakreport.analysis.trendlimit import forecast_of, work_of
from leakreport.analysis.trendmodules import modules_of, tree_of
from leakreport.analysis.trendparts import parts_of
from leakreport.analysis.trendpoints import Points, points_of
from leakreport.analysis.trendreport import LimitForecast, Resource, TrendReport, TrendRow
from leakreport.analysis.trendrows import TrendRows, reading_order, span_of, words_of
from leakreport.analysis.trendseries import SeriesTable, series_of
from leakreport.analysis.trendtotals import (
    Totals,
    grain_of,
    growing_resources,
    least_of,
    resources_of,
    sampled_quanta,
    told_of,
    totals_of,
    watched_of,
)
from leakreport.analysis.trendverdict import family_sentence, lead_of_trend, sentence_of_trend, status_of_trend
from leakreport.analysis.trendwords import wording_of
from leakreport.errors import UsageError
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.metrics import METRICS
from leakreport.model.snapshot import Run
from leakreport.units import plural

LEAST_POINTS = 2
_MOST_DRAWN = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """What there is before anything is judged."""

    run: Run
    options: AnalysisOptions
    points: Points
    columns: FrameColumns
    metric: str
    metric_unit: str
    table: SeriesTable
    totals: Totals
    members: dict[str, Int64Column]
    """Per pattern of a threshold the series it means."""
    work: WorkDone | None
    times: tuple[float, ...] | None
    """Of the points, where all have one."""
    period: int
    """Mean distance between samples; 1 where values are exact."""


@dataclass(frozen=True, slots=True, eq=False)
class _Findings:
    """What was made of it."""

    rows: TrendRows
    of_totals: GrowthVerdicts
    wording: Wording
    resources: tuple[Resource, ...]
    total: TrendRow | None
    mismatches: tuple[str, ...]


def trend(run: Run, options: AnalysisOptions | None = None) -> TrendReport:
    """Judge the series of every call path.

    Args:
        run: the snapshots of one process, or several runs in order.
        options: what is yours, what slopes are per, which gates to check.

    Raises:
        UsageError: there are not two points, or an option does not fit them.
    """
    material = _material(run, options or AnalysisOptions())
    found = _findings(material)
    points, verdicts = material.points, found.rows.verdicts
    everything = Judged(tuple(range(len(run.snapshots))), {}, {}, Grouping.SERIES, points.notes)
    growing = int((verdicts.words == CODES[GrowthWord.GROWING]).sum())
    drawn = [*([] if found.total is None else [found.total]), *found.rows[: min(growing, _MOST_DRAWN)]]
    work = None
    if material.work is not None:
        first = (material.totals.values[0], material.totals.is_missing[0])
        work = work_of(material.work, *first, found.total, found.of_totals, found.wording)
    return TrendReport(
        kind="trend",
        metric=material.metric,
        metric_unit=material.metric_unit,
        title=title_of(run.snapshots),
        verdict=_verdict(material, found),
        inputs=input_summaries(run, everything),
        points=tuple(state.point for state in points.states),
        point_names=points.names,
        point_noun=points.noun,
        frames=run.frames,
        own=tuple(material.columns.is_own.tolist()),
        family_size=verdicts.family_size,
        family_sentence=family_sentence(verdicts.family_size, round(1 / material.options.alpha), len(points.states)),
        per_snapshot=verdicts.per_snapshot,
        unit=verdicts.unit,
        per=found.wording.per,
        rows=found.rows,
        words=words_of(verdicts),
        total=found.total,
        resources=found.resources,
        work=work,
        forecast=_forecast(material, found),
        mismatches=found.mismatches,
        notes=(*points.notes, *owner_notes(material.options.owners, is_redacted=material.options.redact)),
        hidden_leaks=hidden_leaks(material.table.values, verdicts),
        places=(places := places_of(verdicts, len(points.states))),
        fits=fits_of(places, drawn),
        by_module=modules_of(material.table, material.work, material.times),
        tree_when_asked=partial(tree_of, material.table, material.columns.is_own),
        page_when_asked=cache(partial(_page, material, found.rows)),
    )


def _page(material: _Material, rows: TrendRows) -> PageTree:
    points = material.points
    return page_of_trend(
        material.table,
        rows.order,
        material.run.tree,
        material.run.frames,
        material.columns,
        points=tuple(state.point for state in points.states),
        noun=points.noun,
        metric=material.metric,
        most_nodes=material.options.max_nodes,
    )


def _material(run: Run, options: AnalysisOptions) -> _Material:
    run, folded = without_folded(run)
    points = points_of(run, options)
    if folded is not None:
        points = replace(points, notes=(*points.notes, folded))
    states = points.states
    if len(states) < LEAST_POINTS:
        why = " ".join(note.message for note in points.notes if note.slug != "trend-inputs").rstrip(".")
        raise UsageError(
            f"a trend needs at least two snapshots or runs{': ' if why else ''}{why}",
            advice="Give more inputs, in their order.",
        )
    metric = _metric(options, points)
    commands = [snapshot.meta.actual.command for snapshot in run.snapshots]
    ownership = ownership_of(run.frames, commands, own=options.own, allocators=options.allocators)
    columns = describe(run.frames, ownership)
    builds = [build_of(state.metas) for state in states]
    table = series_of(run, points, columns, metric, is_rust=ownership.is_rust, build_of=builds)
    table = replace(table, rows=with_owners(table.rows, options))
    members = {
        limit.pattern: np.asarray(
            meant(limit.pattern, ((row.site_frame, row.frames) for row in table.rows), run.frames), dtype=np.int64
        )
        for limit in options.max_growth_of
    }
    periods = [meta.sampling.period for state in states for meta in state.metas if meta.sampling is not None]
    period = max(periods, default=1)
    parts = parts_of(run, points, columns, metric, is_rust=ownership.is_rust, build_of=builds)
    times = [state.point.time for state in states if state.point.time is not None]
    return _Material(
        run=run,
        options=options,
        points=points,
        columns=columns,
        metric=metric,
        metric_unit=METRICS[metric].unit if metric in METRICS else "count",
        table=table,
        totals=totals_of(states, metric, table, members, period, options, parts),
        members=members,
        work=_work(options, points),
        times=tuple(times) if len(times) == len(states) else None,
        period=period,
    )


def _metric(options: AnalysisOptions, points: Points) -> str:
    """The metric that is judged: the user's, where any point measures it; else bytes, or blocks where nobody counted bytes."""
    measured = {
        name
        for state in points.states
        for name in (*state.point.totals, *state.judged.columns)
        if name in METRICS and METRICS[name].is_additive
    }
    if options.metric is None:
        return default_metric(measured)
    if options.metric not in measured:
        raise UsageError(
            f"--metric {options.metric} is not measured here",
            advice=f"Measured: {', '.join(sorted(measured)) or 'none'}.",
        )
    return options.metric


def _work(options: AnalysisOptions, points: Points) -> WorkDone | None:
    """The work done at each point that is kept.

    Raises:
        UsageError: there is not one amount per point, or they do not rise.
    """
    if options.work is None:
        return None
    unit, amounts = options.work
    if len(amounts) == points.candidates:
        amounts = tuple(amounts[number] for number in points.kept)
    elif len(amounts) != len(points.states):
        left_out = points.candidates - len(points.states)
        raise UsageError(
            f"--per {unit} has {plural(len(amounts), 'amount')} for {plural(len(points.states), points.noun)}"
            + (f" (and {left_out} left out)" if left_out else ""),
            advice="Give one cumulative amount per point, in their order.",
        )
    for number in range(1, len(amounts)):
        if amounts[number] <= amounts[number - 1]:
            raise UsageError(
                f"--per {unit} does not rise: {amounts[number]:,g} after {amounts[number - 1]:,g} at {points.noun} {number + 1}",
                advice="Give the work done since the start at each point, not that of each point alone.",
            )
    return WorkDone(unit, amounts)


def _findings(material: _Material) -> _Findings:
    """The verdicts. Paths are one family and totals another: each gets half of the false alarms where both are there."""
    options, table, totals = material.options, material.table, material.totals
    alpha = options.alpha / 2 if len(table.values) and len(totals.values) else options.alpha
    work = None if material.work is None else material.work.amounts
    is_sampled = material.period > 1
    states = material.points.states
    grain = grain_of(states)
    verdicts = judge_series(
        table.values,
        work=work,
        times=material.times,
        is_missing=table.is_missing,
        quantum=np.maximum(
            sampled_quanta(table.quanta, material.period), grain if material.metric_unit == "bytes" else 1
        ),
        options=GrowthOptions(alpha, least_of(material.metric, states, options), is_random_arrival=is_sampled),
    )
    of_totals = judge_series(
        totals.values,
        work=work,
        times=material.times,
        is_missing=totals.is_missing,
        quantum=totals.quanta,
        least_growth=totals.floors,
        options=GrowthOptions(alpha, is_random_arrival=is_sampled),
    )
    wording = wording_of(
        verdicts.unit,
        states[0].point.time_unit,
        verdicts.x.tolist(),
        "" if material.work is None else material.work.unit,
        is_bytes=material.metric_unit == "bytes",
        noun=material.points.noun,
    )
    late = _follow_time(table.values, table.is_missing, verdicts, material)
    late_totals = _follow_time(totals.values, totals.is_missing, of_totals, material)
    told = told_of(states, material.metric)
    of_told = judge_series(
        told.values,
        work=work,
        times=material.times,
        is_missing=told.is_missing,
        quantum=told.quanta,
        least_growth=told.floors,
        options=GrowthOptions(alpha),
    )
    late_told = _follow_time(told.values, told.is_missing, of_told, material)
    resources = (
        *resources_of(totals, of_totals, wording, late_totals),
        *resources_of(told, of_told, wording, late_told),
    )
    return _Findings(
        rows=TrendRows(table, verdicts, wording, late, reading_order(table, verdicts)),
        of_totals=of_totals,
        wording=wording,
        resources=resources,
        total=resources[0].row if totals.names[:1] == (material.metric,) else None,
        mismatches=() if material.points.is_series else trend_mismatches(states, material.columns, material.run, table),
    )


def _follow_time(
    values: Int64Column, is_missing: BoolColumn, verdicts: GrowthVerdicts, material: _Material
) -> BoolColumn:
    """Which growing series follow time rather than the work that was given."""
    found = np.zeros(len(values), dtype=np.bool_)
    if material.work is None or material.times is None:
        return found
    chosen = (verdicts.words == CODES[GrowthWord.GROWING]) & ~is_missing.any(axis=1)
    times: Float64Column = np.asarray(material.times)
    found[chosen] = follows_time(values[chosen], np.asarray(material.work.amounts), times)
    return found


def _verdict(material: _Material, found: _Findings) -> Verdict:
    options, points, verdicts = material.options, material.points, found.rows.verdicts
    facts = Facts(
        table=material.table,
        verdicts=verdicts,
        span=span_of(verdicts),
        points=len(points.states),
        wording=found.wording,
        mismatches=found.mismatches,
        is_complete=all(snapshot.meta.is_complete for snapshot in material.run.snapshots),
        unread=unread_siblings(material.run),
    )
    beside = growing_resources(found.resources, material.metric)
    watched = watched_of(
        options, material.table, material.totals, found.of_totals, material.members, material.metric, beside
    )
    gate, lines = evaluate_trend(options, watched, facts)
    words = words_of(verdicts)
    growing = words.get(GrowthWord.GROWING.value, 0)
    is_comparable = not found.mismatches or options.force_compare
    status = status_of_trend(found.total, growing, len(points.states), beside, is_comparable=is_comparable)
    return Verdict(
        status=status,
        sentence=sentence_of_trend(
            status,
            found.total,
            growing,
            title=METRICS[material.metric].title if material.metric in METRICS else material.metric,
            wording=found.wording,
            points=points,
            beside=beside,
        ),
        lead=(
            *_heaps(material, found),
            *lead_of_trend(found.rows, growing, words, material.run.frames, found.total, beside),
        ),
        gate=gate,
        gate_lines=lines,
        reasons=(*found.mismatches, *(note.message for note in points.notes if note.slug != "trend-inputs")),
    )


def _heaps(material: _Material, found: _Findings) -> tuple[str, ...]:
    """Whether it is a leak or fragmentation, where heaps of malloc were measured."""
    is_of_use = material.metric == "retained_bytes" and found.total is not None
    word = found.total.verdict.word if is_of_use and found.total is not None else None
    return heap_growth([state.point.totals for state in material.points.states], word)


def _forecast(material: _Material, found: _Findings) -> LimitForecast | None:
    limit = material.options.limit
    if limit is None or found.total is None:
        return None
    unit = found.of_totals.unit
    work_unit = "" if material.work is None else material.work.unit
    names = {"work": work_unit, "time": material.points.states[0].point.time_unit or "time"}
    return forecast_of(
        limit,
        (material.totals.values[0], material.totals.is_missing[0]),
        found.total,
        found.of_totals,
        wording=found.wording,
        unit=names.get(unit, material.points.noun),
        work_unit=work_unit,
    )
