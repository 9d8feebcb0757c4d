"""A trend in a terminal: tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from leakreport.analysis.trendreport import TrendReport, TrendRow
from leakreport.render.interface import RenderOptions
from leakreport.render.names import shorten_name
from leakreport.render.phrases import STATUS_MARKS, STATUS_WORDS, frame_name, location, printable
from leakreport.render.screen import Line
from leakreport.render.trend_text import MOST_ROWS, amount_text, named_frame, shown_rows, sparkline
from leakreport.units import plural

_NARROWEST = 80
_SPARK_CELLS = 16
_AMOUNT_CELLS = 12
_WORD_CELLS = 11
_MARKS = {"growing": "▲", "shrinking": "▼", "unclear": "?", "too-few": "?"}

_STYLES = {"growing": "orange3", "shrinking": "deep_sky_blue3"}


def trend_screen(report: TrendReport, options: RenderOptions) -> Iterator[Line]:
    """The lines, in pieces with their styles."""
    width = max(options.width, _NARROWEST)
    verdict = report.verdict
    count = plural(len(report.points), report.point_noun)
    ends = f"{printable(report.points[0].label)} … {printable(report.points[-1].label)}"
    yield ()
    yield (("  ", ""), (f"{printable(report.title)}   {count}   {ends}".strip(), ""))
    yield ()
    marker = f"{STATUS_MARKS[verdict.status]} {STATUS_WORDS[verdict.status]}"
    for number, line in enumerate(_wrapped(f"{marker}  ", verdict.sentence, width)):
        text = "".join(piece for piece, _ in line)
        yield ((text, "bold"),) if number else ((marker, "bold reverse"), (text.removeprefix(marker), "bold"))
    yield ()
    yield from _totals(report, width)
    rows = shown_rows(report, options, MOST_ROWS)
    if rows:
        yield from _rows(report, rows, width)
    if len(rows) < len(report.rows):
        yield ((f"     {plural(len(report.rows) - len(rows), 'more path')} (-v lists them)", ""),)
    yield ()
    yield from _wrapped("  ", report.family_sentence, width)
    if report.work is not None and report.work.sentence:
        yield from _wrapped("  Work:   ", report.work.sentence, width)
    if report.forecast is not None:
        yield from _wrapped("  Limit:  ", report.forecast.sentence, width)
    for reason in report.mismatches:
        yield from _wrapped("  Not comparable:  ", reason, width)
    for note in report.notes:
        yield from _wrapped("  Note:   ", note.message, width)
    for gate in verdict.gate_lines:
        yield from _wrapped("  Gate:   ", f"{gate.result.value} by {gate.gate}: {gate.text}", width)
    for command in report.next_commands:
        yield ((f"  Next:   {printable(command)}", ""),)


def _totals(report: TrendReport, width: int) -> Iterator[Line]:
    """One line per total: name, first and last, the series, its verdict; below it what that rests on."""
    for number, resource in enumerate(report.resources):
        row = resource.row
        first, last = (amount_text(amount, resource.unit) for amount in (row.verdict.first, row.verdict.last))
        line = sparkline(row.series, _SPARK_CELLS)
        text = f"  {resource.title:<18}{f'{first} → {last}':<28}{line:<{_SPARK_CELLS}}  "
        yield ((text, ""), (f"{_mark(row)} {row.verdict.word.value}", _STYLES.get(row.verdict.word.value, "")))
        if not number:
            yield from _wrapped("    ", row.evidence, width)


def _rows(report: TrendReport, rows: list[TrendRow], width: int) -> Iterator[Line]:
    name_cells = width - 5 - 2 * _AMOUNT_CELLS - _SPARK_CELLS - _WORD_CELLS - 6
    yield ()
    head = f"     {'Responsible frame':<{name_cells}}{'First':>{_AMOUNT_CELLS}}{'Last':>{_AMOUNT_CELLS}}"
    yield ((f"{head}  {'Series':<{_SPARK_CELLS}}  Verdict", ""),)
    yield (("─" * width, ""),)
    for number, row in enumerate(rows, 1):
        frame = named_frame(report, row)
        name = "???" if frame is None else frame_name(frame)
        short = shorten_name(name, name_cells - 1)
        cut = short if len(short) < name_cells else f"{short[: name_cells - 2]}…"
        first, last = (amount_text(amount, report.metric_unit) for amount in (row.verdict.first, row.verdict.last))
        line = sparkline(row.series, _SPARK_CELLS)
        word = row.verdict.word.value
        yield (
            (f"{number:>3}  ", ""),
            (f"{cut:<{name_cells}}", "bold" if row.path.responsible is not None else "dim"),
            (f"{first:>{_AMOUNT_CELLS}}{last:>{_AMOUNT_CELLS}}  {line:<{_SPARK_CELLS}}  ", ""),
            (f"{_mark(row)} {word}", _STYLES.get(word, "")),
        )
        place = "" if frame is None else location(frame)
        below = "  ".join(
            part for part in (place, printable(row.path.module or ""), printable(row.path.owner or "")) if part
        )
        if below and below != cut:
            yield ((f"     {below}", "dim"),)
        if word != "flat":
            yield from _wrapped("     ", row.evidence, width)
        if row.other_ids:
            yield ((f"     earlier {', '.join(row.other_ids)}", "dim"),)


def _mark(row: TrendRow) -> str:
    return _MARKS.get(row.verdict.word.value, " ")


def _wrapped(indent: str, text: str, width: int) -> Iterator[Line]:
    """Lines of at most so many columns; those after the first are indented as far."""
    line, is_empty = indent, True
    for part in printable(text).split(" "):
        if not is_empty and len(line) + 1 + len(part) > width:
            yield ((line, ""),)
            line, is_empty = " " * len(indent), True
        line += part if is_empty else f" {part}"
        is_empty = False
    yield ((line, ""),)
