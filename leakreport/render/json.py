"""The JSON document, schema `leakreport/1`. Source: `docs/json.md`."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from leakreport import __version__
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.outcome import Outcome
from leakreport.analysis.report import Finding, GroupRow, InputSummary, PathRow, Report, Verdict
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, Moment, SuppressionUse, Truncation, small_path_count
from leakreport.render.interface import RenderOptions

SCHEMA = "leakreport/1"
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonRenderer:
    """Writes the machine contract."""

    name = "json"
    suffix = ".json"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The document as text, ASCII only."""
        return written(lazy_document(report, options))

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The same for a trend."""
        return written(lazy_document(report, options))

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The same for a comparison."""
        return written(lazy_document(report, options))


def written(values: Mapping[str, object]) -> str:
    """A document as text; lists may be iterators."""
    # One line a key and one a row: readable enough, and the fast encoder has no indentation. Rows go straight into
    # the text: all of them as texts of their own would take as much memory again.
    text = io.StringIO()
    opening = "{"
    for key, value in values.items():
        text.write(f"{opening}{_dumps(key)}: ")
        opening = ",\n"
        if not isinstance(value, Iterator | list):
            text.write(_dumps(value))
            continue
        before = "[\n"
        for row in value:
            text.write(before + _dumps(row))
            before = ",\n"
        text.write("]" if before == ",\n" else "[]")
    text.write("}\n")
    return text.getvalue()


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def document(report: Report, options: RenderOptions) -> dict[str, object]:
    """The document as plain values, keys in the order of the specification."""
    values = lazy_document(report, options)
    return {key: list(value) if isinstance(value, Iterator) else value for key, value in values.items()}


def lazy_document(report: Report | DiffReport | TrendReport, options: RenderOptions) -> dict[str, object]:
    """The same of any report, with long lists as iterators: as values they would take more memory than all before."""
    if isinstance(report, DiffReport):
        from leakreport.render.diff_json import diff_document

        return diff_document(report, options)
    if isinstance(report, TrendReport):
        from leakreport.render.trend_json import trend_document

        return trend_document(report, options)
    return _document(report, options)


def _document(report: Report, options: RenderOptions) -> dict[str, object]:
    rows = report.paths if options.max_paths is None else report.paths[: options.max_paths]
    return {
        "schema": SCHEMA,
        "generator": {"name": "leakreport", "version": __version__},
        "kind": report.kind,
        "metric": report.metric,
        "verdict": verdict_entry(report.verdict),
        "inputs": input_entries(report.inputs),
        "frames": (frame_entry(frame, is_own=own) for frame, own in zip(report.frames, report.own, strict=True)),
        "findings": map(finding_entry, report.findings),
        "per": None,
        "forecast": None,
        "snapshots": _snapshots(report),
        "judged": report.judged,
        "totals": dict(report.totals),
        "unattributed": dict(report.unattributed),
        "paths": (_path(row, report, with_records=options.records) for row in rows),
        "hidden": _hidden(report, len(rows)),
        "attribution": {
            "kinds": _groups(report.by_kind),
            "modules": _groups(report.by_module),
            "functions": _groups(report.by_function),
        },
        "groups": _groups(report.groups),
        "accumulation": _accumulation(report),
        "selection": {
            "focus": text_of(report.selection.focus),
            "ignore": text_of(report.selection.ignore),
            "group_by": report.selection.group_by,
            "top": report.selection.top,
        },
        "suppressions": suppression_entries(report.suppressions),
        "record_count": report.record_count,
        "named_frames": report.named_frames,
        "checks": report.checks,
        "unlisted_leaks": report.unlisted_leaks,
        "privacy": privacy_entry(options, is_redacted=report.is_redacted),
        **_check(report),
        **outcome_entry(report.outcome),
    }


def _check(report: Report) -> dict[str, object]:
    if report.check is None:
        return {}
    from leakreport.render.check_json import check_entry

    return {"check": check_entry(report.check)}


