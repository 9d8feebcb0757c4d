"""The verdict on two runs in words. Two points can only say that memory grew by so much, never that it is growing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leakreport.analysis.diffreport import DiffRow, Side
from leakreport.analysis.identity import prose_name
from leakreport.analysis.report import Status
from leakreport.model.raw import Frame
from leakreport.privacy.texts import without_home
from leakreport.units import LEAST_BASE_BYTES, format_bytes, format_change, format_ratio, format_share, plural

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
    total_change: int = 0
    """Of repeated runs: the change of the total, where the runs say by themselves that it is no chance."""
    undecided: int = 0
    """Rows that are larger in the mean of so few runs that it may be chance."""
    undecided_new: int = 0
    undecided_bytes: int = 0
    """What these rows, or the total, are larger by."""
    runs: tuple[int, int] | None = None
    """How many runs each side is the mean of, where one was repeated."""
    beside: tuple[str, ...] = ()
    """What else of a process grew, as parts of a sentence: `threads by 36`."""

    @property
    def growth_bytes(self) -> int:
        """What grew: on paths, and without one."""
        return max(self.grown_bytes + max(self.unattributed, 0), self.total_change)

    @property
    def is_undecided(self) -> bool:
        """Whether anything is larger of which the runs cannot tell."""
        return self.undecided > 0 or self.undecided_bytes > 0

    def lead(self, rows: Sequence[DiffRow], frames: Sequence[Frame]) -> tuple[str, ...]:
        """One to three sentences below the headline."""
        found: list[str] = []
        counted = [
            (count, one, many)
            for count, one, many in (
                (self.grown, "grew", "grew"),
                (self.new, "is new", "are new"),
                (self.shrunk, "shrank", "shrank"),
                (self.gone, "is gone", "are gone"),
                (self.others, "changed its kind or its blocks only", "changed their kind or their blocks only"),
            )
            if count
        ]
        counts = [
            plural(count, one, many) if number else plural(count, f"path {one}", f"paths {many}")
            for number, (count, one, many) in enumerate(counted)
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
        if self.is_undecided:
            found.append(f"{self.open_question()}.")
        elif not counts and self.net and not self.unattributed:
            shown = "-v shows the runs of each" if self.runs else "--min-change 1B shows them all"
            found.append(f"No path changed by more than the noise; {shown}.")
        if self.unattributed and self.has_paths:
            found.append(f"{format_change(self.unattributed)} of the change is on no recorded path.")
        return tuple(found)

    def open_question(self) -> str:
        """What the runs cannot tell, and how many could."""
        assert self.runs is not None
        what = plural(self.undecided, "path is", "paths are") if self.undecided else "the total is"
        return (
            f"{what} larger in the mean, and {self.runs[0]} against {plural(self.runs[1], 'run')} cannot tell whether that "
            "is chance: record 5 of each side"
        )

    def reasons(self) -> tuple[str, ...]:
        """What limits the trust in the verdict."""
        return (f"{self.open_question()}.",) if self.is_undecided else ()


def _through(row: DiffRow, frames: Sequence[Frame]) -> str:
    if row.folded:
        return f" on {plural(row.folded, 'small path')} that a report folded"
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
    if frame.path is None:
        return ""
    # Reports are stripped of home folders later, but of two parts nobody sees any more that one is a person's.
    shown = Frame(file=without_home(frame.path)).short_path
    return f" ({shown}{'' if frame.line is None else f':{frame.line}'})"


def status_of_diff(growth: Growth, mismatches: Sequence[str], *, is_forced: bool) -> Status:
    """In one word, by the significant rows and the total."""
    if mismatches and not is_forced:
        return Status.INCONCLUSIVE
    if growth.beside or growth.grown or growth.new or growth.unattributed > 0 or growth.total_change > 0:
        return Status.GROWTH
    if growth.is_undecided:
        return Status.INCONCLUSIVE
    if growth.shrunk or growth.gone or growth.unattributed < 0 or growth.total_change < 0:
        return Status.SHRUNK
    return Status.NO_GROWTH


def sentence_of_diff(status: Status, growth: Growth, sides: Sequence[Side], *, is_comparable: bool = True) -> str:
    """The headline."""
    what = "Lost" if growth.bytes_metric == "leaked_bytes" else "Retained"
    old, new = (side.totals.get(growth.bytes_metric) for side in sides)
    ends = f" from {sides[0].name} to {sides[1].name}" if sides[0].name else ""
    if growth.beside and (old is None or new is None or not growth.net > 0):
        memory = "" if old is None or new is None else f"; {what.lower()} memory {_net(growth, old)}"
        return f"Growth of {' and '.join(growth.beside)}{ends}{memory}"
    if old is None or new is None:
        return "The two sides measure different things"
    runs = _runs_words(growth.runs)
    if status is Status.INCONCLUSIVE and not is_comparable:
        return f"Not comparable: {what.lower()} {format_bytes(old)} before, {format_bytes(new)} after{runs}"
    if growth.net:
        word = "grew" if growth.net > 0 else "shrank"
        ratio = f" ({format_ratio(old, new)})" if old >= LEAST_BASE_BYTES else ""
        doubt = _doubt(status) if growth.runs is not None and not growth.total_change else ""
        if status is Status.GROWTH and growth.net < 0 and not doubt:
            doubt = ", but some paths are larger"
        return f"{what} memory {word} by {format_bytes(abs(growth.net))}{ratio}{ends}{runs}{doubt}{_besides(growth)}"
    if status is Status.GROWTH:
        return f"{what} memory is the same, {format_bytes(old)}, and some paths are larger"
    if status is Status.SHRUNK:
        return f"{what} memory is the same, {format_bytes(old)}, and some paths are smaller"
    if status is Status.INCONCLUSIVE:
        return f"{what} memory is the same, {format_bytes(old)}, and some paths may be larger"
    return f"{what} memory is the same: {format_bytes(old)}"


def _net(growth: Growth, old: int) -> str:
    return f"shrank by {format_bytes(-growth.net)}" if growth.net else f"is the same: {format_bytes(old)}"


def _besides(growth: Growth) -> str:
    return f"; besides, growth of {' and '.join(growth.beside)}" if growth.beside else ""


def _runs_words(runs: tuple[int, int] | None) -> str:
    if runs is None:
        return ""
    if runs[0] == runs[1]:
        return f" (means of {runs[0]} runs a side)"
    return f" (means of {runs[0]} and {runs[1]} runs)"


def _doubt(status: Status) -> str:
    """What repeated runs say of a total that they do not call changed."""
    if status is Status.INCONCLUSIVE:
        return ", perhaps by chance"
    words = {Status.GROWTH: ", but some paths are larger", Status.SHRUNK: ", but some paths are smaller"}
    return f", no more than runs vary by{words.get(status, '')}"
