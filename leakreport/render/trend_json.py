"""The JSON document of a trend, schema `leakreport/1`. Specification: `docs/json.md`, "trend"."""

from __future__ import annotations

from itertools import islice

from leakreport import __version__
from leakreport.analysis.trendreport import ModuleSeries, Resource, TrendReport, TrendRow
from leakreport.render.interface import RenderOptions
from leakreport.render.json import (
    SCHEMA,
    frame_entry,
    input_entries,
    kind_word,
    outcome_entry,
    privacy_entry,
    text_of,
    verdict_entry,
)


def trend_document(report: TrendReport, options: RenderOptions) -> dict[str, object]:
    """The document as values, keys in the order of the specification; long lists as iterators."""
    shown = len(report.rows) if options.max_paths is None else min(options.max_paths, len(report.rows))
    return {
        "schema": SCHEMA,
        "generator": {"name": "leakreport", "version": __version__},
        "kind": "trend",
        "metric": report.metric,
        "verdict": verdict_entry(report.verdict),
        "inputs": input_entries(report.inputs),
        "frames": (frame_entry(frame, is_own=own) for frame, own in zip(report.frames, report.own, strict=True)),
        "findings": [],
        "per": _per(report),
        "forecast": _forecast(report),
        "snapshots": [
            {
                "input": None,
                "index": number,
                "label": text_of(point.label),
                "time": point.time,
                "time_unit": point.time_unit,
                "detailed": point.is_detailed,
                "totals": dict(point.totals),
            }
            for number, point in enumerate(report.points)
        ],
        "family_size": report.family_size,
        "family": text_of(report.family_sentence),
        "paths": (_row(report, row) for row in islice(report.rows, shown)),
        "hidden": {"paths": len(report.rows) - shown},
        "attribution": {"modules": [_module(report, module) for module in report.by_module]},
        "words": dict(report.words),
        "resources": [_resource(report, resource) for resource in report.resources],
        "mismatches": [text_of(reason) for reason in report.mismatches],
        "privacy": privacy_entry(options, is_redacted=report.is_redacted),
        **outcome_entry(report.outcome),
    }


def _per(report: TrendReport) -> dict[str, object] | None:
    work = report.work
    if work is None:
        return None
    initial = None if work.initial is None else {"amount": work.initial, "error": work.initial_error}
    return {
        "unit": text_of(work.unit),
        "work": list(work.amounts),
        "initial": initial,
        "sentence": text_of(work.sentence),
    }


def _forecast(report: TrendReport) -> dict[str, object] | None:
    found = report.forecast
    if found is None:
        return None
    return {
        "limit": found.limit,
        "when": found.when,
        "low": found.low,
        "high": found.high,
        "unit": text_of(found.unit),
        "sentence": text_of(found.sentence),
    }


def _row(report: TrendReport, row: TrendRow) -> dict[str, object]:
    path = row.path
    return {
        "id": path.id,
        "leak_kind": kind_word(path.leak_kind),
        "frames": list(path.frames),
        "responsible": path.responsible,
        "owner": text_of(path.owner),
        "module": text_of(path.module),
        "series": {report.metric: list(row.series)},
        **_judged(report, row, report.metric_unit),
        "site": path.site,
        "named_by": path.named_by,
        "other_ids": list(row.other_ids),
    }


def _resource(report: TrendReport, resource: Resource) -> dict[str, object]:
    return {
        "name": resource.name,
        "unit": resource.unit,
        "series": list(resource.row.series),
        **_judged(report, resource.row, resource.unit),
    }


def _module(report: TrendReport, module: ModuleSeries) -> dict[str, object]:
    return {
        "name": text_of(module.name),
        "paths": module.path_count,
        "series": {report.metric: list(module.series)},
        "slope": {"per_snapshot": module.slope * report.per_snapshot, "unit": report.metric_unit},
    }


def _judged(report: TrendReport, row: TrendRow, unit: str) -> dict[str, object]:
    verdict, step = row.verdict, report.per_snapshot
    slope: dict[str, object] = {
        "per_snapshot": verdict.slope * step,
        "low": verdict.low * step,
        "high": verdict.high * step,
        "unit": unit,
    }
    if report.work is not None:
        slope["per_work"] = {"slope": verdict.slope, "low": verdict.low, "high": verdict.high}
    smallest = None if verdict.smallest_leak is None else {"per_snapshot": verdict.smallest_leak * step}
    return {
        "verdict": verdict.word.value,
        "slope": None if verdict.word.value == "too-few" else slope,
        "smallest_leak": smallest,
        "change_points": list(verdict.change_points),
        "follows_time": row.follows_time,
        "evidence": text_of(row.evidence),
    }
