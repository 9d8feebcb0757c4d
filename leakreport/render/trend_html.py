"""What the page of a trend asks for: series in words, lines and places, nothing computed but formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leakreport.analysis.report import Status
from leakreport.analysis.trendreport import TrendReport, TrendRow
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Note
from leakreport.render.bars import Bar, bars, mark_of, tone_of
from leakreport.render.chart_svg import sparkline
from leakreport.render.compared_flame import compared_flame
from leakreport.render.interface import RenderOptions
from leakreport.render.page import TAGS, Figure, PageText, budgets, gate_words
from leakreport.render.path_lines import Amount, Detail, PathLine, PathList, Source
from leakreport.render.phrases import frame_name, location
from leakreport.render.source import SourceFinder
from leakreport.render.stacks import stack_parts
from leakreport.render.trend_drawing import label_of, row_chart, total_columns
from leakreport.render.trend_text import named_frame
from leakreport.units import (
    format_amount,
    format_bytes,
    format_change,
    format_count,
    format_exact_bytes,
    format_pair,
    plural,
)

_MOST_GROWING = 25
_MOST_OTHERS = 20
_MOST_POINTS = 40
_SIZES = ((700, 300), (330, 240))
"""Of the main chart: on a desk, and on a phone."""
_INSIDE = (500, 200)
_MOST_NOTES = 50
_DETAILS = 10
_OPEN_ROWS = 3
_MOST_MODULES = 8
_GROWING = "growing"
# The words that want attention first; each with what it means.
_WORDS = {
    "unclear": "rises, and the data cannot tell",
    "slowing": "still rising, slower and slower",
    "step": "one jump, level since",
    "sawtooth": "fills and is emptied",
    "plateau": "a warm-up that has ended",
    "too-few": "too few snapshots to tell",
    "shrinking": "falls",
    "flat": "no growth",
}


class ModuleLine(NamedTuple):
    """What one library holds over the points."""

    name: str
    bar: Bar
    change: str
    tone: str
    mark: str
    last: str
    exact: str
    slope: str


class WordGroup(NamedTuple):
    """The paths with one verdict word that is not *growing*."""

    word: str
    meaning: str
    paths: int
    lines: list[PathLine]
    unlisted: int
    empty: int
    """Paths that held nothing in any snapshot, which are not listed."""


class PointLine(NamedTuple):
    """One snapshot or run."""

    number: int
    label: str
    place: str
    total: int
    total_text: str
    has_paths: bool


class TrendPage(PageText):
    """The words and drawings of one page."""

    def __init__(self, report: TrendReport, options: RenderOptions) -> None:
        """Choose what is shown of the rows."""
        super().__init__(options)
        self._report = report
        self.verdict = report.verdict
        self.mark, self.tag = TAGS[self.verdict.status]
        if self.verdict.status is Status.INCONCLUSIVE and report.mismatches:
            self.tag = "Not comparable"
        self.gate = gate_words(self.verdict)
        self._source = SourceFinder(options.source_roots, is_on=options.with_source)
        self._is_bytes = report.metric_unit == "bytes"
        self.title = "Retained" if report.metric == "retained_bytes" else report.metric.replace("_", " ").capitalize()
        self.facts = plural(len(report.points), report.point_noun)
        self.per = report.point_noun if report.unit == "snapshot" else f"{report.point_noun} on average"
        self.axis = f"by number of the {report.point_noun}"
        self.x_unit = report.per
        if report.unit == "time":
            self.axis = f"over time, in {report.points[0].time_unit or 'its own unit'}"
        elif report.unit == "work" and report.work is not None:
            self.axis = f"over work done, in {report.work.unit}"
        self.paths = self._paths()
        self.groups = list(self._groups())
        part = next((one for one in report.by_module if None not in one.series), None)
        self.part = part if part is not None and len(report.by_module) > 1 else None
        self.columns = [one for size in _SIZES if (one := total_columns(report, self.part, *size)) is not None]
        lines = [row_chart(report, report.total, *size, part=self.part) for size in _SIZES]
        self.lines = [] if self.columns else [one for one in lines if one is not None]
        self.flame = (
            compared_flame(report.tree, report.frames, f"in the last {report.point_noun}") if self._is_bytes else None
        )
        self.records = self.record_commands(report.inputs)

    def figures(self) -> list[Figure]:
        """First and last of the total, its slope, how many paths grow."""
        report, found = self._report, []
        if report.total is not None:
            verdict = report.total.verdict
            ends = f"{self._amount(verdict.first)} → {self._amount(verdict.last)}"
            if self._is_bytes:
                ends = format_pair(verdict.first, verdict.last)
            change = self._change(verdict.last - verdict.first)
            small = f"{change}, {verdict.word.value}"
            found.append(Figure(f"{self.title}, first → last", ends, small, self._exact(report.total)))
            if _is_told(report.total):
                interval = f"per {self.per}, 95%: {self._interval(report.total)}"
                found.append(Figure("Slope of the total", self._slope(report.total), interval, ""))
        found.append(Figure("Growing paths", f"{report.growing:,} of {len(report.rows):,}", f"{report.family_size:,} varied enough to be tested", ""))  # fmt: skip
        found.extend(budgets(report.verdict) if self._is_bytes else ())
        if report.forecast is not None:
            what = f"Limit {format_bytes(report.forecast.limit)}"
            when = (
                "not told" if report.forecast.when is None else f"in {report.forecast.when:,.3g} {report.forecast.unit}"
            )
            found.append(Figure(what, when, report.forecast.sentence, ""))
        return found

    def _amount(self, amount: int) -> str:
        return format_bytes(amount) if self._is_bytes else format_count(amount)

    def _change(self, amount: int) -> str:
        return format_change(amount) if self._is_bytes else f"{amount:+,}"

    def _per_point(self, amount: float) -> str:
        """An amount per unit of x as one per point."""
        per_point = amount * self._report.per_snapshot
        return format_amount(per_point) if self._is_bytes else f"{per_point:,.3g}"

    def _exact(self, row: TrendRow) -> str:
        ends = (row.verdict.first, row.verdict.last)
        return " → ".join(format_exact_bytes(end) if self._is_bytes else format_count(end) for end in ends)

    def limits(self) -> list[str]:
        """What the data could have shown, in sentences."""
        report, hidden, found = self._report, self._report.hidden_leaks, []
        total = report.total
        if total is not None and _word(total) != _GROWING:
            smallest = total.verdict.smallest_leak
            more = total.verdict.more_runs
            found.append(
                "Total: no leak could have been shown."
                if smallest is None
                else f"Total: growth of {self._per_point(smallest)} per {self.per} or more would have been found (95 of 100)."
            )
            if more is not None:
                found.append(
                    f"About {plural(more, f'more {report.point_noun}')} would show {'its slope' if _word(total) == 'unclear' else 'half of that'}."
                )
        if hidden.median is not None and hidden.largest is not None:
            amounts = (self._per_point(amount / report.per_snapshot) for amount in (hidden.median, hidden.largest))
            ends = [f"{amount} per {self.per}" for amount in amounts]
            found.append(
                f"The other path would have shown a leak of {ends[0]} (95 of 100)."
                if hidden.told == 1
                else f"Of the other {hidden.told:,} paths half would have shown a leak of {ends[0]}, every one {ends[1]} (95 of 100)."
            )
        if hidden.untold:
            found.append(f"In {plural(hidden.untold, 'path')} no leak could have been shown.")
        return found

    def input_notes(self) -> list[tuple[str, Note]]:
        """What is said of single inputs, and not of the trend already."""
        report = self._report
        notes = ((summary.source, note) for summary in report.inputs for note in summary.notes)
        return [(source, note) for source, note in notes if note not in report.notes][:_MOST_NOTES]

    def points(self) -> list[PointLine]:
        """The snapshots, or the first and last of many."""
        report = self._report
        numbers = range(len(report.points))
        if len(numbers) > _MOST_POINTS:
            numbers = [*numbers[: _MOST_POINTS // 2], *numbers[-_MOST_POINTS // 2 :]]  # type: ignore[assignment]
        return [
            PointLine(
                number + 1,
                label_of(report, number),
                f"{report.points[number].time:,.6g} {report.points[number].time_unit or ''}".rstrip()
                if report.points[number].time is not None
                else "",
                report.points[number].totals.get(report.metric, 0),
                self._amount(report.points[number].totals.get(report.metric, 0)),
                report.points[number].is_detailed,
            )
            for number in numbers
        ]

    def _groups(self) -> Iterator[WordGroup]:
        report = self._report
        held: dict[str, list[TrendRow]] = {word: [] for word in (*_WORDS, *report.words)}
        counts = dict.fromkeys(held, 0)
        for row in report.rows[report.growing :]:
            if any(row.series):
                counts[_word(row)] += 1
                if counts[_word(row)] <= _MOST_OTHERS:
                    held[_word(row)].append(row)
        for word, rows in held.items():
            paths = report.words.get(word, 0)
            if paths and word != _GROWING:
                shown = [self._line(row, bar) for row, bar in zip(rows, bars([0] * len(rows)), strict=True)]
                unlisted = counts[word] - len(shown)
                yield WordGroup(word, _WORDS.get(word, ""), paths, shown, unlisted, paths - counts[word])

    def _paths(self) -> PathList:
        report = self._report
        rows = list(report.rows[: min(report.growing, _MOST_GROWING)])
        drawn = bars([row.verdict.slope for row in rows])
        lines = [self._line(row, bar, number=number) for number, (row, bar) in enumerate(zip(rows, drawn, strict=True))]
        more = report.growing - len(lines)
        return PathList(
            lines=lines,
            has_kinds=any(row.path.leak_kind is not LeakKind.NONE for row in rows),
            has_blocks=False,
            spark_title=plural(len(report.points), report.point_noun),
            ends_title="First / last",
            amount_title=f"Slope per {self.per}",
            amount_sort="slope.per_snapshot",
            ends_sort=f"series.{report.metric}",
            more=[f"{plural(more, 'more growing path')} in the JSON."] if more else [],
        )

    def _line(self, row: TrendRow, bar: Bar, *, number: int | None = None) -> PathLine:
        frames, path, verdict = self._report.frames, row.path, row.verdict
        frame = named_frame(self._report, row)
        site = None if path.site is None else frame_name(frames[path.frames[path.site]])
        own = "" if path.responsible is not None or frame is None else "no frame of your own"
        ends = (self._amount(verdict.first), self._amount(verdict.last))
        return PathLine(
            id=path.id,
            leak_kind=path.leak_kind,
            name="[no stack]" if frame is None else frame_name(frame),
            place=own or ("" if frame is None else location(frame)),
            site=", ".join(part for part in (site, path.module) if part),
            notes=[
                *([f"owner: {path.owner}"] if path.owner else []),
                *([row.evidence] if number is None or number >= _DETAILS else []),
            ],
            url=None if frame is None or self.links is None else self.links.url(frame),
            kind="" if path.leak_kind is LeakKind.NONE else f"{path.leak_kind.mark} {path.leak_kind.title}",
            blocks="",
            spark=sparkline(row.series),
            ends=ends,
            ends_exact=self._exact(row),
            bar=bar,
            amount=Amount(
                mark_of(verdict.slope),
                self._slope(row),
                self._exact(row),
                tone_of(verdict.slope),
                f"95%: {self._interval(row)}",
            ),
            detail=self._detail(row, number) if number is not None and number < _DETAILS else None,
        )

    def _detail(self, row: TrendRow, number: int) -> Detail:
        frame = named_frame(self._report, row)
        lines = () if frame is None else self._source.snippet(frame)
        return Detail(
            title="Evidence and stack",
            parts=stack_parts(self._report.frames, self._report.own, row.path.frames, row.path.named_by, self.links),
            source=Source(location(frame), lines) if frame is not None and lines else None,
            chart=row_chart(self._report, row, *_INSIDE),
            why=[row.evidence],
            checks=[
                "It can be a container that is never emptied, or blocks whose last owner is dropped without releasing them."
            ],
            is_open=number < _OPEN_ROWS,
        )

    def modules(self) -> list[ModuleLine]:
        """The libraries that rose most, or fell."""
        groups = self._report.by_module[:_MOST_MODULES]
        drawn = bars([group.last - group.first for group in groups])
        return [
            ModuleLine(
                name=group.name,
                bar=bar,
                change=self._change(group.last - group.first) if group.last != group.first else "no change",
                tone=tone_of(group.last - group.first),
                mark=mark_of(group.last - group.first),
                last=self._amount(group.last),
                exact=f"{group.first:,} → {group.last:,}",
                slope=self._per_point(group.slope),
            )
            for group, bar in zip(groups, drawn, strict=True)
        ]

    def _slope(self, row: TrendRow) -> str:
        return self._per_point(row.verdict.slope)

    def _interval(self, row: TrendRow) -> str:
        ends = (row.verdict.low, row.verdict.high)
        return " … ".join(self._per_point(end) for end in ends)


def _word(row: TrendRow) -> str:
    return row.verdict.word.value


def _is_told(row: TrendRow) -> bool:
    return _word(row) not in {"too-few", "flat"}
