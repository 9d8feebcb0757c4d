"""What repeated runs and rates of a comparison are called, in every renderer."""

from __future__ import annotations

from leakreport.analysis.diffreport import DiffReport, DiffRow, Rate
from leakreport.units import format_rate, format_rate_change, one_of_unit


def rate_words(report: DiffReport, rate: Rate | None) -> str:
    """Bytes per unit of work: the change alone where both sides did as much, else both sides; nothing without work."""
    if report.per is None or rate is None:
        return ""
    each = f"per {one_of_unit(report.per.unit)}"
    change = f"{format_rate_change(rate.change)} {each}"
    doubt = ", estimate" if rate.is_estimate else ""
    if report.per.is_equal:
        return f"{change}{doubt}"
    return f"{format_rate(rate.before)} → {format_rate(rate.after)} {each} (rate {change}{doubt})"


def more_words(report: DiffReport, row: DiffRow) -> list[str]:
    """What else there is to say of a row: its runs, its rate."""
    return [text for text in ("" if row.runs is None else row.runs.text, rate_words(report, row.rate)) if text]
