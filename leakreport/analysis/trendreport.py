"""The frozen result of a trend. Renderers format what stands here and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from leakreport.analysis.growth_results import SeriesVerdict
from leakreport.analysis.report import InputSummary, PathRow, Status
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

    @property
    def is_complete(self) -> bool:
        """Whether every input was read to its end and said all it had to say."""
        return all(summary.is_complete for summary in self.inputs)
