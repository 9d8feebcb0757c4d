"""What the page of a comparison asks for: facts of the report in words, nothing computed but formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence, Side
from leakreport.analysis.report import InputSummary, Status
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.render.diff_flame import change_graphs
from leakreport.render.diff_text import named_frame
from leakreport.render.diff_words import more_words, rate_words
from leakreport.render.interface import RenderOptions
from leakreport.render.page import GATES, TAGS, Figure, PageText, StackLine, stack_lines
from leakreport.render.phrases import frame_name, location
from leakreport.units import format_bytes, format_change, format_count, format_exact_bytes, format_ratio, plural

_MOST_ROWS = 25
_OPEN_ROWS = 3
_SHORT_STACK = 16
_MOST_MODULES = 10
_BAR = 110
_LEAST_BASE = 4096
"""No percentage of less: of a small base it says nothing."""
_TITLES = {
    "leaked_bytes": "Lost",
    "retained_bytes": "Retained",
    "peak_bytes": "At the peak",
    "allocated_bytes": "Allocated in the whole run",
}


class Bars(NamedTuple):
    """Widths in pixels of a bar for before and one for after, on one scale for the table."""

    before: float
    after: float
    is_larger: bool


class ModuleLine(NamedTuple):
    """The change in one library; the bar starts in the middle of one `2 × _BAR` wide."""

    name: str
    paths: int
    change: int
    bar_start: float
    bar_width: float


class ComparedLine(NamedTuple):
    """One fact about both sides."""

    title: str
    before: str
    after: str


class DiffPage(PageText):
    """The words of one page."""

    def __init__(self, report: DiffReport, options: RenderOptions) -> None:
        """Choose the rows that are shown."""
        super().__init__(options)
        self._report = report
        self.rows = report.listed[:_MOST_ROWS]
        self.more_rows = len(report.listed) - len(self.rows)
        self.mark, self.tag = TAGS[report.verdict.status]
        if report.verdict.status is Status.INCONCLUSIVE:
            self.tag = "Not comparable" if report.mismatches else "Too few runs"
        self.gate = GATES.get(report.verdict.gate.value, "")
        self.graphs = change_graphs(report)
        self.has_kinds = any(row.leak_kind is not LeakKind.NONE for row in self.rows)
        self.bar_width = _BAR
        self._most = max((max(*_ends(row)) for row in self.rows), default=0)

    def figures(self) -> list[Figure]:
        """What both sides measure, before and after; what grew and what shrank on paths."""
        before, after = self._report.before.totals, self._report.after.totals
        found = []
        for metric, title in _TITLES.items():
            if metric in self._report.change:
                ends = f"{format_bytes(before[metric])} → {format_bytes(after[metric])}"
                exact = f"{format_exact_bytes(before[metric])} → {format_exact_bytes(after[metric])}"
                found.append(Figure(title, ends, format_change(self._report.change[metric]), exact))
        for graph in self.graphs:
            small = f"{plural(graph.paths, 'path')} outside the noise"
            found.append(Figure("Growth" if graph.verb == "grew" else "Shrinkage", graph.total, small, graph.exact))
        return [*found, *self._work_and_runs()]

    def _work_and_runs(self) -> Iterator[Figure]:
        """The total per unit of work, and what repeated runs say of it."""
        per, runs = self._report.per, self._report.runs
        if per is not None:
            metric = "leaked_bytes" if "leaked_bytes" in self._report.change else "retained_bytes"
            work = f"{per.work[0]:,} → {per.work[1]:,} {per.unit}"
            yield Figure("Rate", rate_words(self._report, per.totals.get(metric)), work, "")
        if runs is not None:
            yield Figure("Runs", f"{runs.before} before, {runs.after} after", runs.total.text, "")

    def kinds(self) -> list[tuple[LeakKind, int, int, int]]:
        """Per leak kind that both sides measure: bytes before, after, change."""
        before, after, change = self._report.before.totals, self._report.after.totals, self._report.change
        return [
            (kind, before[kind.bytes_metric], after[kind.bytes_metric], change[kind.bytes_metric])
            for kind in LEAK_KINDS
            if kind.bytes_metric in change
        ]

    def more(self, row: DiffRow) -> list[str]:
        """What runs and rates say of a path."""
        return more_words(self._report, row)

    def library_metric(self) -> str:
        """What the change by library is in: whatever was lost, libraries are told by all that they retain."""
        metric = next(iter(self._report.by_module[0].values))
        return _TITLES.get(metric, metric.replace("_", " ")).lower()

    def modules(self) -> list[ModuleLine]:
        """The libraries that changed most."""
        groups = [(group, next(iter(group.values.values()))) for group in self._report.by_module[:_MOST_MODULES]]
        most = max((abs(amount) for _, amount in groups), default=0) or 1
        found = []
        for group, amount in groups:
            width = round(max(abs(amount) / most * _BAR, 0.8), 1)
            found.append(
                ModuleLine(group.name, group.path_count, amount, _BAR if amount > 0 else round(_BAR - width, 1), width)
            )
        return found

    def bars(self, row: DiffRow) -> Bars:
        """The bars of a row."""
        before, after = (round(amount / self._most * _BAR, 1) if self._most else 0.0 for amount in _ends(row))
        return Bars(before, after, after > before)

    @staticmethod
    def sign(amount: int) -> str:
        """The mark of a change; colour never stands alone."""
        return "▲" if amount > 0 else "▼" if amount < 0 else ""

    @staticmethod
    def tone(amount: int) -> str:
        """The class of a change."""
        return "up" if amount > 0 else "down" if amount < 0 else ""

    @staticmethod
    def share(row: DiffRow) -> str:
        """The change in percent of before; the side where a path is on one only."""
        if row.presence is not Presence.BOTH:
            return row.presence.value
        before, after = _ends(row)
        if before < _LEAST_BASE or after == before:
            return ""
        return format_ratio(before, after)

    @staticmethod
    def blocks(row: DiffRow) -> str:
        """Blocks before and after, where they are counted."""
        if "retained_blocks" not in row.change:
            return ""
        before, after = (side.get("retained_blocks", 0) for side in (row.before, row.after))
        return f"{format_count(before)} → {plural(after, 'block')}"

    def name(self, row: DiffRow) -> str:
        """The frame that a person reads first."""
        frame = named_frame(self._report, row)
        return "[no stack]" if frame is None else frame_name(frame)

    def place(self, row: DiffRow) -> str:
        """Its file and line."""
        frame = named_frame(self._report, row)
        return "" if frame is None else location(frame)

    @staticmethod
    def kind(row: DiffRow) -> str:
        """The leak kind, and what it was before."""
        if row.leak_kind is LeakKind.NONE:
            return ""
        shown = f"{row.leak_kind.mark} {row.leak_kind.title}"
        if row.leak_kind_before is row.leak_kind:
            return shown
        return f"{row.leak_kind_before.title} → {shown}"

    @staticmethod
    def about(row: DiffRow) -> str:
        """How a path was recognised."""
        if row.presence is not Presence.BOTH or row.matched_as in {None, "exact"}:
            return row.evidence
        return f"{row.matched_as}, {row.confidence or 'undecided'}{f': {row.evidence}' if row.evidence else ''}"

    def stack(self, row: DiffRow) -> list[StackLine]:
        """Every frame, innermost first."""
        return stack_lines(self._report.frames, self._report.own, row.frames, row.named_by)

    @staticmethod
    def is_open(row: DiffRow, number: int) -> bool:
        """Whether the stack of a row is shown at first: the first one is, long ones after it would fill a sheet."""
        return number == 1 or (number <= _OPEN_ROWS and len(row.frames) <= _SHORT_STACK)

    def compared(self) -> list[ComparedLine]:
        """The two sides beside each other; facts that neither tells are left out."""
        report = self._report
        border = report.after.input_index
        sides = ((report.before, report.inputs[:border]), (report.after, report.inputs[border:]))
        facts = [list(_side_facts(self, side, inputs)) for side, inputs in sides]
        return [
            ComparedLine(title, before, after)
            for (title, before), (_, after) in zip(*facts, strict=True)
            if before or after
        ]


def _ends(row: DiffRow) -> tuple[int, int]:
    before, after = (side.get("retained_bytes", 0) for side in (row.before, row.after))
    return before, after


def _side_facts(page: DiffPage, side: Side, inputs: tuple[InputSummary, ...]) -> list[tuple[str, str]]:
    first = inputs[0]
    tools = sorted({f"{summary.tool or summary.format} {summary.tool_version or ''}".rstrip() for summary in inputs})
    incomplete = sum(not summary.is_complete for summary in inputs)
    pids = sorted({summary.pid for summary in inputs if summary.pid is not None})
    return [
        ("Input", side.label),
        ("State", f"incomplete ({plural(incomplete, 'input')})" if incomplete else "complete"),
        ("Tool", ", ".join(tools)),
        ("Tool's options", page.command_line(first.tool_options)),
        ("Program", page.command_line(first.command)),
        ("Label", first.label or ""),
        ("Process", ", ".join(map(str, pids[:5])) + (f" and {len(pids) - 5} more" if len(pids) > 5 else "")),
        ("Judged", side.moment.value),
        ("Retained", format_exact_bytes(side.totals["retained_bytes"]) if "retained_bytes" in side.totals else ""),
    ]
