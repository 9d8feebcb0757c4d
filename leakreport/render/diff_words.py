"""What repeated runs and rates of a comparison are called, in every renderer."""

from __future__ import annotations

from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence, Rate
from leakreport.units import format_rate, format_rate_change, one_of_unit


def row_words(row: DiffRow) -> str:
    """What became of a path, in a few words: new, gone, moved, renamed; of another leak kind; nothing where it is as it was."""
    if row.presence is not Presence.BOTH:
        found = row.presence.value
    else:
        found = "" if row.matched_as in {None, "exact"} else str(row.matched_as)
    doubt = "undecided" if row.confidence == "undecided" else ""
    kinds = "" if row.leak_kind is row.leak_kind_before else f"{row.leak_kind_before.title} → {row.leak_kind.title}"
    return ", ".join(text for text in (found, doubt, kinds) if text)


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
