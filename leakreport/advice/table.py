"""The table of patterns, in one piece. Adding one: a row in the module of its kind, an example and a near miss in the tests."""

from __future__ import annotations

from leakreport.advice import c_library, cpp, known, libraries, own_code, runtimes
from leakreport.advice.pattern import Pattern

PATTERNS: tuple[Pattern, ...] = (
    *runtimes.PATTERNS,
    *libraries.PATTERNS,
    *cpp.PATTERNS,
    *c_library.PATTERNS,
    *known.PATTERNS,
    *own_code.PATTERNS,
)
BY_SLUG = {pattern.slug: pattern for pattern in PATTERNS}
