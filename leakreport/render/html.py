"""One self-contained HTML file: every fact of the report as HTML and SVG, readable without script and without style.

Input is hostile: the templates escape everything, there is no script, and the Content-Security-Policy allows nothing but
the one style sheet, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from leakreport import __version__
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Finding, PathRow, Report, Status
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame
from leakreport.render.flamegraph import WIDTH, flame_graph
from leakreport.render.interface import RenderOptions
from leakreport.render.phrases import (
    finding_frames,
    frame_name,
    location,
    place,
    printable,
    site_frame,
    title_frame,
    without_home,
    without_secrets,
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
_MOST_FRAMES = 60
_MOST_PROBLEMS = 100
_TREE_LEVELS = 4
_TREE_ROWS = 60
_LONGEST_NAME = 2000
_TAGS = {
    Status.LEAK: ("●", "Leak"),
    Status.RETAINED: ("○", "Still held"),
    Status.CLEAN: ("✓", "Clean"),
    Status.INCONCLUSIVE: ("?", "Inconclusive"),
}
_GATES = {"failed": ", gate failed", "passed": ", gate passed", "inconclusive": ", gate inconclusive"}


class HtmlRenderer:
    """Writes the report that people attach to tickets."""

    name = "html"
    suffix = ".html"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The whole page. Same report and options, same bytes."""
        page = _Page(report, options)
        style = _style()
        environment = _environment(page.text)
        return environment.get_template("report.html.j2").render(
            page=page, report=report, style=style, style_hash=_hash(style), version=__version__, graph_width=WIDTH
        )

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The page of a comparison."""
        from leakreport.render.diff_html import DiffPage

        page = DiffPage(report, options)
        style = _style()
        environment = _environment(lambda text: printable(page.text(text)))
        return environment.get_template("diff.html.j2").render(
            page=page, report=report, style=style, style_hash=_hash(style), version=__version__
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
    )
    return environment


def _style() -> object:
    """The style sheet, ours and reviewed: the only text that is not escaped."""
    from markupsafe import Markup

    return Markup(assets_text("css"))  # noqa: S704 - our own file, never input


def _hash(style: object) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()


class _Page:
    """What the templates ask for: facts of the report in words, nothing computed but formats."""

    def __init__(self, report: Report, options: RenderOptions) -> None:
        self._report = report
        self._options = options
        self._source = SourceFinder(options.source_roots, is_on=options.with_source)
        self.leaks = report.leaks[:_MOST_PATHS]
        self.open_details = _OPEN_DETAILS
        self.more_leaks = len(report.leaks) - len(self.leaks) + report.unlisted_leaks
        self.mark, self.tag = _TAGS[report.verdict.status]
        self.gate = _GATES.get(report.verdict.gate.value, "")
        self.problems = [finding for finding in report.findings if not finding.is_leak][:_MOST_PROBLEMS]
        self.more_problems = sum(not finding.is_leak for finding in report.findings) - len(self.problems)
        self.flame = flame_graph(report)
        self.timeline = timeline(report)
        self.has_kinds = bool(report.by_kind)
        self.has_blocks = any("retained_blocks" in (finding.values or {}) for finding in self.leaks)
        self.secrets = sum(
            without_secrets(command)[1]
            for command in (
                options.command,
                *(part for summary in report.inputs for part in (summary.command, summary.tool_options)),
            )
        )
        self.command = shlex.join(("leakreport", *without_secrets(options.command[1:])[0])) if options.command else ""

    def text(self, text: object) -> str:
        """Any text of the input: visible, bounded, without the user's name."""
        shown = printable(str(text))
        if not self._options.include_host:
            shown = without_home(shown)
        if len(shown) > _LONGEST_NAME:
            shown = f"{shown[:_LONGEST_NAME]}… ({len(shown):,} characters)"
        # Text is text; still, nothing on the page should look like an address on the network to anybody.
        return shown.replace("://", ":\u2215\u2215")

    def command_line(self, command: tuple[str, ...]) -> str:
        """A command with what looks like a secret taken out."""
        return self.text(" ".join(without_secrets(command)[0]))

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

    def stack(self, finding: Finding) -> list[tuple[int, str, str, str]]:
        """Number, name, place and class of every frame, innermost first."""
        return self.stack_of(finding_frames(self._report, finding), self._named(finding))

    def _named(self, finding: Finding) -> int | None:
        return self.row(finding).named_by if finding.is_leak else finding.responsible

    def stack_of(self, frames: tuple[int, ...], responsible: int | None) -> list[tuple[int, str, str, str]]:
        """The same for any stack."""
        found = []
        hidden = 0
        for number, position in enumerate(range(len(frames) - 1, -1, -1)):
            if number >= _MOST_FRAMES and position != responsible:
                hidden += 1
                continue
            frame = self.frame(frames[position])
            style = "hit" if position == responsible else "" if self._report.own[frames[position]] else "lib"
            found.append((number, frame_name(frame), place(frame), style))
        if hidden:
            found.append((len(frames), f"{hidden} more frames are left out", "", "lib"))
        return found

    def snippet(self, finding: Finding) -> list[SourceLine]:
        """Source lines around the frame a finding is named by."""
        frames, named = finding_frames(self._report, finding), self._named(finding)
        return [] if named is None else list(self._source.snippet(self.frame(frames[named])))

    def source_name(self, finding: Finding) -> str:
        """The file of the snippet."""
        frames, named = finding_frames(self._report, finding), self._named(finding)
        return "" if named is None else location(self.frame(frames[named]))

    def figures(self) -> list[tuple[str, int, str]]:
        """What is measured, the most telling first: title, bytes, and the exact number with its blocks."""
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
                small = format_exact_bytes(amount) + ("" if blocks is None else f" in {plural(blocks, noun)}")
                found.append((title, amount, small))
        return found

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
