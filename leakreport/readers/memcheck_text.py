"""Valgrind's text log (`==PID==` lines), of memcheck; of any tool where it lists descriptors left open.

    ==123== HEAP SUMMARY:          ==123==    at 0x48417B4: malloc (in /usr/…/vgpreload_memcheck-amd64-linux.so)
    ==123== 40 bytes in 1 blocks are definitely lost in loss record 1 of 2
    ==123== LEAK SUMMARY:          ==123== ERROR SUMMARY: 1 errors from 1 contexts (suppressed: 0 from 0)

A line counts by what follows its prefix; time stamps, CI prefixes and program output before it do not matter, and lines
without a prefix are the program's own. Each process has its own log. A loss record counts when its head and the empty
line that closes it are there. With -q there is neither banner nor summary: then a cut between two records leaves no
trace, and totals are the sums of the records.

A process without a banner of its own, in a log with others, is a fork of the one that last had one before it.

Source: Valgrind `memcheck/mc_errors.c`, `mc_leakcheck.c`, `coregrind/m_errormgr.c`, `m_debuginfo/debuginfo.c` (describe_IP).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.raw import (
    TOOL_TITLES,
    CaptionedStack,
    Frame,
    FrameTable,
    ProblemKind,
    RawProblem,
    RawSnapshot,
    Truncation,
)
from leakreport.readers._described import frame_of_place
from leakreport.readers._lines import lines
from leakreport.readers._valgrind import ProcessLog
from leakreport.readers._valgrind_words import (
    KIND_BY_TITLE,
    LeakHeading,
    LeakSummary,
    mark_inlined,
    parse_count,
    parse_leak_heading,
)
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_PREFIX = re.compile(rb"(==|--|\*\*)(?:[0-9:.]+ )?(\d{1,10})\1(?: |$)")
_STRONG = re.compile(
    rb"(==)(?:[0-9:.]+ )?\d{1,10}== (?:Memcheck, a memory|Massif, a heap|DHAT, a|Helgrind, a|drd, a|Nulgrind|Callgrind, a"
    rb"|Cachegrind, a|Lackey|HEAP SUMMARY|LEAK SUMMARY|ERROR SUMMARY|Using Valgrind|Command: |[\d,]+ .{0,80}in loss record )"
)
_FRAME = re.compile(r"\s+(?:at|by) (0x[0-9A-Fa-f]+): (.*)\Z")
_BANNER = re.compile(r"(Memcheck|Massif|DHAT|Helgrind|drd|Nulgrind|Callgrind|Cachegrind|Lackey|exp-\w+), (?:an?|the) ")
_TOOL_BY_BANNER = {title: name for name, title in TOOL_TITLES.items()} | {"drd": "drd"}
_SUMMARY_ROW = re.compile(
    r"\s+(definitely lost|indirectly lost|possibly lost|still reachable|suppressed): ([\d,]+)(?: \([+-][\d,]+\))? bytes in ([\d,]+)(?: \([+-][\d,]+\))? blocks\Z"
)
_IN_USE = re.compile(r"\s+in use at exit: ([\d,]+) bytes in ([\d,]+) blocks\Z")
_USAGE = re.compile(r"\s+total heap usage: ([\d,]+) allocs, ([\d,]+) frees, ([\d,]+) bytes allocated\Z")
_ERROR_SUMMARY = re.compile(r"ERROR SUMMARY: ([\d,]+) errors from ([\d,]+) contexts \(suppressed: [\d,]+ from [\d,]+\)")
_CONTEXT = re.compile(r"([\d,]+) errors in context ([\d,]+) of ([\d,]+):\Z")
_DESCRIPTORS = re.compile(r"FILE DESCRIPTORS: (\d+) open(?: \((\d+) (?:std|inherited)\))?")
_OPEN = re.compile(r"Open (?:AF_\w+ |\w+ )?(?:file descriptor|socket)\b.*")
_SIGNAL = re.compile(r"Process terminating with default action of signal \d+ \((\w+)\)")
_THREAD = re.compile(r"Thread \d+(?: .*)?:\Z")
_KIND_BY_WORDS = (
    (re.compile(r"Invalid read"), "InvalidRead"),
    (re.compile(r"Invalid write"), "InvalidWrite"),
    (re.compile(r"Jump to the invalid"), "InvalidJump"),
    (re.compile(r"Conditional jump or move"), "UninitCondition"),
    (re.compile(r"Use of uninitialised"), "UninitValue"),
    (re.compile(r"Syscall param"), "SyscallParam"),
    (re.compile(r"Invalid free\(\)"), "InvalidFree"),
    (re.compile(r"Mismatched (?:free|new/delete|new\[\])"), "MismatchedFree"),
    (re.compile(r"Source and destination overlap"), "Overlap"),
    (re.compile(r"Argument '.*' of function .* has a fishy"), "FishyValue"),
    (re.compile(r"realloc\(\) with size 0"), "ReallocSizeZero"),
    (re.compile(r"Illegal memory pool"), "InvalidMemPool"),
    (re.compile(r"(?:Unaddressable|Uninitialised) byte\(s\) found during client check"), "ClientCheck"),
    (re.compile(r"Mismatched .*size"), "MismatchedAllocateDeallocateSize"),
    (re.compile(r"Mismatched .*alignment"), "MismatchedAllocateDeallocateAlignment"),
    (re.compile(r"Invalid alignment"), "InvalidAlignment"),
    (re.compile(r"Invalid size"), "InvalidSize"),
    (re.compile(r"File descriptor .*is already closed"), "FdBadClose"),
    (re.compile(r"File descriptor .*(?:was closed already|Invalid file)"), "FdBadUse"),
)
_RECORD = "valgrind --leak-check=full --show-leak-kinds=all --log-file=memcheck.%p.log ./program"


class MemcheckTextReader:
    """Reads what `valgrind` prints for people."""

    info = FormatInfo(
        name="memcheck-text",
        title="Valgrind text log",
        tool="valgrind memcheck",
        suffixes=(".log", ".txt"),
        record_command=_RECORD,
        specification="Valgrind mc-manual, coregrind/m_errormgr.c",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By words that only valgrind writes behind a prefix; a few lines with a prefix alone are a likely -q log."""
        del name
        if b"<valgrindoutput>" in head:
            return Confidence.NO
        if _STRONG.search(head):
            return Confidence.CERTAIN
        count = len(_PREFIX.findall(head))
        return Confidence.LIKELY if count >= 2 else Confidence.MAYBE if count else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per process, in the order in which they first speak.

        Raises:
            UnsupportedInput: only tools without anything to read.
            MalformedInput: there is no line of a tool.
        """
        book = _Book(stream.name, limits)
        for number, (line, has_end) in enumerate(lines(stream, limits), 1):
            book.take(line, number, has_end=has_end)
        yield from book.snapshots()


@dataclass(slots=True)
class _Block:
    """What a blank line closes: a sentence with its stacks."""

    sentence: str
    line: int
    heading: LeakHeading | None
    stacks: list[tuple[str, list[Frame]]] = field(default_factory=list)
    caption: str = ""
    is_inherited: bool = False


@dataclass(slots=True)
class _Process:
    """The state of reading one process's lines."""

    log: ProcessLog
    has_banner: bool = False
    block: _Block | None = None
    summary: LeakSummary | None = None
    is_repeating: bool = False
    """Between ERROR SUMMARY and its repetition, -v and -s print every error once more."""
    repeated_count: int = 1
    awaits_second_summary: bool = False
    inherited: int = 0
    has_descriptors: bool = False
    is_listing_options: bool = False
    problem_names: dict[tuple[str, tuple[CaptionedStack, ...]], str] = field(default_factory=dict)
    """By sentence and first stack: how an error printed again is told from a new one."""


