"""The drawings of a trend: its total as columns or as a line, and single paths as lines."""

from __future__ import annotations

from leakreport.analysis.trendreport import ModuleSeries, TrendReport, TrendRow
from leakreport.render.chart_svg import Chart, Plot, chart
from leakreport.render.columns_svg import MOST_COLUMNS, Columns, Plan, Run, columns

_LONGEST_LABEL = 14


def total_columns(report: TrendReport, part: ModuleSeries | None, width: int, height: int) -> Columns | None:
    """The total of each point as a column; none where there are many, where they are not evenly apart, or are no bytes."""
    series = None if report.total is None else report.total.series
    is_even = report.unit == "snapshot" and report.metric_unit == "bytes"
    if series is None or len(series) > MOST_COLUMNS or None in series or not is_even:
        return None
    parts = (0,) * len(series) if part is None else part.series
    runs = [
        Run(_short_label(report, number), held or 0, of_part or 0)
        for number, (held, of_part) in enumerate(zip(series, parts, strict=True))
    ]
    runs[0], runs[-1] = runs[0]._replace(note="first"), runs[-1]._replace(note=f"this {report.point_noun}")
    total = report.total
    changes = () if total is None else total.verdict.change_points
    fit = None if total is None else report.fit_of(total)
    ends = None
    if fit is not None:
        ends = (fit.at(report.places[0], fit.slope), fit.at(report.places[-1], fit.slope))
    plan = Plan(
        part_name="" if part is None else part.name,
        part_change=0 if part is None else part.last - part.first,
        change=changes[0] if changes else None,
        fitted=ends,
    )
    return columns(runs, plan, width, height)


def row_chart(
    report: TrendReport, row: TrendRow | None, width: int, height: int, *, part: ModuleSeries | None = None
) -> Chart | None:
    """A row as a line, with the part of one library below it where one is given."""
    if row is None:
        return None
    plot = Plot(
        places=report.places,
        values=row.series,
        names=[f"{number + 1}. {label_of(report, number)}".rstrip(". ") for number in range(len(report.points))],
        is_whole=report.unit != "time",
        changes=row.verdict.change_points,
        fit=report.fit_of(row),
        part=() if part is None else part.series,
    )
    return chart(plot, width, height)


def _short_label(report: TrendReport, number: int) -> str:
    """What a point is called, or its number where names are long."""
    names = report.point_names
    return names[number] if max(map(len, names)) <= _LONGEST_LABEL else str(number + 1)


def label_of(report: TrendReport, number: int) -> str:
    """What the input calls a point; nothing where that is only its number."""
    label = report.points[number].label
    return "" if label == str(number) else label.rsplit("/", 1)[-1]
