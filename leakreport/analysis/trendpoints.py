"""The points of a trend: which snapshots or runs stand in it, in which order, and which are left out and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from leakreport.analysis.comparable import EARLIEST_DATE
from leakreport.analysis.naming import short_names
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.processes import Grouping, Judged, exit_dumps_of, judge, judged_alone, processes_of
from leakreport.analysis.trendreport import Point
from leakreport.analysis.unions import joined
from leakreport.errors import UsageError
from leakreport.model.raw import Moment, Note, SnapshotMeta
from leakreport.model.snapshot import Run, Snapshot
from leakreport.units import plural

_DIGITS = re.compile(r"(\d+)")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class State:
    """One point with what it holds over the tree of the run."""

    point: Point
    judged: Judged
    metas: tuple[SnapshotMeta, ...]

    @property
    def source(self) -> str:
        """The first of its inputs."""
        return self.metas[0].source

    @property
    def name(self) -> str:
        """What to sort it by where that is asked for."""
        return self.metas[0].actual.source


@dataclass(frozen=True, slots=True)
class Points:
    """What a trend is made of."""

    states: tuple[State, ...]
    kept: tuple[int, ...]
    """The places of `states` among all candidates, from 0."""
    candidates: int
    is_series: bool
    """Snapshots of one process; else separate runs."""
    notes: tuple[Note, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """As little of the labels as tells the points apart; where there is only a number, that from 1."""
        labels = short_names([state.point.label for state in self.states])
        return tuple(
            str(number) if label.isdecimal() and int(label) == number - 1 else label
            for number, label in enumerate(labels, 1)
        )

    @property
    def noun(self) -> str:
        """What one point is called."""
        return "snapshot" if self.is_series else "run"


def points_of(run: Run, options: AnalysisOptions) -> Points:
    """The points in order, without dumps of processes that were ending and without incomplete ones.

    Raises:
        UsageError: the grouping makes one state of everything, or points without a time are to be sorted by it.
    """
    if options.grouping is Grouping.PROCESSES:
        raise UsageError(
            "--as processes makes one state of all inputs, and a trend needs several",
            advice="Use --as series or --as runs.",
        )
    is_series = options.grouping is Grouping.SERIES or (
        options.grouping is not Grouping.RUNS and _is_series(run.snapshots)
    )
    states = _series_states(run) if is_series else _run_states(run, by_input=options.grouping is Grouping.RUNS)
    states = _sorted(states, options.sort, is_series=is_series)
    exits = exit_dumps_of(run.snapshots, [range(len(run.snapshots))]) if is_series else set()
    ending = [bool(exits.intersection(state.point.members)) for state in states]
    cut = [any(_is_cut(meta) for meta in state.metas) for state in states]
    kept = [number for number in range(len(states)) if not ending[number] and not cut[number]]
    return Points(
        states=tuple(states[number] for number in kept),
        kept=tuple(kept),
        candidates=len(states),
        is_series=is_series,
        notes=tuple(_notes(states, ending, cut, is_series=is_series)),
    )


def _is_series(snapshots: Sequence[Snapshot]) -> bool:
    """Whether all snapshots are of one process: not if it ended several times, or had several timelines."""
    if len(processes_of(snapshots)) > 1:
        return False
    if all(snapshot.meta.is_process_view for snapshot in snapshots):
        return True
    per_source = Counter(snapshot.meta.source for snapshot in snapshots)
    if len(per_source) == 1:
        return True
    ended = sum(snapshot.meta.moment is Moment.EXIT for snapshot in snapshots)
    return max(per_source.values()) == 1 and ended <= 1


def _series_states(run: Run) -> list[State]:
    short = _short_names(run.snapshots)
    states = []
    for number, snapshot in enumerate(run.snapshots):
        meta = snapshot.meta
        label = meta.label or (str(number) if len(short) == 1 else short[meta.source])
        point = Point(label, (number,), snapshot.totals, snapshot.is_detailed, meta.time, meta.time_unit)
        states.append(State(point, judged_alone(run, number, (), Grouping.SERIES, ()), (meta,)))
    return states


def _run_states(run: Run, *, by_input: bool) -> list[State]:
    """One point per run, in the order given: what `analyze` would judge of its inputs."""
    short = _short_names(run.snapshots)
    states = []
    for indexes in _runs(run.snapshots, by_input=by_input):
        judged = judge(replace(run, snapshots=tuple(run.snapshots[index] for index in indexes)), None)
        members = tuple(indexes[index] for index in judged.members)
        snapshots = [run.snapshots[index] for index in members]
        metas = tuple(snapshot.meta for snapshot in snapshots)
        sources = list(dict.fromkeys(meta.source for meta in metas))
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        dates = [meta.time for meta in metas if meta.time is not None and _is_date(meta)]
        point = Point(
            # Of several snapshots the label would name one.
            label=(metas[0].label if len(indexes) == 1 else None) or f"{short[sources[0]]}{more}",
            members=members,
            totals=judged.totals,
            is_detailed=all(snapshot.is_detailed for snapshot in snapshots),
            # The age of a process says nothing about the order of runs.
            time=max(dates) if len(dates) == len(metas) else None,
            time_unit="s" if len(dates) == len(metas) else None,
        )
        states.append(State(point, replace(judged, members=members, process=()), metas))
    return states


def _runs(snapshots: Sequence[Snapshot], *, by_input: bool) -> list[list[int]]:
    """The snapshots of each run: those of one input, of a process tree over several inputs, or dumps of one process.

    With `by_input`, every input is a run, whatever its process.
    """
    sources: dict[str, int] = {}
    owner = [sources.setdefault(snapshot.meta.source, len(sources)) for snapshot in snapshots]
    pairs = [
        (owner[process[0]], owner[index])
        for process in processes_of(snapshots)
        if not any(
            snapshots[index].meta.moment is Moment.EXIT or snapshots[index].meta.judges_peak for index in process
        )
        for index in process[1:]
    ]
    by_pid = Counter(pid for pid, _ in {(snapshot.meta.pid, snapshot.meta.source) for snapshot in snapshots})
    for number, snapshot in enumerate(snapshots):
        parent = snapshot.meta.parent_pid
        # A pid that several runs had leads nowhere.
        if parent is not None and by_pid[parent] == 1:
            other = next(index for index, one in enumerate(snapshots) if one.meta.pid == parent)
            pairs.append((owner[other], owner[number]))
    group = joined(len(sources), () if by_input else pairs)
    found: dict[int, list[int]] = {}
    for number, source in enumerate(owner):
        found.setdefault(group[source], []).append(number)
    return list(found.values())


def _is_date(meta: SnapshotMeta) -> bool:
    return meta.time_unit == "s" and meta.time is not None and meta.time >= EARLIEST_DATE


def _is_cut(meta: SnapshotMeta) -> bool:
    """Whether something of this snapshot itself is missing; that other inputs could not be read is no fault of its own."""
    slugs = {note.slug for note in meta.notes}
    if "truncated-at-1-mib" in slugs:
        return True
    own_fault = meta.truncation is not None or "damaged-compression" in slugs or "unreadable-inputs" not in slugs
    return not meta.is_complete and own_fault


def _sorted(states: list[State], sort: str | None, *, is_series: bool) -> list[State]:
    if sort is None:
        return states
    if sort == "name":
        return sorted(states, key=lambda state: _natural(state.name))
    for state in states:
        if state.point.time is None:
            what = "time" if is_series else "date"
            raise UsageError(
                f"--sort time: {state.source} has no {what} inside",
                advice="Give the inputs in their order, or --sort name.",
            )
    return sorted(states, key=lambda state: state.point.time or 0.0)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Numbers in a name count as numbers.

    >>> sorted(["run10.xml", "run9.xml"], key=_natural)
    ['run9.xml', 'run10.xml']
    """
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(name) if part]


