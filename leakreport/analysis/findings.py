"""Findings: the reading list of leaks, the tool's own errors, descriptors left open, and what the recording lacks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from leakreport.analysis.advice import (
    LEAK_TEXTS,
    NO_DEBUG_INFO_ADVICE,
    PROBLEM_TEXTS,
    SIGNAL_TEXT,
    STACK_CUT_ADVICE,
    UNKNOWN_PROBLEM,
    WRAPPER_ADVICE,
)
from leakreport.analysis.calls import call_of, matches_of_row, release_words
from leakreport.analysis.frames import FrameColumns, locate
from leakreport.analysis.identity import canonical_name, encoded, fold_recursion, path_text, problem_id, prose_name
from leakreport.analysis.ownership import FrameClass, Ownership, looks_like_wrapper
from leakreport.analysis.paths import PathTable
from leakreport.analysis.processview import group_advice, group_meaning, group_state
from leakreport.analysis.report import CaptionedFrames, Finding, PathRow, Severity
from leakreport.analysis.stacks import Stacks
from leakreport.analysis.tokens import kind_token
from leakreport.model.columns import Int64Column, exact_sum
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, ProblemKind, RawProblem
from leakreport.model.snapshot import Snapshot
from leakreport.units import format_bytes, format_count, plural

MOST_LEAKS = 1000
"""Entries of the reading list that get words; all paths stay in the report."""
DEFAULT_NUM_CALLERS = 12
_MOST_ROOTS = 64
"""Where more records than these drag others along, no owner is guessed."""

# What is looked for; the report says how many checks ran when nothing was found.
CHECKS = (*(f"leak.{kind.word}" for kind in LEAK_TEXTS), *PROBLEM_TEXTS, "signal", "recording.stack-cut",
          "recording.no-debug-info", "recording.wrapper")  # fmt: skip


def leak_findings(
    starts: Int64Column, rows: PathTable, frames: Sequence[Frame], columns: FrameColumns, ownership: Ownership
) -> list[Finding]:
    """Words for the first entries of the reading list. What holds nothing and has no kind is no entry.

    Args:
        starts: where each group starts in `rows`; the last start is their number.
        rows: group by group.
        frames: the frame table the rows point into.
        columns: what is known about each frame.
        ownership: whose the frames are.
    """
    is_entry = (rows.leak_kind != LeakKind.NONE) | (rows.column("retained_bytes") != 0)
    is_entry |= rows.column("retained_blocks") != 0
    entries = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(is_entry)])[starts]
    groups = np.flatnonzero(np.diff(entries))[:MOST_LEAKS].tolist()
    owners = np.flatnonzero(rows.dragged_bytes > 0)
    roots = [rows[index] for index in owners.tolist()] if len(owners) <= _MOST_ROOTS else []
    return [
        _leak_finding(range(starts[group], starts[group + 1]), rows, frames, columns, ownership, roots)
        for group in groups
    ]


def _leak_finding(
    group: range,
    rows: PathTable,
    frames: Sequence[Frame],
    columns: FrameColumns,
    ownership: Ownership,
    roots: Sequence[PathRow],
) -> Finding:
    members = rows[group.start : group.stop]
    first = members[0]
    stack = [frames[index] for index in first.frames]
    is_group = bool(stack) and stack[-1].kind in {FrameKind.MAPPING, FrameKind.CATEGORY}
    text = LEAK_TEXTS[first.leak_kind]
    if is_group:
        text = text._replace(meaning=group_meaning(stack[0].actual.function))
    values = members.sums()
    own_bytes, blocks = values.get("retained_bytes", 0), values.get("retained_blocks", 0)
    is_one = blocks == 1 or "retained_blocks" not in values
    amount = format_bytes(own_bytes)
    if "retained_blocks" in values:
        amount = f"{amount} in {plural(blocks, 'block')}"
    state = "retained" if first.leak_kind is LeakKind.NONE else first.leak_kind.title
    held = f"{state}{_name_of(stack, first.responsible)}"
    if is_group:
        held = group_state(state, [frame.function or "" for frame in stack])
    return Finding(
        rule=f"leak.{first.leak_kind.word}",
        severity=text.severity,
        message=f"{amount} {'is' if is_one else 'are'} {held}: {text.meaning}.",
        advice=group_advice(stack[0].actual.function)
        if is_group
        else " ".join(_leak_advice(first, frames, columns, ownership)),
        facts=tuple(_leak_facts(first, members, frames, own_bytes, blocks, roots)),
        path_ids=tuple(dict.fromkeys(members.ids())),
        rows=tuple(group),
        responsible=first.responsible,
        count=len(group),
        values=values,
        leak_kind=first.leak_kind,
    )


def _name_of(stack: Sequence[Frame], position: int | None) -> str:
    if position is None:
        return ""
    frame = stack[position]
    return f", allocated through {prose_name(frame.function)}" if frame.function else ""


def _leak_facts(
    first: PathRow,
    members: PathTable,
    frames: Sequence[Frame],
    own_bytes: int,
    blocks: int,
    roots: Sequence[PathRow],
) -> list[str]:
    facts = []
    if blocks > 1 and own_bytes % blocks == 0:
        facts.append(f"{format_count(blocks)} blocks of {format_bytes(own_bytes // blocks)} on average.")
    elif blocks > 1:
        facts.append(f"{format_count(blocks)} blocks of about {format_bytes(round(own_bytes / blocks))} on average.")
    elif own_bytes == 0 and blocks:
        facts.append("A block of zero bytes, as malloc(0) gives; the allocator's own overhead is lost with it.")
    dragged = exact_sum(members.dragged_bytes)
    if dragged:
        facts.append(f"It drags {format_bytes(dragged)} along that only these blocks point to (indirectly lost).")
    if len(members) > 1:
        facts.append(f"{len(members)} loss records of the same lines of code are added up here.")
    if first.leak_kind is LeakKind.INDIRECT and (root := _likely_root(first, roots)) is not None:
        stack = [frames[index] for index in root.frames]
        name = stack[root.responsible].function if root.responsible is not None else None
        facts.append(
            f"Its owner is most likely the definitely lost record {root.id}"
            + (f" through {prose_name(name)}" if name else "")
            + f", which drags {format_bytes(root.dragged_bytes)} along."
        )
    if first.errors and "retained_bytes" in first.errors:
        facts.append(f"An estimate; its relative standard error is {first.errors['retained_bytes']:.1%}.")
    if first.responsible is not None:
        facts.extend(_wrapper_fact(frames, first))
    elif not first.frames or frames[first.frames[-1]].kind not in {FrameKind.MAPPING, FrameKind.CATEGORY}:
        facts.append("No frame of your own is on this path.")
    return facts


def _wrapper_fact(frames: Sequence[Frame], row: PathRow) -> list[str]:
    """Who called, where the responsible frame is an allocation wrapper by its name."""
    assert row.responsible is not None
    frame = frames[row.frames[row.responsible]]
    if not looks_like_wrapper(frame.actual.function) or row.responsible == 0:
        return []
    caller = frames[row.frames[row.responsible - 1]]
    place = f" ({caller.file}:{caller.line})" if caller.file and caller.line else ""
    called_by = prose_name(caller.function) if caller.function else "???"
    return [
        f"{prose_name(frame.function or '')} looks like an allocation wrapper; it was called by {called_by}{place}."
    ]


def _likely_root(row: PathRow, roots: Sequence[PathRow]) -> PathRow | None:
    """The definitely lost record that most likely owns an indirect one: the longest common way in.

    Heuristic: valgrind does not tell; owner and owned are mostly allocated in one call of the same caller. It errs where
    an object is filled from elsewhere. Only looked for where few records drag anything along.
    """
    if not roots:
        return None

    def common(root: PathRow) -> int:
        shared = 0
        for mine, other in zip(row.frames, root.frames, strict=False):
            if mine != other:
                break
            shared += 1
        return shared

    best = max(roots, key=lambda root: (common(root), root.dragged_bytes, root.id))
    return best if len(roots) == 1 or common(best) >= 2 else None


def _leak_advice(row: PathRow, frames: Sequence[Frame], columns: FrameColumns, ownership: Ownership) -> list[str]:
    advice = LEAK_TEXTS[row.leak_kind].advice
    if row.leak_kind is LeakKind.INDIRECT:
        return [advice]
    stack = [call_of(frames[index], FrameClass(int(columns.frame_class[index]))) for index in row.frames]
    return [advice, *release_words(matches_of_row(row, stack, is_rust=ownership.is_rust))]


FrameIndex = Callable[[Frame], int]


def problem_findings(members: Sequence[Snapshot], frame_index: FrameIndex, columns: FrameColumns) -> list[Finding]:
    """What the tool itself complained about besides leaks: errors first, then signals, then descriptors."""
    order = {ProblemKind.ERROR: 0, ProblemKind.SIGNAL: 1, ProblemKind.DESCRIPTOR: 2}
    problems = [problem for snapshot in members for problem in snapshot.problems]
    problems.sort(key=lambda problem: (order[problem.problem], kind_token(problem.kind)))
    stacks = [
        [CaptionedFrames(stack.caption, tuple(map(frame_index, stack.frames))) for stack in problem.stacks]
        for problem in problems
    ]
    first = Stacks.of([found[0].frames if found else () for found in stacks])
    responsible = locate(first, columns).responsible.tolist()
    findings = [
        _problem_finding(problem, found, None if position < 0 else position)
        for problem, found, position in zip(problems, stacks, responsible, strict=True)
    ]
    kinds = [f"{_RULE_PREFIX[problem.problem]}.{kind_token(problem.kind)}" for problem in problems]
    return _with_ids(findings, kinds, columns)


def _with_ids(findings: Sequence[Finding], kinds: Sequence[str], columns: FrameColumns) -> list[Finding]:
    """Ids of the kind and the stack, your frames where there are any; equal ones are told apart by an ordinal."""
    seen: Counter[bytes] = Counter()
    named = []
    for finding, kind in zip(findings, kinds, strict=True):
        stack = finding.frames or ()
        inner = [frame for frame in stack if columns.is_own[frame]] or stack
        keys = fold_recursion([columns.key[frame] for frame in inner])
        text = path_text(map(encoded, keys), b"", encoded(kind))
        seen[text] += 1
        named.append(replace(finding, id=problem_id(text, seen[text])))
    return named


_RULE_PREFIX = {ProblemKind.ERROR: "error", ProblemKind.SIGNAL: "signal", ProblemKind.DESCRIPTOR: "descriptor"}
_PROBLEM_SEVERITY = {
    ProblemKind.ERROR: Severity.ERROR,
    ProblemKind.SIGNAL: Severity.ERROR,
    ProblemKind.DESCRIPTOR: Severity.WARNING,
}


def _problem_finding(problem: RawProblem, stacks: Sequence[CaptionedFrames], responsible: int | None) -> Finding:
    text = SIGNAL_TEXT if problem.problem is ProblemKind.SIGNAL else PROBLEM_TEXTS.get(problem.kind, UNKNOWN_PROBLEM)
    facts = (f"It happened {format_count(problem.count)} times.",) if problem.count > 1 else ()
    return Finding(
        rule=f"{_RULE_PREFIX[problem.problem]}.{problem.kind}",
        severity=_PROBLEM_SEVERITY[problem.problem],
        message=f"{text.title}: {problem.message}" if problem.message else text.title,
        advice=text.advice,
        tool_message=problem.message,
        facts=facts,
        frames=stacks[0].frames if stacks else None,
        responsible=responsible,
        more_stacks=tuple(stacks[1:]),
        count=problem.count,
    )


def recording_findings(
    rows: PathTable,
    members: Sequence[Snapshot],
    frames: Sequence[Frame],
    columns: FrameColumns,
    ownership: Ownership,
) -> list[Finding]:
    """What the recording lacks: stacks that were cut, files and lines, names behind allocation wrappers."""
    if not rows:
        return []
    found = [
        _stack_cut(rows, members, frames),
        _no_debug_info(frames, columns),
        _wrapper(rows, frames, columns, ownership),
    ]
    return [finding for finding in found if finding is not None]


def stack_limit(options: Iterable[Sequence[str]]) -> int:
    """How many frames valgrind was told to keep of a stack.

    Args:
        options: of valgrind, for each run.
    """
    callers = DEFAULT_NUM_CALLERS
    for option in (option for one in options for option in one):
        name, _, value = option.partition("=")
        if name == "--num-callers" and value.isascii() and value.isdecimal() and len(value) < 6:
            callers = int(value)
    return callers


def _stack_cut(rows: PathTable, members: Sequence[Snapshot], frames: Sequence[Frame]) -> Finding | None:
    if not all(snapshot.meta.format.startswith("memcheck") for snapshot in members):
        return None
    limit = stack_limit(snapshot.meta.tool_options for snapshot in members)
    is_begin = np.fromiter(map(begins, frames), np.bool_, len(frames))
    # Inlined calls do not count: the tool's limit is on return addresses.
    is_counted = np.fromiter((not frame.is_inlined for frame in frames), np.bool_, len(frames))
    stacks = rows.paths.stacks
    counts = stacks.count(is_counted[stacks.flat])
    full = np.flatnonzero((counts >= limit) & (stacks.lengths > 0))
    is_cut = np.zeros(len(stacks), dtype=np.bool_)
    is_cut[full] = ~is_begin[stacks.flat[stacks.offsets[full]]]
    cut = int(np.count_nonzero(is_cut[rows.stack]))
    if cut * 10 < len(rows) or not cut:
        return None
    return Finding(
        rule="recording.stack-cut",
        severity=Severity.INFO,
        message=f"{plural(cut, 'stack')} of {format_count(len(rows))} end at {limit} frames, the limit of the recording.",
        advice=STACK_CUT_ADVICE,
        count=cut,
    )


def begins(frame: Frame) -> bool:
    """Whether a stack that begins with this frame is whole."""
    return frame.actual.function in {"main", "(below main)", "_start", "clone", "clone3"}


def _no_debug_info(frames: Sequence[Frame], columns: FrameColumns) -> Finding | None:
    own = [frames[index] for index in np.flatnonzero(columns.is_own).tolist()]
    without = sum(frame.line is None for frame in own)
    if not own or without * 2 < len(own):
        return None
    return Finding(
        rule="recording.no-debug-info",
        severity=Severity.INFO,
        message=f"{format_count(without)} of {plural(len(own), 'place')} in your code have no file and line.",
        advice=NO_DEBUG_INFO_ADVICE,
        count=without,
    )


def _wrapper(rows: PathTable, frames: Sequence[Frame], columns: FrameColumns, ownership: Ownership) -> Finding | None:
    held: defaultdict[str, int] = defaultdict(int)
    responsible = rows.frame_at(rows.paths.responsible)
    for index, count in zip(*np.unique(responsible[responsible >= 0], return_counts=True), strict=True):
        if columns.is_wrapper[index]:
            held[frames[index].function or ""] += int(count)
    if not held or ownership.allocators:
        return None
    name, count = max(held.items(), key=lambda item: (item[1], item[0]))
    if count < 2:
        return None
    return Finding(
        rule="recording.wrapper",
        severity=Severity.INFO,
        message=f"{plural(count, 'path')} of {format_count(len(rows))} are named by {prose_name(name)}, which looks like an allocation wrapper.",
        advice=WRAPPER_ADVICE.format(name=canonical_name(name).base or name),
        count=count,
    )
