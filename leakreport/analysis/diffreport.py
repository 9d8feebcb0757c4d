"""The frozen result of a comparison of two runs. Renderers format what stands here and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from leakreport.analysis.report import GroupRow, InputSummary, Verdict
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, Moment, Note


class Presence(StrEnum):
    """On which side a path is."""

    BOTH = "both"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One path of either side, with its own values before and after.

    Holds: `change` is `after` minus `before` for every metric that either side measures.
    """

    id: str
    presence: Presence
    leak_kind: LeakKind
    leak_kind_before: LeakKind
    """The same unless the leak changed its kind."""
    frames: tuple[int, ...]
    """Indexes into `DiffReport.frames`, outermost first; of the later side where the path is there."""
    frames_before: tuple[int, ...] | None
    """Where they differ."""
    responsible: int | None
    named_by: int | None
    site: int | None
    module: str | None
    before: Mapping[str, int]
    after: Mapping[str, int]
    change: Mapping[str, int]
    is_significant: bool
    """Outside the noise rules."""
    matched_as: str | None
    """`exact`, `moved`, `renamed`, `reshaped`, `split`, `merged`; None on one side only."""
    confidence: str | None
    score: float | None
    evidence: str
    id_before: str | None
    """Where it differs."""
    records_before: tuple[str, ...]
    records_after: tuple[str, ...]
    error: float | None = None
    """The standard error of the change of the ranking metric, in its unit, where both sides are samples."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    totals: Mapping[str, int]
    input_index: int
    """The first of its inputs in `DiffReport.inputs`."""
    snapshot: int
    """Which snapshot of the side is judged."""
    moment: Moment
    label: str
    """What people call it: the name of the input."""


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """What counts as a change."""

    min_change_bytes: int
    """For paths without a lost kind; lost blocks of exact tools count from the first byte."""
    is_exact_for_lost: bool
    is_by_user: bool


WHOLE, OTHERS, LEFT_OUT = -1, -2, -3
"""In place of a frame in a `ChangeTree`: the root, the small calls below a node, frames too many to draw."""


@dataclass(frozen=True, slots=True)
class ChangeTree:
    """The calls that lead to what grew, or to what shrank, pre-order; what is small or too deep is folded with exact sums.

    Shape: equal lengths; `parent` is an index into this tree, -1 for the root; `frame` is an index into
    `DiffReport.frames` (one place of the function), or `WHOLE`, `OTHERS`, `LEFT_OUT`.
    Holds: the bytes of a node are its own plus those of its children.
    """

    parent: Sequence[int]
    depth: Sequence[int]
    frame: Sequence[int]
    change_bytes: Sequence[int]
    """Retained bytes that the paths through the node are larger (or smaller) by: each at least 0."""
    self_bytes: Sequence[int]
    """The part of paths that end in the node; all of it where the node is folded."""
    path_count: Sequence[int]
    lone_count: Sequence[int]
    """How many of these paths are on one side only: new, or gone."""
    repeats: Sequence[int]
    """How often the function calls itself in a row at most, folded into one node; of `LEFT_OUT`, how many frames are left out."""
    is_responsible: Sequence[bool]
    """Whether "your code ends here" for some path through this node."""

    def __len__(self) -> int:
        return len(self.parent)


class ChangeTrees(NamedTuple):
    """The significant rows of a comparison as two trees that are never subtracted from each other.

    Swapping the sides of a comparison swaps the trees.
    """

    grown: ChangeTree
    shrunk: ChangeTree


@dataclass(frozen=True, slots=True)
class DiffReport:
    """Everything there is to say about two runs."""

    kind: str
    """`diff`"""
    metric: str
    title: str
    verdict: Verdict
    inputs: tuple[InputSummary, ...]
    before: Side
    after: Side
    change: Mapping[str, int]
    """After minus before of the totals that both sides measure."""
    unattributed: Mapping[str, int]
    """The part of `change` that no path carries: Σ paths.change + unattributed = change, for every metric."""
    frames: tuple[Frame, ...]
    own: tuple[bool, ...]
    rows: tuple[DiffRow, ...]
    """Significant rows first, by the size of their change; all paths of either side."""
    by_module: tuple[GroupRow, ...]
    """Per allocating object the change of the metric; `values` may be negative."""
    noise: NoiseRule
    noise_rows: int
    noise_change: int
    """Rows within the noise rules that changed, and what they sum to."""
    mismatches: tuple[str, ...]
    """Why the two sides cannot be compared; empty where they can."""
    surroundings: tuple[str, ...]
    """What else is different: versions, command lines, libraries."""
    notes: tuple[Note, ...]
    next_commands: tuple[str, ...]
    trees_when_asked: Callable[[], ChangeTrees]
    """Makes `trees`, which most outputs do not need."""

    @property
    def trees(self) -> ChangeTrees:
        """Where it grew and where it shrank, by calls."""
        return self.trees_when_asked()

    @property
    def is_complete(self) -> bool:
        """Whether every input was read to its end and said all it had to say."""
        return all(summary.is_complete for summary in self.inputs)

    @property
    def significant(self) -> tuple[DiffRow, ...]:
        """The rows outside the noise rules."""
        return tuple(row for row in self.rows if row.is_significant)
