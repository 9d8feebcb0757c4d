"""The verdict on a trend in words: status, headline, and the sentences below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leakreport.analysis.diffverdict import name_of
from leakreport.analysis.growth_results import GrowthWord, SeriesVerdict
from leakreport.analysis.growth_text import Wording
from leakreport.analysis.report import Status
from leakreport.analysis.trendgate import LEAST_POINTS
from leakreport.analysis.trendpoints import Points
from leakreport.analysis.trendreport import Resource, TrendRow
from leakreport.model.raw import Frame
from leakreport.units import plural

_MOST_NAMED = 3
_MOST_BESIDE = 3
_LONGEST_LABEL = 60
_OF_MEMORY = frozenset(("Retained", "Lost"))
_TOLD = {
    GrowthWord.GROWING: "grows",
    GrowthWord.STEP: "stepped once",
    GrowthWord.PLATEAU: "is level after a rise",
    GrowthWord.SAWTOOTH: "goes up and down",
    GrowthWord.SLOWING: "rises ever slower",
    GrowthWord.FLAT: "is flat",
    GrowthWord.SHRINKING: "shrinks",
    GrowthWord.UNCLEAR: "is not decided",
    GrowthWord.TOO_FEW: "has too few values to tell",
}
_UNDECIDED = frozenset((GrowthWord.UNCLEAR, GrowthWord.SLOWING, GrowthWord.TOO_FEW))


def status_of_trend(
    total: TrendRow | None, growing: int, points: int, beside: Sequence[Resource] = (), *, is_comparable: bool
) -> Status:
    """In one word: growth where anything grows; no growth only where the data could have shown some."""
    if not is_comparable or points < LEAST_POINTS:
        return Status.INCONCLUSIVE
    if growing or beside or (total is not None and total.verdict.word is GrowthWord.GROWING):
        return Status.GROWTH
    if total is None or total.verdict.word in _UNDECIDED:
        return Status.INCONCLUSIVE
    if total.verdict.word is GrowthWord.SHRINKING:
        return Status.SHRUNK
    return Status.INCONCLUSIVE if total.verdict.smallest_leak is None else Status.NO_GROWTH


def sentence_of_trend(
    status: Status,
    total: TrendRow | None,
    growing: int,
    *,
    title: str,
    wording: Wording,
    points: Points,
    beside: Sequence[Resource] = (),
) -> str:
    """The headline, with first and last value.

    Args:
        status: as found.
        total: of the metric.
        growing: paths that grow.
        title: what the metric is called.
        wording: of its amounts.
        points: of the trend.
        beside: resources that grow.
    """
    count = len(points.states)
    over = plural(count, points.noun)
    if beside and (total is None or total.verdict.word is not GrowthWord.GROWING):
        others = " and ".join(f"{_lower(one.title)} by {one.row.rate}" for one in beside[:_MOST_BESIDE])
        memory = "" if total is None else f"; {_lower(title)} memory {_TOLD[total.verdict.word]}"
        return f"Growth of {others} over {over}{memory}"
    if total is None:
        return f"{plural(growing, 'path is growing', 'paths are growing')} over {over}; no input states a total"
    verdict = total.verdict
    ends = f"{wording.amount(verdict.first)} first, {wording.amount(verdict.last)} last, over {over}"
    if count < LEAST_POINTS:
        change = verdict.last - verdict.first
        how = "the same" if not change else f"{'larger' if change > 0 else 'smaller'} by {wording.amount(abs(change))}"
        number = "Two" if count == 2 else "Three"
        return f"{number} points cannot show growth; the last is {how}: {ends}"
    what = f"{title} memory" if title in _OF_MEMORY else title
    if status is Status.GROWTH and verdict.word is GrowthWord.GROWING:
        return f"{what} grows by {wording.rate(verdict.slope)} over {over} (95%: {_interval(verdict, wording)})"
    if verdict.word is GrowthWord.STEP and status in {Status.GROWTH, Status.NO_GROWTH} and verdict.rise > 0:
        place = _place(points, verdict.change_points[0])
        rest = f"{plural(growing, 'path is', 'paths are')} growing" if growing else "no path is growing"
        return f"{what} stepped up by {wording.amount(verdict.rise)} at {place}; {rest}"
    if status is Status.GROWTH:
        return (
            f"{plural(growing, 'path is growing', 'paths are growing')}, the total's verdict is {verdict.word}: {ends}"
        )
    if status is Status.NO_GROWTH:
        return f"No path is growing, the total's verdict is {verdict.word}: {ends}"
    if status is Status.SHRUNK:
        return f"No path is growing, and the total shrinks: {ends}"
    return f"Not decided, the total's verdict is {verdict.word}: {ends}"


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _interval(verdict: SeriesVerdict, wording: Wording) -> str:
    """The ends of the interval of the slope, without their unit where it is that of the slope."""
    low, middle, high = (wording.amount(slope * wording.scale) for slope in (verdict.low, verdict.slope, verdict.high))
    ends = [end.rpartition(" ") for end in (low, high)]
    unit = middle.rpartition(" ")[2]
    if all(end[0] and end[2] == unit for end in ends):
        return f"{ends[0][0]} to {ends[1][0]}"
    return f"{low} to {high}"


def _place(points: Points, number: int) -> str:
    """What a person calls a point of the trend."""
    name = points.names[number]
    return f"{points.noun} {number + 1}" if name == str(number + 1) or len(name) > _LONGEST_LABEL else name


def lead_of_trend(
    rows: Sequence[TrendRow],
    growing: int,
    words: Mapping[str, int],
    frames: Sequence[Frame],
    total: TrendRow | None,
    beside: Sequence[Resource] = (),
) -> tuple[str, ...]:
    """The first paths that grow, what limits a "no growth", and how many paths have which verdict."""
    found = []
    named = rows[: min(growing, _MOST_NAMED)]
    for row in named:
        # The first sentence: values and rate. Why it is called so stands beside the path.
        found.append(f"{_name(row, frames)}: {_first_sentence(row.evidence)}")
    found += [f"{one.title}: {_first_sentence(one.row.evidence)}" for one in beside[:_MOST_BESIDE]]
    if total is not None and total.verdict.word is not GrowthWord.GROWING:
        found.append(f"The total: {total.evidence}")
    if growing > len(named):
        found.append(f"{plural(growing - len(named), 'more path grows', 'more paths grow')}.")
    if words:
        found.append("Paths by verdict: " + ", ".join(f"{count:,} {word}" for word, count in words.items()) + ".")
    return tuple(found)


def _first_sentence(text: str) -> str:
    return f"{text.split('. ', 1)[0].rstrip('.')}."


def _name(row: TrendRow, frames: Sequence[Frame]) -> str:
    position = row.path.named_by if row.path.named_by is not None else row.path.site
    frame = None if position is None else frames[row.path.frames[position]]
    if frame is None:
        return "a path without names"
    return name_of(frame)


def family_sentence(family_size: int, share: int, points: int) -> str:
    """What testing so many series at once means for a false alarm; `share` is the 1 in so many of the report."""
    if points < LEAST_POINTS:
        return f"Nothing is tested for growth in fewer than {LEAST_POINTS} points."
    if not family_size:
        return "No path varied enough to be tested for growth."
    noun = plural(family_size, "path")
    return f"{noun} tested at once: 1 chance in {share} that any growing here is false, the total's among them."
