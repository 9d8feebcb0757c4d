"""Two globs held against each other: whether one fits all that the other fits, and whether anything fits both."""

from __future__ import annotations

from functools import lru_cache


def covers(glob: str, other: str) -> bool:
    """Whether a glob surely fits every text that another one fits.

    >>> covers("_ZN3net*", "_ZN3net4openE*"), covers("_ZN3net4openEi", "_ZN3net4openE*"), covers("w??te", "w*te")
    (True, False, False)
    """
    return _pairs_up(glob, other, is_cover=True, closed=frozenset())


def may_meet(glob: str, other: str, closed: frozenset[str] = frozenset()) -> bool:
    """Whether there is a text that two globs both fit; a star of the other stands for no sign that is `closed`.

    >>> may_meet("_ZN3net4openEi", "_ZN3net4openE*"), may_meet("_ZN3net5closeE*", "_ZN3net4openE*")
    (True, False)
    """
    return _pairs_up(glob, other, is_cover=False, closed=closed)


@lru_cache(maxsize=1 << 16)
def _pairs_up(glob: str, other: str, *, is_cover: bool, closed: frozenset[str]) -> bool:
    """Walk both at once; `reached` holds the places in `glob` that fit what was walked of `other`."""
    reached = _behind_stars(glob, {0})
    for sign in other:
        following: set[int] = set()
        for at in reached:
            if sign == "*" and not is_cover:
                # Any number of signs of the glob.
                end = next((place for place in range(at, len(glob)) if glob[place] in closed), len(glob))
                following.update(range(at, end + 1))
            elif at < len(glob) and (
                glob[at] == "*"
                or (
                    sign != "*"
                    and (
                        glob[at] == "?" or glob[at] == sign or (sign == "?" and not is_cover and glob[at] not in closed)
                    )
                )
            ):
                following.add(at if glob[at] == "*" else at + 1)
        reached = _behind_stars(glob, following)
        if not reached:
            return False
    return len(glob) in reached


def _behind_stars(glob: str, places: set[int]) -> set[int]:
    found = set(places)
    for place in places:
        at = place
        while at < len(glob) and glob[at] == "*":
            at += 1
            found.add(at)
    return found
