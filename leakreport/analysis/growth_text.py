"""One line of evidence per verdict, from a fixed grammar: what was, the word's reason, and what could not have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from leakreport.analysis.growth_results import GrowthVerdicts, GrowthWord, SeriesVerdict
from leakreport.units import MINUS, format_amount, format_count, plural

_FEW_SNAPSHOTS = 30
_WANTED_CYCLES = 5
# The tail of t is an approximation: further out its digits mean nothing.
_LEAST_P_VALUE = 1e-12


@dataclass(frozen=True, slots=True)
class Wording:
    """How amounts and slopes are named."""

    per: str
    """What one unit of x is: `request`, `hour`, `phase`, `snapshot`."""
    is_bytes: bool = True
    scale: float = 1.0
    """Units of x in one of `per`: 3600 where x is seconds and `per` is the hour."""
    point: str = "snapshot"
    """What one point of the series is called."""

    def amount(self, amount: float) -> str:
        """An amount, three figures or more; small rates keep their fraction.

        >>> Wording("request").amount(0.25), Wording("request", is_bytes=False).amount(-1250.0)
        ('0.25 B', '−1,250')
        """
        if self.is_bytes:
            return format_amount(amount)
        if abs(amount) >= 100:
            return format_count(round(amount))
        text = f"{abs(amount):.3g}"
        return f"{MINUS if amount < 0 and text != '0' else ''}{text}"

    def rate(self, slope: float) -> str:
        """A slope as an amount per unit."""
        return f"{self.amount(slope * self.scale)} per {self.per}"

    def interval(self, verdict: SeriesVerdict) -> str:
        """The ends of the interval of the slope."""
        return f"{self.amount(verdict.low * self.scale)} … {self.amount(verdict.high * self.scale)}"


def evidence(verdicts: GrowthVerdicts, row: int, wording: Wording) -> str:
    """The line for one series: first and last value, the reason of its word, the smallest leak it could have shown."""
    verdict = verdicts[row]
    ends = f"{wording.amount(verdict.first)} → {wording.amount(verdict.last)}"
    return f"{ends}: {_reason(verdict, wording, verdicts.family_size, verdicts.x.size)}"


def _reason(verdict: SeriesVerdict, wording: Wording, family_size: int, snapshots: int) -> str:
    limit = _limit(verdict, wording)
    match verdict.word:
        case GrowthWord.GROWING:
            return _growing(verdict, wording, family_size)
        case GrowthWord.STEP:
            return _step(verdict, wording, limit, snapshots)
        case GrowthWord.PLATEAU:
            until = verdict.change_points[0] + 1
            return f"grew {wording.amount(verdict.rise)} until about {wording.point} {until}, level since. {_capital(limit)}"
        case GrowthWord.SLOWING:
            share = f"{100 * verdict.last_share:.0f} % of the rise in the last fifth"
            return f"still rising, slower and slower ({share}): measure longer."
        case GrowthWord.SAWTOOTH:
            return _sawtooth(verdict, wording, limit)
        case GrowthWord.FLAT:
            return f"no growth; {limit}"
        case GrowthWord.SHRINKING:
            return f"falls {wording.rate(-verdict.slope)} ({wording.interval(verdict)})."
        case GrowthWord.UNCLEAR:
            return _unclear(verdict, wording, family_size)
        case GrowthWord.TOO_FEW:
            return _too_few(verdict, wording)
        case _:
            assert_never(verdict.word)


def _growing(verdict: SeriesVerdict, wording: Wording, family_size: int) -> str:
    rate = f"{wording.rate(verdict.slope)} ({wording.interval(verdict)})"
    if verdict.is_doubling:
        last = verdict.change_points[-1]
        return (
            f"a container that doubles, last after {wording.point} {last}, each jump twice the one before; as if {rate} arrived"
            " steadily."
        )
    chance = f"{_p_value(verdict.p_value)} among {format_count(family_size)} series."
    if verdict.valleys:
        height = wording.amount(verdict.rise)
        return f"{rate} at the floor of {verdict.valleys} cycles; a cycle itself is {height}; {chance}"
    steps = f"rose in {verdict.rising} of {verdict.measured - 1} steps"
    text = f"{rate}. {_capital(steps)}, not explained by a step, a stop or a warm-up; {chance}"
    if verdict.measured < _FEW_SNAPSHOTS:
        text += (
            f" A buffer that fills and is emptied later looks the same in {plural(verdict.measured, wording.point)}."
        )
    return text


def _step(verdict: SeriesVerdict, wording: Wording, limit: str, snapshots: int) -> str:
    step, after = wording.amount(verdict.rise), verdict.change_points[0]
    if after == snapshots - 1:
        return f"one step of {step} in the last {wording.point}: measure once more."
    return f"one step of {step} after {wording.point} {after}, level since. {_capital(limit)}"


def _p_value(share: float) -> str:
    return f"p = {share:.0e}" if share > _LEAST_P_VALUE else f"p < {_LEAST_P_VALUE:.0e}"


def _sawtooth(verdict: SeriesVerdict, wording: Wording, limit: str) -> str:
    cycles = f"{verdict.valleys} cycles of {wording.amount(verdict.rise)}"
    if verdict.smallest_leak is None:
        return f"{cycles}: {limit.removesuffix('.')}; {_WANTED_CYCLES} are needed{_more(verdict, wording)}."
    return f"{cycles}; their floor does not rise; {limit}"


def _unclear(verdict: SeriesVerdict, wording: Wording, family_size: int) -> str:
    if verdict.is_last_step:
        return f"rose in the last {wording.point} only: measure once more."
    verb = "falls" if verdict.slope < 0 else "rises"
    rate = wording.rate(abs(verdict.slope))
    among = f"not enough evidence among {format_count(family_size)} series"
    more = (
        f"; about {plural(verdict.more_runs, f'more {wording.point}')} would do"
        if verdict.more_runs is not None
        else ""
    )
    return f"{verb} {rate} ({wording.interval(verdict)}), {among}{more}."


def _too_few(verdict: SeriesVerdict, wording: Wording) -> str:
    if verdict.measured < 2:
        return f"{plural(verdict.measured, wording.point)}: nothing to compare."
    change = verdict.last - verdict.first
    words = "no change" if change == 0 else f"{'larger' if change > 0 else 'smaller'} by {wording.amount(abs(change))}"
    if verdict.measured == 2:
        return f"{words}."
    over = f"{words} over {plural(verdict.measured, wording.point)}"
    return f"{over}; 4 equal rounds of exact data or {_FEW_SNAPSHOTS} noisy samples could tell."


def _limit(verdict: SeriesVerdict, wording: Wording) -> str:
    if verdict.smallest_leak is None:
        return "no leak could have been shown."
    found = f"a leak of {wording.rate(verdict.smallest_leak)} or more would have been found (95 of 100)"
    if verdict.more_runs is None:
        return f"{found}."
    return f"{found}, half of it with about {plural(verdict.more_runs, f'more {wording.point}')}."


def _more(verdict: SeriesVerdict, wording: Wording) -> str:
    return "" if verdict.more_runs is None else f", about {plural(verdict.more_runs, f'more {wording.point}')}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