def outcome_entry(outcome: Outcome | None) -> dict[str, object]:
    """The object `run`, where leakreport started the command."""
    if outcome is None:
        return {}
    from leakreport.render.outcome_json import run_entry

    return {"run": run_entry(outcome)}


def privacy_entry(options: RenderOptions, *, is_redacted: bool) -> dict[str, object]:
    """What was taken out of the texts of the document."""
    return {
        "host": options.include_host,
        "hidden_arguments": options.hidden_arguments,
        "redacted": is_redacted,
    }


def text_of(text: str | None) -> str | None:
    """Lone surrogates are no JSON text for everybody."""
    return None if text is None else _SURROGATE.sub("\ufffd", text)


def verdict_entry(verdict: Verdict) -> dict[str, object]:
    """The answer."""
    return {
        "status": verdict.status.value,
        "sentence": text_of(verdict.sentence),
        "gate": verdict.gate.value,
        "reasons": [text_of(reason) for reason in verdict.reasons],
        "lead": [text_of(sentence) for sentence in verdict.lead],
        "gate_lines": [
            {"gate": text_of(line.gate), "result": line.result.value, "text": text_of(line.text), "limit": line.limit}
            for line in verdict.gate_lines
        ],
    }


def input_entries(inputs: Sequence[InputSummary]) -> list[dict[str, object]]:
    """One entry per process of a file."""
    return [
        {
            "source": text_of(summary.source),
            "format": summary.format,
            "tool": text_of(summary.tool),
            "tool_version": text_of(summary.tool_version),
            "pid": summary.pid,
            "command": [text_of(part) for part in summary.command],
            "label": text_of(summary.label),
            "complete": summary.is_complete,
            "sampling": None if summary.sampling is None else summary.sampling._asdict(),
            "totals": dict(summary.totals),
            "notes": [{"slug": note.slug, "message": text_of(note.message)} for note in summary.notes],
            "parent_pid": summary.parent_pid,
            "options": [text_of(option) for option in summary.tool_options],
            "leak_search": summary.leak_search.value,
            "truncation": _truncation(summary.truncation),
            "record_count": summary.record_count,
            "suppressions": suppression_entries(use for use in summary.suppressions if use.is_used),
            "kinds_recorded": [kind.word for kind in summary.kinds_recorded],
            "looked_for": _looked_for(summary),
            "memory_errors": summary.memory_error_count,
            "judged_at": "peak" if summary.judges_peak else "last",
            "moment": moment_word(summary.moment),
            "builds": [{"module": text_of(module), "build_id": text_of(build)} for module, build in summary.builds],
        }
        for summary in inputs
    ]


def suppression_entries(uses: Iterable[SuppressionUse]) -> list[dict[str, object]]:
    """One entry per rule."""
    return [use._asdict() | {"file": text_of(use.file), "name": text_of(use.name)} for use in uses]


def _looked_for(summary: InputSummary) -> list[str]:
    return ["errors"] * summary.looks_for_errors + ["descriptors"] * summary.looks_for_descriptors


def moment_word(moment: Moment) -> str:
    """The word of the contract for when a snapshot was taken."""
    return moment.name.lower()


def _truncation(truncation: Truncation | None) -> dict[str, object] | None:
    if truncation is None:
        return None
    return {"what": text_of(truncation.what), "line": truncation.line, "records": truncation.records}


def frame_entry(frame: Frame, *, is_own: bool) -> dict[str, object]:
    """One entry of the frame table; unknown is null."""
    found: dict[str, object] = {
        "function": text_of(frame.function),
        "module": text_of(frame.module),
        "file": text_of(frame.path),
        "line": frame.line,
        "kind": frame.kind.value,
        "inlined": frame.is_inlined,
        "address": None if frame.address is None else f"0x{frame.address:x}",
        "offset": None if frame.offset is None else f"0x{frame.offset:x}",
        "own": is_own,
    }
    if frame.file is not None and "/" in frame.file:
        # Where the tool divided it, which the last slash does not tell.
        found["directory"] = text_of(frame.directory)
    return found


