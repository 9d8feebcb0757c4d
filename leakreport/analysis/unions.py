"""Numbers that belong together because pairs connect them."""

from __future__ import annotations

from collections.abc import Iterable


class Unions:
    """Sets of numbers from 0 on, each named by its least member."""

    def __init__(self, count: int) -> None:
        """Every number alone."""
        self._parent = list(range(count))

    def of(self, number: int) -> int:
        """The least number that this one belongs to."""
        root = number
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[number] != root:
            self._parent[number], number = root, self._parent[number]
        return root

    def join(self, one: int, other: int) -> None:
        """From now on these two, and all that belong to them, belong together."""
        first, second = sorted((self.of(one), self.of(other)))
        self._parent[second] = first


def joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Per number from 0 on, the least one that pairs connect it to.

    >>> joined(6, [(4, 2), (2, 1), (5, 3)])
    [0, 1, 1, 3, 1, 3]
    """
    unions = Unions(count)
    for one, other in pairs:
        unions.join(one, other)
    return [unions.of(number) for number in range(count)]
