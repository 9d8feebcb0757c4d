"""A run: ordered snapshots over one call tree, frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leakreport.model.calltree import CallTree
from leakreport.model.columns import Float64Column, Int8Column, Int64Column, exact_sum
from leakreport.model.raw import Frame, RawProblem, SnapshotMeta


@dataclass(frozen=True, slots=True)
class RecordTable:
    """The input's records of one snapshot: in which node each ends, of which leak kind, and what it is called."""

    node: Int64Column
    leak_kind: Int8Column
    values: Mapping[str, Int64Column]
    names: Sequence[str] | None

    def __len__(self) -> int:
        return len(self.node)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of memory over the tree of its run."""

    meta: SnapshotMeta
    totals: Mapping[str, int]
    columns: Mapping[str, Int64Column]
    """One int64 per node, exclusive values; empty where the snapshot has totals only."""
    variances: Mapping[str, Float64Column]
    """By metric, the variance of the exclusive value of each node, where the input is a sample."""
    records: RecordTable | None
    problems: tuple[RawProblem, ...]

    @property
    def is_detailed(self) -> bool:
        """Whether the snapshot has paths, not only totals."""
        return self.records is not None

    def unattributed(self) -> dict[str, int]:
        """Per metric, the total minus what the paths sum to. Negative where paths say more than the total."""
        return {
            metric: total - (exact_sum(self.columns[metric]) if metric in self.columns else 0)
            for metric, total in self.totals.items()
        }


@dataclass(frozen=True, slots=True)
class Run:
    """Ordered snapshots (of one process over time, or of several processes) over one tree."""

    frames: tuple[Frame, ...]
    tree: CallTree
    snapshots: tuple[Snapshot, ...]
