"""What occurs on each side, how telling it is, and how alike a site can be to any other at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

import numpy as np

from leakreport.analysis.identity import CanonicalName
from leakreport.analysis.points import Point
from leakreport.analysis.sites import SiteTable
from leakreport.analysis.stacks import intern


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What occurs on one side."""

    bases: dict[str, float]
    """By name, how telling it is: from 0 (in every site) to 1 (in one)."""
    names: frozenset[CanonicalName]
    files: frozenset[str | None]
    modules: frozenset[str]

    @classmethod
    def of(cls, sites: SiteTable, points: Sequence[Point]) -> Vocabulary:
        """What occurs in some sites."""
        base_of_point, bases = intern(point.name.base for point in points)
        _, found = sites.chains.distinct(base_of_point)
        used = np.bincount(found, minlength=len(bases)).tolist()
        numbers = np.unique(sites.chains.flat).tolist()
        whole = log(len(sites) + 1)
        return cls(
            bases={base: log((len(sites) + 1) / n) / whole for base, n in zip(bases, used, strict=True) if n},
            names=frozenset(points[p].name._replace(lambda_number=None) for p in numbers),
            files=frozenset(points[p].file for p in numbers),
            modules=frozenset(points[p].module for p in numbers),
        )


class Profile(NamedTuple):
    """What bounds the score of a site with any other."""

    names: frozenset[str | None]
    fixed: list[tuple[str, float]]
    """Names that can only stand for themselves, with what they can add at most."""
    free: float
    """What all other points can add at most."""
    weight: float

    def most_with(self, names: frozenset[str | None]) -> float:
        """What the points can add at most, against a site with these names; a nameless point may stand for any."""
        is_open = None in names
        return self.free + sum(value for name, value in self.fixed if is_open or name in names)
