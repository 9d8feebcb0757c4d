"""The only maker of a `Run`: interns frames, builds the tree, sums values into columns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from leakreport.errors import LimitExceeded
from leakreport.limits import DEFAULT_LIMITS, INT64_MAX, Limits
from leakreport.model.calltree import build_tree
from leakreport.model.columns import Int8Column, Int32Column, Int64Column, freeze, sums_at
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS
from leakreport.model.raw import Frame, RawSnapshot, SampleTable
from leakreport.model.snapshot import RecordTable, Run, Snapshot


class RunBuilder:
    """Collects raw snapshots in order; `build` gives the frozen run."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Start with nothing."""
        self._limits = limits
        self._frame_index: dict[Frame, int] = {}
        self._raw: list[RawSnapshot] = []
        self._flats: list[Int32Column] = []

    def add(self, raw: RawSnapshot) -> None:
        """Take one more snapshot.

        Raises:
            LimitExceeded: a stack is deeper than the limits allow.
        """
        self._raw.append(raw)
        if raw.samples is None:
            return
        deepest = int(np.diff(raw.samples.offsets).max(initial=0))
        if deepest > self._limits.stack_frames:
            raise LimitExceeded(
                f"a stack has {deepest:,} frames, more than {self._limits.stack_frames:,}",
                where=raw.meta.source,
                advice="Record with fewer callers (--num-callers).",
            )
        index = self._frame_index
        mapped = np.fromiter(
            (index.setdefault(frame, len(index)) for frame in raw.samples.frames), np.int32, len(raw.samples.frames)
        )
        # The first table defines the numbers, and its stacks can stay as they are: they are most of the memory.
        is_same = bool((mapped == np.arange(len(mapped))).all())
        self._flats.append(raw.samples.flat if is_same else mapped[raw.samples.flat])

    def build(self) -> Run:
        """The run.

        Raises:
            LimitExceeded: sums do not fit in 64 bits.
        """
        tables = [raw.samples for raw in self._raw if raw.samples is not None]
        flat = self._flats[0] if len(self._flats) == 1 else np.concatenate([np.zeros(0, dtype=np.int32), *self._flats])
        tree, nodes = build_tree(flat, _joined_offsets(tables), len(self._frame_index))
        frames = tuple(self._frame_index)
        snapshots: list[Snapshot] = []
        start = 0
        for raw in self._raw:
            if raw.samples is None:
                snapshots.append(Snapshot(raw.meta, _checked_totals(raw), {}, {}, None, raw.problems))
                continue
            stop = start + len(raw.samples)
            snapshots.append(_with_columns(raw, raw.samples, nodes[start:stop], len(tree)))
            start = stop
        return Run(frames=frames, tree=tree, snapshots=tuple(snapshots))


def build_run(raws: Iterable[RawSnapshot], limits: Limits = DEFAULT_LIMITS) -> Run:
    """A run of these snapshots, in this order."""
    builder = RunBuilder(limits)
    for raw in raws:
        builder.add(raw)
    return builder.build()


def kind_columns(
    kinds: Int8Column, values: dict[str, Int64Column], nodes: Int64Column, node_count: int
) -> dict[str, Int64Column]:
    """Per metric one column over the tree: every value as it is, and bytes and blocks once more by leak kind.

    `leaked_*` is definite + indirect + possible. Nothing is made for records without a kind.
    """
    columns = {metric: sums_at(nodes, column, node_count, metric) for metric, column in values.items()}
    if not kinds.any():
        return columns
    for unit in ("bytes", "blocks"):
        column = values.get(f"retained_{unit}")
        if column is None:
            continue
        for kind in LEAK_KINDS:
            name = f"{kind.word}_{unit}"
            chosen = kinds == kind
            columns[name] = sums_at(nodes[chosen], column[chosen], node_count, name)
        is_lost = np.isin(kinds, LOST_KINDS)
        columns[f"leaked_{unit}"] = sums_at(nodes[is_lost], column[is_lost], node_count, f"leaked_{unit}")
    return columns


def _with_columns(raw: RawSnapshot, samples: SampleTable, nodes: Int64Column, node_count: int) -> Snapshot:
    kinds = samples.leak_kinds
    if kinds is None:
        kinds = np.zeros(len(samples), dtype=np.int8)
    return Snapshot(
        meta=raw.meta,
        totals=_checked_totals(raw),
        columns=kind_columns(kinds, dict(samples.values), nodes, node_count),
        variances={
            metric: freeze(np.bincount(nodes, weights=column, minlength=node_count).astype(np.float64))
            for metric, column in (samples.variances or {}).items()
        },
        records=RecordTable(freeze(nodes.copy()), freeze(kinds), samples.values, samples.names),
        problems=raw.problems,
    )


def _checked_totals(raw: RawSnapshot) -> dict[str, int]:
    for metric, total in raw.totals.items():
        if abs(total) > INT64_MAX:
            raise LimitExceeded(
                f"{metric} is beyond 2^63", where=raw.meta.source, advice="The input is damaged. Record again."
            )
    return dict(raw.totals)


def _joined_offsets(tables: list[SampleTable]) -> Int64Column:
    ends = [0]
    for table in tables:
        ends.append(ends[-1] + len(table.flat))
    parts = [table.offsets[:-1] + start for table, (start, _) in zip(tables, pairwise(ends), strict=True)]
    return np.concatenate([*parts, np.array(ends[-1:], dtype=np.int64)])
