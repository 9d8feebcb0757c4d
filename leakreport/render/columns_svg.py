"""A total per run as columns: below, everything else; above, the library that grew most. Places are in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leakreport.render.chart_svg import LETTER, Change, Tick, byte_ticks
from leakreport.units import format_bytes

MOST_COLUMNS = 40
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 30, 42
_GAP = 0.36
"""The part of a step that is free between two columns."""
_WIDEST = 96
_LEAST_TEXT = 68
"""Room for a size in words."""
REST, GREW, SHRANK = ("b0", "#c9c4ba"), ("g4", "#cf6f22"), ("s4", "#4a86c8")


class Run(NamedTuple):
    """What one column shows; `note` names the runs that are compared."""

    label: str
    total: int
    part: int
    """Of the library that is drawn on top."""
    note: str = ""


class Plan(NamedTuple):
    """What else stands in the drawing."""

    part_name: str
    """Empty where no library is drawn."""
    part_change: int
    limit: int | None = None
    """A budget that the total should stay below."""
    limit_label: str = ""
    change: int | None = None
    """Index of the first run after a change."""
    fitted: tuple[float, float] | None = None
    """Ends of a fitted line at the first and the last run."""


class Piece(NamedTuple):
    """A rectangle of a column."""

    y: float
    height: float
    shade: str
    fill: str


class Column(NamedTuple):
    """One run."""

    x: float
    width: float
    middle: float
    text_at: float
    """The middle of its texts, which stay inside the drawing."""
    pieces: list[Piece]
    title: str
    label: str
    note: str
    value: str
    """Its total in words, where it is a named one."""
    top: float


class Columns(NamedTuple):
    """A drawing `width` by `height`."""

    width: int
    height: int
    left: float
    right: float
    base: float
    up: list[Tick]
    columns: list[Column]
    part_name: str
    part_shade: tuple[str, str]
    has_rest: bool
    limit: Tick | None
    change: Change | None
    fitted: str


def columns(runs: Sequence[Run], plan: Plan, width: int, height: int) -> Columns | None:
    """The drawing, or None where there is nothing that columns can show."""
    if len(runs) < 2 or any(run.total < 0 for run in runs) or not any(run.total for run in runs):
        return None
    ticks = byte_ticks(0, max(plan.limit or 0, *(run.total for run in runs)))
    high = ticks[-1][0]
    base = height - _BOTTOM
    step = (width - _LEFT - _RIGHT) / len(runs)
    wide = min(step * (1 - _GAP), _WIDEST)

    def at_y(amount: float) -> float:
        return round(base - min(max(amount / high, 0.0), 1.0) * (base - _TOP), 1)

    part_shade = GREW if plan.part_change >= 0 else SHRANK
    every = max(1, -(-max(len(run.label) for run in runs) * 7 // int(step)) if step >= 1 else len(runs))
    drawn = []
    for number, run in enumerate(runs):
        middle = _LEFT + step * (number + 0.5)
        part = run.part if plan.part_name and 0 <= run.part <= run.total else 0
        split, top = at_y(run.total - part), at_y(run.total)
        pieces = [Piece(split, round(base - split, 1), *REST)] if run.total > part else []
        if part:
            # A pixel of the ground between both.
            gap = 1.0 if run.total > part and split - top > 2 else 0.0
            pieces.append(Piece(top, round(max(split - top - gap, 0.8), 1), *part_shade))
        is_labelled = run.note or (number % every == 0 and not _is_beside_named(runs, number, every))
        of_part = f", {plan.part_name} {format_bytes(part)}" if plan.part_name else ""
        drawn.append(
            Column(
                x=round(middle - wide / 2, 1),
                width=round(wide, 1),
                middle=round(middle, 1),
                text_at=round(min(middle, width - max(len(run.note) * LETTER, _LEAST_TEXT) / 2), 1),
                pieces=pieces,
                title=f"{run.label}: {format_bytes(run.total)}{of_part}",
                label=_fitting(run.label, step * (every if not run.note else max(every, 2))) if is_labelled else "",
                note=run.note,
                value=format_bytes(run.total) if run.note else "",
                top=top,
            )
        )
    return Columns(
        width=width,
        height=height,
        left=_LEFT,
        right=width - _RIGHT,
        base=base,
        up=[Tick(at_y(amount), label) for amount, label in ticks],
        columns=drawn,
        part_name=plan.part_name,
        part_shade=part_shade,
        has_rest=any(piece.shade == REST[0] for column in drawn for piece in column.pieces),
        limit=None if plan.limit is None else Tick(at_y(plan.limit), plan.limit_label),
        change=_change(plan.change, step, runs, width),
        fitted=""
        if plan.fitted is None
        else f"{drawn[0].middle},{at_y(plan.fitted[0])} {drawn[-1].middle},{at_y(plan.fitted[1])}",
    )


def _is_beside_named(runs: Sequence[Run], number: int, every: int) -> bool:
    """Whether the label of a column that is named stands where its own would."""
    beside = range(max(number - every + 1, 0), min(number + every, len(runs)))
    return every > 1 and any(runs[other].note for other in beside if other != number)


def _fitting(label: str, room: float) -> str:
    most = max(int(room / LETTER), 3)
    return label if len(label) <= most else f"…{label[-(most - 1) :]}"


def _change(number: int | None, step: float, runs: Sequence[Run], width: int) -> Change | None:
    if number is None or not 0 < number < len(runs):
        return None
    at = round(_LEFT + step * number, 1)
    label = f"change at {_fitting(runs[number].label, width / 3)}"
    half = len(label) * LETTER / 2
    return Change(at, label, round(min(max(at, half), width - half), 1))
