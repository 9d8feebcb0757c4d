"""LeakSanitizer's suppressions (`leak:PATTERN`), as heaptrack applies them to functions, files and modules.

A pattern is searched anywhere; `^` and `$` bind it to the beginning and the end, `*` stands for anything.

Source: LLVM `sanitizer_common.cpp` (TemplateMatch), heaptrack `src/analyze/suppressions.cpp`.
"""

from __future__ import annotations

import re

from leakreport.suppressions.globs import template_matches

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
                template_matches(pattern, text) for pattern in self._special
            )
        return known
