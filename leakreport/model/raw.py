"""A reader's words: frames, stacks with values, and what is known about the snapshot they belong to.

Readers fill these and nothing else; trees are made later, by `model.builder`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Container, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.model.columns import (
    Float64Column,
    Int8Column,
    Int32Column,
    Int64Column,
    freeze,
    int64_column,
    renumbered,
)
from leakreport.model.metrics import LeakKind

TOOL_TITLES = {
    "memcheck": "Memcheck",
    "helgrind": "Helgrind",
    "drd": "DRD",
    "massif": "Massif",
    "dhat": "DHAT",
    "callgrind": "Callgrind",
    "cachegrind": "Cachegrind",
    "lackey": "Lackey",
    "none": "Nulgrind",
}
"""The valgrind tools as they call themselves, by the name that --tool= takes."""


PAGE_BYTES = 4096
PROCESS_GRAINS = {
    **dict.fromkeys(("smaps", "smaps-rollup", "maps", "proc-status", "pmap", "fd", "watch"), PAGE_BYTES),
    "malloc-info": 16,
}
"""The formats in which a kernel or an allocator counts what a process has, each with the smallest change that it counts, in
bytes."""


class FrameKind(StrEnum):
    """What a frame stands for."""

    FUNCTION = "function"
    ADDRESS = "address"
    """Code without a symbol."""
    MAPPING = "mapping"
    CATEGORY = "category"
    SYNTHETIC = "synthetic"
    """Made by a tool or by leakreport, printed in [brackets]."""


class Frame(NamedTuple):
    """One entry of a stack, as far as known. A value: equal content is the same frame."""

    function: str | None = None
    module: str | None = None
    """Path of the executable or shared library, as the input writes it."""
    directory: str | None = None
    file: str | None = None
    line: int | None = None
    address: int | None = None
    kind: FrameKind = FrameKind.FUNCTION
    is_inlined: bool = False
    offset: int | None = None
    """Where the code stands in the file `module`, in bytes: the same in every run, whatever address it was loaded at.
    Set instead of `address` where the input tells which file was mapped where, and no name."""
    hidden: Frame | None = None
    """What this frame stands for where names must not be told: judged by, and never shown."""

    @property
    def actual(self) -> Frame:
        """The frame to judge by, whatever is shown."""
        return self.hidden or self

    @property
    def path(self) -> str | None:
        """The source file with its directory, as far as known."""
        if self.file is None or self.directory is None or self.file.startswith("/"):
            return self.file
        return f"{self.directory.rstrip('/')}/{self.file}"

    @property
    def short_path(self) -> str:
        """The source file with the last part of its folder, as texts for people write it; empty where it is not known.

        >>> Frame(directory="/src/demo/vg", file="kinds.c").short_path, Frame(file="./x.c").short_path
        ('vg/kinds.c', 'x.c')
        """
        return "/".join(PurePosixPath(self.path or "").parts[-2:])

    @property
    def module_name(self) -> str | None:
        """The module without its folder."""
        return None if self.module is None else self.module.rsplit("/", 1)[-1]


_SMALL_PATHS = re.compile(r"\[?([\d,]{1,20}) small paths?\]?", re.ASCII)


def small_paths(count: int) -> Frame:
    """What ends a stack that stands for several paths: a report of leakreport folded them and kept their sum."""
    return Frame(f"{count:,} small path{'' if count == 1 else 's'}", kind=FrameKind.SYNTHETIC)


def small_path_count(frame: Frame) -> int:
    """How many paths a frame of `small_paths` stands for; 0 for any other."""
    if frame.kind is not FrameKind.SYNTHETIC:
        return 0
    match = _SMALL_PATHS.fullmatch(frame.function or "")
    return 0 if match is None else int(match[1].replace(",", "") or 0)


class Note(NamedTuple):
    """A warning about the data: a value that every report shows, not only a log line."""

    slug: str
    message: str


class SuppressionUse(NamedTuple):
    """A suppression rule, and what it hid of one snapshot, or of several."""

    file: str
    line: int
    name: str
    records: int = 0
    bytes: int = 0
    """Retained bytes, without what the records drag along: the sum over all rules is what is suppressed."""
    blocks: int = 0
    errors: int = 0
    """Errors and open descriptors, repetitions included."""

    @property
    def is_used(self) -> bool:
        """Whether it hid anything."""
        return self.records > 0 or self.errors > 0


def summed_uses(parts: Iterable[Sequence[SuppressionUse]]) -> tuple[SuppressionUse, ...]:
    """The rules of several snapshots, each once, with all that it hid."""
    found: dict[tuple[str, int, str], SuppressionUse] = {}
    for uses in parts:
        for use in uses:
            known = found.get(use[:3])
            found[use[:3]] = (
                use if known is None else SuppressionUse(*use[:3], *map(sum, zip(known[3:], use[3:], strict=True)))
            )
    return tuple(found.values())


class Sampling(NamedTuple):
    """The input has a sample of all allocations; its values were scaled up to estimates."""

    period: int
    """The mean distance between samples."""
    unit: str = "bytes"


class Mapping(NamedTuple):
    """A file mapped into the profiled process."""

    start: int
    end: int
    """First address behind it."""
    offset: int
    """Where in the file it starts, in bytes."""
    path: str
    """As the input writes it; `[vdso]` and the like stand for memory without a file."""
    build_id: str | None = None
    """Lower-case hex."""


class Moment(StrEnum):
    """When a snapshot was taken, in the words of a sentence."""

    EXIT = "at exit"
    PEAK = "at the peak"
    DUMP = "when the profile was written"


class LeakSearch(StrEnum):
    """How far the tool's leak check came."""

    COMPLETE = "complete"
    """It ran at exit and its result is whole."""
    CUT = "cut"
    """It ran at exit, but the input ends inside its result."""
    CHECKPOINT = "checkpoint"
    """Only a search during the run is known; the one at exit never came."""
    NOT_RUN = "not-run"
    """The tool could have searched and did not: killed before exit, or told not to."""
    NONE = "none"
    """The tool has no leak search."""


