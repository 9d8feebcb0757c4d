"""A table for spreadsheets and scripts: one row per path, every metric in a column of its own.

Columns: `id`, `kind`, `module` (the allocating library), `function`, `file` and `line` of the frame it is named by, `owner`,
`state` (what a baseline knows of it), the figures, and `stack` as `outer;inner`. What is not measured is empty, not 0. A text
that a spreadsheet would take for a formula gets a `'` in front. Source: RFC 4180, with line feeds; OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from leakreport.analysis.diffreport import DiffReport, DiffRow
from leakreport.analysis.report import PathRow, Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.metrics import METRICS, LeakKind
from leakreport.model.raw import Frame
from leakreport.render.interface import RenderOptions
from leakreport.render.run_issues import named_position
from leakreport.render.stack_text import NO_STACK, UNATTRIBUTED, beside_the_paths, escaped, frame_text, measured_metrics

# The quote itself, so that one in front can always be taken off again; wide signs are the same to some spreadsheets.
_QUOTED = re.compile("[=+@'\uff0b-\uff20-]")
_ABOUT = ("module", "function", "file", "line", "owner")
Cell = str | int | float


class CsvRenderer:
    """Writes one row per path."""

    name = "csv"
    suffix = ".csv"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The table with a line of headings; what no path carries has a row without an id."""
        del options
        metrics = measured_metrics(report)
        rows: list[Sequence[Cell]] = [("id", "kind", *_ABOUT, "state", *metrics, "stack")]
        stacks = _Stacks(report.frames)
        for row in report.paths:
            state = None if report.check is None else report.check.state_of(row)
            about = stacks.about(row)
            amounts = (row.values.get(metric, "") for metric in metrics)
            known = "" if state is None else state.value
            rows.append((row.id, _kind(row.leak_kind), *about, known, *amounts, stacks.of(row.frames)))
        for name, found in beside_the_paths(report):
            rows.append(("",) * 8 + tuple(found.get(metric, "") for metric in metrics) + (name,))
        return _written(rows)

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The same for a comparison: every path of either side, each metric before, after and its change."""
        del options
        metrics = _in_order({metric for row in report.rows for metric in row.change})
        figures = [f"{metric}_{side}" for metric in metrics for side in ("before", "after", "change")]
        heads = ("id", "id_before", "presence", "matched_as", "significant", "kind", "kind_before")
        rows: list[Sequence[Cell]] = [(*heads, *_ABOUT, *figures, "stack")]
        stacks = _Stacks(report.frames)
        for row in report.rows:
            sides = (row.before, row.after, row.change)
            rows.append((
                row.id,
                row.id_before or "",
                row.presence.value,
                row.matched_as or "",
                "yes" if row.is_significant else "no",
                _kind(row.leak_kind),
                _kind(row.leak_kind_before),
                *stacks.about(row),
                *(side.get(metric, "") for metric in metrics for side in sides),
                stacks.of(row.frames),
            ))  # fmt: skip
        if any(report.unattributed.get(metric) for metric in metrics):
            figures_beside = (amount for metric in metrics for amount in ("", "", report.unattributed.get(metric, "")))
            rows.append((*("",) * (len(heads) + len(_ABOUT)), *figures_beside, UNATTRIBUTED))
        return _written(rows)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The same for a trend: the judged metric at every point, from 1, and the slope with its interval."""
        del options
        points = [f"{report.metric}.{number}" for number in range(1, len(report.points) + 1)]
        slopes = ("slope_per_point", "slope_low", "slope_high")
        rows: list[Sequence[Cell]] = [("id", "kind", "verdict", *_ABOUT, *slopes, *points, "stack")]
        stacks = _Stacks(report.frames)
        for row in report.rows:
            path, verdict = row.path, row.verdict
            is_told = verdict.word.value != "too-few"
            slope = (verdict.slope, verdict.low, verdict.high)
            rows.append((
                path.id,
                _kind(path.leak_kind),
                verdict.word.value,
                *stacks.about(path),
                *(amount * report.per_snapshot if is_told else "" for amount in slope),
                *("" if amount is None else amount for amount in row.series),
                stacks.of(path.frames),
            ))  # fmt: skip
        return _written(rows)


class _Stacks:
    """Frames as cells: names are made once."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames
        self._names = [escaped(frame_text(frame)) for frame in frames]

    def of(self, indexes: Sequence[int]) -> str:
        """A stack in one cell."""
        return _cell(";".join([self._names[index] for index in indexes]) or NO_STACK)

    def about(self, row: PathRow | DiffRow) -> tuple[str, ...]:
        """Whose a path is, where it allocates, and the frame that every other output names it by."""
        first, last = _cell(escaped(row.module or "")), _cell(escaped(row.owner or ""))
        named = named_position(self._frames, row.frames, row.named_by, row.responsible, row.site)
        if named is None:
            return (first, "", "", "", last)
        index = row.frames[named]
        frame = self._frames[index]
        line = "" if frame.line is None else str(frame.line)
        return (first, _cell(self._names[index]), _cell(escaped(frame.path or "")), line, last)


def _written(rows: Iterable[Sequence[Cell]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _in_order(metrics: set[str]) -> tuple[str, ...]:
    return (*(name for name in METRICS if name in metrics), *sorted(metrics - set(METRICS)))


def _kind(kind: LeakKind) -> str:
    return "" if kind is LeakKind.NONE else kind.word


def _cell(text: str) -> str:
    return f"'{text}" if _QUOTED.match(text) else text
