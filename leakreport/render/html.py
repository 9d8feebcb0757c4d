"""One self-contained HTML file: every fact of the report as HTML and SVG, readable without script and without style.

Input is hostile: the templates escape everything, there is no script, and the Content-Security-Policy allows nothing but
the one style sheet, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from leakreport import __version__
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Finding, PathRow, Report, Verdict
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame
from leakreport.render.flamegraph import flame_graph
from leakreport.render.interface import RenderOptions
from leakreport.render.names import shorten_name
from leakreport.render.page import GATES, TAGS, Figure, PageText, StackLine, stack_lines
from leakreport.render.phrases import (
    finding_frames,
    frame_name,
    location,
    place,
    site_frame,
    title_frame,
    wrapper_name,
)
from leakreport.render.resources import assets_text, template_folder
from leakreport.render.source import SourceFinder, SourceLine
from leakreport.render.timeline import timeline
from leakreport.units import format_bytes, format_change, format_count, format_exact_bytes, format_share, plural

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_PATHS = 25
_OPEN_DETAILS = 10
_MOST_PROBLEMS = 100
_TREE_LEVELS = 4
_TREE_ROWS = 60


class HtmlRenderer:
    """Writes the report that people attach to tickets."""

    name = "html"
    suffix = ".html"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The whole page. Same report and options, same bytes."""
        page = _Page(report, options)
        return _rendered("report.html.j2", page, report, report.verdict)

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The page of a comparison."""
        from leakreport.render.diff_html import DiffPage

        return _rendered("diff.html.j2", DiffPage(report, options), report, report.verdict)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The page of a trend."""
        from leakreport.render.trend_html import TrendPage

        page = TrendPage(report, options)
        return _rendered("trend.html.j2", page, report, page.verdict)


def _rendered(template: str, page: PageText, report: object, verdict: Verdict) -> str:
    style = _style()
    return (
        _environment(page.text)
        .get_template(template)
        .render(page=page, report=report, verdict=verdict, style=style, style_hash=_hash(style), version=__version__)
    )


def _environment(text: Callable[[str], str]) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(template_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        bytes=format_bytes,
        exact=format_exact_bytes,
        count=format_count,
        text=text,
        plural=plural,
        share=format_share,
        change=format_change,
        short=shorten_name,
    )
    return environment


def _style() -> object:
    """The style sheet, ours and reviewed: the only text that is not escaped."""
    from markupsafe import Markup

    return Markup(assets_text("css"))  # noqa: S704 - our own file, never input


def _hash(style: object) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()


