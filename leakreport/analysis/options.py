"""What the user may ask of the analysis, in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass

from leakreport.analysis.processes import Grouping

GROUP_BY = ("path", "function", "file", "module", "kind", "owner")
FAIL_ON = ("definite", "indirect", "possible", "reachable", "any", "errors", "fds", "growth", "new")


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """Defaults judge everything and hide nothing."""

    own: tuple[str, ...] = ()
    """Patterns of what is yours: a source path glob, or `lib:GLOB`."""
    allocators: tuple[str, ...] = ()
    """Functions (globs) that count as allocators, like massif's --alloc-fn."""
    grouping: Grouping | None = None
    at: str | None = None
    """`last` or an index of snapshots; None for the source's default."""
    metric: str | None = None
    focus: str | None = None
    """Only paths with a frame that this regular expression finds."""
    ignore: str | None = None
    """No paths with such a frame."""
    group_by: str = "path"
    top: int | None = None
    fail_on: tuple[str, ...] = ()
    max_leaked_bytes: int | None = None
    max_leaked_text: str = ""
    min_change_bytes: int | None = None
    """Of a comparison: smaller changes of a path are noise; None for the rule of the formats."""
    max_growth_bytes: int | None = None
    max_growth_text: str = ""
    force_compare: bool = False
    """Judge even what cannot be compared."""
    per: tuple[str, tuple[float, float]] | None = None
    """Of a comparison: the unit of work, and how much of it each side did, above zero."""
    max_nodes: int = 20_000
