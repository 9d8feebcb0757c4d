"""A trend as stable lines for grep, and as a Markdown comment. Grammar of the lines: `docs/terminal.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from leakreport import __version__
from leakreport.analysis.trendreport import TrendReport, TrendRow
from leakreport.model.raw import Frame
from leakreport.render.interface import RenderOptions
from leakreport.render.lines import closing_lines, owner_line, source_lines
from leakreport.render.phrases import (
    STATUS_MARKS,
    STATUS_WORDS,
    frame_name,
    location,
    printable,
    word,
)
from leakreport.units import format_bytes, format_count, plural

MOST_ROWS = 25
MOST_COMMENT_ROWS = 10
_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_WITH_RATE = frozenset(("growing", "shrinking", "slowing", "unclear"))
"""A line through the other shapes has no slope that means anything."""


def shown_rows(report: TrendReport, options: RenderOptions, most: int) -> list[TrendRow]:
    """The first rows that ever held anything, so many of them; with -v every row."""
    if options.verbosity >= 1:
        return list(report.rows)
    return list(islice((row for row in report.rows if any(row.series)), most))


def named_frame(report: TrendReport, row: TrendRow) -> Frame | None:
    """The frame that a person reads first."""
    path = row.path
    for position in (path.named_by, path.responsible, path.site):
        if position is not None:
            return report.frames[path.frames[position]]
    return report.frames[path.frames[-1]] if path.frames else None


def amount_text(amount: int, unit: str) -> str:
    """A value of a series for a person.

    >>> amount_text(2048, "bytes"), amount_text(2048, "blocks")
    ('2.00 KiB', '2,048')
    """
    return format_bytes(amount) if unit == "bytes" else format_count(amount)


def sparkline(series: Sequence[int | None], cells: int) -> str:
    """A series as blocks from 0 to its largest value, a point where nothing was measured; at most so many cells.

    >>> sparkline((0, 50, None, 100), 10), sparkline((5, 5), 10), sparkline(range(100), 4)
    ('▁▄·█', '██', '▁▃▆█')
    """
    if len(series) > cells > 1:
        last = len(series) - 1
        series = [series[round(place * last / (cells - 1))] for place in range(cells)]
    top = max((amount for amount in series if amount is not None), default=0)
    return "".join(
        _GAP if amount is None else _BLOCKS[max(0, min(7, -(-8 * amount // top) - 1)) if top > 0 else 0]
        for amount in series
    )


def trend_lines(report: TrendReport, options: RenderOptions) -> Iterator[str]:
    """The lines, without their ends."""
    verdict = report.verdict
    yield f"{STATUS_WORDS[verdict.status]} {printable(verdict.sentence)}"
    for text in verdict.lead:
        yield f"LEAD {printable(text)}"
    for resource in report.resources:
        row = resource.row
        yield f"TOTAL {resource.name} {row.verdict.word.value} {_series(row)} {printable(row.evidence)}"
    rows = shown_rows(report, options, MOST_ROWS)
    for row in rows:
        frame = named_frame(report, row)
        name, where = ("???", "-") if frame is None else (frame_name(frame), word(location(frame)))
        yield f"PATH {row.verdict.word.value} {_series(row)} {word(row.path.module)} {name} {where} {word(row.path.id)}"
        yield f"EVIDENCE {word(row.path.id)} {printable(row.evidence)}"
        if row.path.owner:
            yield owner_line(row.path.id, row.path.owner)
        yield from source_lines(row.path.id, frame, options)
        if row.other_ids:
            yield f"ALSO {word(row.path.id)} {' '.join(map(word, row.other_ids))}"
    if len(rows) < len(report.rows):
        yield f"MORE {len(report.rows) - len(rows)} paths"
    yield f"FAMILY {printable(report.family_sentence)}"
    if report.work is not None:
        yield f"WORK {word(report.work.unit)} {','.join(f'{amount:g}' for amount in report.work.amounts)}"
        if report.work.sentence:
            yield f"INITIAL {printable(report.work.sentence)}"
    if report.forecast is not None:
        yield f"LIMIT {report.forecast.limit} {printable(report.forecast.sentence)}"
    for reason in report.mismatches:
        yield f"MISMATCH {printable(reason)}"
    for note in report.notes:
        yield f"NOTE {printable(note.message)}"
    yield from closing_lines(verdict, report.next_commands)


def _series(row: TrendRow) -> str:
    return ",".join("-" if amount is None else str(amount) for amount in row.series)


def trend_comment(report: TrendReport, options: RenderOptions) -> str:
    """One short Markdown text that can be pasted into an issue."""
    return "\n\n".join(_blocks(report, options)) + "\n"


def _blocks(report: TrendReport, options: RenderOptions) -> Iterator[str]:
    from leakreport.render.markdown import code, prose

    verdict = report.verdict
    yield f"**{STATUS_MARKS[verdict.status]} {STATUS_WORDS[verdict.status]}: {prose(verdict.sentence)}**"
    if verdict.lead:
        yield prose(" ".join(verdict.lead))
    yield "\n".join(_table(report, options))
    lines = [f"- {prose(report.family_sentence)}"]
    if report.work is not None and report.work.sentence:
        lines.append(f"- Work: {prose(report.work.sentence)}")
    if report.forecast is not None:
        lines.append(f"- Limit: {prose(report.forecast.sentence)}")
    lines += [f"- Not comparable: {prose(reason)}" for reason in report.mismatches]
    lines += [f"- Note: {prose(note.message)}" for note in report.notes]
    lines += [f"- Gate: {gate.result.value}, {code(gate.gate)}: {prose(gate.text)}" for gate in verdict.gate_lines]
    yield "\n".join(lines)
    first, last = report.points[0].label, report.points[-1].label
    count = plural(len(report.points), report.point_noun)
    yield f"leakreport {code(__version__)}, {count}: {code(first)} … {code(last)}"


def _table(report: TrendReport, options: RenderOptions) -> Iterator[str]:
    from leakreport.render.markdown import cell, linked_place, owner_column

    rows = shown_rows(report, options, MOST_COMMENT_ROWS)
    owners = list(owner_column(row.path.owner for row in rows))
    head, rule, empty = (" Owner |", "---|", " |") if any(owners) else ("", "", "")
    yield f"| | Responsible frame | Place | Library | First | Last | Verdict | Per {report.per} |{head}"
    yield f"|--:|---|---|---|--:|--:|---|--:|{rule}"
    if report.total is not None:
        yield _cells(report, report.total, "", "**total**", "", "") + empty
    for number, row in enumerate(rows, 1):
        frame = named_frame(report, row)
        name, place = ("–", "–") if frame is None else (cell(frame_name(frame)), linked_place(frame, options))
        yield _cells(report, row, str(number), name, place, cell(row.path.module or "")) + owners[number - 1]
    if len(rows) < len(report.rows):
        yield f"| | {plural(len(report.rows) - len(rows), 'more path')} | | | | | | |{empty}"


def _cells(report: TrendReport, row: TrendRow, number: str, name: str, place: str, library: str) -> str:
    first, last = (amount_text(amount, report.metric_unit) for amount in (row.verdict.first, row.verdict.last))
    rate = row.rate.rpartition(" per ")[0] if row.verdict.word.value in _WITH_RATE else ""
    return f"| {number} | {name} | {place} | {library} | {first} | {last} | {row.verdict.word.value} | {rate} |"
