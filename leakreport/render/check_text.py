"""What a check against a baseline found, leak by leak: for a terminal, as stable lines, and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from leakreport.analysis.checkreport import FAILING, CheckedLeak, CheckResult
from leakreport.analysis.report import PathRow, Report
from leakreport.model.raw import Frame
from leakreport.render.check_words import (
    ORDER,
    TITLES,
    baseline_text,
    counts_text,
    ends_text,
    frames_of_leaks,
    known_text,
    leak_files,
    leak_name,
    leak_place,
    url_of,
)
from leakreport.render.interface import RenderOptions
from leakreport.render.phrases import printable, word
from leakreport.units import plural

MOST_ROWS = 25
"""Of each state, in Markdown and where there is no -v."""


def check_lines(report: Report, options: RenderOptions) -> Iterator[str]:
    """Lines for grep: what it was checked against, and every leak. Grammar: `docs/terminal.md`."""
    check = report.check
    if check is None:
        return
    yield f"BASELINE {baseline_text(check)}"
    files = leak_files(report)
    for state in ORDER:
        leaks = check.of(state)
        shown = leaks if options.verbosity >= 1 else leaks[:MOST_ROWS]
        for leak in shown:
            before, after = (side.get("bytes", "-") for side in (leak.before, leak.after))
            why = f" became lost: {printable(leak.evidence)}" if leak.is_now_lost else ""
            yield f"STATE {state.value} {before} {after} B {word(leak.id)} {leak_name(leak)} {word(leak_place(leak, files))}{why}"
        if len(shown) < len(leaks):
            yield f"MORE {len(leaks) - len(shown)} {state.value}"
    for line in check.budgets:
        yield f"BUDGET {line.result.value} {line.now} {line.limit} {line.anchor} B {printable(line.title)}"


def check_blocks(report: Report, options: RenderOptions) -> Iterator[str]:
    """Markdown: a section for each state, the worst first; what is known or fixed is folded."""
    from leakreport.render.markdown import prose

    assert report.check is not None
    check = report.check
    yield f"Against {prose(baseline_text(check))}: **{counts_text(check)}**"
    frames, files = frames_of_leaks(report), leak_files(report)
    has_owners = any(row.owner for row, _ in frames.values())
    for state in ORDER:
        leaks = check.of(state)
        if not leaks:
            continue
        rows = [_row(leak, frames.get(leak.id), files, options, has_owners=has_owners) for leak in leaks[:MOST_ROWS]]
        table = "\n".join((*_heads(has_owners=has_owners), *rows))
        more = f"\n\n{plural(len(leaks) - MOST_ROWS, 'more leak')} not shown." if len(leaks) > MOST_ROWS else ""
        title = f"{TITLES[state]}: {plural(len(leaks), 'leak')}"
        if state in FAILING:
            yield f"**{title}**\n\n{table}{more}"
        else:
            yield f"<details><summary>{title}</summary>\n\n{table}{more}\n\n</details>"
    if check.budgets:
        yield "\n".join(_budget_table(check))


def _heads(*, has_owners: bool) -> tuple[str, str]:
    owner = " Owner |" * has_owners
    return (
        f"| Function | Place | Before | After | What is known |{owner} Id |",
        f"|---|---|--:|--:|---|{'---|' * has_owners}---|",
    )


def _row(
    leak: CheckedLeak,
    found: tuple[PathRow, Frame | None] | None,
    files: Mapping[str, str],
    options: RenderOptions,
    *,
    has_owners: bool,
) -> str:
    from leakreport.render.markdown import cell, linked

    row, frame = found or (None, None)
    before, after = ends_text(leak)
    owner = ("–" if row is None or not row.owner else cell(row.owner),) if has_owners else ()
    known = known_text(leak)
    columns = (
        cell(leak_name(leak)),
        linked(cell(leak_place(leak, files)), url_of(frame, options)),
        before or "–",
        after or "–",
        cell(known) if known else "–",
        *owner,
        cell(leak.id),
    )
    return f"| {' | '.join(columns)} |"


def _budget_table(check: CheckResult) -> Iterator[str]:
    from leakreport.render.markdown import cell
    from leakreport.units import format_bytes

    yield "| Budget | Result | Now | Last run | Anchor | Limit |"
    yield "|---|---|--:|--:|--:|--:|"
    for line in check.budgets:
        amounts = " | ".join(format_bytes(amount) for amount in (line.now, line.last, line.anchor, line.limit))
        yield f"| {cell(line.title)} | {line.result.value} | {amounts} |"
