"""Values of a report's document, taken by type: whatever a hostile file holds in their place is refused with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import NoReturn, TypeVar

from leakreport.limits import INT64_MAX
from leakreport.model.metrics import METRICS, LeakKind

_Word = TypeVar("_Word")
_HEX = re.compile(r"0x[0-9a-f]{1,16}", re.ASCII)
_KINDS = {kind.word: kind for kind in LeakKind if kind is not LeakKind.NONE}


class DamagedReport(ValueError):
    """A report does not hold what it must hold; the text says what."""


def refuse_constant(name: str) -> NoReturn:
    """For `parse_constant` of a JSON decoder: NaN and Infinity are no JSON."""
    raise DamagedReport(f"{name} is no number")


def without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """For `object_pairs_hook` of a JSON decoder: of two members with one name nobody knows which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DamagedReport("a name stands twice in an object")
    return found


def as_object(value: object, what: str) -> dict[str, object]:
    """An object."""
    if not isinstance(value, dict):
        raise DamagedReport(f"{what} is no object")
    return value


def as_list(value: object, what: str) -> list[object]:
    """A list."""
    if not isinstance(value, list):
        raise DamagedReport(f"{what} is no list")
    return value


def as_elements(value: object, what: str) -> Iterator[object]:
    """The elements of a list, or of what gives them one by one."""
    if isinstance(value, Iterator):
        return value
    return iter(as_list(value, what))


def as_count(value: object, what: str, most: int = INT64_MAX) -> int:
    """A whole number from 0 on."""
    if type(value) is not int:
        raise DamagedReport(f"{what} is no whole number")
    if not 0 <= value <= most:
        raise DamagedReport(f"{what} is out of range")
    return value


def as_change(value: object, what: str) -> int:
    """A whole number of either sign."""
    if type(value) is not int or abs(value) > INT64_MAX:
        raise DamagedReport(f"{what} is no whole number, or out of range")
    return value


def count_or_none(value: object, what: str, most: int = INT64_MAX) -> int | None:
    """A whole number from 0 on, or null."""
    return None if value is None else as_count(value, what, most)


def number_or_none(value: object, what: str) -> float | None:
    """A finite number, or null."""
    if value is None:
        return None
    if type(value) not in {int, float}:
        raise DamagedReport(f"{what} is no number")
    try:
        number = float(str(value))
    except (ValueError, OverflowError) as error:
        raise DamagedReport(f"{what} is out of range") from error
    if not isfinite(number):
        raise DamagedReport(f"{what} is out of range")
    return number


def as_text(value: object, what: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise DamagedReport(f"{what} is no text")
    return value


def text_or_none(value: object, what: str) -> str | None:
    """A text, or null."""
    return None if value is None else as_text(value, what)


def as_flag(value: object, what: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise DamagedReport(f"{what} is neither true nor false")
    return value


def as_word(value: object, words: Mapping[str, _Word], what: str) -> _Word:
    """One of some words."""
    text = as_text(value, what)
    if text not in words:
        raise DamagedReport(f"{what} is none of {', '.join(words)}")
    return words[text]


def hex_or_none(value: object, what: str) -> int | None:
    """An address as text, or null."""
    text = text_or_none(value, what)
    if text is None:
        return None
    if not _HEX.fullmatch(text):
        raise DamagedReport(f"{what} is no address")
    return int(text, 16)


def as_leak_kind(value: object) -> LeakKind:
    """A leak kind by its word; null is none."""
    return LeakKind.NONE if value is None else as_word(value, _KINDS, "leak_kind")


def as_amounts(value: object, what: str) -> dict[str, int]:
    """Amounts by metric; metrics that this version does not know are left out."""
    return {
        metric: as_count(amount, f"{what}.{metric}")
        for metric, amount in as_object(value, what).items()
        if metric in METRICS
    }


def as_changes(value: object, what: str) -> dict[str, int]:
    """The same with either sign."""
    return {
        metric: as_change(amount, f"{what}.{metric}")
        for metric, amount in as_object(value, what).items()
        if metric in METRICS
    }
