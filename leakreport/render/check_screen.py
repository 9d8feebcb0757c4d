"""A check against a baseline in a terminal: every leak by what the baseline knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from leakreport.analysis.checkreport import FAILING
from leakreport.analysis.report import Report
from leakreport.render.check_words import (
    MARKS,
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
    owner_text,
)
from leakreport.render.interface import RenderOptions
from leakreport.render.screen import Line, fit, paragraph, rule
from leakreport.units import format_bytes, plural

MOST_ROWS = 10
"""Of each state without -v."""
MOST_QUIET_ROWS = 5
"""Leaks that are known or fixed: no news."""


def check_screen(report: Report, options: RenderOptions, width: int) -> Iterator[Line]:
    """Every leak by what the baseline knows of it: what is worse, then how many are known, and what is fixed."""
    check = report.check
    if check is None:
        return
    yield ()
    yield from paragraph(f"{baseline_text(check)}: {counts_text(check)}", width, label="Baseline  ")
    names, files = width - 4 - 2 * 13, leak_files(report)
    owners = {name: row.owner for name, (row, _) in frames_of_leaks(report).items()}
    for state in ORDER:
        leaks = check.of(state)
        if not leaks:
            continue
        most = MOST_ROWS if state in FAILING else MOST_QUIET_ROWS
        shown = leaks if options.verbosity >= 1 else leaks[:most]
        yield ()
        yield ((f"{fit(f'{MARKS[state]} {TITLES[state]}', names + 4)}{'Before':>13}{'Now':>13}", ""),)
        yield rule(width)
        for leak in shown:
            before, after = (text or "–" for text in ends_text(leak))
            yield (
                ("    ", ""),
                (fit(leak_name(leak), names), "bold" if state in FAILING else ""),
                (f"{before:>13}{after:>13}", ""),
            )
            below = (leak_place(leak, files), leak.id, known_text(leak), owner_text(owners.get(leak.id)))
            yield from paragraph("  ".join(part for part in below if part), width, label="    ", style="dim")
        if len(shown) < len(leaks):
            yield ((f"    {plural(len(leaks) - len(shown), 'more leak')} (-v lists them)", ""),)
    for line in check.budgets:
        text = f"{line.result.value}, {format_bytes(line.now)} of {format_bytes(line.limit)}; last {format_bytes(line.last)}, anchor {format_bytes(line.anchor)}"
        yield from paragraph(f"{line.title}: {text}", width, label="Budget    ")
