"""What the user may ask of the analysis, in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from leakreport.analysis.processes import Grouping
from leakreport.owners.owners import Owners

GROUP_BY = ("path", "function", "file", "module", "kind", "owner")
FAIL_ON = ("definite", "indirect", "possible", "reachable", "any", "errors", "fds", "growth", "new")
MOST_NODES = 2_000_000
"""What `--max-nodes all` means."""
SORTS = ("time", "name")


class GrowthLimit(NamedTuple):
    """A threshold on the growth of some paths."""

    pattern: str
    """A glob for the allocating library's base name, or for a function on the path."""
    limit: int
    text: str
    """As written on the command line."""


class WorkDone(NamedTuple):
    """How much the program had done at each point of a trend."""

    unit: str
    """`requests`."""
    amounts: tuple[float, ...]
    """Cumulative."""


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """Defaults judge everything and hide nothing."""

    own: tuple[str, ...] = ()
    """Patterns of what is yours: a source path glob, or `lib:GLOB`."""
    owners: Owners | None = None
    """Who owns files and libraries; None where nobody said."""
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
    max_growth_of: tuple[GrowthLimit, ...] = ()
    """Thresholds for libraries and functions, beside the one for everything."""
    min_growth: int = 0
    """Of a trend: series that range over less are flat, in the unit of the metric."""
    work: WorkDone | None = None
    """Of a trend: slopes are per unit of it."""
    limit: int | None = None
    """Of a trend: when is this reached, in the unit of the metric."""
    alpha: float = 0.01
    """Of a trend: the chance of one false alarm in a whole report. Less for each of several looks at one series."""
    sort: str | None = None
    """Of a trend: points by `time` or `name` instead of the order given."""
    force_compare: bool = False
    """Judge even what cannot be compared."""
    per: tuple[str, tuple[float, float]] | None = None
    """Of a comparison: the unit of work, and how much of it each side did, above zero."""
    redact: bool = False
    """Make all words of tokens instead of names."""
    max_nodes: int | None = None
    """How many nodes of the call tree a page keeps; None for the usual number."""
