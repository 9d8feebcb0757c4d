"""LeakSanitizer's suppressions (`leak:PATTERN`), as heaptrack applies them to functions, files and modules.

A pattern is searched anywhere; `^` and `$` bind it to the beginning and the end, `*` stands for anything.

Source: LLVM `sanitizer_common.cpp` (TemplateMatch), heaptrack `src/analyze/suppressions.cpp`.
"""

from __future__ import annotations

import re

_MOST = 1000


class Suppressions:
    """A list of patterns; each text is looked at once."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        """Start with these."""
        self._plain: list[str] = []
        self._special: list[str] = []
        self._known: dict[str, bool] = {}
        self._expression: re.Pattern[str] | None = None
        for pattern in patterns:
            self.add(pattern)

    def add(self, pattern: str) -> bool:
        """Take one more; False where it is empty or there are too many."""
        if not pattern or len(self._plain) + len(self._special) >= _MOST:
            return False
        (self._special if any(sign in pattern for sign in "^*$") else self._plain).append(pattern)
        self._expression = None
        self._known.clear()
        return True

    def match(self, text: str | None) -> bool:
        """Whether one of the patterns fits."""
        if not text:
            return False
        known = self._known.get(text)
        if known is None:
            if self._expression is None:
                self._expression = re.compile("|".join(map(re.escape, self._plain)) or r"(?!)")
            known = self._known[text] = self._expression.search(text) is not None or any(
                matches(pattern, text) for pattern in self._special
            )
        return known


def matches(pattern: str, text: str) -> bool:
    """Whether a single pattern fits: its pieces are searched one after the other, so that the time is linear.

    >>> matches("^leak*Supp$", "leakFooSupp"), matches("^leak$", "leakFoo"), matches("b*d", "abcd")
    (True, False, True)
    """
    if pattern == text:
        return True
    is_bound = pattern.startswith("^")
    at, position, has_star = int(is_bound), 0, False
    while at < len(pattern):
        if pattern[at] == "*":
            at, is_bound, has_star = at + 1, False, True
            continue
        if pattern[at] == "$":
            return position == len(text) or has_star
        end = min((place for sign in "*$" if (place := pattern.find(sign, at)) >= 0), default=len(pattern))
        found = text.find(pattern[at:end], position)
        if found < 0 or (is_bound and found != position):
            return False
        position = found + end - at
        at, is_bound, has_star = end, False, False
    return True
