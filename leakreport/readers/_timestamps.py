"""The lines that loops put between samples: what `date` prints, seconds since 1970, ISO 8601, a time of day.

A day without a date counts from midnight; where the hands go back, another day began. Time zones by name are passed over:
only differences within one log matter, and a log has one zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

_DAY_SECONDS = 86400.0
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_EPOCH = re.compile(r"(\d{9,10}|\d{13})(\.\d{1,9})?")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T_ -]+(\d\d)[:-]?(\d\d)[:-]?(\d\d)?([.,]\d{1,9})?\s?(Z|UTC|[+-]\d\d:?\d\d)?)"
)
_CLOCK = r"(\d{1,2}):(\d\d):(\d\d)([.,]\d{1,9})?(?:\s*([AaPp])\.?[Mm]\.?)?"
_DATE = re.compile(
    rf"(?:[A-Za-z]{{2,9}},?\s+)?(?:(?P<m1>[A-Za-z]{{3}})[a-z]*\.?\s+(?P<d1>\d{{1,2}})|(?P<d2>\d{{1,2}})\s+(?P<m2>[A-Za-z]{{3}})[a-z]*\.?(?:\s+(?P<y1>\d{{4}}))?)"
    rf",?\s+(?P<clock>{_CLOCK})(?:\s+[A-Z]{{2,5}}|\s+[+-]\d\d:?\d\d)?(?:\s+(?P<y2>\d{{4}}))?"
)
_TIME_ONLY = re.compile(_CLOCK)
_DECORATION = " \t=#-*[]()<>|:"
_LABEL = re.compile(
    r"(?:(?:time(?:stamp)?|date|sample(?:\s+\d+)?(?:\s+at)?|snapshot(?:\s+\d+)?|at)\s*[:=]?\s*)", re.IGNORECASE
)
_WATCH = re.compile(r"Every [\d.,]+s: .*?: (.*)")
_LONGEST = 200


class Stamp(NamedTuple):
    """A moment as a log writes it."""

    seconds: float
    """Since 1970, or since midnight."""
    is_date: bool
    text: str


def stamp_of(line: bytes) -> Stamp | None:
    """The moment that a line says and nothing else; None for any other line.

    >>> stamp_of(b"=== 2026-01-02 03:04:05 ===").text
    '2026-01-02 03:04:05'
    >>> stamp_of(b"Tue Nov 25 18:46:00 UTC 2025").seconds - stamp_of(b"1764096300").seconds
    60.0
    >>> stamp_of(b"00007f10afa26000      12       8       8 rw---   [ anon ]") is None
    True
    """
    if not line or len(line) > _LONGEST:
        return None
    text = line.decode("ascii", "replace").strip(_DECORATION)
    watch = _WATCH.fullmatch(text)
    text = (watch[1] if watch else _LABEL.sub("", text, count=1)).strip(_DECORATION)
    try:
        return _read(text)
    except ValueError:
        # Month 13, hour 25: no date.
        return None


def _read(text: str) -> Stamp | None:
    if match := _EPOCH.fullmatch(text):
        whole = float(match[1] + (match[2] or ""))
        return Stamp(whole / 1000 if len(match[1]) == 13 else whole, True, text)
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute = (int(match[number]) for number in range(1, 6))
        moment = datetime(year, month, day, hour, minute, int(match[6] or 0), tzinfo=UTC).timestamp()
        return Stamp(moment + _fraction(match[7]) - _offset(match[8]), True, text)
    if match := _DATE.fullmatch(text):
        year = int(match["y1"] or match["y2"] or 1970)
        month = _MONTHS.index((match["m1"] or match["m2"]).lower()) + 1
        midnight = datetime(year, month, int(match["d1"] or match["d2"]), tzinfo=UTC).timestamp()
        return Stamp(midnight + _of_day(match["clock"]), bool(match["y1"] or match["y2"]), text)
    if _TIME_ONLY.fullmatch(text):
        return Stamp(_of_day(text), False, text)
    return None


def _of_day(text: str) -> float:
    match = _TIME_ONLY.fullmatch(text)
    assert match is not None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3])
    if match[5]:
        hour = hour % 12 + (12 if match[5] in "pP" else 0)
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError(text)
    return hour * 3600.0 + minute * 60.0 + second + _fraction(match[4])


def _fraction(text: str | None) -> float:
    return 0.0 if not text else float("0." + text[1:])


def _offset(text: str | None) -> float:
    """Seconds that a zone is ahead."""
    if not text or text in {"Z", "UTC"}:
        return 0.0
    digits = text[1:].replace(":", "")
    ahead = int(digits[:2]) * 3600.0 + int(digits[2:]) * 60.0
    return -ahead if text[0] == "-" else ahead


class Clock:
    """The time of one log: days go on where only the time of day is written."""

    def __init__(self) -> None:
        """Start at the first stamp."""
        self._days = 0
        self._last: float | None = None

    def seconds(self, stamp: Stamp) -> float:
        """The moment of a stamp, in the order they stand in the log."""
        if stamp.is_date:
            return stamp.seconds
        if self._last is not None and stamp.seconds < self._last - _DAY_SECONDS / 2:
            self._days += 1
        self._last = stamp.seconds
        return self._days * _DAY_SECONDS + stamp.seconds
