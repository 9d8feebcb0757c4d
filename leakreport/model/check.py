"""`check(run)`: every invariant of the model, in code. Tests end with it; `assert_reader_ok` calls it."""

from __future__ import annotations

import numpy as np

from leakreport.model.calltree import ROOT, CallTree
from leakreport.model.columns import exact_sum
from leakreport.model.metrics import METRICS
from leakreport.model.snapshot import Run, Snapshot


def check(run: Run) -> None:
    """Verify what every other room relies on.

    Raises:
        AssertionError: an invariant does not hold; the text says which. Only a bug in leakreport can cause it.
    """
    _check_tree(run.tree, len(run.frames))
    assert len(set(run.frames)) == len(run.frames), "frames are interned: no two are equal"
    for snapshot in run.snapshots:
        _check_snapshot(snapshot, len(run.tree))


def _check_tree(tree: CallTree, frame_count: int) -> None:
    count = len(tree)
    assert count >= 1, "the tree has a root"
    assert len(tree.frame) == len(tree.depth) == count, "tree columns have one length"
    assert tree.parent[ROOT] == -1, "the root has no parent"
    assert tree.frame[ROOT] == -1, "the root has no frame"
    assert tree.depth[ROOT] == 0, "the root has depth 0"
    for column in (tree.parent, tree.frame, tree.depth):
        assert not column.flags.writeable, "tree columns are frozen"
    parent, frame = tree.parent[1:], tree.frame[1:]
    assert (parent >= 0).all(), "every other node has a parent"
    assert (parent < np.arange(1, count)).all(), "parents come before children"
    assert (frame >= 0).all() and (frame < frame_count).all(), "frames are in the frame table"
    assert (tree.depth[1:] == tree.depth[parent] + 1).all(), "depth is the parent's plus one"
    pairs = parent * max(frame_count, 1) + frame
    assert len(np.unique(pairs)) == len(pairs), "siblings never share a frame"


def _check_snapshot(snapshot: Snapshot, node_count: int) -> None:
    for metric, column in snapshot.columns.items():
        assert metric in METRICS, f"{metric} is a known metric"
        assert len(column) == node_count, f"{metric} has one value per node"
        assert not column.flags.writeable, f"{metric} is frozen"
        assert (column >= 0).all(), f"{metric} is never negative"
    for metric, total in snapshot.totals.items():
        assert metric in METRICS, f"{metric} is a known metric"
        assert total >= 0, f"the total of {metric} is never negative"
    for metric, variance in snapshot.variances.items():
        assert metric in snapshot.columns, f"the variance of {metric} belongs to a column"
        assert len(variance) == node_count, f"{metric} has one variance per node"
        assert (variance >= 0).all(), f"the variance of {metric} is never negative"
    records = snapshot.records
    assert (records is None) == (not snapshot.columns), "paths and columns come together"
    if records is None:
        return
    assert len(records.leak_kind) == len(records), "records have one kind each"
    assert records.names is None or len(records.names) == len(records), "records have one name each"
    assert (records.node >= 0).all() and (records.node < node_count).all(), "records end in a node"
    for metric, column in records.values.items():
        assert exact_sum(column) == exact_sum(snapshot.columns[metric]), f"{metric}: columns hold what records say"
