"""The JSON document of a comparison, schema `leakreport/1`. Specification: `docs/json.md`, "diff"."""

from __future__ import annotations

from collections.abc import Iterator

from leakreport import __version__
from leakreport.analysis.diffreport import (
    DiffReport,
    DiffRow,
    GrowthGraph,
    LibraryChange,
    PerWork,
    Presence,
    Rate,
    RunsSummary,
    RunValues,
    Side,
)
from leakreport.render.interface import RenderOptions
from leakreport.render.json import (
    SCHEMA,
    finding_entry,
    frame_entry,
    input_entries,
    kind_word,
    privacy_entry,
    text_of,
    verdict_entry,
)


def diff_document(report: DiffReport, options: RenderOptions) -> dict[str, object]:
    """The document as values, keys in the order of the specification; long lists as iterators."""
    rows = report.rows if options.max_paths is None else report.rows[: options.max_paths]
    hidden = report.rows[len(rows) :]
    return {
        "schema": SCHEMA,
        "generator": {"name": "leakreport", "version": __version__},
        "kind": "diff",
        "metric": report.metric,
        "verdict": verdict_entry(report.verdict),
        "inputs": input_entries(report.inputs),
        "frames": (frame_entry(frame, is_own=own) for frame, own in zip(report.frames, report.own, strict=True)),
        "findings": map(finding_entry, report.findings),
        "per": _per(report.per),
        "forecast": None,
        "before": _side(report.before),
        "after": _side(report.after),
        "change": dict(report.change),
        "unattributed": dict(report.unattributed),
        "runs": _summary(report.runs),
        "paths": (_row(row, with_records=options.records) for row in rows),
        "hidden": {"paths": len(hidden), "values": hidden.change_sums()},
        "attribution": {
            "modules": [
                {
                    "name": text_of(group.name),
                    "version": group.version,
                    "own": group.is_own,
                    "values": dict(group.values),
                    "paths": group.path_count,
                    "before": group.before_bytes,
                    "after": group.after_bytes,
                }
                for group in report.by_module
            ]
        },
        "noise": {
            "min_change_bytes": report.noise.min_change_bytes,
            "exact_for_lost": report.noise.is_exact_for_lost,
            "paths": report.noise_rows,
            "change_bytes": report.noise_change,
        },
        "mismatches": [text_of(reason) for reason in report.mismatches],
        "surroundings": [text_of(line) for line in report.surroundings],
        "growth": _growth(report.growth_graph),
        "folded": _folded(report),
        "libraries": [_library(library) for library in report.libraries],
        "checks": report.checks,
        "privacy": privacy_entry(options, is_redacted=report.is_redacted),
    }


def _folded(report: DiffReport) -> dict[str, object] | None:
    if report.folded_bytes is None:
        return None
    return {"before_bytes": report.folded_bytes[0], "after_bytes": report.folded_bytes[1]}


def _growth(graph: GrowthGraph | None) -> dict[str, object] | None:
    """Its calls and functions are `findings`."""
    if graph is None:
        return None
    return {
        "bytes": graph.whole_bytes,
        "explained_bytes": graph.explained_bytes,
        "explained": graph.is_explained,
        "fewest": graph.is_fewest,
    }


def _library(library: LibraryChange) -> dict[str, object]:
    return {
        "name": text_of(library.name),
        "before": [text_of(version) for version in library.before],
        "after": [text_of(version) for version in library.after],
        "build_ids_before": [text_of(build_id) for build_id in library.build_ids_before],
        "build_ids_after": [text_of(build_id) for build_id in library.build_ids_after],
        "rebuilt": library.is_rebuilt,
        "program": library.is_program,
        "allocated_bytes": library.allocated_bytes,
        "passing_bytes": library.passing_bytes,
        "paths": len(library.rows),
    }


def _per(per: PerWork | None) -> dict[str, object] | None:
    if per is None:
        return None
    rates = {metric: _rate(rate) for metric, rate in per.totals.items()}
    return {"unit": text_of(per.unit), "work": list(per.work), "rates": rates}


def _rate(rate: Rate) -> dict[str, object]:
    return {"before": rate.before, "after": rate.after, "change": rate.change, "estimate": rate.is_estimate}


def _summary(runs: RunsSummary | None) -> dict[str, object] | None:
    if runs is None:
        return None
    return {
        "before": runs.before,
        "after": runs.after,
        "relabelings": runs.relabelings,
        "level": runs.level,
        "family_size": runs.family_size,
        "undecided": runs.undecided,
        "metric": runs.metric,
        "total": _values(runs.total),
    }


def _values(runs: RunValues) -> dict[str, object]:
    return {
        "before": list(runs.before),
        "after": list(runs.after),
        "p_value": runs.p_value,
        "family_p_value": runs.family_p_value,
        "is_exact": runs.is_exact,
        "undecided": runs.is_undecided,
        "text": runs.text,
    }


def _side(side: Side) -> dict[str, object]:
    return {
        "totals": dict(side.totals),
        "input": side.input_index,
        "snapshot": side.snapshot,
        "frames": side.frame_count,
        "named_frames": side.named_frames,
    }


def _row(row: DiffRow, *, with_records: bool) -> dict[str, object]:
    return dict(_fields(row, with_records=with_records))


def _fields(row: DiffRow, *, with_records: bool) -> Iterator[tuple[str, object]]:
    yield "id", row.id
    yield "leak_kind", kind_word(row.leak_kind)
    yield "frames", list(row.frames)
    yield "responsible", row.responsible
    yield "owner", text_of(row.owner)
    yield "module", text_of(row.module)
    yield "presence", row.presence.value
    yield "before", dict(row.before)
    yield "after", dict(row.after)
    yield "change", dict(row.change)
    yield "significant", row.is_significant
    yield "matched_as", row.matched_as
    yield "score", row.score
    yield "confidence", row.confidence
    yield "evidence", text_of(row.evidence)
    yield "site", row.site
    yield "named_by", row.named_by
    if row.presence is Presence.BOTH and row.leak_kind_before is not row.leak_kind:
        yield "leak_kind_before", kind_word(row.leak_kind_before)
    if row.folded:
        yield "folded", row.folded
    if row.runs is not None:
        yield "runs", _values(row.runs)
    if row.rate is not None:
        yield "per_unit", _rate(row.rate)
    if row.id_before is not None:
        yield "id_before", row.id_before
    if row.frames_before is not None:
        yield "frames_before", list(row.frames_before)
    if with_records:
        yield (
            "records",
            {
                "before": [text_of(name) for name in row.records_before],
                "after": [text_of(name) for name in row.records_after],
            },
        )
