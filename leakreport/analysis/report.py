"""The frozen result of analysis. Renderers format what stands here and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from leakreport.analysis.pagetree import PageTree, no_page
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, LeakSearch, Moment, Note, Sampling, SuppressionUse, Truncation, summed_uses
from leakreport.model.raw import Mapping as MappedFile

if TYPE_CHECKING:
    from leakreport.analysis.checkreport import CheckResult
    from leakreport.analysis.outcome import Outcome


class Status(StrEnum):
    """The verdict in one word. Source: `docs/json.md`, `verdict.status`."""

    LEAK = "leak"
    RETAINED = "retained"
    CLEAN = "clean"
    INCONCLUSIVE = "inconclusive"
    GROWTH = "growth"
    SHRUNK = "shrunk"
    NO_GROWTH = "no-growth"


class GateResult(StrEnum):
    """What the thresholds of the command line made of the figures."""

    NOT_ASKED = "not-asked"
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class GateLine(NamedTuple):
    """One threshold and what became of it."""

    gate: str
    """As written on the command line: `--fail-on definite`, `--max-leaked 64KiB`."""
    result: GateResult
    text: str
    """For a person: "45.19 MiB definitely lost in 2,892 blocks"."""
    limit: int | None = None
    """The budget, where it is one: what the user gave, in the unit of the metric."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, in words and for machines."""

    status: Status
    sentence: str
    """The headline: "51.31 MiB lost at exit, in 3 of 219 loss records"."""
    lead: tuple[str, ...]
    """One to three sentences below it: share and library, responsible function, what else matters."""
    gate: GateResult
    gate_lines: tuple[GateLine, ...]
    reasons: tuple[str, ...]
    """Why the status or the gate is what it is; what limits the trust in it."""


@dataclass(frozen=True, slots=True)
class InputSummary:
    """One process of one input file."""

    source: str
    format: str
    tool: str | None
    tool_version: str | None
    pid: int | None
    parent_pid: int | None
    command: tuple[str, ...]
    tool_options: tuple[str, ...]
    label: str | None
    is_complete: bool
    truncation: Truncation | None
    leak_search: LeakSearch
    totals: Mapping[str, int]
    """Of its last snapshot, or of the judged one where that is in this input."""
    notes: tuple[Note, ...]
    record_count: int
    suppressions: tuple[SuppressionUse, ...] = ()
    """Every rule of --suppressions with what it hid of this input."""
    sampling: Sampling | None = None
    snapshot_count: int = 1
    mappings: tuple[MappedFile, ...] = ()
    """Files mapped into the process, as far as the input tells."""
    builds: tuple[tuple[str, str], ...] = ()
    """Objects with their build ids (lower-case hex), as far as the input tells."""
    kinds_recorded: tuple[LeakKind, ...] = ()
    """Leak kinds whose totals are known."""
    looks_for_errors: bool = False
    """Whether the tool would have reported memory errors."""
    looks_for_descriptors: bool = False
    """Whether the tool would have reported descriptors left open."""
    memory_error_count: int | None = None
    """How many memory errors there were, repetitions included; None where the tool does not look for them."""
    judges_peak: bool = False
    """In this format the peak is judged, not the last snapshot."""
    moment: Moment = Moment.DUMP
    """When the snapshot that `totals` are of was taken."""


@dataclass(frozen=True, slots=True)
class SnapshotSummary:
    """One snapshot; `input_index` is None for the sum over several processes."""

    input_index: int | None
    index: int
    label: str | None
    time: float | None
    time_unit: str | None
    is_detailed: bool
    totals: Mapping[str, int]
    is_complete: bool = True
    moment: Moment = Moment.DUMP
    is_peak: bool = False
    """The tool calls it the peak of its run."""
    is_exit_dump: bool = False
    """Written while the process ended, after it had released what it holds in service."""
    process_count: int = 1
    """How many processes or runs are summed up here."""


