"""Frozen numpy columns, and the one place where sums are made and checked for overflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from leakreport.errors import LimitExceeded
from leakreport.limits import INT64_MAX

Int8Column: TypeAlias = NDArray[np.int8]
Int32Column: TypeAlias = NDArray[np.int32]
Int64Column: TypeAlias = NDArray[np.int64]
Float64Column: TypeAlias = NDArray[np.float64]
BoolColumn: TypeAlias = NDArray[np.bool_]

_Scalar = TypeVar("_Scalar", bound=np.generic)


def freeze(column: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """The same column, no longer writeable."""
    column.flags.writeable = False
    return column


def int64_column(numbers: Sequence[int], what: str) -> Int64Column:
    """A frozen column of exact numbers.

    Raises:
        LimitExceeded: a number does not fit in 64 bits.
    """
    try:
        return freeze(np.asarray(numbers, dtype=np.int64))
    except OverflowError as error:
        raise LimitExceeded(
            f"a value of {what} is beyond 2^63",
            advice="No allocator can hold that: the input is damaged. Record again.",
        ) from error


def renumbered(indexes: Int32Column, count: int) -> tuple[Int64Column, Int32Column]:
    """Which of `count` numbers occur, in order, and the column with their places among these. Linear."""
    is_used = np.zeros(count, dtype=np.bool_)
    is_used[indexes] = True
    place = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(is_used), place[indexes]


def exact_sum(column: Int64Column) -> int:
    """The sum as a Python integer, never wrapped."""
    if column.size == 0:
        return 0
    # Fits for certain if the greatest magnitude times the length does; else add as Python integers.
    largest = max(abs(int(column.max())), abs(int(column.min())))
    if largest <= INT64_MAX // column.size:
        return int(column.sum())
    return sum(column.tolist())


def checked_total(numbers: Iterable[int], what: str) -> int:
    """The sum of some numbers.

    Raises:
        LimitExceeded: it does not fit in 64 bits.
    """
    total = sum(numbers)
    if abs(total) > INT64_MAX:
        raise LimitExceeded(
            f"the sum of {what} is beyond 2^63", advice="No machine has that much memory: the input is damaged."
        )
    return total


def sums_at(indexes: NDArray[np.integer], numbers: Int64Column, length: int, what: str) -> Int64Column:
    """A frozen column in which each number is added at its index.

    Raises:
        LimitExceeded: the sum of all numbers does not fit in 64 bits (so that no entry can wrap either).
    """
    checked_total((exact_sum(np.abs(numbers)),), what)
    column = np.zeros(length, dtype=np.int64)
    np.add.at(column, indexes, numbers)
    return freeze(column)
