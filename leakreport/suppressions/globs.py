"""The two kinds of pattern: valgrind's globs, and the templates that LeakSanitizer and heaptrack search for.

Source: Valgrind `coregrind/m_seqmatch.c` (string_match); LLVM `sanitizer_common.cpp` (TemplateMatch).
"""

from __future__ import annotations

import re
from functools import lru_cache

_KEPT = 50_000


def as_bytes(text: str) -> str:
    """A text with a character per byte: that is what `?` stands for."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


class Glob:
    """A compiled glob; the whole text has to fit, case matters."""

    __slots__ = ("_expression", "literal", "pieces", "text")

    def __init__(self, text: str) -> None:
        """Compile it."""
        self.text = text
        self.literal = None if "*" in text or "?" in text else as_bytes(text)
        """The only text that fits, where there is one."""
        self.pieces = [as_bytes(piece) for piece in re.split(r"[*?]+", text)]
        """What stands between wildcards, first and last perhaps empty."""
        self._expression: re.Pattern[str] | None = None

    def fits(self, text: str) -> bool:
        """Whether a text fits.

        >>> Glob("w??te").fits("write"), Glob("*alloc").fits("malloc2")
        (True, False)
        """
        text = as_bytes(text)
        if self.literal is not None:
            return text == self.literal
        if not text.startswith(self.pieces[0]) or not text.endswith(self.pieces[-1]):
            return False
        if self._expression is None:
            self._expression = _expression(as_bytes(self.text))
        return self._expression.fullmatch(text) is not None


def _expression(glob: str) -> re.Pattern[str]:
    """Each `*` takes as little as it can and is never gone back to, so that the time does not explode.

    That is right because what follows an earlier `*` is found as early as can be.
    """
    first, *rest = [
        "".join("." if sign == "?" else re.escape(sign) for sign in piece) for piece in re.split(r"\*+", glob)
    ]
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    inner = "".join(f"(?>.*?{piece})" for piece in middle)
    return re.compile(f"{first}{inner}.*{last}", re.DOTALL)


@lru_cache(maxsize=_KEPT)
def compiled(glob: str) -> Glob:
    """A glob, compiled once."""
    return Glob(glob)


def template_matches(template: str, text: str) -> bool:
    """Whether a template is found in a text: `^` and `$` bind it to the ends, `*` is any text.

    Its pieces are searched one after the other, so that the time is linear.

    >>> template_matches("^leak*Supp$", "leakFooSupp"), template_matches("^leak$", "leakFoo"), template_matches("b*d", "abcd")
    (True, False, True)
    """
    if template == text:
        return True
    is_bound = template.startswith("^")
    at, position, has_star = int(is_bound), 0, False
    while at < len(template):
        if template[at] == "*":
            at, is_bound, has_star = at + 1, False, True
            continue
        if template[at] == "$":
            return position == len(text) or has_star
        end = min((place for sign in "*$" if (place := template.find(sign, at)) >= 0), default=len(template))
        found = text.find(template[at:end], position)
        if found < 0 or (is_bound and found != position):
            return False
        position = found + end - at
        at, is_bound, has_star = end, False, False
    return True
