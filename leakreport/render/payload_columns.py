"""Values as the data of a page has them: rows turned into columns, texts that can be shown, numbers that JavaScript has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from leakreport.errors import OutputError
from leakreport.render.phrases import cut, printable

LARGEST_NUMBER = 2**53 - 1
"""Up to here whole numbers are exact in JavaScript. Source: ECMAScript, Number.MAX_SAFE_INTEGER."""


def in_columns(rows: Iterable[Mapping[str, object]]) -> dict[str, list[object]]:
    """Rows as columns of equal length. Objects inside are flattened with dots; what a row does not have is None.

    >>> in_columns([{"id": "a", "values": {"bytes": 1}}, {"id": "b", "values": {}, "error": None}])
    {'id': ['a', 'b'], 'values.bytes': [1, None], 'error': [None, None]}
    """
    columns: dict[str, list[object]] = {}
    count = 0
    for row in rows:
        for name, value in _flat(row, ""):
            column = columns.setdefault(name, [])
            column.extend([None] * (count - len(column)))
            column.append(value)
        count += 1
    for column in columns.values():
        column.extend([None] * (count - len(column)))
    return columns


def _flat(row: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def shown(value: object) -> object:
    """A value of the JSON document with texts that are safe to read and not too long, and lists for iterators.

    Raises:
        OutputError: a whole number is larger than JavaScript can hold.
    """
    if isinstance(value, str):
        return shown_text(value)
    if isinstance(value, int):
        check_number(value)
    if isinstance(value, Mapping):
        return {name: shown(one) for name, one in value.items()}
    if isinstance(value, list | Iterator):
        return [shown(one) for one in value]
    return value


def shown_text(text: str) -> str:
    """A text of the input with nothing invisible in it, and cut where it is very long."""
    return cut(printable(text))


def check_number(number: int) -> None:
    """See that JavaScript has a number exactly.

    Raises:
        OutputError: it does not.
    """
    if abs(number) > LARGEST_NUMBER:
        raise OutputError(
            f"{number:,} is more than a page can hold exactly",
            advice="Write another format: JSON has the number, and no machine has that much memory.",
        )