@dataclass(frozen=True, slots=True)
class PathRow:
    """One call path with one leak kind and its own values."""

    id: str
    leak_kind: LeakKind
    frames: tuple[int, ...]
    """Indexes into `Report.frames`, outermost first."""
    responsible: int | None
    """Position in `frames` of the innermost frame that is yours."""
    site: int | None
    """Position in `frames` of the innermost frame that is not the allocator's own: where it is allocated."""
    module: str | None
    """The allocating library or executable, without its folder."""
    owner: str | None
    """Who owns the frame it is named by, or the one that allocates where none is yours; None for nobody."""
    values: Mapping[str, int]
    """Own values; only metrics that are measured."""
    records: tuple[str, ...]
    """The input's own names of the records in this row."""
    named_by: int | None = None
    """Position in `frames` of the frame a person should read first: the responsible one, or its caller where the
    responsible one is an allocation wrapper by its name."""
    family: str = ""
    """What was called to allocate: `malloc`, `new[]` …"""
    errors: Mapping[str, float] | None = None
    """By metric, the relative standard error of the estimate, where the input is a sample."""
    series: Mapping[str, tuple[int | None, ...]] | None = None
    """By metric, the values in each snapshot, None where a snapshot has no paths; where several snapshots have paths."""
    record_count: int = 1
    """How many records of the input are summed up here; `records` has only those with a name."""
    dragged_bytes: int = 0
    """What only these lost blocks still point to, as the tool says; counted in indirect rows where these are shown."""

    @property
    def site_frame(self) -> int | None:
        """The frame at `site`, as an index into `Report.frames`."""
        return None if self.site is None else self.frames[self.site]


