"""The frozen result of a trend. Renderers format what stands here and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from leakreport.analysis.growth_results import SeriesVerdict
from leakreport.analysis.report import InputSummary, PathRow, Status
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame


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

    metric: str
    title: str
    status: Status
    sentence: str
    lead: tuple[str, ...]
    reasons: tuple[str, ...]
    inputs: tuple[InputSummary, ...]
    points: tuple[Point, ...]
    frames: tuple[Frame, ...]
    own: tuple[bool, ...]
    family_size: int
    per_snapshot: float
    unit: str
    rows: tuple[TrendRow, ...]
    """Growing paths first, by their slope, then the rest by what they hold last."""
    total: TrendRow | None
    """The same for the total, which has no path."""
    hidden_leaks: HiddenLeaks
    left_out: tuple[str, ...]
    """What was read and is not in the series, and why."""
    places: tuple[float, ...]
    """What slopes are per, one for each point: work, time, or the number of the point, from 1."""
    fits: Mapping[tuple[str, LeakKind], FittedLine]
    """By path and kind, for growing paths; that of the total under `("", LeakKind.NONE)`."""

    def fit_of(self, row: TrendRow) -> FittedLine | None:
        """The fitted line of a row, where it grows steadily."""
        return self.fits.get((row.path.id, row.path.leak_kind))

    @property
    def is_complete(self) -> bool:
        """Whether every input was read to its end and said all it had to say."""
        return all(summary.is_complete for summary in self.inputs)
