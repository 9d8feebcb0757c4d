"""The frozen result of a comparison of two runs. Renderers format what stands here and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from leakreport.analysis.pagetree import PageTree, no_page
from leakreport.analysis.report import ComparedTree, Finding, GroupRow, InputSummary, Verdict
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, Moment, Note

if TYPE_CHECKING:
    from leakreport.analysis.difftable import DiffTable


class Presence(StrEnum):
    """On which side a path is."""

    BOTH = "both"
    NEW = "new"
    GONE = "gone"


class Rate(NamedTuple):
    """Bytes per unit of work."""

    before: float
    after: float
    change: float
    """After minus before: what changed per unit, not what changed divided by the work of one side."""
    is_estimate: bool
    """Whether the bytes are scaled up from a sample."""


@dataclass(frozen=True, slots=True)
class PerWork:
    """The work that both sides did, and the totals per unit of it."""

    unit: str
    work: tuple[float, float]
    """Before and after; of one run where a side was repeated. Both above zero."""
    totals: Mapping[str, Rate]
    """Of every total in bytes that both sides measure."""

    @property
    def is_equal(self) -> bool:
        """Whether both sides did as much: then bytes can be compared as they are."""
        return self.work[0] == self.work[1]


@dataclass(frozen=True, slots=True)
class RunValues:
    """One path, or a total, in every run of both sides, and whether the runs differ by more than they vary."""

    before: tuple[int, ...]
    """Bytes in each run, in the order of the inputs."""
    after: tuple[int, ...]
    p_value: float
    """Share of the ways to call runs "before" under which the change, in its own direction, is as large; of this alone."""
    family_p_value: float
    """Share under which any path changes as clearly: holds for all paths together."""
    is_exact: bool
    """Equal in all runs before, equal in all runs after, and different."""
    is_undecided: bool
    """A change that would count, of which so few runs cannot tell whether it is chance."""
    text: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class RunsSummary:
    """What was repeated: so many runs before against so many after."""

    before: int
    after: int
    relabelings: int
    """Ways to call runs "before" that were tried: no p-value is below 1 over this."""
    level: float
    """The chance that any path or the total is called larger where nothing changed, at most."""
    family_size: int
    """Paths that were tested together."""
    undecided: int
    """Rows of which so few runs cannot tell whether they changed."""
    metric: str
    total: RunValues
    """Of `metric`."""


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
    runs: RunValues | None = None
    """The retained bytes of every run, where the sides are repeats; for rows that could be each other of all of them."""
    rate: Rate | None = None
    """Retained bytes per unit of work, where the work is known."""
    owner: str | None = None
    """Who owns the frame it is named by."""
    folded: int = 0
    """How many small paths it stands for, where a side is a report that folded them: which are which is not known."""

    @property
    def site_frame(self) -> int | None:
        """The frame at `site`, as an index into `DiffReport.frames`."""
        return None if self.site is None else self.frames[self.site]

    @property
    def is_listed(self) -> bool:
        """Whether it is shown: a change, or one of which the runs cannot tell."""
        return self.is_significant or (self.runs is not None and self.runs.is_undecided)


class RowText(NamedTuple):
    """Sentences on one row."""

    why: tuple[str, ...]
    """Facts only."""
    checks: tuple[str, ...]
    """Worded as possibilities."""


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
    name: str = ""
    """What tells it from the other side, for sentences: "build 412"; empty where nothing does."""
    frame_count: int = 0
    named_frames: int = 0
    """How many distinct frames the side has, and how many of them have the name of a function."""


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """What counts as a change."""

    min_change_bytes: int
    """For paths without a lost kind; lost blocks of exact tools count from the first byte."""
    is_exact_for_lost: bool
    is_by_user: bool


@dataclass(frozen=True, slots=True)
class CallEdge:
    """A call from one function to another that growth goes through."""

    caller: int
    """Index into `DiffReport.frames`: of the call sites the one that most of it goes through."""
    callee: int
    amount_bytes: int
    """What the rows through it grew by, in retained bytes; a path counts once however deep it recurses."""
    rows: tuple[int, ...]
    """Indexes into `DiffReport.rows`."""


@dataclass(frozen=True, slots=True)
class GrowthPoint:
    """A function that growth goes through."""

    frame: int
    """Index into `DiffReport.frames`: one call site of it."""
    amount_bytes: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GrowthGraph:
    """What the paths that grew have in common. Significant rows with more retained bytes, nothing else."""

    whole_bytes: int
    edges: tuple[CallEdge, ...]
    """The few calls that explain the growth, the largest first."""
    explained_bytes: int
    """What grew on paths through any of them."""
    is_explained: bool
    """Whether that is 80 % of the growth or more; else it is spread over more calls than a person reads."""
    is_fewest: bool
    """Whether it is proven that fewer calls do not explain as much."""
    common: GrowthPoint | None
    """The deepest function that all of it goes through, else 95 %; no start function."""
    responsible: GrowthPoint | None
    """Of the functions that paths are named by the one with the most growth."""


@dataclass(frozen=True, slots=True)
class ModuleChange(GroupRow):
    """An allocating object: `values` has the change of one metric, over the paths that changed."""

    before_bytes: int
    """The same metric over all its paths."""
    after_bytes: int


@dataclass(frozen=True, slots=True)
class LibraryChange:
    """A library, jar or executable that is not the same on both sides, and what it has to do with the growth."""

    name: str
    """Without folder, version and suffix: `libimgkit`."""
    title: str
    """What changed, for people: "libimgkit 3.1.4 → 3.2.0"."""
    before: tuple[str, ...]
    """Versions, several where several were loaded; file names where both sides count versions differently."""
    after: tuple[str, ...]
    build_ids_before: tuple[str, ...]
    build_ids_after: tuple[str, ...]
    is_rebuilt: bool
    """Another build, and no other version is known."""
    is_program: bool
    """The executable itself, which is another one in most comparisons: a rebuild of it says nothing."""
    allocated_bytes: int
    """Growth of the rows that allocate in it."""
    passing_bytes: int
    """Growth of the rows with any frame of it; run-time and start functions do not count."""
    rows: tuple[int, ...]
    """Those rows: indexes into `DiffReport.rows`."""


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
    rows: DiffTable
    """Significant rows first, by the size of their change; all paths of either side. A slice costs what is in it."""
    significant_rows: int
    """How many of them are outside the noise rules."""
    listed_rows: int
    """The same, and those behind them of which the runs cannot tell."""
    by_module: tuple[ModuleChange, ...]
    """Per allocating object the change of the metric; `values` may be negative."""
    noise: NoiseRule
    noise_rows: int
    noise_change: int
    """Rows within the noise rules that changed, and what they sum to."""
    mismatches: tuple[str, ...]
    """Why the two sides cannot be compared; empty where they can."""
    surroundings: tuple[str, ...]
    """What else is different: versions, command lines, libraries."""
    findings: tuple[Finding, ...]
    """What explains the growth; rules and words in `docs/diff.md`."""
    growth_graph: GrowthGraph | None
    """None where no path grew."""
    libraries: tuple[LibraryChange, ...]
    """Those with growth first."""
    notes: tuple[Note, ...]
    next_commands: tuple[str, ...]
    tree_when_asked: Callable[[], ComparedTree]
    """Makes `tree`, which most outputs do not need."""
    text_of_row: Callable[[DiffRow], RowText]
    """Why a row is listed, and what to check."""
    checks: int
    """How many kinds of findings were looked for."""
    grown_rows: int
    shrunk_rows: int
    """How many significant rows are larger after, and how many smaller."""
    per: PerWork | None = None
    folded_bytes: tuple[int, int] | None = None
    """What the folded paths of both sides retain, before and after, where a side is a report that folded some."""
    runs: RunsSummary | None = None
    """Where a side was repeated: then all figures of it are means of its runs."""
    page_when_asked: Callable[[], PageTree] = no_page
    """Makes `page`, which most outputs do not need."""
    is_redacted: bool = False
    """Names are tokens."""

    @property
    def tree(self) -> ComparedTree:
        """All paths of both sides, by calls."""
        return self.tree_when_asked()

    @property
    def page(self) -> PageTree:
        """The call tree that the page draws, of all rows."""
        return self.page_when_asked()

    @property
    def is_complete(self) -> bool:
        """Whether every input was read to its end and said all it had to say."""
        return all(summary.is_complete for summary in self.inputs)

    @property
    def significant(self) -> DiffTable:
        """The rows outside the noise rules."""
        return self.rows[: self.significant_rows]

    @property
    def listed(self) -> DiffTable:
        """The same, then the rows of which the runs cannot tell."""
        return self.rows[: self.listed_rows]
