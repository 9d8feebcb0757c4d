"""What the page of a trend asks for: series in words, lines and places, nothing computed but formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from leakreport.analysis.report import GateResult, Verdict
from leakreport.analysis.trendreport import TrendReport, TrendRow
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.render.chart_svg import Chart, Plot, chart, sparkline
from leakreport.render.interface import RenderOptions
from leakreport.render.page import GATES, TAGS, Figure, PageText, StackLine, stack_lines
from leakreport.render.phrases import frame_name, location
from leakreport.units import format_amount, format_bytes, format_change, format_exact_bytes, plural

_MOST_GROWING = 25
_MOST_OTHERS = 20
_MOST_POINTS = 40
_WIDE, _SLIM, _INSIDE = (1120, 280), (340, 240), (460, 190)
SPARK = (120, 26)
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


class PathLine(NamedTuple):
    """One call path of a trend as the page shows it."""

    id: str
    name: str
    place: str
    module: str
    kind: str
    spark: str
    first: str
    last: str
    change: str
    exact: str
    slope: str
    interval: str
    evidence: str
    stack: list[StackLine]
    chart: Chart | None


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
    has_paths: bool


class TrendPage(PageText):
    """The words and drawings of one page."""

    def __init__(self, report: TrendReport, options: RenderOptions) -> None:
        """Choose what is shown of the rows."""
        super().__init__(options, report.inputs)
        self._report = report
        self.verdict = verdict_of(report)
        self.mark, self.tag = TAGS[self.verdict.status]
        self.gate = GATES.get(self.verdict.gate.value, "")
        growing = [row for row in report.rows if _word(row) == _GROWING]
        self.growing = [self._line(row, with_detail=True) for row in growing[:_MOST_GROWING]]
        self.more_growing = len(growing) - len(self.growing)
        self.groups = list(self._groups())
        self.charts = [one for one in (self._chart(report.total, *size) for size in (_WIDE, _SLIM)) if one is not None]
        self.spark_width, self.spark_height = SPARK
        self.facts = plural(len(report.points), "snapshot")
        self.per = "snapshot" if report.unit == "snapshot" else "snapshot on average"
        self.axis = "by number of the snapshot"
        self.time_unit = report.points[0].time_unit or "its own"
        if report.unit == "time":
            self.axis = f"over time, in {self.time_unit}"

    def figures(self) -> list[Figure]:
        """First and last of the total, its slope, how many paths grow."""
        report, found = self._report, []
        if report.total is not None:
            verdict = report.total.verdict
            ends = f"{format_bytes(verdict.first)} → {format_bytes(verdict.last)}"
            exact = f"{format_exact_bytes(verdict.first)} → {format_exact_bytes(verdict.last)}"
            change = format_change(verdict.last - verdict.first)
            found.append(Figure("Retained, first → last", ends, f"{change}, {verdict.word.value}", exact))
            if _is_told(report.total):
                interval = f"per {self.per}, 95 %: {self._interval(report.total)}"
                found.append(Figure("Slope of the total", self._slope(report.total), interval, ""))
        count = len(self.growing) + self.more_growing
        found.append(Figure("Growing paths", f"{count:,} of {len(report.rows):,}", f"{report.family_size:,} varied enough to be tested", ""))  # fmt: skip
        return found

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
                else f"Total: growth of {format_amount(smallest * report.per_snapshot)} per {self.per} or more would have been found (95 of 100)."
            )
            if more is not None:
                found.append(
                    f"About {plural(more, 'more snapshot')} would show {'its slope' if _word(total) == 'unclear' else 'half of that'}."
                )
        if hidden.median is not None and hidden.largest is not None:
            ends = [f"{format_amount(amount)} per {self.per}" for amount in (hidden.median, hidden.largest)]
            found.append(
                f"The other path would have shown a leak of {ends[0]} (95 of 100)."
                if hidden.told == 1
                else f"Of the other {hidden.told:,} paths half would have shown a leak of {ends[0]}, every one {ends[1]} (95 of 100)."
            )
        if hidden.untold:
            found.append(f"In {plural(hidden.untold, 'path')} no leak could have been shown.")
        return found

    def points(self) -> list[PointLine]:
        """The snapshots, or the first and last of many."""
        report = self._report
        numbers = range(len(report.points))
        if len(numbers) > _MOST_POINTS:
            numbers = [*numbers[: _MOST_POINTS // 2], *numbers[-_MOST_POINTS // 2 :]]  # type: ignore[assignment]
        return [
            PointLine(
                number + 1,
                _label(report, number),
                f"{report.points[number].time:,.6g} {report.points[number].time_unit or ''}".rstrip()
                if report.points[number].time is not None
                else "",
                report.points[number].totals.get(report.metric, 0),
                report.points[number].is_detailed,
            )
            for number in numbers
        ]

    def _groups(self) -> Iterator[WordGroup]:
        rows = self._report.rows
        words = [*_WORDS, *sorted({_word(row) for row in rows} - {*_WORDS, _GROWING})]
        for word in words:
            members = [row for row in rows if _word(row) == word]
            held = [row for row in members if any(row.series)]
            if members:
                shown = [self._line(row, with_detail=False) for row in held[:_MOST_OTHERS]]
                yield WordGroup(
                    word,
                    _WORDS.get(word, ""),
                    len(members),
                    shown,
                    len(held) - len(shown),
                    len(members) - len(held),
                )

    def _line(self, row: TrendRow, *, with_detail: bool) -> PathLine:
        frames, path, verdict = self._report.frames, row.path, row.verdict
        frame = _named_frame(frames, row)
        return PathLine(
            id=path.id,
            name="[no stack]" if frame is None else frame_name(frame),
            place="" if frame is None else location(frame),
            module=path.module or "",
            kind="" if path.leak_kind is LeakKind.NONE else f"{path.leak_kind.mark} {path.leak_kind.title}",
            spark=sparkline(row.series, *SPARK),
            first=format_bytes(verdict.first),
            last=format_bytes(verdict.last),
            change=format_change(verdict.last - verdict.first),
            exact=f"{format_exact_bytes(verdict.first)} → {format_exact_bytes(verdict.last)}",
            slope=self._slope(row),
            interval=self._interval(row),
            evidence=row.evidence,
            stack=stack_lines(frames, self._report.own, path.frames, path.named_by) if with_detail else [],
            chart=self._chart(row, *_INSIDE) if with_detail else None,
        )

    def _slope(self, row: TrendRow) -> str:
        return format_amount(row.verdict.slope * self._report.per_snapshot)

    def _interval(self, row: TrendRow) -> str:
        ends = (row.verdict.low, row.verdict.high)
        return " … ".join(format_amount(end * self._report.per_snapshot) for end in ends)

    def _chart(self, row: TrendRow | None, width: int, height: int) -> Chart | None:
        if row is None:
            return None
        report = self._report
        plot = Plot(
            places=report.places,
            values=row.series,
            names=[f"{number + 1}. {_label(report, number)}".rstrip(". ") for number in range(len(report.points))],
            is_whole=report.unit != "time",
            changes=row.verdict.change_points,
            fit=report.fit_of(row),
        )
        return chart(plot, width, height)


def verdict_of(report: TrendReport) -> Verdict:
    """The answer of a trend in the form that all pages share."""
    return Verdict(report.status, report.sentence, report.lead, GateResult.NOT_ASKED, (), report.reasons)


def _word(row: TrendRow) -> str:
    return row.verdict.word.value


def _is_told(row: TrendRow) -> bool:
    return _word(row) not in {"too-few", "flat"}


def _named_frame(frames: Sequence[Frame], row: TrendRow) -> Frame | None:
    path = row.path
    for position in (path.named_by, path.site):
        if position is not None:
            return frames[path.frames[position]]
    return frames[path.frames[-1]] if path.frames else None


def _label(report: TrendReport, number: int) -> str:
    """What the input calls a point; nothing where that is only its number."""
    label = report.points[number].label
    return "" if label == str(number) else label.rsplit("/", 1)[-1]
