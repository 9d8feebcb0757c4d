"""What a baseline knows of each leak, and who owns it, in words that all formats share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leakreport.analysis.checkreport import FAILING, CheckedLeak, CheckResult, State
from leakreport.analysis.report import Finding, PathRow, Report
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.render.interface import RenderOptions
from leakreport.render.names import shorten_name
from leakreport.render.phrases import printable, title_frame
from leakreport.units import format_bytes, plural

ORDER = (State.NEW, State.GREW, State.EXPIRED, State.KNOWN, State.FIXED)
"""What matters most first."""
TITLES = {
    State.NEW: "New",
    State.GREW: "Grew",
    State.EXPIRED: "Accepted until a date that has passed",
    State.KNOWN: "Known",
    State.FIXED: "Fixed",
}
MARKS = {State.NEW: "+", State.GREW: "▲", State.EXPIRED: "!", State.KNOWN: "=", State.FIXED: "✓"}
"""Beside the words, never instead of them."""
LONGEST_FUNCTION = 120


class StateOfRow(NamedTuple):
    """What the baseline says of one path of the run."""

    state: State
    leak: CheckedLeak | None
    """The leak that it is a part of."""

    @property
    def is_failing(self) -> bool:
        """Whether the gate counts it."""
        return self.leak is not None and self.leak.is_counted and self.state in FAILING

    @property
    def text(self) -> str:
        """The state, and what the baseline has of it, printable."""
        return state_text(self.state, self.leak)


class States:
    """Looks up what a check says of paths; of a report without a check nothing."""

    def __init__(self, report: Report) -> None:
        """Make it."""
        self._check = report.check
        self._leaks = {} if report.check is None else {leak.id: leak for leak in report.check.leaks}

    def of(self, row: PathRow) -> StateOfRow | None:
        """The state of a path; None without a check, and where it is within the noise."""
        state = None if self._check is None else self._check.state_of(row)
        return None if state is None else StateOfRow(state, self._leaks.get(row.id))

    def of_rows(self, rows: Sequence[PathRow]) -> StateOfRow | None:
        """That of the records of one leak, the worst of them."""
        found = [state for row in rows if (state := self.of(row)) is not None]
        return min(found, key=lambda one: ORDER.index(one.state), default=None)


def first_failing(report: Report) -> Finding | None:
    """Of the leaks that the check counts the first one's entry in the reading list."""
    states = States(report)
    found = (
        (known, finding)
        for finding in report.leaks
        if (known := states.of_rows([report.paths[index] for index in finding.rows])) is not None and known.is_failing
    )
    return min(found, key=lambda one: ORDER.index(one[0].state), default=(None, None))[1]


def state_text(state: State, leak: CheckedLeak | None) -> str:
    """The state and why: "known; first seen 2026-11-25; accepted: the plugin is never unloaded"."""
    known = "" if leak is None else known_text(leak)
    return f"{state.value}; {known}" if known else state.value


def known_text(leak: CheckedLeak) -> str:
    """The same below a heading that has the state, printable: kinds, why it is worse, why it was accepted."""
    kinds = ", ".join(kind.title for kind in leak.kinds if kind is not LeakKind.NONE)
    parts = (
        kinds,
        f"{'became lost: ' * leak.is_now_lost}{leak.evidence.rstrip('.')}"
        if leak.state in {State.NEW, State.GREW}
        else "",
        f"first seen {leak.first_seen}" if leak.first_seen and leak.state is not State.NEW else "",
        f"accepted{f' until {leak.until}' if leak.until else ''}: {leak.reason}" if leak.reason else "",
        f"was {leak.id_before}" if leak.id_before else "",
        leak.why_not_counted,
    )
    return printable("; ".join(part for part in parts if part))


def counts_text(check: CheckResult) -> str:
    """How many leaks have each state: "2 new, 1 grew, 5 known"; "no leaks" where there are none."""
    counts = check.counts
    return ", ".join(f"{counts[state.value]:,} {state.value}" for state in ORDER if counts[state.value]) or "no leaks"


def baseline_text(check: CheckResult) -> str:
    """What it was checked against."""
    if check.baseline is None:
        return "no baseline: every leak is new"
    return f"{printable(check.baseline.file)}, {plural(check.baseline.leak_count, 'leak')}"


def leak_name(leak: CheckedLeak) -> str:
    """What a leak is called, of a fixed one too."""
    return shorten_name(printable(leak.function or leak.module or "???"), LONGEST_FUNCTION)


def leak_files(report: Report) -> dict[str, str]:
    """By the file as the baseline has it, relative to its folder, how every other line of the output writes it."""
    frames = frames_of_leaks(report)
    found: dict[str, str] = {}
    for leak in () if report.check is None else report.check.leaks:
        _, frame = frames.get(leak.id, (None, None))
        is_same = frame is not None and (frame.path or "").rpartition("/")[2] == (leak.file or "").rpartition("/")[2]
        if leak.file and frame is not None and is_same:
            found[leak.file] = frame.short_path
    return found


def leak_place(leak: CheckedLeak, files: Mapping[str, str]) -> str:
    """Where it is: the file with its folder, and the line; else the module.

    Args:
        leak: of a check.
        files: what `leak_files` gives.
    """
    if leak.file is None:
        return printable(leak.module or "")
    short = files.get(leak.file) or "/".join(leak.file.removeprefix("./").split("/")[-2:])
    return printable(short if leak.line is None else f"{short}:{leak.line}")


def ends_text(leak: CheckedLeak) -> tuple[str, str]:
    """The bytes before and after; empty where there are none."""
    before, after = leak.before.get("bytes"), leak.after.get("bytes")
    return "" if before is None else format_bytes(before), "" if after is None else format_bytes(after)


def owner_text(owner: str | None) -> str:
    """A sentence on the owner, printable; empty without one."""
    return f"Owner: {printable(owner)}" if owner else ""


def url_of(frame: Frame | None, options: RenderOptions) -> str | None:
    """The page of the source of a frame; None where none is known."""
    return None if frame is None or options.source_links is None else options.source_links.url(frame)


def frames_of_leaks(report: Report) -> dict[str, tuple[PathRow, Frame | None]]:
    """By id, the first path of each leak of the run and the frame it is named by: what a fixed one does not have."""
    found: dict[str, tuple[PathRow, Frame | None]] = {}
    if report.check is not None:
        wanted = {leak.id for leak in report.check.leaks}
        for row in report.paths:
            if row.id in wanted and row.id not in found:
                found[row.id] = (row, title_frame(report, row))
    return found