def _short_names(snapshots: Sequence[Snapshot]) -> dict[str, str]:
    """Per source its file name, with as many folders as tell all of them apart."""
    sources = list(dict.fromkeys(snapshot.meta.source for snapshot in snapshots))
    for parts in range(1, 1 + max(source.count("/") for source in sources)):
        names = ["/".join(source.split("/")[-parts:]) for source in sources]
        if len(set(names)) == len(sources):
            return dict(zip(sources, names, strict=True))
    return {source: source for source in sources}


def _notes(states: Sequence[State], ending: Sequence[bool], cut: Sequence[bool], *, is_series: bool) -> Iterable[Note]:
    for state, is_ending, is_cut in zip(states, ending, cut, strict=True):
        if is_ending and not is_cut:
            yield Note("exit-dump", f"{state.source} was written while the process ended and is left out.")
    names = list(
        dict.fromkeys(
            state.source
            if len(states) == len({one.source for one in states})
            else f"{state.source}, {state.point.label}"
            for state, is_cut in zip(states, cut, strict=True)
            if is_cut
        )
    )
    if names:
        shown = ", ".join(names[:_MOST_NAMED]) + (
            f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        )
        noun = plural(len(names), "incomplete snapshot is", "incomplete snapshots are")
        yield Note("incomplete-left-out", f"{noun} left out of all series: {shown}.")
    if len(states) > 1 and len({state.source for state in states}) > 1:
        how = "as snapshots of one process" if is_series else "as separate runs"
        other = "runs" if is_series else "series"
        yield Note(
            "trend-inputs",
            f"{plural(len(states), 'input')} are taken {how}, in this order; --as {other} says otherwise.",
        )