class CaptionedFrames(NamedTuple):
    """A further stack of a finding; indexes into `Report.frames`, outermost first."""

    caption: str
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth telling: which rule, where, how much, why, and what to do."""

    rule: str
    """`leak.definite`, `error.InvalidRead`, `descriptor.FdNotClosed` …"""
    severity: Severity
    message: str
    advice: str
    """What to check, worded as a possibility."""
    facts: tuple[str, ...] = ()
    """Why it is reported: facts of this record only."""
    path_ids: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    """Indexes into `Report.paths`; several where records of one leak were split."""
    frames: tuple[int, ...] | None = None
    responsible: int | None = None
    """Position in `frames` (or in the first row's frames) of the responsible frame."""
    more_stacks: tuple[CaptionedFrames, ...] = ()
    count: int = 1
    values: Mapping[str, int] | None = None
    leak_kind: LeakKind = LeakKind.NONE
    id: str = ""
    """Of an error, a signal or a descriptor: the same in every run and build as long as its kind and stack are; made like
    path ids, without lines and addresses. Leaks have `path_ids`, the rest has none."""
    tool_message: str | None = None
    """Of what a tool reports beside leaks: its own words."""

    @property
    def is_leak(self) -> bool:
        """Whether this is an entry of the reading list: retained memory with a path."""
        return bool(self.rows)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A sum over paths under one name: a library, a function, a file, a kind."""

    name: str
    version: str | None
    """For libraries, the version that the name carries."""
    is_own: bool
    values: Mapping[str, int]
    path_count: int


@dataclass(frozen=True, slots=True)
class AccumulationPoint:
    """The deepest function that most of what is judged goes through."""

    frame: int
    """Index into `Report.frames`: one representative call site of the function."""
    function: str
    amount_bytes: int
    whole_bytes: int
    wrapper: str | None
    """A function below it that looks like an allocation wrapper, where there is one."""
    is_on_every_path: bool
    """Whether nothing that is judged goes another way (a dominator of the call graph)."""
    recursive_with: tuple[str, ...]
    """Other functions of the same recursion, folded into one."""


@dataclass(frozen=True, slots=True)
class TreeView:
    """The part of the call tree that is shown, pre-order, with exact sums: what is not shown is folded into rows.

    Shape: equal lengths; `parent` is an index into this view, -1 for the root row; `frame` is an index into
    `Report.frames`, -1 for the root, -2 for a folded row ("n small paths").
    """

    parent: Sequence[int]
    depth: Sequence[int]
    frame: Sequence[int]
    inclusive_bytes: Sequence[int]
    inclusive_blocks: Sequence[int]
    lost_bytes: Sequence[int]
    """Inclusive definite + indirect + possible bytes; all 0 where kinds are not known."""
    folded_paths: Sequence[int]
    """For folded rows, how many paths; else 0."""
    is_responsible: Sequence[bool]
    """Whether "your code ends here" for some path through this row."""
    children_shown: Sequence[bool]

    def __len__(self) -> int:
        return len(self.parent)


WHOLE, OTHERS, LEFT_OUT = -1, -2, -3
"""In place of a frame in a tree of functions: the root, the small calls below a node, frames too many to draw."""


@dataclass(frozen=True, slots=True)
class ComparedTree:
    """All paths of two states as calls of functions, pre-order; what is small or too deep is folded with exact sums.

    Shape: equal lengths; `parent` is an index into this tree, -1 for the root; `frame` is an index into the report's
    frames (one place of the function), or `WHOLE`, `OTHERS`, `LEFT_OUT`. All bytes are of the node and what it calls.
    Holds: growth less shrinkage is after less before, in every node.
    """

    parent: Sequence[int]
    depth: Sequence[int]
    frame: Sequence[int]
    before_bytes: Sequence[int]
    after_bytes: Sequence[int]
    growth_bytes: Sequence[int]
    """The sum of the paths that are larger after."""
    shrinkage_bytes: Sequence[int]
    """The sum of those that are smaller, at least 0."""
    path_count: Sequence[int]
    repeats: Sequence[int]
    """How often the function calls itself in a row at most; of `LEFT_OUT`, how many frames are left out."""
    is_responsible: Sequence[bool]
    """Whether "your code ends here" for some path through this node."""

    def __len__(self) -> int:
        return len(self.parent)

    def share(self, node: int) -> float:
        """The change of a node as a share of all growth, or, negative, of all shrinkage."""
        change = self.after_bytes[node] - self.before_bytes[node]
        whole = self.growth_bytes[0] if change > 0 else self.shrinkage_bytes[0]
        return change / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class Selection:
    """What the options hide. Hidden paths stay in the totals and are counted here."""

    focus: str | None = None
    ignore: str | None = None
    group_by: str = "path"
    top: int | None = None
    hidden_paths: int = 0
    hidden_values: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to say about one run."""

    kind: str
    """`analysis`"""
    metric: str
    """The metric that ranks the paths."""
    title: str
    """The program, for headings: its base name."""
    verdict: Verdict
    inputs: tuple[InputSummary, ...]
    snapshots: tuple[SnapshotSummary, ...]
    judged: int
    timeline: tuple[int, ...]
    """Indexes into `snapshots` of the judged process, in order; empty where several are judged together."""
    totals: Mapping[str, int]
    unattributed: Mapping[str, int]
    moment: Moment
    """When what is judged was held."""
    frames: tuple[Frame, ...]
    own: tuple[bool, ...]
    """Per frame: whether it is yours."""
    paths: Sequence[PathRow]
    """Rows in reading order: lost first, by bytes."""
    findings: tuple[Finding, ...]
    """Leaks in reading order first, then errors, descriptors and the rest."""
    unlisted_leaks: int
    """Entries of the reading list past the cap; their paths are in `paths`."""
    by_kind: tuple[GroupRow, ...]
    by_module: tuple[GroupRow, ...]
    by_function_when_asked: Callable[[], tuple[GroupRow, ...]]
    """Computed once a renderer asks for `by_function`: a terminal shows none of it, and it costs as much as a verdict."""
    groups: tuple[GroupRow, ...]
    """Rows of `--group-by`; empty for `path`."""
    accumulation: AccumulationPoint | None
    tree_when_asked: Callable[[], TreeView]
    """The same for `tree`."""
    selection: Selection
    record_count: int
    named_frames: int
    """Distinct frames with a function name, of `len(frames)`."""
    checks: int
    """How many kinds of findings were looked for."""
    next_commands: tuple[str, ...]
    page_when_asked: Callable[[], PageTree] = no_page
    """Makes `page`."""
    is_redacted: bool = False
    """Names are tokens."""
    check: CheckResult | None = None
    """What a baseline knows of the leaks, where the run was checked against one."""
    outcome: Outcome | None = None
    """How the command ended, where leakreport started it."""

    @property
    def is_complete(self) -> bool:
        """Whether every input was read to its end and said all it had to say."""
        return all(summary.is_complete for summary in self.inputs)

    @property
    def judged_inputs(self) -> tuple[InputSummary, ...]:
        """The input of the judged snapshot; all of them where that is their sum."""
        index = self.snapshots[self.judged].input_index if self.snapshots else None
        return self.inputs if index is None else (self.inputs[index],)

    @property
    def suppressions(self) -> tuple[SuppressionUse, ...]:
        """Every rule of --suppressions, with what it hid of what is judged."""
        return summed_uses(summary.suppressions for summary in self.judged_inputs)

    @property
    def by_function(self) -> tuple[GroupRow, ...]:
        """Per function what the paths through it hold, largest first."""
        return self.by_function_when_asked()

    @property
    def tree(self) -> TreeView:
        """The heaviest part of the call tree."""
        return self.tree_when_asked()

    @property
    def page(self) -> PageTree:
        """The call tree that the page draws, of the rows of `paths`."""
        return self.page_when_asked()

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """The reading list."""
        return tuple(finding for finding in self.findings if finding.is_leak)

    @property
    def notes(self) -> tuple[tuple[str, Note], ...]:
        """Every note with the source it belongs to."""
        return tuple((summary.source, note) for summary in self.inputs for note in summary.notes)
