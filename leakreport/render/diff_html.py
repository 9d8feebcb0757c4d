"""What the page of a comparison asks for: facts of the report in words, nothing computed but formats."""

from __future__ import annotations

import shlex

from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence
from leakreport.analysis.report import Status
from leakreport.model.metrics import LeakKind
from leakreport.render.diff_text import named_frame
from leakreport.render.diff_words import more_words, rate_words
from leakreport.render.interface import RenderOptions
from leakreport.render.phrases import frame_name, location, place, without_home, without_secrets

_MOST_ROWS = 50
_MOST_FRAMES = 60
_TITLES = {
    "leaked_bytes": "Lost",
    "retained_bytes": "Retained",
    "peak_bytes": "At the peak",
    "allocated_bytes": "Allocated in the whole run",
}
_TAGS = {
    Status.GROWTH: ("▲", "Growth"),
    Status.SHRUNK: ("▼", "Shrank"),
    Status.NO_GROWTH: ("✓", "No growth"),
    Status.INCONCLUSIVE: ("?", "Not comparable"),
}
_GATES = {"failed": ", gate failed", "passed": ", gate passed", "inconclusive": ", gate inconclusive"}


class DiffPage:
    """The words of one page."""

    def __init__(self, report: DiffReport, options: RenderOptions) -> None:
        """Choose the rows that are shown."""
        self._report = report
        self._options = options
        self.rows = report.listed[:_MOST_ROWS]
        self.more_rows = len(report.listed) - len(self.rows)
        self.mark, self.tag = _TAGS.get(report.verdict.status, ("?", "Not comparable"))
        if report.verdict.status is Status.INCONCLUSIVE and not report.mismatches:
            self.tag = "Too few runs"
        self.gate = _GATES.get(report.verdict.gate.value, "")
        self.command = shlex.join(without_secrets(options.command)[0]) if options.command else ""

    def text(self, text: str) -> str:
        """What stands on the page: home folders name a person."""
        return text if self._options.include_host else without_home(text)

    def figures(self) -> list[tuple[str, int, int, int]]:
        """Title, before, after and change of what both sides measure."""
        before, after = self._report.before.totals, self._report.after.totals
        return [
            (title, before[metric], after[metric], self._report.change[metric])
            for metric, title in _TITLES.items()
            if metric in self._report.change
        ]

    def rate(self) -> str:
        """The total per unit of work; empty where the work is not known."""
        report = self._report
        return "" if report.per is None else rate_words(report, report.per.totals.get(self._total_metric()))

    def work(self) -> str:
        """The work that both sides did."""
        per = self._report.per
        return "" if per is None else f"{per.work[0]:,} → {per.work[1]:,} {per.unit}"

    def _total_metric(self) -> str:
        return "leaked_bytes" if "leaked_bytes" in self._report.change else "retained_bytes"

    def more(self, row: DiffRow) -> list[str]:
        """What runs and rates say of a path."""
        return more_words(self._report, row)

    def library_metric(self) -> str:
        """What the change by library is in: whatever was lost, libraries are told by all that they retain."""
        metric = next(iter(self._report.by_module[0].values))
        return _TITLES.get(metric, metric.replace("_", " ")).lower()

    @staticmethod
    def sign(amount: int) -> str:
        """The mark of a change; colour never stands alone."""
        return "▲" if amount > 0 else "▼" if amount < 0 else ""

    def name(self, row: DiffRow) -> str:
        """The frame that a person reads first."""
        frame = named_frame(self._report, row)
        return "???" if frame is None else frame_name(frame)

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
        """On which side the path is, and how it was recognised."""
        if row.presence is Presence.NEW:
            return "new"
        if row.presence is Presence.GONE:
            return "gone"
        if row.matched_as in {None, "exact"}:
            return row.evidence
        return f"{row.matched_as}, {row.confidence or 'undecided'}{f': {row.evidence}' if row.evidence else ''}"

    def stack(self, row: DiffRow) -> list[tuple[int, str, str, str]]:
        """Number, name, place and style of each frame, innermost first."""
        found = []
        for number, position in enumerate(range(len(row.frames) - 1, -1, -1)):
            if number >= _MOST_FRAMES:
                break
            index = row.frames[position]
            frame = self._report.frames[index]
            style = "hit" if position == row.named_by else "" if self._report.own[index] else "lib"
            found.append((number, frame_name(frame), place(frame), style))
        return found
