"""What Valgrind's XML and its text log have in common: a process, its leak searches, and how totals follow.

Both readers fill one `ProcessLog` per process and ask it for the snapshot, so the two formats cannot disagree.

Source: Valgrind `memcheck/mc_errors.c` (pp_LossRecord), `memcheck/mc_leakcheck.c` (print_results), `mc-manual.xml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.model.columns import checked_total
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import (
    TOOL_TITLES,
    FrameTable,
    LeakSearch,
    Moment,
    Note,
    ProblemKind,
    RawProblem,
    RawSnapshot,
    SampleTable,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._valgrind_words import LeakSummary, shown_kinds, tracks_descriptors


@dataclass(slots=True)
class _Search:
    """The records of one leak search."""

    table: SampleTableBuilder
    last_number: int = 0
    record_count: int = 0
    is_at_exit: bool = False
    summary: LeakSummary | None = None

    @property
    def is_empty(self) -> bool:
        return len(self.table) == 0 and self.summary is None


_RECORD_METRICS = ("retained_bytes", "retained_blocks", "dragged_bytes")


@dataclass(slots=True)
class ProcessLog:
    """Everything one process's log says, collected while reading, in either format.

    Set the plain attributes as they are met; call `add_leak`, `end_search`, `start_final_search`; then `snapshot`.
    """

    source: str
    format_name: str
    limits: Limits
    frames: FrameTable
    """The frames of the whole input: all its processes share them."""
    tool: str | None = None
    """Lower case, as in --tool=: `memcheck`, `helgrind`, `none`."""
    tool_version: str | None = None
    pid: int | None = None
    parent_pid: int | None = None
    command: tuple[str, ...] = ()
    label: str | None = None
    options: tuple[str, ...] | None = None
    """The options given to valgrind; None where the format does not tell."""
    is_finished: bool = False
    """The program ran to its end and the tool began its final words."""
    is_ended: bool = False
    """The tool said all it had to say."""
    is_quiet: bool = False
    """Recorded with -q: nothing but errors and loss records."""
    is_all_freed: bool = False
    """The tool said that every heap block was freed."""
    in_use_bytes: int | None = None
    in_use_blocks: int | None = None
    allocated_bytes: int | None = None
    allocated_blocks: int | None = None
    error_count: int | None = None
    suppressed_error_count: int | None = None
    failure: str | None = None
    """The tool's own words on why it gave up."""
    has_suppressions: bool = False
    """Suppressions hid something; how much, the format does not tell."""
    skips_leak_search: bool = False
    """The tool was told not to search (--leak-check=no in a text log; XML always searches)."""
    truncation: Truncation | None = None
    damaged_records: int = 0
    """Records left out because they were not whole."""
    unlisted_problems: int = 0
    """Errors past the limit: counted, not kept."""
    open_descriptors: int | None = None
    """Descriptors open at exit beside the standard and inherited ones, as the tool counts them."""
    problems: list[RawProblem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _problem_index: dict[str, int] = field(default_factory=dict)
    _searches: int = 0
    _search: _Search | None = None

    def head_copy(self) -> ProcessLog:
        """A log of another process with the same head: nothing that was found, only what was said before."""
        return replace(self, problems=[], _problem_index={}, notes=list(self.notes), _search=None, _searches=0)

    def add_problem(self, problem: RawProblem) -> None:
        """Take one error, signal or descriptor."""
        if len(self.problems) < self.limits.problems:
            if problem.name is not None:
                self._problem_index.setdefault(problem.name, len(self.problems))
            self.problems.append(problem)
        else:
            self.unlisted_problems += problem.count

    def set_problem_count(self, name: str, count: int) -> None:
        """How often the problem with this name happened, where the tool says that later."""
        index = self._problem_index.get(name)
        if index is not None:
            self.problems[index] = replace(self.problems[index], count=count)

    def add_damage(self) -> None:
        """Count a record that cannot be read.

        Raises:
            LimitExceeded: there are so many that this is no recording.
        """
        self.damaged_records += 1
        if self.damaged_records > self.limits.damaged_records:
            raise LimitExceeded(
                f"more than {self.limits.damaged_records:,} records cannot be read",
                where=self.source,
                advice="The input is damaged. Record again.",
            )

    def add_leak(
        self,
        kind: LeakKind,
        stack: Iterable[int],
        *,
        direct_bytes: int,
        dragged_bytes: int,
        blocks: int,
        number: int,
        record_count: int,
        name: str,
    ) -> None:
        """Take one loss record; `stack` has indexes into `frames`, outermost first.

        A falling number or another count opens a new search.
        """
        search = self._search
        is_new_search = search is None or (
            number > 0
            and (number <= search.last_number or (search.record_count and record_count != search.record_count))
        )
        if search is None or (is_new_search and not (search.is_at_exit and search.is_empty)):
            search = self._open_search(is_at_exit=self.is_finished)
        search.last_number = number
        search.record_count = record_count
        if len(search.table) >= self.limits.records:
            raise LimitExceeded(f"more than {self.limits.records:,} loss records", where=self.source)
        search.table.add_indexes(stack, (direct_bytes, blocks, dragged_bytes), leak_kind=kind, name=name)

    def end_search(self, summary: LeakSummary) -> None:
        """The LEAK SUMMARY that closes a search."""
        search = self._search
        if search is None or search.summary is not None:
            search = self._open_search(is_at_exit=self.is_finished)
        search.summary = summary

    def start_final_search(self) -> None:
        """The program has ended: what follows is the search at exit."""
        self.is_finished = True
        self._open_search(is_at_exit=True)

    def start_final_search_of_quiet_log(self) -> None:
        """A -q log has nothing around its records: those that are there are of the exit."""
        self.is_finished = True
        if self._search is not None:
            self._search.is_at_exit = True

    def _open_search(self, *, is_at_exit: bool) -> _Search:
        if self._search is not None and not self._search.is_empty:
            self._searches += 1
        self._search = _Search(SampleTableBuilder(_RECORD_METRICS, self.frames), is_at_exit=is_at_exit)
        return self._search

    @property
    def record_count(self) -> int:
        """Loss records of the search that counts."""
        return 0 if self._search is None else len(self._search.table)

    def add_note(self, slug: str, message: str) -> None:
        """A warning that every report will show; the same one only once."""
        note = Note(slug, message)
        if note not in self.notes:
            self.notes.append(note)

    def snapshot(self) -> RawSnapshot:
        """What the log says, as one snapshot.

        Raises:
            LimitExceeded: sums do not fit in 64 bits.
        """
        search = self._search
        table = search.table.build() if search is not None and len(search.table) else None
        state = self._leak_search()
        totals, recorded = self._totals(state, table)
        # A snapshot with an empty table still says "this search found nothing": paths are known, there are none.
        if table is None and recorded and all(totals.get(kind.bytes_metric, 0) == 0 for kind in recorded):
            table = SampleTableBuilder(_RECORD_METRICS).build()
        self._add_notes(state, recorded, totals)
        is_complete = (
            self.truncation is None
            and not self.damaged_records
            and not self.unlisted_problems
            and self.is_ended
            and state in {LeakSearch.COMPLETE, LeakSearch.NONE, LeakSearch.NOT_RUN}
        )
        memory_errors = self._memory_error_count(search)
        meta = SnapshotMeta(
            source=self.source,
            format=self.format_name,
            tool=self.tool,
            tool_version=self.tool_version,
            pid=self.pid,
            parent_pid=self.parent_pid,
            command=self.command,
            tool_options=self.options or (),
            label=self.label,
            truncation=self.truncation,
            is_complete=is_complete,
            leak_search=state,
            moment=Moment.EXIT,
            kinds_recorded=recorded,
            measures_errors=self.tool == "memcheck",
            measures_descriptors=self._measures_descriptors,
            memory_error_count=memory_errors,
            notes=tuple(self.notes),
        )
        return RawSnapshot(meta, totals, table, tuple(self.problems))

    def _memory_error_count(self, search: _Search | None) -> int | None:
        """Memory errors with their repetitions, from the tool's sum of all errors, which has lost records in it."""
        if self.error_count is None:
            return None
        records = 0
        if search is not None and search.is_at_exit:
            records = search.table.count((LeakKind.DEFINITE, LeakKind.POSSIBLE))
        listed = sum(problem.count for problem in self.problems if problem.problem is ProblemKind.ERROR)
        told = self.error_count - records
        if told > listed and listed:
            self.add_note(
                "repetitions-unknown",
                f"The log counts {told:,} memory errors and does not say how often each one happened: record with -s, "
                "or as XML.",
            )
        return max(told, listed)

    @property
    def _measures_descriptors(self) -> bool:
        return (
            tracks_descriptors(self.options or ())
            or self.open_descriptors is not None
            or any(problem.kind == "FdNotClosed" for problem in self.problems)
        )

    def _leak_search(self) -> LeakSearch:
        if self.tool not in {None, "memcheck"}:
            return LeakSearch.NONE
        if self.is_all_freed:
            return LeakSearch.COMPLETE
        search = self._search
        if search is None or (search.is_empty and not search.is_at_exit):
            return LeakSearch.NOT_RUN
        if self.skips_leak_search and search.is_empty:
            return LeakSearch.NOT_RUN
        if not search.is_at_exit:
            return LeakSearch.CHECKPOINT
        if search.summary is not None and search.summary.is_whole:
            return LeakSearch.COMPLETE
        return LeakSearch.COMPLETE if self.is_ended and self.truncation is None else LeakSearch.CUT

    def _totals(self, state: LeakSearch, table: SampleTable | None) -> tuple[dict[str, int], frozenset[LeakKind]]:
        totals: dict[str, int] = {}
        by_bytes: dict[LeakKind, int] = {}
        by_blocks: dict[LeakKind, int] = {}
        summary = self._search.summary if self._search is not None else None
        if state is LeakSearch.COMPLETE and self.is_all_freed:
            by_bytes = dict.fromkeys(LEAK_KINDS, 0)
            by_blocks = dict.fromkeys(LEAK_KINDS, 0)
            totals |= {"suppressed_bytes": 0, "suppressed_blocks": 0}
        elif summary is not None and summary.is_whole and state not in {LeakSearch.NONE, LeakSearch.NOT_RUN}:
            by_bytes, by_blocks = dict(summary.bytes_by_kind), dict(summary.blocks_by_kind)
            totals |= {
                "suppressed_bytes": summary.suppressed_bytes,
                "suppressed_blocks": summary.suppressed_blocks,
            }
        elif state in {LeakSearch.COMPLETE, LeakSearch.CUT, LeakSearch.CHECKPOINT}:
            by_bytes, by_blocks = self._sums_of_records(table)
        for kind in LEAK_KINDS:
            if kind in by_bytes:
                totals[kind.bytes_metric] = by_bytes[kind]
            if kind in by_blocks:
                totals[kind.blocks_metric] = by_blocks[kind]
        if by_bytes:
            totals["retained_bytes"] = checked_total(by_bytes.values(), "retained_bytes")
            if by_bytes.keys() & set(LOST_KINDS):
                totals["leaked_bytes"] = sum(by_bytes.get(kind, 0) for kind in LOST_KINDS)
            if by_bytes.keys() == by_blocks.keys():
                totals["retained_blocks"] = sum(by_blocks.values())
                if "leaked_bytes" in totals:
                    totals["leaked_blocks"] = sum(by_blocks.get(kind, 0) for kind in LOST_KINDS)
        elif self.in_use_bytes is not None and state is LeakSearch.NOT_RUN:
            totals["retained_bytes"] = self.in_use_bytes
            if self.in_use_blocks is not None:
                totals["retained_blocks"] = self.in_use_blocks
        if self.allocated_bytes is not None:
            totals["allocated_bytes"] = self.allocated_bytes
        if self.allocated_blocks is not None:
            totals["allocated_blocks"] = self.allocated_blocks
        if self._measures_descriptors:
            left_open = sum(problem.kind == "FdNotClosed" for problem in self.problems)
            totals["open_fds"] = max(left_open, self.open_descriptors or 0)
        return totals, frozenset(by_bytes)

    def _sums_of_records(self, table: SampleTable | None) -> tuple[dict[LeakKind, int], dict[LeakKind, int]]:
        """Totals where no summary gives them: direct bytes per kind.

        Where records of indirect blocks are hidden, the indirect parts of the definite records stand in for them
        (bytes only: the tool does not say of how many blocks).
        """
        shown = set(self._shown_kinds(table))
        by_bytes, by_blocks = dict.fromkeys(shown, 0), dict.fromkeys(shown, 0)
        dragged = 0
        if table is not None and table.leak_kinds is not None:
            columns = (table.values[metric].tolist() for metric in _RECORD_METRICS)
            for code, direct_bytes, blocks, dragged_bytes in zip(table.leak_kinds.tolist(), *columns, strict=True):
                kind = LeakKind(code)
                by_bytes[kind] = by_bytes.get(kind, 0) + direct_bytes
                by_blocks[kind] = by_blocks.get(kind, 0) + blocks
                dragged += dragged_bytes
        if LeakKind.INDIRECT not in by_bytes and LeakKind.DEFINITE in by_bytes:
            by_bytes[LeakKind.INDIRECT] = dragged
            if dragged == 0:
                by_blocks[LeakKind.INDIRECT] = 0
        for kind, amount in by_bytes.items():
            checked_total((amount,), kind.bytes_metric)
        return by_bytes, by_blocks

    def _shown_kinds(self, table: SampleTable | None) -> frozenset[LeakKind]:
        seen = frozenset[LeakKind]()
        if table is not None and table.leak_kinds is not None:
            seen = frozenset(LeakKind(code) for code in set(table.leak_kinds.tolist()))
        if self.options is not None:
            return shown_kinds(self.options) | seen
        # A log that does not tell its options, but numbers its records: where none is hidden, all kinds are known.
        is_all = self._search is not None and len(self._search.table) == self._search.record_count
        return frozenset(LEAK_KINDS) if is_all else seen

    def _add_notes(self, state: LeakSearch, recorded: frozenset[LeakKind], totals: dict[str, int]) -> None:
        if self._searches:
            self.add_note(
                "earlier-leak-searches",
                f"{self._searches} earlier leak search{'es' if self._searches > 1 else ''} in this run "
                "(checkpoints); only the last one counts here.",
            )
        if state is LeakSearch.NOT_RUN:
            self.add_note(
                "leak-check-not-run",
                "The leak check never ran: "
                + (
                    "the tool was told not to (--leak-check=no)."
                    if self.skips_leak_search
                    else f"valgrind gave up: {self.failure}."
                    if self.failure
                    else "the log was recorded without its headings (-q), and has no loss records."
                    if self.is_quiet
                    else "the run did not finish."
                ),
            )
        elif state is LeakSearch.CHECKPOINT:
            self.add_note(
                "leak-check-unfinished",
                "The run did not finish: the figures are of the last leak search during the run, not of the exit.",
            )
        elif state is LeakSearch.NONE:
            title = TOOL_TITLES.get(self.tool or "", self.tool or "this tool")
            self.add_note(
                "tool-without-leak-search", f"{title} does not search for leaks: nothing is said about memory."
            )
        elif state is LeakSearch.COMPLETE:
            hidden = [kind.title for kind in LEAK_KINDS if kind not in recorded]
            if hidden:
                self.add_note(
                    "kinds-not-recorded",
                    f"Not recorded: {' and '.join(hidden)}. Record with --show-leak-kinds=all to see it.",
                )
        if self.unlisted_problems:
            self.add_note(
                "unlisted-problems",
                f"{self.unlisted_problems:,} errors past the first {self.limits.problems:,} are counted here only.",
            )
        if self.damaged_records:
            self.add_note(
                "damaged-records",
                f"{self.damaged_records:,} records could not be read and were left out."
                if self.damaged_records > 1
                else "1 record could not be read and was left out.",
            )
        if self.has_suppressions and "suppressed_bytes" not in totals:
            self.add_note(
                "suppressed-unknown",
                "Suppressions hid errors or leaks while recording; this XML does not say how many bytes. "
                "A text log recorded beside it does.",
            )
        if totals.get("suppressed_bytes"):
            self.add_note(
                "suppressed",
                f"{totals['suppressed_bytes']:,} bytes in {totals.get('suppressed_blocks', 0):,} blocks were hidden "
                "by suppressions while recording.",
            )
