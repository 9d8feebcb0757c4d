"""The verdict on two runs in words. Two points can only say "larger by", never "growing"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leakreport.analysis.diffreport import DiffRow, Side
from leakreport.analysis.identity import prose_name
from leakreport.analysis.report import Status
from leakreport.model.raw import Frame
from leakreport.units import format_bytes, format_change, format_share, plural

_MOST_LOOKED_AT = 25


@dataclass(frozen=True, slots=True)
class Growth:
    """What the significant rows and the totals say together."""

    bytes_metric: str
    net: int
    """Change of the total."""
    unattributed: int
    """The part of it that no path carries."""
    grown_bytes: int
    shrunk_bytes: int
    grown: int
    new: int
    shrunk: int
    gone: int
    others: int
    """Rows whose blocks or kind changed and whose bytes did not."""
    has_paths: bool

    @property
    def growth_bytes(self) -> int:
        """What grew: on paths, and without one."""
        return self.grown_bytes + max(self.unattributed, 0)

    def lead(self, rows: Sequence[DiffRow], frames: Sequence[Frame]) -> tuple[str, ...]:
        """One to three sentences below the headline."""
        found: list[str] = []
        counts = [
            plural(count, noun, many)
            for count, noun, many in (
                (self.grown, "path grew", "paths grew"),
                (self.new, "is new", "are new"),
                (self.shrunk, "shrank", "shrank"),
                (self.gone, "is gone", "are gone"),
            )
            if count
        ]
        if counts:
            found.append(f"{', '.join(counts)}.")
        # What grew stands first.
        first = rows[:_MOST_LOOKED_AT]
        top = next((row for row in first if row.is_significant and row.change.get("retained_bytes", 0) > 0), None)
        if top is not None and self.grown_bytes:
            amount = top.change["retained_bytes"]
            share = "all" if amount == self.grown_bytes else format_share(amount, self.grown_bytes)
            found.append(f"The largest: {format_change(amount)}{_through(top, frames)}, {share} of the growth.")
        if not counts and self.net and not self.unattributed:
            found.append("No path changed by more than the noise; --min-change 1B shows them all.")
        if self.unattributed and self.has_paths:
            found.append(f"{format_change(self.unattributed)} of the change is on no recorded path.")
        return tuple(found)


def _through(row: DiffRow, frames: Sequence[Frame]) -> str:
    position = row.named_by if row.named_by is not None else row.site
    if position is None:
        return ""
    frame = frames[row.frames[position]]
    return f" through {name_of(frame)}{place_of(frame)}"


def name_of(frame: Frame) -> str:
    """What a sentence calls a frame: its function, else its object."""
    if frame.function:
        return prose_name(frame.function)
    place = "" if frame.offset is None else f"+0x{frame.offset:x}"
    return f"{frame.module_name}{place}" if frame.module_name else "unnamed code"


def place_of(frame: Frame) -> str:
    """Its file and line in brackets, with a blank before; empty where the file is not known."""
    if frame.file is None:
        return ""
    return f" ({frame.file.rsplit('/', 1)[-1]}{'' if frame.line is None else f':{frame.line}'})"


def status_of_diff(growth: Growth, mismatches: Sequence[str], *, is_forced: bool) -> Status:
    """In one word, by the significant rows and the total."""
    if mismatches and not is_forced:
        return Status.INCONCLUSIVE
    if growth.grown or growth.new or growth.unattributed > 0:
        return Status.GROWTH
    if growth.shrunk or growth.gone or growth.unattributed < 0:
        return Status.SHRUNK
    return Status.NO_GROWTH


def sentence_of_diff(status: Status, growth: Growth, sides: Sequence[Side]) -> str:
    """The headline."""
    what = "Lost" if growth.bytes_metric == "leaked_bytes" else "Retained"
    old, new = (side.totals.get(growth.bytes_metric) for side in sides)
    if old is None or new is None:
        return "The two sides measure different things"
    ends = f"{format_bytes(old)} before, {format_bytes(new)} after"
    if status is Status.INCONCLUSIVE:
        return f"Not comparable: {what.lower()} {ends}"
    if growth.net > 0:
        return f"{what} memory is larger by {format_bytes(growth.net)}: {ends}"
    if growth.net < 0:
        return f"{what} memory is smaller by {format_bytes(-growth.net)}: {ends}"
    if status is Status.GROWTH:
        return f"{what} memory is the same, {format_bytes(old)}, and some paths are larger"
    if status is Status.SHRUNK:
        return f"{what} memory is the same, {format_bytes(old)}, and some paths are smaller"
    return f"{what} memory is the same: {format_bytes(old)}"
