"""Valgrind's XML (`--xml=yes`), protocols 1 to 6 and those to come, of any valgrind version.

    <valgrindoutput> protocolversion, protocoltool, preamble, pid, ppid, tool, args
      status RUNNING, error… (memory errors), status FINISHED, error… (loss records), errorcounts, leak_summary
    </valgrindoutput>

Loss records: `leakedbytes` is direct plus indirect; the direct part stands only in the text and is what counts here, or
indirect blocks would count twice. Only the last leak search counts. Other tools' XML has no loss records: it is refused
by name, unless it recorded descriptors left open.

Forks without %p in --xml-file write into one file: a head may have several tails (FINISHED … `</valgrindoutput>`). The
last tail is taken as the head's own process, because parents outlive their children as a rule; earlier tails are forked
children whose pid is not told. A tail belongs to the most recent document that is open, else to the oldest head.

Source: Valgrind `docs/internals/xml-output.txt`, `xml-output-protocol4.txt` to `6`, `memcheck/mc_errors.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import (
    TOOL_TITLES,
    CaptionedStack,
    Frame,
    FrameKind,
    FrameTable,
    ProblemKind,
    RawProblem,
    RawSnapshot,
    Truncation,
)
from leakreport.readers._valgrind import ProcessLog
from leakreport.readers._valgrind_words import (
    KIND_BY_XML,
    LeakSummary,
    mark_inlined,
    parse_count,
    parse_leak_heading,
)
from leakreport.readers._xml import ElementCutter, Piece
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_ELEMENTS = (
    "error", "status", "preamble", "args", "errorcounts", "suppcounts", "clientmsg", "fatal_signal", "announcethread",
    "leak_summary", "heap_summary", "all_heap_blocks_freed", "error_summary", "stack", "usercomment", "logfilequalifier",
    "pid", "ppid", "tool", "protocolversion", "protocoltool",
)  # fmt: skip
_LEAVES = (
    "threadname", "what", "path", "text", "arg", "exe", "obj", "fn", "dir", "file", "line", "auxwhat", "name", "kind", "ip",
    "unique", "tid", "sname", "fun", "signame", "event", "siaddr", "var", "value", "fd",
)  # fmt: skip
_NESTED = (
    "xwhat", "xauxwhat", "leakedbytes", "leakedblocks", "frame", "origin", "suppression", "sframe", "rawtext", "pair",
    "count", "vargv", "argv", "state", "time", "signo", "sicode", "hthreadid", "skind", "skaux", "definitely_lost",
    "indirectly_lost", "possibly_lost", "still_reachable", "suppressed", "bytes", "blocks", "in_blocks", "reachable_heuristic",
    "memory_in_use_at_exit", "total_heap_usage", "allocs", "frees", "bytes_allocated", "errors", "error_contexts",
    "suppressed_contexts", "isuppressed",
)  # fmt: skip
_VERSION = re.compile(r"Using Valgrind-(\S+)")
_NEWEST_PROTOCOL = 6
_RECORD = "valgrind --leak-check=full --show-leak-kinds=all --xml=yes --xml-file=memcheck.%p.xml ./program"
_SUMMARY_TAGS = {
    "definitely_lost": LeakKind.DEFINITE,
    "indirectly_lost": LeakKind.INDIRECT,
    "possibly_lost": LeakKind.POSSIBLE,
    "still_reachable": LeakKind.REACHABLE,
}


class MemcheckXmlReader:
    """Reads `valgrind --xml=yes` output."""

    info = FormatInfo(
        name="memcheck-xml",
        title="Valgrind XML",
        tool="valgrind memcheck",
        suffixes=(".xml",),
        record_command=_RECORD,
        specification="Valgrind docs/internals/xml-output-protocol4.txt to 6",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the root element; a tail without it is likely ours."""
        del name
        if b"<valgrindoutput>" in head:
            return Confidence.CERTAIN
        if b"<error>" in head and b"<unique>0x" in head and b"<kind>" in head:
            return Confidence.LIKELY
        return Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per process, in the order of their heads.

        Raises:
            UnsupportedInput: the XML is of a tool without loss records.
            MalformedInput: nothing in it is whole, or it declares a DTD.
        """
        cutter = ElementCutter(
            "valgrindoutput", _ELEMENTS, _LEAVES, _NESTED, repeated="frame", within="stack", holder="error"
        )
        documents = _Documents(stream.name, limits, cutter.shared)
        for piece in cutter.pieces(stream, limits):
            documents.take(piece)
        yield from documents.snapshots()


@dataclass(slots=True)
class _Document:
    """One head with its tails."""

    log: ProcessLog
    head: ProcessLog
    """The log as it was before its first tail, for further tails."""
    has_head: bool
    is_open: bool = True
    finished_tails: list[ProcessLog] = field(default_factory=list)
    errors: list[RawProblem] = field(default_factory=list)
    bare_stacks: list[tuple[Frame, ...]] = field(default_factory=list)


class _Documents:
    """Takes the pieces of one file and keeps one log per process."""

    def __init__(self, source: str, limits: Limits, shared: list[etree._Element | None]) -> None:
        self._source = source
        self._limits = limits
        self._documents: list[_Document] = []
        self._shared = shared
        self._frame_table = FrameTable()
        self._frames: list[Frame] = []
        """Per number of the cutter."""
        self._indexes: list[int] = []
        """Per number of the cutter, the index in the frame table."""
        self._function_at: dict[int, str | None] = {}
        self._begins_with_hole = False
        self._may_be_inlined: set[int] = set()
        """Numbers of the cutter whose address stood for another function before."""

    def take(self, piece: Piece) -> None:
        """One piece of the stream."""
        match piece.kind:
            case "open":
                self._open(has_head=True)
            case "close":
                self._close()
            case "damaged":
                self._current().log.add_damage()
            case "hole" if self._documents:
                self._documents[-1].log.add_damage()
            case "hole":
                self._begins_with_hole = True
            case "end":
                self._end(piece)
            case "element":
                assert piece.element is not None
                self._element(piece.tag, piece.element)

    def _new_log(self) -> ProcessLog:
        return ProcessLog(self._source, "memcheck-xml", self._limits, self._frame_table)

    def _open(self, *, has_head: bool) -> _Document:
        if len(self._documents) >= self._limits.processes:
            raise LimitExceeded(
                f"more than {self._limits.processes:,} processes in one input",
                where=self._source,
                advice="Record each process into its own file: --xml-file=memcheck.%p.xml.",
            )
        log = self._new_log()
        document = _Document(log, log.head_copy(), has_head)
        if self._begins_with_hole:
            log.add_damage()
            self._begins_with_hole = False
        self._documents.append(document)
        return document

    def _current(self) -> _Document:
        """The document that the next element belongs to."""
        if self._documents and self._documents[-1].is_open:
            return self._documents[-1]
        # A headless tail: the oldest head is the process that was there first and ends last.
        for document in self._documents:
            if document.has_head:
                document.finished_tails.append(document.log)
                document.log = document.head.head_copy()
                document.is_open = True
                self._documents.remove(document)
                self._documents.append(document)
                return document
        return self._open(has_head=False)

    def _close(self) -> None:
        document = self._current()
        document.log.is_ended = True
        document.is_open = False

    def _end(self, piece: Piece) -> None:
        where = f"the XML ends inside <{piece.tag}>" if piece.tag else "the XML ends before </valgrindoutput>"
        if piece.tag and not (self._documents and self._documents[-1].is_open):
            self._current()
        for document in self._documents:
            if document.is_open:
                document.log.truncation = Truncation(where, piece.line, document.log.record_count)

    def _element(self, tag: str, element: etree._Element) -> None:
        document = self._current()
        log = document.log
        match tag:
            case "error":
                self._error(document, element)
            case "status":
                if (element.findtext("state") or "").strip() == "FINISHED":
                    if log.is_finished:
                        # A second FINISHED in one document: another process's tail follows.
                        document.finished_tails.append(log)
                        log = document.log = document.head.head_copy()
                    log.start_final_search()
            case "errorcounts":
                self._error_counts(document, element)
            case "leak_summary":
                log.end_search(_leak_summary(element, self._source))
            case "heap_summary":
                self._heap_summary(log, element)
            case "all_heap_blocks_freed":
                log.is_all_freed = (element.text or "").strip() == "true"
            case "error_summary":
                log.error_count = self._number(element.findtext("errors"))
            case "fatal_signal":
                document.log.add_problem(self._signal(element))
            case "stack":
                if len(document.bare_stacks) < self._limits.problems:
                    document.bare_stacks.append(self._stack(element))
            case "suppcounts":
                log.has_suppressions = log.has_suppressions or element.find("pair") is not None
            case "clientmsg" | "announcethread":
                return
            case _:
                self._head(document, tag, element)

    def _head(self, document: _Document, tag: str, element: etree._Element) -> None:
        log = document.log
        text = (element.text or "").strip()
        match tag:
            case "protocolversion":
                version = self._number(text)
                if version is not None and version > _NEWEST_PROTOCOL:
                    log.add_note(
                        "unknown-protocol", f"XML protocol {version} is newer than this version of leakreport."
                    )
            case "protocoltool":
                log.tool = text.lower()
            case "tool":
                log.tool = log.tool or text.lower()
            case "pid":
                log.pid = self._number(text)
            case "ppid":
                log.parent_pid = self._number(text)
            case "preamble":
                found = _VERSION.search(" ".join(line.text or "" for line in element))
                log.tool_version = found[1] if found else None
            case "args":
                log.options = tuple(argument.text or "" for argument in element.iterfind("vargv/arg"))
                log.command = tuple(part.text or "" for part in element.iterfind("argv/*"))
            case "logfilequalifier":
                text = f"{element.findtext('var') or ''}={element.findtext('value') or ''}"
                log.label = text if log.label is None else f"{log.label} {text}"
        document.head = log.head_copy()

    def _number(self, text: str | None) -> int | None:
        try:
            return None if text is None else parse_count(text, self._source)
        except InputError:
            return None

    def _heap_summary(self, log: ProcessLog, element: etree._Element) -> None:
        log.in_use_bytes = self._number(element.findtext("memory_in_use_at_exit/bytes"))
        blocks = element.findtext("memory_in_use_at_exit/blocks") or element.findtext("memory_in_use_at_exit/in_blocks")
        log.in_use_blocks = self._number(blocks)
        log.allocated_bytes = self._number(element.findtext("total_heap_usage/bytes_allocated"))
        log.allocated_blocks = self._number(element.findtext("total_heap_usage/allocs"))

    def _error_counts(self, document: _Document, element: etree._Element) -> None:
        for pair in element.iterfind("pair"):
            count = self._number(pair.findtext("count"))
            if count:
                document.log.set_problem_count((pair.findtext("unique") or "").strip(), count)

    def _error(self, document: _Document, element: etree._Element) -> None:
        kind = (element.findtext("kind") or "").strip()
        if kind in KIND_BY_XML:
            try:
                self._leak(document.log, KIND_BY_XML[kind], element)
            except (MalformedInput, LimitExceeded):
                document.log.add_damage()
        elif kind and not kind.startswith("Leak_"):
            document.log.add_problem(self._problem(kind, element))
        else:
            document.log.add_damage()

    def _leak(self, log: ProcessLog, kind: LeakKind, element: etree._Element) -> None:
        """One loss record. Its numbers stand in `xwhat` (protocol 4 on) or directly in `error`."""
        parts = {part.tag: part for part in element}
        numbers = {part.tag: part.text for part in parts.get("xwhat", element)}
        text = numbers.get("text") or numbers.get("what") or ""
        total_text, blocks_text = numbers.get("leakedbytes"), numbers.get("leakedblocks")
        heading = parse_leak_heading(text, self._source)
        if total_text is None or blocks_text is None:
            if heading is None:
                raise MalformedInput("a loss record without numbers", where=self._source)
            direct, dragged, blocks = heading.direct_bytes, heading.indirect_bytes, heading.blocks
        else:
            total, blocks = parse_count(total_text, self._source), parse_count(blocks_text, self._source)
            dragged = heading.indirect_bytes if heading is not None else 0
            direct = total - dragged
            if direct < 0 or direct > INT64_MAX:
                raise MalformedInput("a loss record whose parts do not fit its sum", where=self._source)
        stack, unique = parts.get("stack"), parts.get("unique")
        log.add_leak(
            kind,
            self._stack_indexes(stack) if stack is not None else (),
            direct_bytes=direct,
            dragged_bytes=dragged,
            blocks=blocks,
            number=heading.number if heading is not None else 0,
            record_count=heading.record_count if heading is not None else 0,
            name=(unique.text or "").strip() if unique is not None else "",
        )

    def _problem(self, kind: str, element: etree._Element) -> RawProblem:
        stacks: list[CaptionedStack] = []
        caption = ""
        for child in element:
            if child.tag in {"auxwhat", "xauxwhat"}:
                caption = (child.findtext("text") or child.text or "").strip()
            elif child.tag == "stack":
                stacks.append(CaptionedStack(caption, self._stack(child)))
                caption = ""
            elif child.tag == "origin":
                found = child.find("stack")
                if found is not None:
                    stacks.append(CaptionedStack((child.findtext("what") or "").strip(), self._stack(found)))
        return RawProblem(
            problem=ProblemKind.DESCRIPTOR if kind == "FdNotClosed" else ProblemKind.ERROR,
            kind=kind or "Unknown",
            message=(element.findtext("xwhat/text") or element.findtext("what") or "").strip(),
            stacks=tuple(stacks),
            name=(element.findtext("unique") or "").strip() or None,
        )

    def _signal(self, element: etree._Element) -> RawProblem:
        name = (element.findtext("signame") or "signal").strip()
        event = (element.findtext("event") or "").strip()
        stack = element.find("stack")
        stacks = (CaptionedStack("", self._stack(stack)),) if stack is not None else ()
        return RawProblem(ProblemKind.SIGNAL, name, f"{name}{f', {event}' if event else ''}", stacks=stacks)

    def _stack(self, element: etree._Element) -> tuple[Frame, ...]:
        """The frames, outermost first."""
        self._take_shared()
        frames: list[Frame] = []
        for child in element:
            numbers = child.get("n")
            if numbers is not None:
                frames += [self._frames[int(number)] for number in numbers.split()]
            elif child.tag == "frame":
                frames.append(self._frame(child))
        return tuple(reversed(mark_inlined(frames)))

    def _stack_indexes(self, element: etree._Element) -> Sequence[int]:
        """The frames, outermost first, as indexes into the frame table."""
        self._take_shared()
        if len(element) == 1 and (text := element[0].get("n")) is not None:
            numbers = list(map(int, text.split()))
            if self._may_be_inlined.isdisjoint(numbers):
                numbers.reverse()
                return list(map(self._indexes.__getitem__, numbers))
        return list(map(self._frame_table.index, self._stack(element)))

    def _take_shared(self) -> None:
        """Make frames of what the cutter has parsed since."""
        for number in range(len(self._frames), len(self._shared)):
            element = self._shared[number]
            assert element is not None
            # A parsed document each: thousands of them would be most of the memory.
            self._shared[number] = None
            frame = self._frame(element)
            self._frames.append(frame)
            self._indexes.append(self._frame_table.index(frame))
            self._note_address(number, frame)

    def _note_address(self, number: int, frame: Frame) -> None:
        if frame.address is None:
            return
        if self._function_at.setdefault(frame.address, frame.function) != frame.function:
            # Two frames of one stack share an address only if one of them is marked here, whichever came first.
            self._may_be_inlined.add(number)

    def _frame(self, element: etree._Element) -> Frame:
        parts = {part.tag: part.text for part in element}
        ip, obj, fn, directory, file, line = map(parts.get, ("ip", "obj", "fn", "dir", "file", "line"))
        longest = self._limits.name_characters
        return Frame(
            function=fn[:longest] if fn else None,
            module=obj,
            directory=directory,
            file=file,
            line=self._number(line),
            address=_address(ip),
            kind=FrameKind.FUNCTION if fn else FrameKind.ADDRESS,
        )

    def snapshots(self) -> Iterator[RawSnapshot]:
        """One per process; forked children whose pid is not told come behind their parent.

        Raises:
            UnsupportedInput: only tools without anything to read.
            MalformedInput: nothing at all was read.
        """
        found = 0
        refused: list[str] = []
        for document in sorted(self._documents, key=lambda document: document.log.pid is None):
            for log in (document.log, *document.finished_tails):
                if log is not document.log:
                    log.parent_pid, log.pid = log.pid, None
                    log.add_note(
                        "fork-without-pid",
                        "A forked child wrote into its parent's file, so its pid is not known: use %p in --xml-file.",
                    )
                self._add_bare_stacks(document, log)
                if log.tool not in {None, "memcheck"} and not _tells_descriptors(log):
                    refused.append(log.tool or "")
                    continue
                found += 1
                yield log.snapshot()
        if refused and not found:
            title = TOOL_TITLES.get(refused[0], refused[0])
            raise UnsupportedInput(
                f"{self._source} is {title}'s XML, which has no loss records", advice=f"Record with memcheck: {_RECORD}"
            )
        if not found:
            raise MalformedInput(f"{self._source} holds no whole element of Valgrind's XML")

    def _add_bare_stacks(self, document: _Document, log: ProcessLog) -> None:
        """Valgrind 3.19 prints where open descriptors came from as stacks without anything around them."""
        if log is not document.log or not any(option.startswith("--track-fds=") for option in log.options or ()):
            return
        for stack in document.bare_stacks:
            log.add_problem(
                RawProblem(
                    ProblemKind.DESCRIPTOR,
                    "FdNotClosed",
                    "opened here; this valgrind version does not write its number in XML",
                    stacks=(CaptionedStack("", stack),),
                )
            )


def _tells_descriptors(log: ProcessLog) -> bool:
    return any(option in {"--track-fds=yes", "--track-fds=all"} for option in log.options or ()) or any(
        problem.problem is ProblemKind.DESCRIPTOR for problem in log.problems
    )


def _address(text: str | None) -> int | None:
    try:
        address = int(text or "", 16)
    except ValueError:
        return None
    return address if 0 <= address <= 2**64 else None


def _leak_summary(element: etree._Element, source: str) -> LeakSummary:
    """A summary of protocol 6; numbers carry thousands commas whatever the protocol text says."""
    summary = LeakSummary()
    for child in element:
        try:
            amount = parse_count(child.findtext("bytes") or "", source)
            blocks = parse_count(child.findtext("blocks") or child.findtext("in_blocks") or "", source)
        except InputError:
            continue
        if child.tag in _SUMMARY_TAGS:
            summary.bytes_by_kind[_SUMMARY_TAGS[child.tag]] = amount
            summary.blocks_by_kind[_SUMMARY_TAGS[child.tag]] = blocks
        elif child.tag == "suppressed":
            summary.suppressed_bytes, summary.suppressed_blocks = amount, blocks
    return summary
