"""Counts in the sentences of notes."""

from __future__ import annotations


def counted(count: int, one: str, rest: str, many: str = "") -> str:
    """So many of something, and what was done with them, with its verb.

    >>> counted(1, "line", "passed over"), counted(1200, "address", "used", "addresses")
    ('1 line was passed over', '1,200 addresses were used')
    """
    return f"1 {one} was {rest}" if count == 1 else f"{count:,} {many or one + 's'} were {rest}"
