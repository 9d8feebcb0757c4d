"""Why it grew, in words: the calls that explain the growth, and the libraries that changed beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from leakreport.analysis.diffreport import CallEdge, DiffRow, GrowthGraph, GrowthPoint, LibraryChange
from leakreport.analysis.diffverdict import name_of, place_of
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.growthgraph import Role, growth_graph, roles_of
from leakreport.analysis.libraries import Difference, library_of
from leakreport.analysis.report import Finding, Severity
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import Int64Column, int64_column
from leakreport.model.raw import Frame
from leakreport.units import format_bytes, format_change, format_share, format_share_in_tenths, plural

RULES = ("growth.changed-library", "growth.call-edge", "growth.common-function", "growth.responsible-frame")
"""Rules of the findings of a comparison; `docs/diff.md` says what they mean."""
MOST_IDS = 1000
"""Ids of paths in a finding; its count is of all."""
_MOST_EDGES_IN_A_SENTENCE = 3
_MOST_LIBRARIES = 20


class Reasons(NamedTuple):
    """What a report says about the reasons of the growth."""

    graph: GrowthGraph | None
    libraries: tuple[LibraryChange, ...]
    findings: tuple[Finding, ...]
    library_sentences: tuple[str, ...]
    call_sentences: tuple[str, ...]
    surroundings: tuple[str, ...]
    """A line per changed library."""

    def around(self, lead: Sequence[str]) -> tuple[str, ...]:
        """The sentences below the headline: a library that changed comes first."""
        return (*self.library_sentences, *lead, *self.call_sentences)


def reasons_for(
    rows: Iterable[DiffRow],
    frames: Sequence[Frame],
    columns: FrameColumns,
    differences: Sequence[Difference],
    executables: Iterable[str],
) -> Reasons:
    """What the rows that grew have in common, and what they have to do with libraries that changed.

    Args:
        rows: in the order of a report: those that grew come first, the largest in front.
        frames: what the rows point into.
        columns: what is known about each frame.
        differences: the libraries that are not the same on both sides.
        executables: the paths of the program itself.
    """
    grown = list(takewhile(lambda row: row.is_significant and row.change.get("retained_bytes", 0) > 0, rows))
    stacks = Stacks.of([row.frames for row in grown])
    amounts = int64_column([row.change["retained_bytes"] for row in grown], "the growth")
    graph = growth_graph(stacks, amounts, _positions(row.named_by for row in grown), frames, columns)
    site = _positions(row.site for row in grown)
    libraries = _library_changes(differences, stacks, amounts, site, frames, columns, executables)
    whole = graph.whole_bytes if graph else 0
    return Reasons(
        graph=graph,
        libraries=libraries,
        findings=(*_library_findings(libraries, whole), *_call_findings(graph, grown, frames)),
        library_sentences=tuple(_library_sentences(libraries, whole)),
        call_sentences=tuple(_call_sentences(graph, frames)),
        surroundings=tuple(_library_lines(libraries, whole)),
    )


def _positions(found: Iterable[int | None]) -> Int64Column:
    return np.array([-1 if position is None else position for position in found], dtype=np.int64)


def _library_changes(
    differences: Sequence[Difference],
    stacks: Stacks,
    amounts: Int64Column,
    site: Int64Column,
    frames: Sequence[Frame],
    columns: FrameColumns,
    executables: Iterable[str],
) -> tuple[LibraryChange, ...]:
    """The changed libraries with what grew in them and through them, those with growth first."""
    number = {one.name: index for index, one in enumerate(differences)}
    if not number:
        return ()
    names = {path: _name(path) for path in {frame.module for frame in frames if frame.module is not None}}
    library = [-1 if frame.module is None else number.get(names[frame.module], -1) for frame in frames]
    library_of_frame = np.array(library, dtype=np.int32)
    allocated, passing = (np.zeros(len(differences), dtype=np.int64) for _ in range(2))
    with_site = np.flatnonzero(site >= 0)
    in_library = library_of_frame[stacks.flat[stacks.offsets[with_site] + site[with_site]]]
    path, inside = with_site[in_library >= 0], in_library[in_library >= 0]
    # No library has more than the whole, and that fits.
    np.add.at(allocated, inside, amounts[path])
    is_counted = roles_of(frames, columns, with_wrappers=True) >= Role.LIBRARY
    through, behind = stacks.distinct(np.where(is_counted, library_of_frame, np.int32(-1)))
    pairs = np.unique(np.concatenate([[path, inside], [through, behind]], axis=1).astype(np.int64), axis=1)
    np.add.at(passing, pairs[1], amounts[pairs[0]])
    paths = np.bincount(pairs[1], minlength=len(differences))
    programs = {_name(path) for path in executables}
    changes = [
        LibraryChange(
            name=one.name,
            title=one.title,
            before=one.before,
            after=one.after,
            build_ids_before=one.build_ids_before,
            build_ids_after=one.build_ids_after,
            is_rebuilt=one.is_rebuilt,
            is_program=one.name in programs,
            allocated_bytes=in_it,
            passing_bytes=through_it,
            path_count=count,
        )
        for one, in_it, through_it, count in zip(
            differences, allocated.tolist(), passing.tolist(), paths.tolist(), strict=True
        )
    ]
    return tuple(sorted(changes, key=lambda one: (-one.allocated_bytes, -one.passing_bytes, one.name)))


def _name(path: str) -> str:
    library = library_of(path)
    return "" if library is None else library.name


def _library_sentences(libraries: Sequence[LibraryChange], whole: int) -> Iterator[str]:
    """The libraries that half of the growth is allocated in; where there is none, one that half of it passes through."""
    around = [one for one in libraries if not one.is_program and whole]
    allocating = [one for one in around if 2 * one.allocated_bytes >= whole]
    for one in allocating:
        share = format_share_in_tenths(one.allocated_bytes, whole)
        yield f"{one.title}, and {share} of the growth is allocated in it."
    if not allocating and around:
        most = max(around, key=lambda one: one.passing_bytes)
        if 2 * most.passing_bytes >= whole:
            share = format_share_in_tenths(most.passing_bytes, whole)
            yield f"{most.title}, and {share} of the growth passes through it."


def _library_lines(libraries: Sequence[LibraryChange], whole: int) -> Iterator[str]:
    for one in libraries[:_MOST_LIBRARIES]:
        yield f"{one.title}{_growth_in(one, whole)}."
    if len(libraries) > _MOST_LIBRARIES:
        yield f"{plural(len(libraries) - _MOST_LIBRARIES, 'more library', 'more libraries')} with less growth changed."


def _growth_in(one: LibraryChange, whole: int) -> str:
    if not one.passing_bytes:
        return ""
    allocated, passing = (
        f"{format_bytes(amount)} of the growth ({format_share_in_tenths(amount, whole)})"
        for amount in (one.allocated_bytes, one.passing_bytes)
    )
    if one.allocated_bytes == one.passing_bytes:
        return f": {allocated} is allocated in it"
    if not one.allocated_bytes:
        return f": {passing} passes through it"
    return f": {allocated} is allocated in it, {passing} passes through it"


def _library_findings(libraries: Sequence[LibraryChange], whole: int) -> Iterator[Finding]:
    for one in libraries:
        if not one.passing_bytes or one.is_program:
            continue
        yield Finding(
            rule="growth.changed-library",
            severity=Severity.WARNING if 2 * one.allocated_bytes >= whole else Severity.INFO,
            message=f"{one.title}{_growth_in(one, whole)}.",
            advice="Compare with a run that differs in this library alone, and read what its makers changed.",
            facts=(
                f"{one.allocated_bytes:,} B of {whole:,} B are allocated in it.",
                f"{one.passing_bytes:,} B of {whole:,} B pass through it.",
            ),
            count=one.path_count,
            values={"retained_bytes": one.allocated_bytes},
        )


def _call_sentences(graph: GrowthGraph | None, frames: Sequence[Frame]) -> Iterator[str]:
    """One sentence: the calls that explain the growth, and what all of it goes through."""
    if graph is None:
        return
    parts = []
    share = _share(graph.explained_bytes, graph.whole_bytes)
    if graph.is_explained:
        shown = ", ".join(_call(edge, frames) for edge in graph.edges[:_MOST_EDGES_IN_A_SENTENCE])
        hidden = len(graph.edges) - _MOST_EDGES_IN_A_SENTENCE
        more = f" and {hidden} more" if hidden > 0 else ""
        parts.append(f"{share} of the growth is on {plural(len(graph.edges), 'call edge')}: {shown}{more}")
    elif graph.edges:
        parts.append(
            f"The growth is spread: {plural(len(graph.edges), 'call edge')} together carry {share.lower()} of it"
        )
    if graph.common is not None:
        whose = "it" if parts else "the growth"
        common = f"{_share(graph.common.amount_bytes, graph.whole_bytes)} of {whose} goes through "
        common = common[0].lower() + common[1:] if parts else common
        parts.append(f"{common}{name_of(frames[graph.common.frame])}")
    if parts:
        yield f"{'; '.join(parts)}."


def _share(part: int, whole: int) -> str:
    return "All" if part == whole else format_share(part, whole)


def _call(edge: CallEdge, frames: Sequence[Frame]) -> str:
    caller, callee = frames[edge.caller], frames[edge.callee]
    return f"{name_of(caller)} → {name_of(callee)}{place_of(caller)}"


def _call_findings(graph: GrowthGraph | None, rows: Sequence[DiffRow], frames: Sequence[Frame]) -> Iterator[Finding]:
    if graph is None:
        return
    edges = plural(len(graph.edges), "call edge")
    explained = f"{graph.explained_bytes:,} B of {graph.whole_bytes:,} B"
    fewer = "no smaller number carries 80%" if graph.is_fewest else "a smaller number may carry 80%"
    together = f"{edges} together carry {explained}{f': {fewer}' if graph.is_explained else ''}."
    for edge in graph.edges:
        yield _finding(
            "growth.call-edge",
            Severity.WARNING,
            f"goes through the call {_call(edge, frames)}",
            "Look at what this call keeps, and who is meant to release it.",
            GrowthPoint(edge.caller, edge.amount_bytes, edge.rows),
            rows,
            whole=graph.whole_bytes,
            frames=(edge.caller, edge.callee),
            facts=(together,),
        )
    for rule, point, words, advice in (
        ("growth.common-function", graph.common, "goes through", "Look at what differs between two calls of it."),
        ("growth.responsible-frame", graph.responsible, "is on paths named by", "Start reading here."),
    ):
        if point is not None:
            frame = frames[point.frame]
            message = f"{words} {name_of(frame)}{place_of(frame)}"
            yield _finding(
                rule, Severity.INFO, message, advice, point, rows, whole=graph.whole_bytes, frames=(point.frame,)
            )


def _finding(
    rule: str,
    severity: Severity,
    message: str,
    advice: str,
    point: GrowthPoint,
    rows: Sequence[DiffRow],
    *,
    whole: int,
    frames: tuple[int, ...],
    facts: tuple[str, ...] = (),
) -> Finding:
    share = f"{_share(point.amount_bytes, whole)} of the growth ({format_change(point.amount_bytes)})"
    return Finding(
        rule=rule,
        severity=severity,
        message=f"{share} {message}.",
        advice=advice,
        facts=facts,
        path_ids=tuple(dict.fromkeys(rows[index].id for index in point.rows[:MOST_IDS])),
        frames=frames,
        count=len(point.rows),
        values={"retained_bytes": point.amount_bytes},
    )
