"""What the page of a trend asks for: series in words, lines and places, nothing computed but formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leakreport.analysis.trendreport import TrendReport, TrendRow
from leakreport.model.metrics import LeakKind
from leakreport.render.chart_svg import Chart, Plot, chart, sparkline
from leakreport.render.interface import RenderOptions
from leakreport.render.page import GATES, TAGS, Figure, PageText, StackLine, stack_lines
from leakreport.render.phrases import frame_name, location
from leakreport.render.trend_text import named_frame
from leakreport.units import format_amount, format_bytes, format_change, format_count, format_exact_bytes, plural

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
        self.gate = GATES.get(self.verdict.gate.value, "")
        self._is_bytes = report.metric_unit == "bytes"
        self.title = "Retained" if report.metric == "retained_bytes" else report.metric.replace("_", " ").capitalize()
        self.growing = [self._line(row, with_detail=True) for row in report.rows[: min(report.growing, _MOST_GROWING)]]
        self.more_growing = report.growing - len(self.growing)
        self.groups = list(self._groups())
        self.charts = [one for one in (self._chart(report.total, *size) for size in (_WIDE, _SLIM)) if one is not None]
        self.spark_width, self.spark_height = SPARK
        self.facts = plural(len(report.points), report.point_noun)
        self.per = report.point_noun if report.unit == "snapshot" else f"{report.point_noun} on average"
        self.axis = f"by number of the {report.point_noun}"
        self.x_unit = report.per
        if report.unit == "time":
            self.axis = f"over time, in {report.points[0].time_unit or 'its own unit'}"
        elif report.unit == "work" and report.work is not None:
            self.axis = f"over work done, in {report.work.unit}"

    def figures(self) -> list[Figure]:
        """First and last of the total, its slope, how many paths grow."""
        report, found = self._report, []
        if report.total is not None:
            verdict = report.total.verdict
            ends = f"{self._amount(verdict.first)} → {self._amount(verdict.last)}"
            change = self._change(verdict.last - verdict.first)
            small = f"{change}, {verdict.word.value}"
            found.append(Figure(f"{self.title}, first → last", ends, small, self._exact(report.total)))
            if _is_told(report.total):
                interval = f"per {self.per}, 95 %: {self._interval(report.total)}"
                found.append(Figure("Slope of the total", self._slope(report.total), interval, ""))
        found.append(Figure("Growing paths", f"{report.growing:,} of {len(report.rows):,}", f"{report.family_size:,} varied enough to be tested", ""))  # fmt: skip
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
                shown = [self._line(row, with_detail=False) for row in rows]
                unlisted = counts[word] - len(shown)
                yield WordGroup(word, _WORDS.get(word, ""), paths, shown, unlisted, paths - counts[word])

    def _line(self, row: TrendRow, *, with_detail: bool) -> PathLine:
        frames, path, verdict = self._report.frames, row.path, row.verdict
        frame = named_frame(self._report, row)
        return PathLine(
            id=path.id,
            name="[no stack]" if frame is None else frame_name(frame),
            place="" if frame is None else location(frame),
            module=path.module or "",
            kind="" if path.leak_kind is LeakKind.NONE else f"{path.leak_kind.mark} {path.leak_kind.title}",
            spark=sparkline(row.series, *SPARK),
            first=self._amount(verdict.first),
            last=self._amount(verdict.last),
            change=self._change(verdict.last - verdict.first),
            exact=self._exact(row),
            slope=self._slope(row),
            interval=self._interval(row),
            evidence=row.evidence,
            stack=stack_lines(frames, self._report.own, path.frames, path.named_by) if with_detail else [],
            chart=self._chart(row, *_INSIDE) if with_detail else None,
        )

    def _slope(self, row: TrendRow) -> str:
        return self._per_point(row.verdict.slope)

    def _interval(self, row: TrendRow) -> str:
        ends = (row.verdict.low, row.verdict.high)
        return " … ".join(self._per_point(end) for end in ends)

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


def _word(row: TrendRow) -> str:
    return row.verdict.word.value


def _is_told(row: TrendRow) -> bool:
    return _word(row) not in {"too-few", "flat"}


def _label(report: TrendReport, number: int) -> str:
    """What the input calls a point; nothing where that is only its number."""
    label = report.points[number].label
    return "" if label == str(number) else label.rsplit("/", 1)[-1]