class _Book:
    """All processes of one log."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._frame_table = FrameTable()
        self._processes: dict[int, _Process] = {}
        self._frames: dict[str, Frame | None] = {}
        self._last_with_banner: int | None = None
        self._line = 0

    def take(self, raw: bytes, number: int, *, has_end: bool) -> None:
        """One line of the file."""
        self._line = number
        match = _PREFIX.search(raw)
        if match is None:
            return
        pid = int(match[2])
        process = self._processes.get(pid)
        if process is None:
            process = self._processes[pid] = self._new_process(pid)
        body = raw[match.end() :].decode("utf-8", "replace")
        if match[1] == b"==":
            self._body(process, body, has_end=has_end)
        elif match[1] == b"--":
            self._debug(process, body)

    def _new_process(self, pid: int) -> _Process:
        if len(self._processes) >= self._limits.processes:
            raise LimitExceeded(
                f"more than {self._limits.processes:,} processes in one log",
                where=f"{self._source}:{self._line}",
                advice="Record each process into its own file: --log-file=memcheck.%p.log.",
            )
        log = ProcessLog(self._source, "memcheck-text", self._limits, self._frame_table, pid=pid)
        parent = self._last_with_banner
        if parent is not None:
            log.parent_pid = parent
            log.tool = self._processes[parent].log.tool
            log.tool_version = self._processes[parent].log.tool_version
        return _Process(log)

    def _debug(self, process: _Process, body: str) -> None:
        if body.startswith("Valgrind options:"):
            process.is_listing_options = True
            process.log.options = ()
        elif process.is_listing_options and body.startswith("   -"):
            process.log.options = (*(process.log.options or ()), body.strip())
        else:
            process.is_listing_options = False

    def _body(self, process: _Process, body: str, *, has_end: bool) -> None:
        if not body.strip():
            self._close_block(process)
            if process.summary is not None and process.summary.is_whole:
                process.log.end_search(process.summary)
                process.summary = None
            return
        if self._statement(process, body, has_end=has_end):
            return
        frame = self._parse_frame(body)
        if frame is not None:
            if process.block is not None:
                if not process.block.stacks or process.block.caption:
                    process.block.stacks.append((process.block.caption, []))
                    process.block.caption = ""
                process.block.stacks[-1][1].append(frame)
            return
        self._text(process, body)

    def _statement(self, process: _Process, body: str, *, has_end: bool) -> bool:
        """The tool's own headings and figures; True if the line was one."""
        log = process.log
        if (match := _SUMMARY_ROW.match(body)) is not None:
            self._summary_row(process, match)
        elif (match := _ERROR_SUMMARY.match(body)) is not None:
            self._close_block(process)
            self._end_summary(process)
            log.error_count = parse_count(match[1], self._source)
            log.is_ended = True
            process.is_repeating = True
            process.awaits_second_summary = False
        elif (match := _CONTEXT.match(body)) is not None:
            self._close_block(process)
            # -v and -s list every error once more, and then sum up again.
            process.is_repeating = process.awaits_second_summary = True
            process.repeated_count = parse_count(match[1], self._source)
        elif body.startswith("HEAP SUMMARY:"):
            self._close_block(process)
            log.start_final_search()
        elif (match := _IN_USE.match(body)) is not None:
            log.in_use_bytes, log.in_use_blocks = parse_count(match[1]), parse_count(match[2])
        elif (match := _USAGE.match(body)) is not None:
            log.allocated_blocks, log.allocated_bytes = parse_count(match[1]), parse_count(match[3])
        elif body.startswith("LEAK SUMMARY:"):
            self._close_block(process)
            process.summary = LeakSummary()
        elif body.startswith("All heap blocks were freed"):
            log.is_all_freed = True
        elif body.startswith(("For a detailed leak analysis, rerun", "Rerun with --leak-check=full to see details")):
            log.skips_leak_search = not body.startswith("Rerun")
        elif (match := _DESCRIPTORS.match(body)) is not None:
            self._close_block(process)
            process.has_descriptors = True
        elif not self._head(process, body, has_end=has_end):
            return False
        return True

    def _head(self, process: _Process, body: str, *, has_end: bool) -> bool:
        log = process.log
        if (match := _BANNER.match(body)) is not None:
            process.has_banner = True
            self._last_with_banner = log.pid
            log.tool = _TOOL_BY_BANNER.get(match[1], match[1].lower())
            log.parent_pid = None
            # exec: the pid goes on with another program.
            log.is_finished = log.is_ended = False
        elif body.startswith("Using Valgrind-"):
            log.tool_version = body.split()[1].removeprefix("Valgrind-")
        elif body.startswith("Command: ") and has_end:
            log.command = tuple(body.removeprefix("Command: ").split())
        elif body.startswith("Parent PID: ") and has_end:
            log.parent_pid = int(body.split()[2]) if body.split()[2].isdecimal() else None
        elif body.startswith("FATAL: "):
            self._close_block(process)
            log.failure = body.removeprefix("FATAL: ").rstrip(": .")
        elif body.startswith("Exit program on first error"):
            self._close_block(process)
            log.failure = "--exit-on-first-error=yes"
        elif body.startswith(("Copyright (C)", "used_suppression:", "For lists of detected", "For counts of detected")):
            return True
        else:
            return False
        return True

    def _summary_row(self, process: _Process, match: re.Match[str]) -> None:
        if process.summary is None:
            return
        amount, blocks = parse_count(match[2], self._source), parse_count(match[3], self._source)
        if match[1] == "suppressed":
            process.summary.suppressed_bytes, process.summary.suppressed_blocks = amount, blocks
            self._end_summary(process)
        else:
            kind = KIND_BY_TITLE[match[1]]
            process.summary.bytes_by_kind[kind] = amount
            process.summary.blocks_by_kind[kind] = blocks

    @staticmethod
    def _end_summary(process: _Process) -> None:
        if process.summary is not None and process.summary.is_whole:
            process.log.end_search(process.summary)
        process.summary = None

    def _text(self, process: _Process, body: str) -> None:
        """A sentence: it begins a block, or is a caption inside one."""
        if _THREAD.match(body):
            return
        try:
            heading = parse_leak_heading(body, self._source)
        except InputError:
            process.log.add_damage()
            process.block = None
            return
        # A sentence without a stack behind it was a message of the tool, and no error.
        is_new = process.block is not None and not process.block.stacks and not body.startswith(" ")
        if process.block is None or heading is not None or (is_new and "<inherited from parent>" not in body):
            if heading is None and body.startswith(" ") and not process.has_descriptors:
                return
            if process.block is not None and process.block.heading is not None:
                # A record that never closed: its last lines are missing.
                process.log.add_damage()
            process.block = _Block(body.strip(), self._line, heading)
        elif "<inherited from parent>" in body:
            process.block.is_inherited = True
        else:
            process.block.caption = body.strip()

    def _close_block(self, process: _Process) -> None:
        block, process.block = process.block, None
        if block is None:
            return
        if block.heading is not None:
            if not process.is_repeating:
                self._leak(process.log, block)
        elif _OPEN.match(block.sentence) and process.has_descriptors:
            self._descriptor(process, block)
        elif block.stacks and process.log.tool in {None, "memcheck"}:
            self._problem(process, block)

    def _leak(self, log: ProcessLog, block: _Block) -> None:
        heading = block.heading
        assert heading is not None
        frames = mark_inlined(block.stacks[0][1]) if block.stacks else []
        log.add_leak(
            heading.kind,
            [self._frame_table.index(frame) for frame in reversed(frames)],
            direct_bytes=heading.direct_bytes,
            dragged_bytes=heading.indirect_bytes,
            blocks=heading.blocks,
            number=heading.number,
            record_count=heading.record_count,
            name=str(block.line),
        )

    @staticmethod
    def _stacks(block: _Block) -> tuple[CaptionedStack, ...]:
        return tuple(CaptionedStack(caption, tuple(reversed(mark_inlined(frames)))) for caption, frames in block.stacks)

    def _descriptor(self, process: _Process, block: _Block) -> None:
        if block.is_inherited or not block.stacks:
            process.inherited += 1
            return
        process.log.add_problem(
            RawProblem(
                ProblemKind.DESCRIPTOR, "FdNotClosed", block.sentence, stacks=self._stacks(block), name=str(block.line)
            )
        )

    def _problem(self, process: _Process, block: _Block) -> None:
        stacks = self._stacks(block)
        key = (block.sentence, stacks[:1])
        if process.is_repeating:
            name = process.problem_names.get(key)
            if name is not None:
                process.log.set_problem_count(name, process.repeated_count)
            return
        signal = _SIGNAL.match(block.sentence)
        name = str(block.line)
        if len(process.problem_names) < self._limits.problems:
            process.problem_names.setdefault(key, name)
        if signal is not None:
            process.log.add_problem(RawProblem(ProblemKind.SIGNAL, signal[1], signal[1], stacks=stacks, name=name))
            return
        kind = next((kind for words, kind in _KIND_BY_WORDS if words.match(block.sentence)), "Error")
        process.log.add_problem(RawProblem(ProblemKind.ERROR, kind, block.sentence, stacks=stacks, name=name))

    def _parse_frame(self, body: str) -> Frame | None:
        if body in self._frames:
            return self._frames[body]
        match = _FRAME.match(body)
        frame = None if match is None else frame_of_place(int(match[1], 16), match[2], self._limits)
        self._frames[body] = frame if match is not None else None
        if match is None:
            del self._frames[body]
        return frame

    def snapshots(self) -> Iterator[RawSnapshot]:
        """One per process that can tell anything.

        Raises:
            UnsupportedInput: only tools without anything to read.
            MalformedInput: there is none.
        """
        found = 0
        refused: list[str] = []
        for process in self._processes.values():
            log = process.log
            if log.tool not in {None, "memcheck"} and not process.has_descriptors:
                refused.append(log.tool or "")
                continue
            if not process.has_banner and log.tool is None and not self._says_anything(process):
                continue
            self._finish(process)
            found += 1
            yield log.snapshot()
        if found:
            return
        if refused:
            title = TOOL_TITLES.get(refused[0], refused[0])
            raise UnsupportedInput(
                f"{self._source} is {title}'s log, which has no loss records", advice=f"Record with memcheck: {_RECORD}"
            )
        raise MalformedInput(f"{self._source} holds no Valgrind log")

    @staticmethod
    def _says_anything(process: _Process) -> bool:
        log = process.log
        return bool(
            log.record_count
            or log.problems
            or log.is_ended
            or log.in_use_bytes is not None
            or process.block is not None
        )

    def _finish(self, process: _Process) -> None:
        """What the end of the file means for a process."""
        log = process.log
        block = process.block
        if process.has_descriptors:
            log.open_descriptors = sum(problem.kind == "FdNotClosed" for problem in log.problems)
        if process.inherited:
            log.add_note(
                "inherited-descriptors", f"{process.inherited} open descriptors were inherited; they are no leaks."
            )
        is_quiet = not process.has_banner and not log.is_finished and log.record_count
        if log.tool not in {None, "memcheck"} and block is None:
            # Other tools have no errors to sum up; the list of descriptors is their last word.
            log.is_ended = True
        elif log.failure is not None:
            log.is_ended = False
            log.truncation = Truncation(f"valgrind gave up ({log.failure})", self._line, log.record_count)
        elif block is not None:
            what = "a loss record" if block.heading is not None else "an error"
            log.truncation = Truncation(f"the log ends inside {what}", self._line, log.record_count)
            log.is_ended = False
        elif is_quiet or (log.tool is None and not log.is_finished):
            # -q: no frame around the records says whether more should follow.
            log.is_ended = log.is_quiet = True
            if log.record_count:
                log.start_final_search_of_quiet_log()
        elif not log.is_ended or process.awaits_second_summary:
            log.is_ended = False
            log.truncation = Truncation("the log ends before ERROR SUMMARY", self._line, log.record_count)
