"""The paths of a report as columns. A row is made when somebody looks at it.

A large profile has hundreds of thousands of paths, of which most reports show ten: as objects they would take more
memory than the whole model, and longer than reading the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.report import PathRow
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column, exact_sum, sums_at
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """What stacks alone tell, whatever their values. One entry per stack in each column; positions are -1 for none."""

    stacks: Stacks
    ids: NDArray[np.bytes_]
    text: Int64Column
    """One number for all stacks with the same canonical text."""
    ordinal: Int64Column
    """The place of a stack among these."""
    responsible: Int64Column
    named_by: Int64Column
    site: Int64Column
    families: Sequence[str]
    places: Callable[[], Int64Column]
    """Makes a column: per stack one number for the same allocator and the same lines of code."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordNames:
    """The input's own names of records, ordered by row: those of a row are `order[start:stop]`, indexes into `names`."""

    names: Sequence[str]
    order: Int64Column

    def between(self, start: int, stop: int) -> tuple[str, ...]:
        """The names of a row; records without one are left out."""
        return tuple(name for index in self.order[start:stop].tolist() if (name := self.names[index]))


@dataclass(frozen=True, slots=True, eq=False)
class PathTable(Sequence[PathRow]):
    """Rows as columns: one entry per row in each, except in what is shared by all selections of rows."""

    frames: Sequence[Frame]
    paths: Paths
    records: RecordNames
    series: Sequence[Int64Column | None]
    """Per snapshot its retained bytes over the tree, None where it has no paths; empty where there is no series."""
    measured: Mapping[LeakKind, tuple[str, ...]]
    """Which metrics a row of a kind has, in the order that reports show."""
    stack: Int64Column
    """Index into the columns of `paths`."""
    leak_kind: Int64Column
    node: Int64Column
    """Where the path ends in the tree of the run."""
    values: Mapping[str, Int64Column]
    """By metric; 0 where a row does not have it."""
    errors: Mapping[str, Float64Column]
    """By metric the relative standard error; NaN for none."""
    dragged_bytes: Int64Column
    first_record: Int64Column
    end_of_records: Int64Column
    owners: Mapping[int, str] = field(default_factory=dict)
    """By frame that a row is owned by (`owned_by`); those without an owner are left out."""

    def __len__(self) -> int:
        return len(self.stack)

    @overload
    def __getitem__(self, index: int) -> PathRow: ...

    @overload
    def __getitem__(self, index: slice) -> PathTable: ...

    def __getitem__(self, index: int | slice) -> PathRow | PathTable:
        if isinstance(index, slice):
            return self.taken(np.arange(*index.indices(len(self)), dtype=np.int64))
        place = range(len(self))[index]
        return self._made(place, place + 1)[0]

    def __iter__(self) -> Iterator[PathRow]:
        for start in range(0, len(self), _ROWS_AT_ONCE):
            yield from self._made(start, min(start + _ROWS_AT_ONCE, len(self)))

    def with_texts(self, change: Callable[[Any], Any]) -> PathTable:
        """The same rows with other texts: `change` gives frames, families and names of records for those that are here."""
        return replace(
            self,
            frames=change(self.frames),
            paths=replace(self.paths, families=change(self.paths.families)),
            records=replace(self.records, names=change(self.records.names)),
        )

    def taken(self, indexes: Int64Column | BoolColumn) -> PathTable:
        """Some of the rows, in the order of `indexes`, or those that a column of truth values says."""
        return replace(
            self,
            stack=self.stack[indexes],
            leak_kind=self.leak_kind[indexes],
            node=self.node[indexes],
            values={metric: column[indexes] for metric, column in self.values.items()},
            errors={metric: column[indexes] for metric, column in self.errors.items()},
            dragged_bytes=self.dragged_bytes[indexes],
            first_record=self.first_record[indexes],
            end_of_records=self.end_of_records[indexes],
        )

    def ids(self) -> list[str]:
        """The id of each row's path."""
        return [identity.decode("ascii") for identity in self.paths.ids[self.stack].tolist()]

    def column(self, metric: str) -> Int64Column:
        """The values of a metric; 0 where it is not measured."""
        found = self.values.get(metric)
        return np.zeros(len(self), dtype=np.int64) if found is None else found

    def metrics(self) -> tuple[str, ...]:
        """The metrics that any row has, in the order in which rows bring them."""
        kinds, first = np.unique(self.leak_kind, return_index=True)
        return self._metrics_of(kinds[np.argsort(first)].tolist())

    def _metrics_of(self, kinds: Sequence[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(metric for kind in kinds for metric in self.measured[LeakKind(kind)]))

    def has(self, metric: str) -> BoolColumn:
        """Per row, whether it has a metric."""
        return np.isin(self.leak_kind, [kind for kind, names in self.measured.items() if metric in names])

    def sums(self) -> dict[str, int]:
        """Per metric, the sum over all rows that have it."""
        return {metric: exact_sum(self.values[metric]) for metric in self.metrics()}

    def sums_by(self, group: Int64Column, count: int) -> list[dict[str, int]]:
        """The same for rows of each of `count` groups.

        Raises:
            LimitExceeded: a sum does not fit in 64 bits.
        """
        sums = {metric: sums_at(group, column, count, metric).tolist() for metric, column in self.values.items()}
        kinds: list[list[int]] = [[] for _ in range(count)]
        width = max(LeakKind) + 1
        pairs, first = np.unique(group * width + self.leak_kind, return_index=True)
        for pair in pairs[np.argsort(first)].tolist():
            kinds[pair // width].append(pair % width)
        return [{name: sums[name][index] for name in self._metrics_of(found)} for index, found in enumerate(kinds)]

    def frame_at(self, position: Int64Column) -> Int64Column:
        """Per row the frame at a position of its stack that is given by path; -1 where there is none."""
        position = position[self.stack]
        entries = self.paths.stacks.offsets[self.stack] + position
        flat = self.paths.stacks.flat
        if not len(flat):
            return np.full(len(self), -1, dtype=np.int64)
        return np.where(position < 0, -1, flat[np.where(position < 0, 0, entries)]).astype(np.int64)

    @property
    def owned_by(self) -> Int64Column:
        """Per row the frame whose owner is the row's: the one it is named by, else where it is allocated; -1 for none."""
        named_by = self.frame_at(self.paths.named_by)
        return np.where(named_by >= 0, named_by, self.frame_at(self.paths.site))

    def on_stacks(self, numbers: Int64Column) -> Int64Column:
        """Per stack of `paths` the sum over the rows that are on it.

        Raises:
            LimitExceeded: a sum does not fit in 64 bits.
        """
        return sums_at(self.stack, numbers, len(self.paths.stacks), "all paths")

    def _made(self, start: int, stop: int) -> list[PathRow]:
        """The rows from `start` on, as objects."""
        paths, stack = self.paths, self.stack[start:stop]
        flat, begins, ends = paths.stacks.flat, paths.stacks.offsets[stack], paths.stacks.offsets[stack + 1]
        columns = [(metric, column[start:stop].tolist()) for metric, column in self.values.items()]
        held = dict(columns)
        errors = [(metric, column[start:stop].tolist()) for metric, column in self.errors.items()]
        empty = [None] * len(stack)
        series = [empty if column is None else column[self.node[start:stop]].tolist() for column in self.series]
        made = []
        for index, (number, kind, begin, end, responsible, named_by, site, identity, drags, first, last) in enumerate(
            zip(
                stack.tolist(),
                map(LeakKind, self.leak_kind[start:stop].tolist()),
                begins.tolist(),
                ends.tolist(),
                paths.responsible[stack].tolist(),
                paths.named_by[stack].tolist(),
                paths.site[stack].tolist(),
                paths.ids[stack].tolist(),
                self.dragged_bytes[start:stop].tolist(),
                self.first_record[start:stop].tolist(),
                self.end_of_records[start:stop].tolist(),
                strict=True,
            )
        ):
            frames = tuple(flat[begin:end].tolist())
            made.append(
                PathRow(
                    id=identity.decode("ascii"),
                    leak_kind=kind,
                    frames=frames,
                    responsible=None if responsible < 0 else responsible,
                    site=None if site < 0 else site,
                    module=None if site < 0 else self.frames[frames[site]].module_name,
                    owner=self.owners.get(frames[owned])
                    if (owned := named_by if named_by >= 0 else site) >= 0
                    else None,
                    values={metric: held[metric][index] for metric in self.measured[kind]},
                    records=self.records.between(first, last),
                    named_by=None if named_by < 0 else named_by,
                    family=paths.families[number],
                    errors={name: round(column[index], 6) for name, column in errors if column[index] == column[index]}
                    or None,
                    series={"retained_bytes": tuple(amounts[index] for amounts in series)} if series else None,
                    record_count=last - first,
                    dragged_bytes=drags,
                )
            )
        return made
