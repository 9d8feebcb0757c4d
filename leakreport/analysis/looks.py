"""Looking at one series again and again while it grows longer, without crying wolf: when to look, and what is said so far.

Each look that finds growth by chance is another chance of a false alarm. So there are few looks, at 12, 24, 48 … samples, and the
chances of all of them together are that of one report: look j gets α / ((j + 1)(j + 2)). Growth is final when the next look agrees,
and is withdrawn openly where it does not.

Source: `docs/verdict.md`, "watch".
"""

from __future__ import annotations

from dataclasses import dataclass

from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.trendreport import TrendReport
from leakreport.analysis.trendtotals import growing_resources

FIRST_LOOK = 12
_ALPHA = 0.01


def alpha_of_look(look: int) -> float:
    """What look number `look`, from 0, may spend.

    >>> round(sum(alpha_of_look(look) for look in range(1000)), 4)
    0.01
    """
    return _ALPHA / ((look + 1) * (look + 2))


@dataclass(slots=True)
class SoFar:
    """What the looks have said."""

    looks: int = 0
    growing: tuple[str, ...] = ()
    """What grew at the last look."""
    word: str = ""
    """The verdict on the total at the last look."""
    is_confirmed: bool = False
    """Two looks agree."""
    was_withdrawn: bool = False

    def is_due(self, samples: int) -> bool:
        """Whether to look now."""
        return samples >= FIRST_LOOK << self.looks

    @property
    def alpha(self) -> float:
        """What the next look may spend."""
        return alpha_of_look(self.looks)

    def take(self, report: TrendReport) -> None:
        """The result of a look."""
        found = growing_of(report)
        agreed = tuple(name for name in found if name in self.growing)
        self.was_withdrawn = bool(self.growing) and not found
        self.is_confirmed = bool(agreed)
        self.growing = (*agreed, *(name for name in found if name not in agreed))
        self.word = "" if report.total is None else report.total.verdict.word.value
        self.looks += 1

    def text(self, samples: int) -> str:
        """In a few words."""
        if not self.looks:
            return f"{samples} of {FIRST_LOOK} samples"
        if self.growing:
            names = ", ".join(self.growing[:2]) + (f" +{len(self.growing) - 2}" if len(self.growing) > 2 else "")
            return f"growing{' (twice)' if self.is_confirmed else ''}: {names}"
        return f"{self.word or 'no growth'}{', growth withdrawn' if self.was_withdrawn else ''}"


def growing_of(report: TrendReport) -> tuple[str, ...]:
    """What grows: the total, resources that growth uses up by their titles, else the group that grows most."""
    names = [] if report.total is None or report.total.verdict.word is not GrowthWord.GROWING else ["retained"]
    names += [one.title.lower() for one in growing_resources(report.resources, report.metric)]
    if not names and report.growing:
        names = [" ".join(report.frames[index].function or "" for index in report.rows[0].path.frames)]
    return tuple(names)
