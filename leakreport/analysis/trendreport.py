"""The frozen result of a trend. Renderers format what stands here and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from leakreport.analysis.growth_results import SeriesVerdict
from leakreport.analysis.pagetree import PageTree, no_page
from leakreport.analysis.report import ComparedTree, InputSummary, PathRow, Verdict
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, Note

if TYPE_CHECKING:
    from leakreport.analysis.outcome import Outcome


class Point(NamedTuple):
    """One state in the order of the trend."""

    label: str
    members: tuple[int, ...]
    """Snapshots of the run that it is the sum of."""
    totals: Mapping[str, int]
    is_detailed: bool
    time: float | None
    time_unit: str | None


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One call path over all points."""

    path: PathRow
    """As it is in the last point that has it."""
    series: tuple[int | None, ...]
    verdict: SeriesVerdict
    evidence: str
    rate: str = ""
    """The slope for a person: "192.0 KiB per phase"; empty where too few points tell none."""
    other_ids: tuple[str, ...] = ()
    """Ids of the same leak in earlier builds, where they differ."""
    follows_time: bool = False
    """It grows, and with time rather than with the work that was given."""


class Resource(NamedTuple):
    """A total, which has no path."""

    name: str
    """The metric: `retained_bytes`, `open_fds`; of a part with the path behind a colon."""
    title: str
    unit: str
    """`bytes`, `blocks` or `count`."""
    row: TrendRow
    is_judged: bool = False
    """Whether its growth is growth of the whole, beside the metric of the trend."""


class ModuleSeries(NamedTuple):
    """What an allocating object holds at each point."""

    name: str
    path_count: int
    series: tuple[int | None, ...]
    """None where no path of it was measured."""
    first: int
    last: int
    """At the first and last point at which it was measured."""
    slope: float
    """Per unit of x, of a straight line through all points."""


class Work(NamedTuple):
    """What slopes are per, where the user said how much was done."""

    unit: str
    amounts: tuple[float, ...]
    """Cumulative, one per point."""
    initial: float | None
    """What the total was before the first unit of work, in the unit of the metric; None where it does not grow."""
    initial_error: float | None
    """Half of the 95 % interval."""
    sentence: str
    """The same for a person; empty where nothing can be said."""


class LimitForecast(NamedTuple):
    """When the total reaches a limit, counted from the last point; no `when` where it does not grow towards it."""

    limit: int
    when: float | None
    low: float | None
    high: float | None
    """None beside a `when`: perhaps never."""
    unit: str
    """What `when` counts: `snapshot`, the unit of the points' time, the unit of work."""
    sentence: str


class FittedLine(NamedTuple):
    """A line through (`middle_x`, `middle_y`), in bytes per place, with the 95 % interval of its slope."""

    start: float
    """First and last place that it was fitted to."""
    end: float
    middle_x: float
    middle_y: float
    slope: float
    low: float
    high: float

    def at(self, x: float, slope: float) -> float:
        """The height at a place of a line with this or another slope."""
        return self.middle_y + slope * (x - self.middle_x)


class HiddenLeaks(NamedTuple):
    """How large a leak could have stayed unseen in the paths that are not growing, in bytes per snapshot."""

    told: int
    """Paths for which it is known."""
    untold: int
    """Paths in which no leak could have been shown."""
    median: float | None
    largest: float | None


@dataclass(frozen=True, slots=True)
class TrendReport:
    """Everything there is to say about some points in order."""

    kind: str
    """`trend`"""
    metric: str
    metric_unit: str
    """`bytes`, `blocks` or `count`."""
    title: str
    verdict: Verdict
    inputs: tuple[InputSummary, ...]
    points: tuple[Point, ...]
    point_names: tuple[str, ...]
    """What charts call the points: as little of their labels as tells them apart."""
    point_noun: str
    """What one point is called: `snapshot` or `run`."""
    frames: tuple[Frame, ...]
    own: tuple[bool, ...]
    family_size: int
    """How many series of paths varied enough to be tested together."""
    family_sentence: str
    """What that means for a false alarm, for a person."""
    per_snapshot: float
    """Units of x from one point to the next, on average: a slope times this is per point."""
    unit: str
    """What x is: `work`, `time` or `snapshot`."""
    per: str
    """The same for a person: `request`, `hour`, `snapshot`."""
    rows: Sequence[TrendRow]
    """Growing paths first, by their slope, then the rest by what they hold last. Rows are made when they are looked at."""
    words: Mapping[str, int]
    """How many rows have each verdict."""
    total: TrendRow | None
    """The series of the metric's total, which has no path; the first of `resources`."""
    resources: tuple[Resource, ...]
    work: Work | None
    forecast: LimitForecast | None
    mismatches: tuple[str, ...]
    """Why runs cannot be compared; empty where they can."""
    notes: tuple[Note, ...]
    """Which points there are, and what was left out."""
    hidden_leaks: HiddenLeaks
    places: tuple[float, ...]
    """What slopes are per, one for each point: work, time, or the number of the point, from 1."""
    fits: Mapping[tuple[str, LeakKind], FittedLine]
    """By path and kind, for the first growing paths; that of the total under `("", LeakKind.NONE)`."""
    by_module: tuple[ModuleSeries, ...]
    """The largest rise first."""
    tree_when_asked: Callable[[], ComparedTree]
    """Makes `tree`."""
    next_commands: tuple[str, ...] = ()
    page_when_asked: Callable[[], PageTree] = no_page
    """Makes `page`, which most outputs do not need."""

    @property
    def page(self) -> PageTree:
        """The call tree that the page draws, of all rows."""
        return self.page_when_asked()

    @property
    def tree(self) -> ComparedTree:
        """All paths at the first and the last point that has paths, by calls."""
        return self.tree_when_asked()

    is_redacted: bool = False
    """Names are tokens."""
    outcome: Outcome | None = None
    """How the command ended, where leakreport started it."""

    def fit_of(self, row: TrendRow) -> FittedLine | None:
        """The fitted line of a row, where it grows steadily."""
        return self.fits.get((row.path.id, row.path.leak_kind))

    @property
    def is_complete(self) -> bool:
        """Whether every input was read to its end and said all it had to say."""
        return all(summary.is_complete for summary in self.inputs)

    @property
    def growing(self) -> int:
        """How many rows grow: the first so many of `rows`."""
        return self.words.get("growing", 0)
