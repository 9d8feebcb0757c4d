"""What is said of a process as the kernel counts it: groups of mappings, and descriptors. Nothing in it is known to be lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leakreport.analysis.heapview import HEAP_ADVICE, HEAPS, IN_USE_MEANING, heap_answer, heap_sentence, tells_heaps
from leakreport.analysis.report import PathRow
from leakreport.model.metrics import METRICS
from leakreport.model.raw import Frame
from leakreport.model.snapshot import Snapshot
from leakreport.units import format_bytes, format_count, plural

_GROUP_MEANING = "the process has it there, and what of it is in use is not told"
_COMPARE = "One sample cannot tell a leak from memory in use: take more, and give all of them to leakreport trend."
_ADVICE = {
    "[heap]": "Memory of malloc. A heap profile tells who allocates it: memcheck, heaptrack, or a profiler of the allocator in use.",
    "[glibc arena]": "Memory of malloc in further threads, direct buffers of Java too. MALLOC_ARENA_MAX=2 bounds how much is kept free "
    "in arenas; malloc_info(3) tells what is in use and what is free in them.",
    "[anon]": "Memory from mmap, or blocks of malloc above 128 KiB. perf trace -e mmap and bcc memleak tell who asks for it.",
    "[thread stack]": "One for each thread that runs, or that ended and was neither joined nor detached.",
    "[shared memory]": "It stays until it is unmapped, closed, and unlinked by all who have it.",
    "[mapped file]": "Address space of munmap that was not called; its pages are page cache.",
    "[jit code]": "Code that a just-in-time compiler wrote; its cache has a limit.",
    HEAPS: HEAP_ADVICE,
    "[Java heap]": "The garbage collector's: a heap dump tells what is in it.",
}
_MOST_NAMED = 3
_BESIDE = ("java_heap_bytes", "mapped_file_bytes", "mappings", "threads", "thread_stacks", "open_fds")


class View(NamedTuple):
    """What the sentences are made from."""

    totals: Mapping[str, int]
    rows: Sequence[PathRow]
    frames: Sequence[Frame]
    metric: str
    """The first of what is held that is measured."""
    number: str
    """Which sample of several is judged, as the end of a sentence; else empty."""


def is_process_view(members: Sequence[Snapshot]) -> bool:
    """Whether all that is judged is of this kind."""
    return bool(members) and all(snapshot.meta.is_process_view for snapshot in members)


def view_sentence(view: View) -> str:
    """The headline."""
    totals = view.totals
    if view.metric == "open_fds":
        return f"{plural(totals['open_fds'], 'descriptor')} open{view.number}"
    if view.metric == "sockets":
        return f"{plural(totals['sockets'], 'socket')} of the network namespace{view.number}"
    if tells_heaps(totals) and "resident_bytes" not in totals and "size_bytes" not in totals:
        return heap_sentence(totals, view.number)
    groups = sum(row.values.get(view.metric, 0) > 0 for row in view.rows)
    where = f" in {plural(groups, 'group')} of mappings" if groups else ""
    if view.metric == "writable_bytes":
        amount = format_bytes(totals["writable_bytes"])
        return f"{amount} of writable address space{where}{view.number}; what of it is in memory was not measured"
    if "retained_bytes" not in totals:
        return f"What is retained was not measured{view.number}"
    resident = f", {format_bytes(totals['resident_bytes'])} resident" if "resident_bytes" in totals else ""
    fds = f"; {plural(totals['open_fds'], 'descriptor')} open" if "open_fds" in totals else ""
    return f"{format_bytes(totals['retained_bytes'])} retained by the process{where}{resident}{view.number}{fds}"


def view_lead(view: View) -> tuple[str, ...]:
    """The largest groups, what else is counted, and what to do."""
    found = []
    for metric, noun in ((view.metric, "The largest"), ("open_fds", "Most descriptors")):
        held = sorted((row for row in view.rows if row.values.get(metric, 0) > 0), key=lambda row: -row.values[metric])
        if held and (metric == view.metric or noun != "The largest"):
            named = ", ".join(f"{_amount(metric, row.values[metric])} {_name(view, row)}" for row in held[:_MOST_NAMED])
            found.append(f"{noun}: {named}.")
        if view.metric == "open_fds":
            break
    beside = [
        f"{METRICS[metric].title.lower() if metric != 'java_heap_bytes' else METRICS[metric].title} {_amount(metric, view.totals[metric])}"
        for metric in _BESIDE
        if view.totals.get(metric) and metric != view.metric
    ]
    if beside:
        found.append(f"Counted apart: {', '.join(beside)}.")
    if tells_heaps(view.totals):
        found.append(heap_answer(view.totals))
    return (*found, _COMPARE)


def group_meaning(group: str | None) -> str:
    """What it means that a group has memory, as the end of a sentence."""
    return IN_USE_MEANING if group == HEAPS else _GROUP_MEANING


def group_state(state: str, names: Sequence[str]) -> str:
    """How a group has its memory, by the names of its frames: `retained in [anon]`, `in use in heap 0`."""
    return names[-1] if names[0] == HEAPS and len(names) > 2 else f"{state} in {names[-1]}"


def group_advice(group: str | None) -> str:
    """What to look at next for memory of a group."""
    return " ".join(text for text in (_ADVICE.get(group or ""), _COMPARE) if text)


def _amount(metric: str, amount: int) -> str:
    return format_bytes(amount) if METRICS[metric].unit == "bytes" else format_count(amount)


def _name(view: View, row: PathRow) -> str:
    """The group and what it is of, without the group of all descriptors."""
    names = [view.frames[index].function or "" for index in row.frames]
    if names[0] == HEAPS:
        return names[-1]
    return " ".join(names[1:] if names[0] == "[open descriptors]" else names)
