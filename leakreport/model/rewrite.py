"""The same run under other frames: addresses become the functions that stand there.

A node's frame may become several (a function and what was inlined into it), and two frames may become equal, so the
tree is built anew from the stacks of the records. Values, totals and records are carried over as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from leakreport.errors import LimitExceeded
from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.model.calltree import build_tree, stacks_ending_at
from leakreport.model.columns import Int32Column, Int64Column, freeze, sums_at
from leakreport.model.raw import CaptionedStack, Frame, RawProblem
from leakreport.model.snapshot import RecordTable, Run, Snapshot

Replacements = Mapping[Frame, tuple[Frame, ...]]
"""What stands in the place of a frame, outermost first; at least one."""


def with_frames(run: Run, replacements: Replacements, limits: Limits = DEFAULT_LIMITS) -> Run:
    """A run with some frames replaced, everywhere they occur.

    Holds: every snapshot has the totals, records and sums of its columns that it had; records keep their order.

    Raises:
        LimitExceeded: a stack becomes deeper than the limits allow.
    """
    if not replacements:
        return run
    none = np.zeros(0, dtype=np.int64)
    ends = np.unique(np.concatenate([none, *(found.records.node for found in run.snapshots if found.records)]))
    frames, expanded, starts = _expansion(run.frames, replacements)
    flat, offsets = stacks_ending_at(run.tree, ends)
    lengths = np.diff(starts)[flat]
    places = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    inside = np.arange(places[-1], dtype=np.int64) - np.repeat(places[:-1], lengths)
    offsets = places[offsets]
    deepest = int(np.diff(offsets).max(initial=0))
    if deepest > limits.stack_frames:
        raise LimitExceeded(
            f"a stack has {deepest:,} frames with the inlined ones, more than {limits.stack_frames:,}",
            advice="Leave out the names with --no-symbols.",
        )
    tree, new_ends = build_tree(expanded[np.repeat(starts[flat], lengths) + inside], offsets, len(frames))
    return Run(
        frames=frames,
        tree=tree,
        snapshots=tuple(_moved(snapshot, ends, new_ends, len(tree), replacements) for snapshot in run.snapshots),
    )


def _expansion(
    frames: tuple[Frame, ...], replacements: Replacements
) -> tuple[tuple[Frame, ...], Int32Column, Int64Column]:
    """The new frame table; what each old frame becomes: `expanded[starts[i]:starts[i + 1]]`, indexes into it."""
    index: dict[Frame, int] = {}
    expanded: list[int] = []
    starts = [0]
    for frame in frames:
        expanded.extend(index.setdefault(new, len(index)) for new in replacements.get(frame, (frame,)))
        starts.append(len(expanded))
    return tuple(index), np.array(expanded, dtype=np.int32), np.array(starts, dtype=np.int64)


def _moved(
    snapshot: Snapshot, ends: Int64Column, new_ends: Int64Column, node_count: int, replacements: Replacements
) -> Snapshot:
    """A snapshot over the new tree. Columns are exclusive: nothing stands in a node where no record ends."""
    problems = tuple(_renamed(problem, replacements) for problem in snapshot.problems)
    records = snapshot.records
    if records is None:
        return replace(snapshot, problems=problems)
    return Snapshot(
        meta=snapshot.meta,
        totals=snapshot.totals,
        columns={
            metric: sums_at(new_ends, column[ends], node_count, metric) for metric, column in snapshot.columns.items()
        },
        variances={
            metric: freeze(np.bincount(new_ends, weights=column[ends], minlength=node_count).astype(np.float64))
            for metric, column in snapshot.variances.items()
        },
        records=RecordTable(
            freeze(new_ends[np.searchsorted(ends, records.node)]), records.leak_kind, records.values, records.names
        ),
        problems=problems,
    )


def _renamed(problem: RawProblem, replacements: Replacements) -> RawProblem:
    stacks = tuple(
        CaptionedStack(stack.caption, tuple(new for old in stack.frames for new in replacements.get(old, (old,))))
        for stack in problem.stacks
    )
    return problem if stacks == problem.stacks else replace(problem, stacks=stacks)
