"""What the page of a run says of a check against a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from leakreport.analysis.checkreport import FAILING, BudgetLine, CheckedLeak
from leakreport.analysis.report import PathRow, Report
from leakreport.model.raw import Frame
from leakreport.render.check_words import (
    MARKS,
    ORDER,
    TITLES,
    baseline_text,
    ends_text,
    frames_of_leaks,
    known_text,
    leak_files,
    leak_name,
    leak_place,
    owner_text,
    url_of,
)
from leakreport.render.interface import RenderOptions

_MOST_LEAKS = 100
"""Of each state."""


class LeakLine(NamedTuple):
    """One leak of the run or the baseline."""

    id: str
    name: str
    place: str
    url: str | None
    owner: str
    known: str
    before: str
    after: str


class StateGroup(NamedTuple):
    """The leaks of one state."""

    title: str
    mark: str
    leak_count: int
    lines: list[LeakLine]
    is_open: bool


class CheckView(NamedTuple):
    """The section of a page."""

    baseline: str
    groups: list[StateGroup]
    budgets: tuple[BudgetLine, ...]


def check_view(report: Report, options: RenderOptions) -> CheckView | None:
    """The leaks by state, the worst first; None without a check."""
    check = report.check
    if check is None:
        return None
    frames, files = frames_of_leaks(report), leak_files(report)
    groups = []
    for state in ORDER:
        leaks = check.of(state)
        if leaks:
            lines = [_line(leak, frames.get(leak.id), files, options) for leak in leaks[:_MOST_LEAKS]]
            groups.append(StateGroup(TITLES[state], MARKS[state], len(leaks), lines, state in FAILING))
    return CheckView(baseline_text(check), groups, check.budgets)


def _line(
    leak: CheckedLeak, found: tuple[PathRow, Frame | None] | None, files: Mapping[str, str], options: RenderOptions
) -> LeakLine:
    row, frame = found or (None, None)
    before, after = ends_text(leak)
    return LeakLine(
        id=leak.id,
        name=leak_name(leak),
        place=leak_place(leak, files),
        url=url_of(frame, options),
        owner="" if row is None else owner_text(row.owner),
        known=known_text(leak),
        before=before,
        after=after,
    )
