"""A table for spreadsheets and scripts: one row per path, every metric in a column of its own.

Columns: `id`, `kind`, `module` (the allocating library), `function`, `file` and `line` of the frame that is yours, the
`owner`, the metrics, and `stack` as `outer;inner`. What is not measured is empty, not 0. A text that a spreadsheet would take for a
formula gets a `'` in front. Source: RFC 4180, with line feeds; OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io

from leakreport.analysis.report import PathRow, Report
from leakreport.model.metrics import LeakKind
from leakreport.render.interface import RenderOptions
from leakreport.render.stack_text import beside_the_paths, escaped, frame_text, measured_metrics, one_line, stack_lines

# The quote itself, so that one in front can always be taken off again.
_QUOTED = ("=", "+", "-", "@", "'")


class CsvRenderer:
    """Writes one row per path."""

    name = "csv"
    suffix = ".csv"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The table with a line of headings; what no path carries has a row without an id."""
        del options
        metrics = measured_metrics(report)
        names = stack_lines(report)
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "kind", "module", "function", "file", "line", "owner", *metrics, "stack"])
        for row in report.paths:
            amounts = [row.values.get(metric, "") for metric in metrics]
            writer.writerow([*_about(report, row), *amounts, _cell(one_line(row, names))])
        for name, found in beside_the_paths(report):
            writer.writerow(["", "", "", "", "", "", "", *(found.get(metric, "") for metric in metrics), name])
        return file.getvalue()


def _about(report: Report, row: PathRow) -> list[str]:
    kind = "" if row.leak_kind is LeakKind.NONE else row.leak_kind.word
    module, owner = _cell(escaped(row.module or "")), _cell(escaped(row.owner or ""))
    if row.responsible is None:
        return [row.id, kind, module, "", "", "", owner]
    frame = report.frames[row.frames[row.responsible]]
    line = "" if frame.line is None else str(frame.line)
    return [row.id, kind, module, _cell(escaped(frame_text(frame))), _cell(escaped(frame.path or "")), line, owner]


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_QUOTED) else text
