"""Ids of paths and findings as people give them: whole, or a beginning that only one has."""

from __future__ import annotations

from collections.abc import Collection

from leakreport.errors import UsageError

LEAST_DIGITS = 4
_MOST_SHOWN = 5


def found_id(given: str, ids: Collection[str]) -> str | None:
    """The id that is meant; None where none begins so.

    Args:
        given: `p1-84f7061a0123abcd`, or a beginning, with or without what stands before the digits.
        ids: those that are known.

    Raises:
        UsageError: it is too short to tell, or several begin so.

    >>> found_id("p1-84f7", ["p1-84f7061a", "p1-84f8061a"]), found_id("84f8", ["p1-84f7061a", "p1-84f8061a"])
    ('p1-84f7061a', 'p1-84f8061a')
    """
    if given in ids:
        return given
    if len(given.rpartition("-")[2]) < LEAST_DIGITS:
        raise UsageError(
            f"{given or repr(given)} is too short", advice=f"Give at least {LEAST_DIGITS} digits of the id."
        )
    found = sorted({known for known in ids if known.startswith(given) or known.partition("-")[2].startswith(given)})
    if len(found) > 1:
        shown = ", ".join(found[:_MOST_SHOWN])
        raise UsageError(f"{len(found)} ids begin with {given}: {shown}", advice="Give more digits.")
    return found[0] if found else None
