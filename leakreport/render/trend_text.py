"""A trend as stable lines and as its JSON document. Grammar: `docs/terminal.md`; specification: `docs/json.md`, "trend"."""

from __future__ import annotations

from collections.abc import Iterator

from leakreport import __version__
from leakreport.analysis.trendreport import TrendReport, TrendRow
from leakreport.render.interface import RenderOptions
from leakreport.render.json import SCHEMA, frame_entry, input_entries, kind_word, text_of
from leakreport.render.phrases import STATUS_WORDS, frame_name, location, printable, word

MOST_ROWS = 25


def trend_lines(report: TrendReport, options: RenderOptions) -> Iterator[str]:
    """The lines, without their ends."""
    yield f"{STATUS_WORDS[report.status]} {printable(report.sentence)}"
    for text in report.lead:
        yield f"LEAD {printable(text)}"
    if report.total is not None:
        yield f"TOTAL {report.total.verdict.word.value} {_series(report.total)} {printable(report.total.evidence)}"
    rows = report.rows if options.verbosity >= 1 else report.rows[:MOST_ROWS]
    for row in rows:
        position = row.path.named_by if row.path.named_by is not None else row.path.site
        frame = None if position is None else report.frames[row.path.frames[position]]
        name, where = ("???", "-") if frame is None else (frame_name(frame), word(location(frame)))
        yield f"PATH {row.verdict.word.value} {_series(row)} {word(row.path.module)} {name} {where} {word(row.path.id)}"
        yield f"EVIDENCE {word(row.path.id)} {printable(row.evidence)}"
    if len(rows) < len(report.rows):
        yield f"MORE {len(report.rows) - len(rows)} paths"


def _series(row: TrendRow) -> str:
    return ",".join("-" if amount is None else str(amount) for amount in row.series)


def trend_document(report: TrendReport, options: RenderOptions) -> dict[str, object]:
    """The document as values, keys in the order of the specification; long lists as iterators."""
    rows = report.rows if options.max_paths is None else report.rows[: options.max_paths]
    return {
        "schema": SCHEMA,
        "generator": {"name": "leakreport", "version": __version__},
        "kind": "trend",
        "metric": report.metric,
        "verdict": {
            "status": report.status.value,
            "sentence": text_of(report.sentence),
            "gate": "not-asked",
            "reasons": [text_of(reason) for reason in report.reasons],
            "lead": [text_of(line) for line in report.lead],
        },
        "inputs": input_entries(report.inputs),
        "frames": (frame_entry(frame, is_own=own) for frame, own in zip(report.frames, report.own, strict=True)),
        "findings": [],
        "per": None,
        "forecast": None,
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
        "paths": (_row(report, row) for row in rows),
        "resources": [] if report.total is None else [_resource(report, report.total)],
    }


def _row(report: TrendReport, row: TrendRow) -> dict[str, object]:
    path = row.path
    return {
        "id": path.id,
        "leak_kind": kind_word(path.leak_kind),
        "frames": list(path.frames),
        "responsible": path.responsible,
        "owner": None,
        "module": text_of(path.module),
        "series": {report.metric: list(row.series)},
        **_verdict(report, row),
    }


def _resource(report: TrendReport, row: TrendRow) -> dict[str, object]:
    return {"name": report.metric, "unit": "bytes", "series": list(row.series), **_verdict(report, row)}


def _verdict(report: TrendReport, row: TrendRow) -> dict[str, object]:
    verdict, step = row.verdict, report.per_snapshot
    slope = {
        "per_snapshot": verdict.slope * step,
        "low": verdict.low * step,
        "high": verdict.high * step,
        "unit": "bytes",
    }
    smallest = None if verdict.smallest_leak is None else {"per_snapshot": verdict.smallest_leak * step}
    is_told = verdict.word.value != "too-few"
    return {
        "verdict": verdict.word.value,
        "slope": slope if is_told else None,
        "smallest_leak": smallest,
        "evidence": text_of(row.evidence),
    }