def kind_word(kind: LeakKind) -> str | None:
    """The word of the contract for a leak kind."""
    return None if kind is LeakKind.NONE else kind.word


def finding_entry(finding: Finding) -> dict[str, object]:
    """One finding."""
    found: dict[str, object] = {
        "rule": text_of(finding.rule),
        "severity": finding.severity.value,
        "message": text_of(finding.message),
        "advice": text_of(finding.advice),
        "path_ids": list(finding.path_ids),
        "frames": None if finding.frames is None else list(finding.frames),
        "count": finding.count,
        "values": dict(finding.values or {}),
        "leak_kind": kind_word(finding.leak_kind),
        "facts": [text_of(fact) for fact in finding.facts],
        "responsible": finding.responsible,
        "more_stacks": [
            {"caption": text_of(caption), "frames": list(frames)} for caption, frames in finding.more_stacks
        ],
    }
    if finding.id:
        found["id"] = finding.id
    if finding.tool_message is not None:
        found["tool_message"] = text_of(finding.tool_message)
    return found


def _path(row: PathRow, report: Report, *, with_records: bool) -> dict[str, object]:
    found: dict[str, object] = {
        "id": row.id,
        "leak_kind": kind_word(row.leak_kind),
        "frames": list(row.frames),
        "responsible": row.responsible,
        "owner": text_of(row.owner),
        "module": text_of(row.module),
        "values": dict(row.values),
        "site": row.site,
        "named_by": row.named_by,
        "dragged_bytes": row.dragged_bytes,
    }
    if row.errors is not None:
        found["error"] = dict(row.errors)
    if row.series is not None:
        found["series"] = {metric: list(amounts) for metric, amounts in row.series.items()}
    if report.check is not None:
        state = report.check.state_of(row)
        found["state"] = None if state is None else state.value
    if row.frames and (folded := small_path_count(report.frames[row.frames[-1]])):
        found["folded"] = folded
    if row.record_count != 1:
        found["record_count"] = row.record_count
    if with_records:
        found["records"] = [text_of(name) for name in row.records]
    return found


def _snapshots(report: Report) -> list[dict[str, object]]:
    return [
        {
            "input": snapshot.input_index,
            "index": snapshot.index,
            "label": text_of(snapshot.label),
            "time": snapshot.time,
            "time_unit": snapshot.time_unit,
            "detailed": snapshot.is_detailed,
            "totals": dict(snapshot.totals),
            "complete": snapshot.is_complete,
            "moment": moment_word(snapshot.moment),
            "peak": snapshot.is_peak,
            "exit_dump": snapshot.is_exit_dump,
            "processes": snapshot.process_count,
        }
        for snapshot in report.snapshots
    ]


def _hidden(report: Report, shown: int) -> dict[str, object]:
    """Paths that options keep out of `paths`: theirs and what `--max-paths` cut off."""
    values = dict(report.selection.hidden_values or {})
    for row in report.paths[shown:]:
        _add(values, row.values)
    return {"paths": report.selection.hidden_paths + len(report.paths) - shown, "values": values}


def _add(into: dict[str, int], values: Mapping[str, int]) -> None:
    for metric, amount in values.items():
        into[metric] = into.get(metric, 0) + amount


def _groups(groups: Sequence[GroupRow]) -> list[dict[str, object]]:
    return [
        {
            "name": text_of(group.name),
            "version": text_of(group.version),
            "own": group.is_own,
            "values": dict(group.values),
            "paths": group.path_count,
        }
        for group in groups
    ]


def _accumulation(report: Report) -> dict[str, object] | None:
    point = report.accumulation
    if point is None:
        return None
    return {
        "frame": point.frame,
        "function": text_of(point.function),
        "bytes": point.amount_bytes,
        "of_bytes": point.whole_bytes,
        "wrapper": text_of(point.wrapper),
        "on_every_path": point.is_on_every_path,
        "recursive_with": [text_of(name) for name in point.recursive_with],
    }
