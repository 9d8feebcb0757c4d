"""Why it grew: the calls that explain the growth, and the libraries that changed beside it. Words: `reason_text.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from leakreport.analysis.diffreport import DiffRow, GrowthGraph, LibraryChange
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.growthgraph import Role, growth_graph, roles_of
from leakreport.analysis.libraries import Difference, library_of
from leakreport.analysis.reason_text import ReasonText
from leakreport.analysis.report import Finding
from leakreport.analysis.stacks import Stacks
from leakreport.analysis.tokens import BY_NAME, Told
from leakreport.model.columns import Int64Column, int64_column
from leakreport.model.raw import Frame


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
    *,
    unattributed: Mapping[str, int],
    told: Told = BY_NAME,
) -> Reasons:
    """What the rows that grew have in common, and what they have to do with libraries that changed.

    Args:
        rows: in the order of a report: those that grew come first, the largest in front.
        frames: what the rows point into.
        columns: what is known about each frame.
        differences: the libraries that are not the same on both sides.
        executables: the paths of the program itself.
        unattributed: by metric the part of the change that no path carries.
        told: how words call libraries.
    """
    grown = list(takewhile(lambda row: row.is_significant and row.change.get("retained_bytes", 0) > 0, rows))
    stacks = Stacks.of([row.frames for row in grown])
    amounts = int64_column([row.change["retained_bytes"] for row in grown], "the growth")
    graph = growth_graph(stacks, amounts, _positions(row.named_by for row in grown), frames, columns)
    site = _positions(row.site for row in grown)
    libraries = _library_changes(differences, stacks, amounts, site, frames, columns, executables, told)
    text = ReasonText(
        whole_bytes=graph.whole_bytes if graph else 0,
        growth="the growth on recorded paths" if unattributed.get("retained_bytes", 0) > 0 else "the growth",
        rows=grown,
        frames=frames,
    )
    return Reasons(
        graph=graph,
        libraries=libraries,
        findings=(*text.library_findings(libraries), *text.call_findings(graph)),
        library_sentences=tuple(text.library_sentences(libraries)),
        call_sentences=tuple(text.call_sentences(graph)),
        surroundings=tuple(text.library_lines(libraries)),
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
    told: Told,
) -> tuple[LibraryChange, ...]:
    """The changed libraries with what grew in them and through them, those with growth first, then by name."""
    number = {one.name: index for index, one in enumerate(differences)}
    if not number:
        return ()
    modules = [frame.actual.module for frame in frames]
    names = {path: _name(path) for path in set(modules) if path is not None}
    library = [-1 if module is None else number.get(names[module], -1) for module in modules]
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
    programs = {_name(path) for path in executables}
    changes = [
        LibraryChange(
            name=shown.name,
            title=shown.title,
            before=shown.before,
            after=shown.after,
            build_ids_before=shown.build_ids_before,
            build_ids_after=shown.build_ids_after,
            is_rebuilt=one.is_rebuilt,
            is_program=one.name in programs,
            allocated_bytes=in_it,
            passing_bytes=through_it,
            rows=tuple(pairs[0][pairs[1] == index].tolist()),
        )
        for index, (one, shown, in_it, through_it) in enumerate(
            zip(differences, map(told.difference, differences), allocated.tolist(), passing.tolist(), strict=True)
        )
    ]
    # They come in the order of their names.
    return tuple(sorted(changes, key=lambda one: (-one.allocated_bytes, -one.passing_bytes)))


def _name(path: str) -> str:
    library = library_of(path)
    return "" if library is None else library.name
