"""How alike two names are, by their words and letters, and what a rename did to them."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LONGEST = 256
"""Characters of a name that are looked at."""


@lru_cache(maxsize=1 << 15)
def words(name: str) -> tuple[str, ...]:
    """The words of a name.

    >>> words("readPNGHeader_v2")
    ('read', 'png', 'header', 'v', '2')
    """
    return tuple(word.lower() for word in _WORD.findall(name[:_LONGEST]))


@lru_cache(maxsize=1 << 15)
def likeness(one: str, other: str) -> float:
    """From 0 to 1: the better of shared words and shared pairs of letters. Symmetric.

    >>> likeness("log_open", "lf_open") > likeness("log_open", "render")
    True
    """
    a, b = set(words(one)), set(words(other))
    shared = len(a & b)
    by_words = shared / max(1, min(len(a), len(b))) / 2 + shared / max(1, len(a | b)) / 2
    x, y = _letter_pairs(one), _letter_pairs(other)
    by_letters = 2 * (x & y).total() / max(1, x.total() + y.total())
    return max(by_words, by_letters)


@lru_cache(maxsize=1 << 13)
def _letter_pairs(name: str) -> Counter[str]:
    name = name[:_LONGEST].lower()
    return Counter(name[start : start + 2] for start in range(len(name) - 1))


@lru_cache(maxsize=1 << 15)
def rewrite(one: str, other: str) -> tuple[str, str] | None:
    """The words that a rename took away and put there; None where no word stayed.

    >>> rewrite("log_open_file", "lf_open_file"), rewrite("alpha", "beta")
    (('log', 'lf'), None)
    """
    a, b = words(one), words(other)
    shorter = min(len(a), len(b))
    start = 0
    while start < shorter and a[start] == b[start]:
        start += 1
    end = 0
    while end < shorter - start and a[-1 - end] == b[-1 - end]:
        end += 1
    if not start + end:
        return None
    return " ".join(a[start : len(a) - end]), " ".join(b[start : len(b) - end])


_SCOPE = re.compile(r"[A-Za-z_]\w*::")


@lru_cache(maxsize=1 << 13)
def without_scopes(template_arguments: str) -> str:
    """Template arguments without namespaces.

    >>> without_scopes("<img::Gamma>")
    '<Gamma>'
    """
    return _SCOPE.sub("", template_arguments)