class Truncation(NamedTuple):
    """Where an input ends early."""

    what: str
    """For example "the XML ends inside <error>"."""
    line: int
    records: int
    """Complete records read before it."""


class ProblemKind(StrEnum):
    """The families of findings a tool itself reports beside leaked memory."""

    ERROR = "error"
    DESCRIPTOR = "descriptor"
    SIGNAL = "signal"


class CaptionedStack(NamedTuple):
    """A stack with the tool's words for it; frames outermost first."""

    caption: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class RawProblem:
    """One thing the tool complained about that is not retained memory: an invalid read, a descriptor left open."""

    problem: ProblemKind
    kind: str
    """The tool's own word: `InvalidRead`, `FdNotClosed`, `SIGSEGV`."""
    message: str
    count: int = 1
    """How often it happened, as the tool says."""
    stacks: tuple[CaptionedStack, ...] = ()
    """The first is where it happened; others say where a block or descriptor came from."""
    name: str | None = None
    """The input's own name of the record."""


@dataclass(frozen=True, slots=True)
class SnapshotMeta:
    """What is known about one snapshot beside its numbers."""

    source: str
    format: str
    tool: str | None = None
    tool_version: str | None = None
    pid: int | None = None
    parent_pid: int | None = None
    command: tuple[str, ...] = ()
    """The profiled program and its arguments."""
    tool_options: tuple[str, ...] = ()
    label: str | None = None
    time: float | None = None
    time_unit: str | None = None
    truncation: Truncation | None = None
    """Set where the input ends early: then the snapshot is incomplete."""
    is_complete: bool = True
    """False where anything the tool meant to say is missing: a cut file, a killed run, a damaged record."""
    leak_search: LeakSearch = LeakSearch.NONE
    kinds_recorded: frozenset[LeakKind] = frozenset()
    """Kinds whose totals are known. A kind outside was hidden by the tool's options: absent, not zero."""
    measures_errors: bool = False
    """Whether the tool would have reported memory errors."""
    measures_descriptors: bool = False
    """Whether the tool would have reported descriptors left open."""
    moment: Moment = Moment.DUMP
    sampling: Sampling | None = None
    is_peak: bool = False
    """The tool calls this snapshot the peak of its run."""
    is_exit_dump: bool = False
    """Written while the process ended, after it had released what it holds in service: not comparable with the others."""
    judges_peak: bool = False
    """In this format the last snapshot is not the state at exit: the peak is judged instead."""
    mappings: tuple[Mapping, ...] = ()
    build_ids: tuple[tuple[str, str], ...] = ()
    """Module and build id (lower-case hex), where the input names builds but not where they were mapped."""
    memory_error_count: int | None = None
    """Memory errors with their repetitions, where the tool's own sum tells more than the list of them."""
    notes: tuple[Note, ...] = ()
    suppressions: tuple[SuppressionUse, ...] = ()
    """Every rule that was applied after reading, used or not."""
    document: str | None = None
    """The report that this snapshot was read from together with others: they are one process, whatever their pids."""
    largest_folded_bytes: int | None = None
    """Of a report that folded small paths: none of them retains more; None where that is not told."""
    process_count: int = 1
    """How many processes or runs a report added up here."""
    is_judged: bool = False
    """The one that the report `document` judged."""
    hidden: SnapshotMeta | None = None
    """What this stands for where names must not be told: judged by, and never shown."""

    @property
    def actual(self) -> SnapshotMeta:
        """What to judge by, whatever is shown."""
        return self.hidden or self

    @property
    def is_process_view(self) -> bool:
        """Whether it is the account of a whole process by the kernel or its allocator: no block in it is known to be lost."""
        return all(name in PROCESS_GRAINS for name in self.format.split(" and "))

    @property
    def grain_bytes(self) -> int:
        """The smallest change of an amount of bytes that is one event."""
        return max(PROCESS_GRAINS.get(name, 1) for name in self.format.split(" and "))


