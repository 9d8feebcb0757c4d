"""What one unit of a trend is called: work, a time that people know, or the snapshot; and spans of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leakreport.analysis.growth_text import Wording
from leakreport.units import plural

_LADDERS = {
    "s": ((1.0, "second"), (60.0, "minute"), (3600.0, "hour"), (86400.0, "day")),
    "ms": ((1.0, "millisecond"), (1e3, "second"), (6e4, "minute"), (3.6e6, "hour"), (8.64e7, "day")),
    "bytes": ((1.0, "byte allocated"), (1024.0, "KiB allocated"), (1024.0**2, "MiB allocated"), (1024.0**3, "GiB allocated")),
    "instructions": ((1.0, "instruction"), (1e6, "million instructions"), (1e9, "billion instructions")),
}  # fmt: skip
_LEAST_STEPS = 2.0
"""A unit is used where the series is at least so many of it."""
_SIBILANT = re.compile(r"(?:ss|x|z|ch|sh)es\Z")


def wording_of(
    unit: str, time_unit: str | None, x: Sequence[float], work_unit: str, *, is_bytes: bool, noun: str
) -> Wording:
    """How slopes per unit of x are named.

    Args:
        unit: `work`, `time` or `snapshot`.
        time_unit: of the points.
        x: of the points.
        work_unit: as the user wrote it.
        is_bytes: whether values are bytes.
        noun: what a point is called.
    """
    if unit == "work":
        return Wording(singular(work_unit), is_bytes=is_bytes, point=noun)
    if unit != "time":
        return Wording(noun, is_bytes=is_bytes, point=noun)
    span = float(x[-1]) - float(x[0])
    ladder = _LADDERS.get(time_unit or "", ((1.0, time_unit or "unit of time"),))
    scale, name = next((step for step in reversed(ladder) if span >= _LEAST_STEPS * step[0]), ladder[0])
    return Wording(name, is_bytes=is_bytes, scale=scale, point=noun)


def singular(noun: str) -> str:
    """One of what people count.

    >>> singular("requests"), singular("queries"), singular("batches"), singular("loss"), singular("phase")
    ('request', 'query', 'batch', 'loss', 'phase')
    """
    if noun.endswith("ies") and len(noun) > 4:
        return f"{noun[:-3]}y"
    if _SIBILANT.search(noun):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


def span_text(amount: float, wording: Wording, work_unit: str) -> str:
    """So many units of x, for a person.

    >>> span_text(7200.0, Wording("hour", scale=3600.0), ""), span_text(34.2, Wording("snapshot"), "")
    ('2 hours', '34 snapshots')
    >>> span_text(1234567.0, Wording("request"), "requests"), span_text(5e6, Wording("million instructions", scale=1e6), "")
    ('1,234,567 requests', '5 million instructions')
    """
    count = amount / wording.scale
    number = f"{count:,.0f}" if count >= 100 or count == round(count) else f"{count:.2g}"
    if work_unit:
        return f"{number} {work_unit if number != '1' else wording.per}"
    if " " in wording.per:
        return f"{number} {wording.per}"
    return plural(1, wording.per) if number == "1" else f"{number} {wording.per}s"
