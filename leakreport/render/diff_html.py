"""What the page of a comparison asks for: facts of the report in words, nothing computed but formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leakreport.analysis.diffreport import DiffReport, DiffRow, ModuleChange, Presence, Side
from leakreport.analysis.report import InputSummary, Status
from leakreport.model.metrics import LeakKind
from leakreport.render.bars import Bar, bars, mark_of, percent, tone_of
from leakreport.render.chart_svg import sparkline
from leakreport.render.columns_svg import Columns, Plan, Run, columns
from leakreport.render.compared_flame import compared_flame
from leakreport.render.diff_text import named_frame
from leakreport.render.diff_words import more_words, rate_words
from leakreport.render.interface import RenderOptions
from leakreport.render.kind_bar import kind_parts
from leakreport.render.page import TAGS, Figure, PageText, budgets, gate_words, moment_words
from leakreport.render.path_lines import Amount, Detail, PathLine, PathList, Source
from leakreport.render.phrases import frame_name, location
from leakreport.render.source import SourceFinder
from leakreport.render.stacks import stack_parts
from leakreport.units import (
    format_bytes,
    format_change,
    format_count,
    format_exact_bytes,
    format_pair,
    format_share,
    one_of_unit,
    plural,
)

_MOST_ROWS = 25
_DETAILS = 10
_OPEN_ROWS = 3
_SHORT_STACK = 16
_MOST_MODULES = 8
_SIZES = ((540, 290), (330, 240))
"""Of the main chart: on a desk, and on a phone."""
_TITLES = {
    "leaked_bytes": "Lost",
    "retained_bytes": "Retained",
    "peak_bytes": "At the peak",
    "allocated_bytes": "Allocated in the whole run",
}


class ComparedLine(NamedTuple):
    """One fact about both sides."""

    title: str
    before: str
    after: str
    is_different: bool


class DiffPage(PageText):
    """The words of one page."""

    def __init__(self, report: DiffReport, options: RenderOptions) -> None:
        """Choose the rows that are shown."""
        super().__init__(options)
        self._report = report
        self._source = SourceFinder(options.source_roots, is_on=options.with_source)
        self.mark, self.tag = TAGS[report.verdict.status]
        if report.verdict.status is Status.INCONCLUSIVE and report.mismatches:
            self.tag = "Not comparable"
        self.gate = gate_words(report.verdict)
        self.names = (report.before.name or "before", report.after.name or "after")
        self.paths = self._paths()
        self.flame = compared_flame(report.tree, report.frames, f"in {self.names[1]}" if report.after.name else "after")
        self.kinds = kind_parts(report.after.totals, None, report.change)
        self.moment = moment_words(report.after.moment)
        self.charts = self._charts()
        self.records = self.record_commands(report.inputs)

    def figures(self) -> list[Figure]:
        """Before and after, the net change, per unit of work, the budget, how many paths grew."""
        found = list(self._metrics())
        return [*found[:2], *self._work(), *budgets(self._report.verdict), *self._growing(), *found[2:], *self._runs()]

    def _metrics(self) -> Iterator[Figure]:
        before, after, change = self._report.before.totals, self._report.after.totals, self._report.change
        for number, (metric, title) in enumerate(
            (metric, title) for metric, title in _TITLES.items() if metric in change
        ):
            ends = f"{format_exact_bytes(before[metric])} → {format_exact_bytes(after[metric])}"
            delta = change[metric]
            moment = self.moment if metric in {"leaked_bytes", "retained_bytes"} else ""
            small = ends if number == 0 else format_change(delta)
            yield Figure(f"{title}{moment}", format_pair(before[metric], after[metric]), small, ends)
            if number == 0:
                exact = f"{'+' if delta > 0 else ''}{format_exact_bytes(delta)}"
                text = format_change(delta) if delta else "no change"
                yield Figure("Net change", text, exact, exact, tone_of(delta))

    def _work(self) -> Iterator[Figure]:
        """The total per unit of work."""
        per = self._report.per
        if per is not None:
            metric = "leaked_bytes" if "leaked_bytes" in self._report.change else "retained_bytes"
            work = f"{per.work[0]:,} → {per.work[1]:,} {per.unit}"
            if per.is_equal:
                work = f"{per.work[0]:,} {per.unit} in each run"
            words = rate_words(self._report, per.totals.get(metric))
            each = f" per {one_of_unit(per.unit)}"
            title, text = (
                (f"Per {one_of_unit(per.unit)}", words.replace(each, "", 1)) if per.is_equal else ("Rate", words)
            )
            yield Figure(title, text, work, "")

    def _growing(self) -> Iterator[Figure]:
        report = self._report
        quiet = f"{format_count(report.noise_rows)} within noise"
        small = f"{format_count(report.shrunk_rows)} shrank, {quiet}"
        yield Figure("Growing paths", f"{report.grown_rows:,} of {len(report.rows):,}", small, "")

    def _runs(self) -> Iterator[Figure]:
        runs = self._report.runs
        if runs is not None:
            yield Figure("Runs", f"{runs.before} before, {runs.after} after", runs.total.text, "")

    def library_metric(self) -> str:
        """What the change by library is in: whatever was lost, libraries are told by all that they retain."""
        metric = next(iter(self._report.by_module[0].values))
        return _TITLES.get(metric, metric.replace("_", " ")).lower()

    def modules(self) -> list[tuple[ModuleChange, int, Bar]]:
        """The libraries that changed most."""
        groups = self._report.by_module[:_MOST_MODULES]
        changes = [next(iter(group.values.values())) for group in groups]
        return list(zip(groups, changes, bars(changes), strict=True))

    def _charts(self) -> list[Columns]:
        """Two columns, or one for each run where the sides were repeated; none where the sides cannot be compared."""
        report = self._report
        ends = [side.totals.get("retained_bytes") for side in (report.before, report.after)]
        if report.mismatches or ends[0] is None or ends[1] is None:
            return []
        part = next((one for one in report.by_module if "retained_bytes" in one.values), None)
        if report.runs is not None and report.runs.metric == "retained_bytes":
            total, part = report.runs.total, None
            runs = [Run(f"{number}", held, 0) for number, held in enumerate((*total.before, *total.after), 1)]
            runs[0] = runs[0]._replace(note="first before")
            runs[len(total.before)] = runs[len(total.before)]._replace(note="first after")
        else:
            notes = ("baseline", "this run") if report.before.name else ("", "")
            parts = (part.before_bytes, part.after_bytes) if part is not None else (0, 0)
            runs = [
                Run(name, held, of_part, note or " ")
                for name, held, of_part, note in zip(self.names, ends, parts, notes, strict=True)
                if held is not None
            ]
        # The budget is for the judged metric: of lost bytes it is no line in what is retained.
        limit = next((line.limit for line in report.verdict.gate_lines if line.limit is not None), None)
        is_judged = "leaked_bytes" not in report.change
        plan = Plan(
            part_name="" if part is None else part.name,
            part_change=0 if part is None else part.after_bytes - part.before_bytes,
            limit=ends[0] + limit if limit is not None and is_judged and report.runs is None else None,
            limit_label=""
            if limit is None
            else f"budget {format_bytes(ends[0] + limit)} (baseline + {format_bytes(limit)})",
        )
        return [one for size in _SIZES if (one := columns(runs, plan, *size)) is not None]

    def _paths(self) -> PathList:
        report = self._report
        rows = report.listed[:_MOST_ROWS]
        drawn = bars([row.change.get("retained_bytes", 0) for row in rows])
        lines = [self._line(row, number, bar) for number, (row, bar) in enumerate(zip(rows, drawn, strict=True))]
        more = []
        if len(report.listed) > len(lines):
            more.append(f"{plural(len(report.listed) - len(lines), 'more path')} in the JSON.")
        what = (
            f"{plural(report.noise_rows, 'path')} within the noise, {format_change(report.noise_change)} together: a"
            if report.noise_rows
            else "Nothing is within the noise: a"
        )
        lost = ", lost memory from the first byte" if report.noise.is_exact_for_lost else ""
        more.append(f"{what} path counts from {format_bytes(report.noise.min_change_bytes)}{lost}.")
        runs = report.runs
        return PathList(
            lines=lines,
            has_kinds=any(row.leak_kind is not LeakKind.NONE for row in rows),
            has_blocks=any(line.blocks for line in lines),
            spark_title=f"{runs.before + runs.after} runs" if runs and any(line.spark for line in lines) else "",
            ends_title="Before / after",
            amount_title="Change",
            amount_sort="change.retained_bytes",
            ends_sort="after.retained_bytes",
            more=more,
        )

    def _line(self, row: DiffRow, number: int, bar: Bar) -> PathLine:
        frame = named_frame(self._report, row)
        before, after = (side.get("retained_bytes", 0) for side in (row.before, row.after))
        change = row.change.get("retained_bytes", 0)
        site = None if row.site is None else frame_name(self._report.frames[row.frames[row.site]])
        exact = f"{format_exact_bytes(before)} → {format_exact_bytes(after)}"
        own = "" if row.responsible is not None or frame is None else "no frame of your own"
        return PathLine(
            id=row.id,
            leak_kind=row.leak_kind,
            name="[no stack]" if frame is None else frame_name(frame),
            place=own or ("" if frame is None else location(frame)),
            site=", ".join(part for part in (site, row.module) if part),
            notes=[
                text
                for text in (_about(row), f"owner: {row.owner}" if row.owner else "", *more_words(self._report, row))
                if text
            ],
            url=None if frame is None or self.links is None else self.links.url(frame),
            kind=_kind(row),
            blocks=_blocks(row),
            spark=None if row.runs is None else sparkline((*row.runs.before, *row.runs.after)),
            ends=(format_bytes(before), format_bytes(after)),
            ends_exact=exact,
            bar=bar,
            amount=Amount(
                mark_of(change),
                format_change(change) if change else "no change",
                format_exact_bytes(change),
                tone_of(change),
                row.presence.value if row.presence is not Presence.BOTH else percent(before, after),
            ),
            detail=self._detail(row, number) if number < _DETAILS else None,
        )

    def _detail(self, row: DiffRow, number: int) -> Detail:
        report = self._report
        frame = named_frame(report, row)
        lines = () if frame is None else self._source.snippet(frame)
        why, checks = report.text_of_row(row)
        return Detail(
            title="Stack and advice",
            parts=stack_parts(report.frames, report.own, row.frames, row.named_by, self.links),
            source=Source(location(frame), lines) if frame is not None and lines else None,
            chart=None,
            why=list(why),
            checks=list(checks),
            # The first one is open; long ones after it would fill a sheet.
            is_open=number == 0 or (number < _OPEN_ROWS and len(row.frames) <= _SHORT_STACK),
        )

    def compared(self) -> list[ComparedLine]:
        """The two sides beside each other; facts that neither tells are left out."""
        report = self._report
        border = report.after.input_index
        sides = ((report.before, report.inputs[:border]), (report.after, report.inputs[border:]))
        facts = [list(self._side_facts(side, inputs, number)) for number, (side, inputs) in enumerate(sides)]
        lines = [
            ComparedLine(title, before, after, before != after and title not in _ALWAYS_DIFFERENT)
            for (title, before), (_, after) in zip(*facts, strict=True)
            if before or after
        ]
        libraries = (
            ComparedLine(one.name, ", ".join(one.before) or "not there", ", ".join(one.after) or "not there", True)
            for one in report.libraries
            if one.before != one.after
        )
        return [*lines, *libraries]

    def _side_facts(self, side: Side, inputs: tuple[InputSummary, ...], number: int) -> Iterator[tuple[str, str]]:
        first, per = inputs[0], self._report.per
        tools = sorted({f"{one.tool or one.format} {one.tool_version or ''}".rstrip() for one in inputs})
        incomplete = sum(not summary.is_complete for summary in inputs)
        pids = sorted({summary.pid for summary in inputs if summary.pid is not None})
        suppressed = side.totals.get("suppressed_bytes")
        yield "Input", side.label
        yield "State", f"incomplete ({plural(incomplete, 'input')})" if incomplete else "complete"
        yield "Tool", ", ".join(tools)
        yield "Tool's options", self.command_line(first.tool_options)
        yield "Program", self.command_line(first.command)
        yield "Label", first.label or ""
        yield "Workload", "" if per is None else f"{per.work[number]:,} {per.unit}"
        yield "Process", ", ".join(map(str, pids[:5])) + (f" and {len(pids) - 5} more" if len(pids) > 5 else "")
        yield "Judged", side.moment.value
        yield "Retained", format_exact_bytes(side.totals["retained_bytes"]) if "retained_bytes" in side.totals else ""
        yield "Symbols resolved", _resolved(side)
        yield "Suppressed", "" if suppressed is None else format_exact_bytes(suppressed)


_ALWAYS_DIFFERENT = frozenset(("Input", "Process", "Retained", "Label", "Tool's options", "Symbols resolved"))


def _resolved(side: Side) -> str:
    if not side.frame_count:
        return ""
    share = format_share(side.named_frames, side.frame_count)
    return f"{share} ({side.named_frames:,} of {plural(side.frame_count, 'frame')})"


def _kind(row: DiffRow) -> str:
    """The leak kind, and what it was before."""
    if row.leak_kind is LeakKind.NONE:
        return ""
    shown = f"{row.leak_kind.mark} {row.leak_kind.title}"
    return shown if row.leak_kind_before is row.leak_kind else f"{row.leak_kind_before.title} → {shown}"


def _blocks(row: DiffRow) -> str:
    if "retained_blocks" not in row.before and "retained_blocks" not in row.after:
        return ""
    before, after = (side.get("retained_blocks", 0) for side in (row.before, row.after))
    return f"{format_count(before)} → {plural(after, 'block')}"


def _about(row: DiffRow) -> str:
    """How a path was recognised."""
    if row.presence is not Presence.BOTH or row.matched_as in {None, "exact"}:
        return row.evidence
    return f"{row.matched_as}, {row.confidence or 'undecided'}{f': {row.evidence}' if row.evidence else ''}"
