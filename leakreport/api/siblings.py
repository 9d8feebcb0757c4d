"""Which of the files that nobody could read are named like the profiles beside them: what may be left of a lost run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

_COMPRESSED = (".gz", ".xz", ".bz2", ".zst")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]*")


class Candidate(NamedTuple):
    """A file that is to be read."""

    path: str
    is_named: bool
    """Given by name, not found in a folder or by a glob."""
    is_matched: bool = False
    """Found by a glob: whoever wrote it meant files with this name."""

    @property
    def is_dangling(self) -> bool:
        """Found, and a link to nothing."""
        return not self.is_named and not os.path.exists(self.path)


class _Shape(NamedTuple):
    """What files that one command wrote have in common."""

    suffix: str
    """Without numbers and compression: `.xml` of memcheck.12.xml.gz, `.out.` of massif.out.12."""
    word: str
    """The name up to the first character that is no letter."""


def _shape(path: str) -> _Shape:
    name = os.path.basename(path).lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    stem, suffix = os.path.splitext(name)
    if _NUMBER.fullmatch(suffix[1:]):
        suffix = f"{os.path.splitext(stem)[1]}."
    found = _WORD.match(name)
    return _Shape(_NUMBER.sub("", suffix), "" if found is None else found.group())


def like_read(unread: Iterable[Candidate], read: Iterable[str]) -> list[str]:
    """The paths of unread files with the suffix of one that was read, and in a folder its first word as well."""
    shapes = {_shape(path) for path in read}
    suffixes = {shape.suffix for shape in shapes}
    return [
        one.path
        for one in unread
        if (_shape(one.path).suffix in suffixes if one.is_matched else _shape(one.path) in shapes)
    ]
