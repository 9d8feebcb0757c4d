"""Bytes and counts as people read them, and back. One table of rules for every renderer.

Source: the rules are those of the report specification (binary units, two decimals under 100, one from 100 up).
"""

from __future__ import annotations

import re

from leakreport.errors import UsageError

MINUS = "−"
LEAST_BASE_BYTES = 4096
"""No percentage of less: of a small base it says nothing."""
_STEPS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_FACTORS = {
    "": 1,
    "B": 1,
    "K": 1 << 10,
    "KIB": 1 << 10,
    "KB": 1000,
    "M": 1 << 20,
    "MIB": 1 << 20,
    "MB": 1000**2,
    "G": 1 << 30,
    "GIB": 1 << 30,
    "GB": 1000**3,
    "T": 1 << 40,
    "TIB": 1 << 40,
    "TB": 1000**4,
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*\Z")


def format_bytes(amount_bytes: int) -> str:
    """A size for people.

    >>> format_bytes(1023), format_bytes(655360), format_bytes(49838817), format_bytes(-1536)
    ('1,023 B', '640.0 KiB', '47.53 MiB', '−1.50 KiB')
    """
    sign = MINUS if amount_bytes < 0 else ""
    magnitude = abs(amount_bytes)
    for unit, step in _STEPS:
        # 1,023.996 KiB would print as 1024.0 KiB: such a figure belongs to the next unit.
        if magnitude >= step or (round(magnitude / step * 1024, 1) >= 1024 and magnitude >= 1024):
            scaled = magnitude / step
            text = f"{scaled:.2f}" if round(scaled, 2) < 100 else f"{scaled:.1f}"
            return f"{sign}{text} {unit}"
    return f"{sign}{magnitude:,} B"


def format_pair(before_bytes: int, after_bytes: int) -> str:
    """Two sizes with an arrow between them, in one unit: that of the larger.

    >>> format_pair(22429696, 72269824), format_pair(0, 512), format_pair(100, 3145728)
    ('21.39 → 68.92 MiB', '0 → 512 B', '<0.01 → 3.00 MiB')
    """
    largest = max(abs(before_bytes), abs(after_bytes))
    unit = format_bytes(largest).rpartition(" ")[2]
    step = dict(_STEPS).get(unit, 1)
    return f"{_in_unit(before_bytes, step)} → {_in_unit(after_bytes, step)} {unit}"


def _in_unit(amount_bytes: int, step: int) -> str:
    sign, scaled = MINUS if amount_bytes < 0 else "", abs(amount_bytes) / step
    if step == 1 or not amount_bytes:
        return f"{sign}{abs(amount_bytes):,}"
    if scaled < 0.005:
        return f"{sign}<0.01"
    return f"{sign}{scaled:.2f}" if round(scaled, 2) < 100 else f"{sign}{scaled:.1f}"


def format_change(change_bytes: int) -> str:
    """A difference with its sign.

    >>> format_change(1536), format_change(-2048), format_change(0)
    ('+1.50 KiB', '−2.00 KiB', '0 B')
    """
    if change_bytes == 0:
        return "0 B"
    return f"{'+' if change_bytes > 0 else '−'}{format_bytes(abs(change_bytes))}"


def format_rate(bytes_per_unit: float) -> str:
    """Bytes per something, three figures.

    >>> format_rate(0.0125), format_rate(160), format_rate(1e-7), format_rate(-2048.4), format_rate(0)
    ('0.0125 B', '160 B', '1.0e-07 B', '−2.00 KiB', '0 B')
    """
    magnitude = abs(bytes_per_unit)
    sign = MINUS if bytes_per_unit < 0 else ""
    if magnitude >= 999.5:
        return f"{sign}{format_bytes(round(magnitude))}"
    return f"{sign}{magnitude:.3g} B" if magnitude >= 0.001 or not magnitude else f"{sign}{magnitude:.1e} B"


def format_rate_change(bytes_per_unit: float) -> str:
    """A difference of rates with its sign.

    >>> format_rate_change(0.5), format_rate_change(-0.5), format_rate_change(0.0)
    ('+0.5 B', '−0.5 B', '0 B')
    """
    return f"{'+' if bytes_per_unit > 0 else ''}{format_rate(bytes_per_unit)}"


def format_exact_bytes(amount_bytes: int) -> str:
    """The exact size, for titles and figures.

    >>> format_exact_bytes(49838817)
    '49,838,817 B'
    """
    return f"{format_count(amount_bytes)} B"


def format_amount(amount_bytes: float) -> str:
    """A size that may be a fraction, as rates are: three figures or more.

    >>> format_amount(0.25), format_amount(-1250.4), format_amount(0)
    ('0.25 B', '−1.22 KiB', '0 B')
    """
    if abs(amount_bytes) >= 100:
        return format_bytes(round(amount_bytes))
    text = f"{abs(amount_bytes):.3g}"
    return f"{MINUS if amount_bytes < 0 and text != '0' else ''}{text} B"


def format_count(count: int) -> str:
    """A count with thousands commas and a real minus sign.

    >>> format_count(2892), format_count(-3)
    ('2,892', '−3')
    """
    return f"{MINUS if count < 0 else ''}{abs(count):,}"


def format_share(part: int, whole: int) -> str:
    """A share in percent: no decimals from 10 up, one below; "0%" and "100%" only when they are exact.

    >>> format_share(881, 1000), format_share(1, 30), format_share(1, 10**6), format_share(999999, 10**6)
    ('88%', '3.3%', '<0.1%', '>99%')
    """
    if whole == 0:
        return "0%"
    percent = part / whole * 100
    if part in {0, whole}:
        return f"{percent:.0f}%"
    if percent < 0.1:
        return "<0.1%"
    if percent >= 99.5:
        return ">99%"
    return f"{percent:.0f}%" if percent >= 9.95 else f"{percent:.1f}%"


def format_share_in_tenths(part: int, whole: int) -> str:
    """A share in percent with one decimal, where a figure is quoted and not only compared; 0 and 100 only when exact.

    >>> format_share_in_tenths(947, 1000), format_share_in_tenths(1, 3), format_share_in_tenths(5, 5)
    ('94.7%', '33.3%', '100%')
    >>> format_share_in_tenths(1, 10**6), format_share_in_tenths(999999, 10**6), format_share_in_tenths(0, 0)
    ('<0.1%', '>99.9%', '0%')
    """
    if part in {0, whole}:
        return f"{'100' if part else '0'}%"
    tenths = round(part * 1000 / whole)
    if tenths in {0, 1000}:
        return ">99.9%" if tenths else "<0.1%"
    return f"{tenths / 10:.1f}%"


def format_ratio(before: int, after: int) -> str:
    """A change in percent of a positive `before`: no decimals from 10 up, one below.

    >>> format_ratio(100, 1476), format_ratio(4096, 4100), format_ratio(200, 100), format_ratio(10**6, 10**6 + 1)
    ('+1,376%', '+0.1%', '−50%', '+<0.1%')
    """
    percent = abs(after - before) / before * 100
    text = "<0.1" if 0 < percent < 0.05 else f"{percent:,.0f}" if percent >= 9.95 else f"{percent:.1f}"
    return f"{MINUS if after < before else '+'}{text}%"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "block"), plural(1200, "block"), plural(2, "library", "libraries")
    ('1 block', '1,200 blocks', '2 libraries')
    """
    return f"{format_count(count)} {one if count == 1 else many or one + 's'}"


def parse_size(text: str) -> int:
    """Bytes from `64KiB`, `2MiB`, `1.5G`, `10kB`, `4096`.

    Raises:
        UsageError: the text is not a size.

    >>> parse_size("64KiB"), parse_size("1.5M"), parse_size("10kB"), parse_size("0")
    (65536, 1572864, 10000, 0)
    """
    match = _SIZE.match(text)
    factor = _FACTORS.get(match[2].upper()) if match else None
    if match is None or factor is None:
        raise UsageError(
            f"{text!r} is not a size",
            advice="Write a number with B, KiB, MiB, GiB, K, M, G (1024) or kB, MB, GB (1000): --max-leaked 64KiB.",
        )
    return round(float(match[1]) * factor) if "." in match[1] else int(match[1]) * factor


_DURATION = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)?\s*\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str, option: str) -> float:
    """Seconds from `500ms`, `10s`, `1.5m`, `2h`, `1d`, `10`.

    Raises:
        UsageError: the text is no length of time.

    >>> parse_duration("500ms", "--sample"), parse_duration("1.5m", "--sample"), parse_duration("10", "--sample")
    (0.5, 90.0, 10.0)
    """
    match = _DURATION.match(text)
    if match is None:
        raise UsageError(f"{option} {text!r} is no length of time", advice=f"Write {option} 500ms, 10s, 5m, 2h.")
    return float(match[1]) * _SECONDS[match[2] or "s"]


_WORK = re.compile(r"(?:(?P<unit>[^=,]{1,60})=)?(?P<before>[^=,]+)(?:,(?P<after>[^=,]+))?\Z")
_AMOUNT = re.compile(r"\s*(\d{1,18}(?:\.\d+)?(?:[eE]\d{1,2})?)\s*\Z")
LEAST_WORK, MOST_WORK = 1e-6, 1e18


def parse_work(text: str) -> tuple[str, tuple[float, float]]:
    """The unit of work and how much of it each side did, from `10000`, `requests=10000`, `requests=10000,20000`.

    Raises:
        UsageError: the text is no amount of work, or the amount is not above zero.

    >>> parse_work("10000"), parse_work("requests=1e4,20000")
    (('unit of work', (10000, 10000)), ('requests', (10000, 20000)))
    """
    match = _WORK.match(text)
    amounts = [] if match is None else [match["before"], match["after"] or match["before"]]
    numbers = [float(found[1]) if (found := _AMOUNT.match(amount)) else 0.0 for amount in amounts]
    unit = "" if match is None else (match["unit"] or "unit of work").strip()
    if not unit or not all(LEAST_WORK <= number <= MOST_WORK for number in numbers):
        raise UsageError(
            f"--per {text!r} is no amount of work",
            advice="Write a number above zero: --per 10000, --per requests=10000, or, where the sides did different "
            "work, --per requests=10000,20000.",
        )
    before, after = (int(number) if number.is_integer() else number for number in numbers)
    return unit, (before, after)


def one_of_unit(unit: str) -> str:
    """One of what a plural counts. Heuristic: English endings; it errs on `buses`.

    >>> [one_of_unit(word) for word in ("requests", "queries", "batches", "GB", "unit of work", "status")]
    ['request', 'query', 'batch', 'GB', 'unit of work', 'status']
    """
    if unit.endswith("ies") and len(unit) > 4:
        return f"{unit[:-3]}y"
    if unit.endswith(("sses", "xes", "ches", "shes")):
        return unit[:-2]
    return unit[:-1] if unit.endswith("s") and not unit.endswith(("ss", "us", "is")) and len(unit) > 2 else unit


_SHOWN_DURATIONS = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s"))
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s?%\Z")


def format_duration(seconds: float) -> str:
    """A duration as an option takes it.

    >>> format_duration(10), format_duration(0.25), format_duration(5400), format_duration(7200), format_duration(90.5)
    ('10s', '250ms', '90m', '2h', '90.5s')
    """
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    size, word = next(pair for pair in _SHOWN_DURATIONS if seconds % pair[0] == 0 or pair[0] == 1)
    return f"{seconds / size:g}{word}"


def parse_share(text: str, option: str) -> float:
    """A share from `1%`.

    Raises:
        UsageError: the text of the option is no share above 0 % and at most 100 %.

    >>> parse_share("1%", "--max-overhead"), parse_share("0.5 %", "--max-overhead")
    (0.01, 0.005)
    """
    match = _SHARE.match(text.strip())
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share <= 1:
        raise UsageError(f"{option} {text!r} is no share", advice="Write a number above 0 with %: 1%, 0.5%.")
    return share
