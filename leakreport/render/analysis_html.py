"""What the page of one run asks for: facts of the report in words, nothing computed but formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leakreport.analysis.report import Finding, GroupRow, PathRow, Report
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Moment
from leakreport.render.bars import Bar, lengths
from leakreport.render.chart_svg import sparkline
from leakreport.render.check_html import check_view
from leakreport.render.check_words import MARKS, States, url_of
from leakreport.render.flamegraph import flame_graph
from leakreport.render.interface import RenderOptions
from leakreport.render.kind_bar import KindPart, kind_parts
from leakreport.render.page import TAGS, Figure, PageText, gate_words, moment_words
from leakreport.render.path_lines import Amount, Detail, PathLine, PathList, Source
from leakreport.render.phrases import (
    finding_frames,
    frame_name,
    location,
    place,
    site_frame,
    title_frame,
    wrapper_name,
)
from leakreport.render.source import SourceFinder
from leakreport.render.stacks import StackPart, stack_parts
from leakreport.render.timeline import timeline
from leakreport.units import format_bytes, format_count, format_exact_bytes, format_share, plural

_MOST_PATHS = 25
_DETAILS = 10
_MOST_PROBLEMS = 100
_MOST_MODULES = 10
_TREE_LEVELS = 4
_TREE_ROWS = 60


class TreeRow(NamedTuple):
    """A node of the call tree as a row of a table."""

    depth: int
    name: str
    library: str
    amount: int
    lost: int
    is_responsible: bool


class AnalysisPage(PageText):
    """The words of one page."""

    def __init__(self, report: Report, options: RenderOptions) -> None:
        """Choose what is shown of the findings."""
        super().__init__(options)
        self._report = report
        self._source = SourceFinder(options.source_roots, is_on=options.with_source)
        self.mark, self.tag = TAGS[report.verdict.status]
        self.gate = gate_words(report.verdict)
        self.problems = [finding for finding in report.findings if not finding.is_leak][:_MOST_PROBLEMS]
        self.more_problems = sum(not finding.is_leak for finding in report.findings) - len(self.problems)
        self.check = check_view(report, options)
        self._states, self._options = States(report), options
        self.flame = flame_graph(report)
        self.timeline = timeline(report)
        self.has_kinds = bool(report.by_kind)
        self.kinds: list[KindPart] = kind_parts(
            report.totals, {group.name: group.path_count for group in report.by_kind} if report.by_kind else None
        )
        self.paths = self._paths()
        self.records = self.record_commands(report.inputs)
        self.tree = list(self._tree())
        self.hidden_tree_rows = len(report.tree) - len(self.tree)

    def figures(self) -> list[Figure]:
        """What is measured, the most telling first."""
        report = self._report
        is_peak = self.timeline is not None and report.moment is Moment.PEAK
        moment = moment_words(report.moment)
        titles = {
            "leaked_bytes": "Lost",
            "retained_bytes": "Heap at the peak" if is_peak else f"Retained{moment}" if moment else "In use",
            "overhead_bytes": "Allocator's overhead",
            "stack_bytes": "Thread stacks",
            "peak_bytes": "At the peak",
            "suppressed_bytes": "Suppressed",
            "allocated_bytes": "Allocated in the whole run",
            "inherited_bytes": "Inherited, counted once",
        }
        found = []
        for metric, title in titles.items():
            if metric in report.totals:
                found.append(self._figure(metric, title))
                if metric == "retained_bytes" and is_peak:
                    found.extend(self._at_end(report.totals[metric]))
        listed = f"{plural(len(report.paths), 'call path')} listed"
        records = "Loss records" if self.has_kinds else "Records"
        return [*found, Figure(records, format_count(report.record_count), listed, "")]

    def _figure(self, metric: str, title: str) -> Figure:
        amount = self._report.totals[metric]
        blocks = self._report.totals.get(metric.replace("bytes", "blocks"))
        noun = "allocation" if metric == "allocated_bytes" else "block"
        exact = format_exact_bytes(amount)
        return Figure(
            title, format_bytes(amount), exact + ("" if blocks is None else f" in {plural(blocks, noun)}"), exact
        )

    def _at_end(self, peak: int) -> Iterator[Figure]:
        last = self._report.snapshots[self._report.timeline[-1]].totals.get("retained_bytes")
        if last is not None:
            exact = format_exact_bytes(last)
            small = f"{exact}, {format_share(last, peak)} of the peak"
            yield Figure("At the last snapshot", format_bytes(last), small, exact)

    def modules(self) -> list[tuple[GroupRow, int, Bar]]:
        """The libraries that hold most."""
        groups = self._report.by_module[:_MOST_MODULES]
        amounts = [group.values.get("retained_bytes", 0) for group in groups]
        return list(zip(groups, amounts, lengths(amounts), strict=True))

    def _paths(self) -> PathList:
        report = self._report
        leaks = report.leaks[:_MOST_PATHS]
        amounts = [(finding.values or {}).get("retained_bytes", 0) for finding in leaks]
        drawn = lengths(amounts)
        lines = [self._line(finding, number, drawn[number]) for number, finding in enumerate(leaks)]
        more = []
        if len(report.leaks) + report.unlisted_leaks > len(leaks):
            hidden = len(report.leaks) + report.unlisted_leaks - len(leaks)
            more.append(f"{plural(hidden, 'more entry', 'more entries')} in the JSON.")
        if report.selection.hidden_paths:
            hidden = report.selection.hidden_paths
            more.append(
                f"{plural(hidden, 'path')} hidden by --focus, --ignore or --top; the totals include {'it' if hidden == 1 else 'them'}."
            )
        has_spark = any(line.spark is not None for line in lines)
        return PathList(
            lines=lines,
            has_kinds=self.has_kinds,
            has_blocks=any(line.blocks for line in lines),
            spark_title=f"{len(report.timeline)} snapshots" if has_spark else "",
            ends_title="",
            amount_title="Bytes",
            amount_sort="values.retained_bytes",
            ends_sort="",
            more=more,
        )

    def _line(self, finding: Finding, number: int, bar: Bar) -> PathLine:
        report, row = self._report, self._row(finding)
        state = self._states.of_rows([report.paths[index] for index in finding.rows])
        known = "" if state is None else f"{MARKS[state.state]} {state.text}"
        frame, site, values = title_frame(report, row), site_frame(report, row), finding.values or {}
        amount, via = values.get("retained_bytes", 0), wrapper_name(report, row)
        where = "no frame of your own" if row.responsible is None else "" if frame is None else place(frame)
        whole = report.totals.get("retained_bytes", 0)
        blocks = values.get("retained_blocks")
        return PathLine(
            id=finding.path_ids[0],
            leak_kind=finding.leak_kind,
            name="[no stack]" if frame is None else frame_name(frame),
            place=f"{where}, through {via}" if via else where,
            site=", ".join(part for part in ("" if site is None else frame_name(site), row.module or "") if part),
            notes=[note for note in (known, f"owner: {row.owner}" if row.owner else "") if note],
            url=url_of(frame, self._options),
            kind="" if finding.leak_kind is LeakKind.NONE else f"{finding.leak_kind.mark} {finding.leak_kind.title}",
            blocks="" if blocks is None else plural(blocks, "block"),
            spark=sparkline((row.series or {}).get("retained_bytes", ())),
            ends=None,
            ends_exact="",
            bar=bar,
            amount=Amount(
                "", format_bytes(amount), format_exact_bytes(amount), "", format_share(amount, whole) if whole else ""
            ),
            detail=self._detail(finding) if number < _DETAILS else None,
        )

    def _detail(self, finding: Finding) -> Detail:
        return Detail(
            title="Stack and advice",
            parts=self.stack(finding_frames(self._report, finding), self._named(finding)),
            source=self._snippet(finding),
            chart=None,
            why=[finding.message, *finding.facts],
            checks=[finding.advice],
            is_open=True,
        )

    def _row(self, finding: Finding) -> PathRow:
        return self._report.paths[finding.rows[0]]

    def _named(self, finding: Finding) -> int | None:
        return self._row(finding).named_by if finding.is_leak else finding.responsible

    def stack(self, frames: tuple[int, ...], named: int | None) -> list[StackPart]:
        """Every frame of a stack, innermost first."""
        return stack_parts(self._report.frames, self._report.own, frames, named, self.links)

    def _snippet(self, finding: Finding) -> Source | None:
        frames, named = finding_frames(self._report, finding), self._named(finding)
        if named is None:
            return None
        frame = self._report.frames[frames[named]]
        lines = self._source.snippet(frame)
        return Source(location(frame), lines) if lines else None

    def _tree(self) -> Iterator[TreeRow]:
        """The first levels of the call tree."""
        tree, shown = self._report.tree, 0
        for index in range(len(tree)):
            if tree.depth[index] > _TREE_LEVELS or shown >= _TREE_ROWS:
                continue
            shown += 1
            number = tree.frame[index]
            name = "all retained memory" if number == -1 else plural(tree.folded_paths[index], "small path")
            library = ""
            if number >= 0:
                frame = self._report.frames[number]
                name, library = frame_name(frame), frame.module_name or ""
            yield TreeRow(
                tree.depth[index],
                name,
                library,
                tree.inclusive_bytes[index],
                tree.lost_bytes[index],
                tree.is_responsible[index],
            )