class _Page(PageText):
    """What the templates ask for: facts of the report in words, nothing computed but formats."""

    def __init__(self, report: Report, options: RenderOptions) -> None:
        super().__init__(options)
        self._report = report
        self._source = SourceFinder(options.source_roots, is_on=options.with_source)
        self.leaks = report.leaks[:_MOST_PATHS]
        self.open_details = _OPEN_DETAILS
        self.more_leaks = len(report.leaks) - len(self.leaks) + report.unlisted_leaks
        self.mark, self.tag = TAGS[report.verdict.status]
        self.gate = GATES.get(report.verdict.gate.value, "")
        self.problems = [finding for finding in report.findings if not finding.is_leak][:_MOST_PROBLEMS]
        self.more_problems = sum(not finding.is_leak for finding in report.findings) - len(self.problems)
        self.flame = flame_graph(report)
        self.timeline = timeline(report)
        self.has_kinds = bool(report.by_kind)
        self.has_blocks = any("retained_blocks" in (finding.values or {}) for finding in self.leaks)

    def frame(self, index: int) -> Frame:
        """A frame of the report."""
        return self._report.frames[index]

    def row(self, finding: Finding) -> PathRow:
        """The first path of a leak."""
        return self._report.paths[finding.rows[0]]

    def name(self, finding: Finding) -> str:
        """What a leak is called."""
        frame = title_frame(self._report, self.row(finding))
        return "[no stack]" if frame is None else frame_name(frame)

    def via(self, finding: Finding) -> str:
        """The wrapper between the named function and the allocator."""
        return wrapper_name(self._report, self.row(finding))

    def place(self, finding: Finding) -> str:
        """File and line of the frame a leak is named by."""
        row = self.row(finding)
        frame = title_frame(self._report, row)
        if row.responsible is None:
            return "no frame of your own"
        return "" if frame is None else place(frame)

    def site(self, finding: Finding) -> str:
        """The function that allocates."""
        frame = site_frame(self._report, self.row(finding))
        return "" if frame is None else frame_name(frame)

    def stack(self, finding: Finding) -> list[StackLine]:
        """Every frame, innermost first."""
        return self.stack_of(finding_frames(self._report, finding), self._named(finding))

    def _named(self, finding: Finding) -> int | None:
        return self.row(finding).named_by if finding.is_leak else finding.responsible

    def stack_of(self, frames: tuple[int, ...], responsible: int | None) -> list[StackLine]:
        """The same for any stack."""
        return stack_lines(self._report.frames, self._report.own, frames, responsible)

    def snippet(self, finding: Finding) -> list[SourceLine]:
        """Source lines around the frame a finding is named by."""
        frames, named = finding_frames(self._report, finding), self._named(finding)
        return [] if named is None else list(self._source.snippet(self.frame(frames[named])))

    def source_name(self, finding: Finding) -> str:
        """The file of the snippet."""
        frames, named = finding_frames(self._report, finding), self._named(finding)
        return "" if named is None else location(self.frame(frames[named]))

    def figures(self) -> list[Figure]:
        """What is measured, the most telling first."""
        titles = {
            "leaked_bytes": "Lost",
            "retained_bytes": f"Retained {self._report.moment.value}",
            "overhead_bytes": "Allocator's overhead",
            "stack_bytes": "Thread stacks",
            "peak_bytes": "At the peak",
            "suppressed_bytes": "Suppressed",
            "allocated_bytes": "Allocated in the whole run",
            "inherited_bytes": "Inherited, counted once",
        }
        found = []
        for metric, title in titles.items():
            if metric in self._report.totals:
                amount = self._report.totals[metric]
                blocks = self._report.totals.get(metric.replace("bytes", "blocks"))
                noun = "allocation" if metric == "allocated_bytes" else "block"
                exact = format_exact_bytes(amount)
                small = exact + ("" if blocks is None else f" in {plural(blocks, noun)}")
                found.append(Figure(title, format_bytes(amount), small, exact))
        records = "Loss records" if self.has_kinds else "Records"
        listed = f"{plural(len(self._report.paths), 'call path')} listed"
        return [*found, Figure(records, format_count(self._report.record_count), listed, "")]

    @staticmethod
    def kind(kind: LeakKind) -> tuple[str, str]:
        """The mark and words of a leak kind."""
        return kind.mark, kind.title

    def kinds(self) -> list[tuple[LeakKind, int, int | None, float, float, int]]:
        """Per measured kind: bytes, blocks, start and width of its bar in a bar of 400, number of paths."""
        totals = self._report.totals
        whole = sum(totals.get(kind.bytes_metric, 0) for kind in LEAK_KINDS)
        counts = {group.name: group.path_count for group in self._report.by_kind}
        found: list[tuple[LeakKind, int, int | None, float, float, int]] = []
        start = 0.0
        for kind in LEAK_KINDS:
            if kind.bytes_metric in totals:
                amount = totals[kind.bytes_metric]
                width = amount / whole * 400 if whole else 0.0
                found.append(
                    (
                        kind,
                        amount,
                        totals.get(kind.blocks_metric),
                        round(start, 1),
                        round(width, 1),
                        counts.get(kind.word, 0),
                    )
                )
                start += width
        return found

    def bar(self, amount: int) -> float:
        """The width of a bar of at most 110 for an amount of what is retained."""
        whole = max((group.values.get("retained_bytes", 0) for group in self._report.by_module), default=0)
        return round(amount / whole * 110, 1) if whole else 0.0

    def hidden_tree_rows(self) -> int:
        """How many rows of the tree the first levels leave out."""
        return len(self._report.tree) - len(self.tree_rows())

    def tree_rows(self) -> list[tuple[int, str, str, str, int, int, bool]]:
        """The first levels of the call tree: depth, name, place, library, bytes, lost bytes, whether your code ends here."""
        tree = self._report.tree
        found: list[tuple[int, str, str, str, int, int, bool]] = []
        for index in range(len(tree)):
            if tree.depth[index] > _TREE_LEVELS or len(found) >= _TREE_ROWS:
                continue
            number = tree.frame[index]
            name = "all retained memory" if number == -1 else f"{tree.folded_paths[index]} small paths"
            where = library = ""
            if number >= 0:
                frame = self.frame(number)
                name, where, library = frame_name(frame), location(frame), frame.module_name or ""
            found.append((tree.depth[index], name, where, library, tree.inclusive_bytes[index], tree.lost_bytes[index], tree.is_responsible[index]))  # fmt: skip
        return found
