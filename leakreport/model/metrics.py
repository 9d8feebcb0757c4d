"""The quantities a profile can hold: names, units, meaning, and which may be added along a call path.

Source: `docs/json.md`, "What the metrics mean, by source".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class LeakKind(IntEnum):
    """How a block that was not freed is still known. Values are stored in int8 columns; 0 is "no kind".

    Source: Valgrind `memcheck/docs/mc-manual.xml`, "Memory leak detection".
    """

    NONE = 0
    DEFINITE = 1
    INDIRECT = 2
    POSSIBLE = 3
    REACHABLE = 4

    @property
    def word(self) -> str:
        """The word of the JSON contract: `definite`, `indirect`, `possible`, `reachable`."""
        return self.name.lower()

    @property
    def title(self) -> str:
        """The words valgrind uses."""
        return _KIND_TITLES[self]

    @property
    def rank(self) -> int:
        """How bad it is: definitely lost first, what has no kind last."""
        return self.value or len(LeakKind)

    @property
    def mark(self) -> str:
        """The sign that stands for the kind in a terminal and a report, drawn in ink."""
        return _KIND_MARKS[self]

    @property
    def bytes_metric(self) -> str:
        """The name of the metric that holds bytes of this kind."""
        return f"{self.word}_bytes"

    @property
    def blocks_metric(self) -> str:
        """The name of the metric that holds blocks of this kind."""
        return f"{self.word}_blocks"


_KIND_TITLES = {
    LeakKind.NONE: "retained",
    LeakKind.DEFINITE: "definitely lost",
    LeakKind.INDIRECT: "indirectly lost",
    LeakKind.POSSIBLE: "possibly lost",
    LeakKind.REACHABLE: "still reachable",
}
_KIND_MARKS = {
    LeakKind.NONE: "○",
    LeakKind.DEFINITE: "●",
    LeakKind.INDIRECT: "◉",
    LeakKind.POSSIBLE: "◐",
    LeakKind.REACHABLE: "○",
}

LEAK_KINDS = (LeakKind.DEFINITE, LeakKind.INDIRECT, LeakKind.POSSIBLE, LeakKind.REACHABLE)
LOST_KINDS = (LeakKind.DEFINITE, LeakKind.INDIRECT, LeakKind.POSSIBLE)


@dataclass(frozen=True, slots=True)
class Metric:
    """One named quantity."""

    name: str
    title: str
    unit: str
    """`bytes`, `blocks` or `count`."""
    is_additive: bool = True
    """Whether values of different paths (and processes) may be added."""


def _metrics() -> dict[str, Metric]:
    found = [
        Metric("retained_bytes", "Retained", "bytes"),
        Metric("retained_blocks", "Retained blocks", "blocks"),
        Metric("leaked_bytes", "Lost", "bytes"),
        Metric("leaked_blocks", "Lost blocks", "blocks"),
        Metric("suppressed_bytes", "Suppressed", "bytes"),
        Metric("suppressed_blocks", "Suppressed blocks", "blocks"),
        Metric("allocated_bytes", "Allocated since the start", "bytes"),
        Metric("allocated_blocks", "Allocations since the start", "blocks"),
        Metric("peak_bytes", "At the peak", "bytes"),
        Metric("peak_blocks", "Blocks at the peak", "blocks"),
        Metric("temporary_blocks", "Freed right after", "blocks"),
        Metric("overhead_bytes", "Allocator's overhead", "bytes"),
        Metric("stack_bytes", "Thread stacks", "bytes"),
        Metric("dragged_bytes", "Held only through this record", "bytes", is_additive=False),
        Metric("inherited_bytes", "Inherited over fork (an estimate)", "bytes"),
        Metric("inherited_blocks", "Blocks inherited over fork (an estimate)", "blocks"),
        Metric("open_fds", "Descriptors left open", "count"),
        Metric("sockets", "Sockets", "count"),
        Metric("resident_bytes", "Resident", "bytes"),
        Metric("peak_resident_bytes", "Resident at its peak", "bytes"),
        Metric("proportional_bytes", "Proportional share", "bytes"),
        Metric("private_bytes", "Private", "bytes"),
        Metric("swapped_bytes", "In swap", "bytes"),
        Metric("size_bytes", "Address space", "bytes"),
        Metric("writable_bytes", "Writable and private address space", "bytes"),
        Metric("mapped_file_bytes", "Address space of mapped files", "bytes"),
        Metric("java_heap_bytes", "Java heap", "bytes"),
        Metric("mappings", "Mappings", "count"),
        Metric("threads", "Threads", "count"),
        Metric("thread_stacks", "Thread stacks", "count"),
        Metric("malloc_arenas", "Arenas of malloc", "count"),
        Metric("heap_system_bytes", "Heaps of malloc", "bytes"),
        Metric("heap_used_bytes", "In use in heaps of malloc", "bytes"),
        Metric("heap_free_bytes", "Free in heaps of malloc", "bytes"),
        Metric("mapped_block_bytes", "Mapped blocks of malloc", "bytes"),
        Metric("mapped_blocks", "Mapped blocks of malloc, number", "count"),
    ]
    for kind in LEAK_KINDS:
        title = kind.title.capitalize()
        found.append(Metric(kind.bytes_metric, title, "bytes"))
        found.append(Metric(kind.blocks_metric, f"{title}, blocks", "blocks"))
    return {metric.name: metric for metric in found}


METRICS = _metrics()