@dataclass(frozen=True, slots=True)
class SampleTable:
    """All stacks of one snapshot with their values.

    Holds: `offsets` starts at 0, never falls, and ends at `len(flat)`; every column of `values`, `leak_kinds` and
    `names` has one entry per stack; `flat` holds indexes into `frames`, outermost first.
    """

    frames: tuple[Frame, ...]
    flat: Int32Column
    offsets: Int64Column
    values: MappingOf[str, Int64Column]
    leak_kinds: Int8Column | None = None
    """One `LeakKind` per stack where the tool tells kinds apart."""
    names: Sequence[str] | None = None
    """The input's own name of each record."""
    variances: MappingOf[str, Float64Column] | None = None
    """By metric, the variance of each estimate, where the input is a sample: it adds over independent records."""

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True, slots=True)
class RawSnapshot:
    """One state of memory, as the input tells it."""

    meta: SnapshotMeta
    totals: MappingOf[str, int]
    """Per metric, as the tool states it; what a tool does not measure has no entry."""
    samples: SampleTable | None = None
    problems: tuple[RawProblem, ...] = ()


class FrameTable:
    """The frames a reader has met, each once. Stacks are kept as indexes into it."""

    def __init__(self) -> None:
        """Start with none."""
        self._index: dict[Frame, int] = {}

    def __len__(self) -> int:
        return len(self._index)

    def index(self, frame: Frame) -> int:
        """The index under which a frame is known here; equal frames share one."""
        return self._index.setdefault(frame, len(self._index))

    def frames(self) -> tuple[Frame, ...]:
        """All frames, in the order of their indexes."""
        return tuple(self._index)


class SampleTableBuilder:
    """Collects stacks one by one, with their values."""

    def __init__(self, metric_names: tuple[str, ...], frames: FrameTable | None = None) -> None:
        """Start without stacks; several builders of one input may share their frames."""
        self.frames = FrameTable() if frames is None else frames
        self._metric_names = metric_names
        self._flat = array("i")
        self._offsets = array("q", (0,))
        self._values: list[tuple[int, ...]] = []
        self._leak_kinds: list[int] = []
        self._names: list[str] = []
        self._variances: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._values)

    def count(self, kinds: Container[LeakKind]) -> int:
        """How many stacks are of some leak kinds."""
        return sum(kind in kinds for kind in self._leak_kinds)

    def add(
        self, stack: Iterable[Frame], values: tuple[int, ...], *, leak_kind: LeakKind = LeakKind.NONE, name: str = ""
    ) -> None:
        """Add one stack, outermost frame first, with one value per metric."""
        self.add_indexes([self.frames.index(frame) for frame in stack], values, leak_kind=leak_kind, name=name)

    def add_indexes(
        self,
        stack: Iterable[int],
        values: tuple[int, ...],
        *,
        leak_kind: LeakKind = LeakKind.NONE,
        name: str = "",
        variances: tuple[float, ...] = (),
    ) -> None:
        """Add one stack of indexes into `frames`, outermost first; `variances` per metric, all or none of them."""
        if variances:
            self._variances.append(variances)
        self._flat.extend(stack)
        self._offsets.append(len(self._flat))
        self._values.append(values)
        self._leak_kinds.append(leak_kind)
        self._names.append(name)

    def build(self) -> SampleTable:
        """The frozen table, with the frames that its stacks have.

        Raises:
            LimitExceeded: a value does not fit in 64 bits.
        """
        columns = {
            metric: int64_column([row[position] for row in self._values], metric)
            for position, metric in enumerate(self._metric_names)
        }
        kinds: NDArray[np.int8] = np.asarray(self._leak_kinds, dtype=np.int8)
        known = self.frames.frames()
        flat = np.array(self._flat, dtype=np.int32)
        used, flat = renumbered(flat, len(known))
        if len(used) < len(known):
            known = tuple(known[index] for index in used.tolist())
        return SampleTable(
            frames=known,
            flat=freeze(flat),
            offsets=freeze(np.array(self._offsets, dtype=np.int64)),
            values=columns,
            leak_kinds=freeze(kinds) if kinds.any() else None,
            names=tuple(self._names) if any(self._names) else None,
            variances=self._built_variances(),
        )

    def _built_variances(self) -> MappingOf[str, Float64Column] | None:
        if not self._variances:
            return None
        columns = np.asarray(self._variances, dtype=np.float64).T
        return {metric: freeze(column.copy()) for metric, column in zip(self._metric_names, columns, strict=True)}
