"""Whether a glob over linker names fits a function whose readable name is all that the input has.

Valgrind compares suppressions with `_ZN4shop5Table3addEi`, and prints `shop::Table::add(int)`. A name without signs of
C++ or Rust is the linker's own, and so is what valgrind prints of a call that was inlined. For the others:

- a linker name without wildcards fits what it reads as,
- nothing that cannot begin with `_Z`, `_R` or `_D` fits,
- of a glob, scope and name of the function decide (`mangling`): UNKNOWN where what a readable name does not tell of the
  linker's one would have to.

Two functions that read the same (a constructor's copies, a static one) cannot be told apart by readable names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum

from leakreport.model.raw import Frame, FrameKind
from leakreport.suppressions.globs import Glob
from leakreport.suppressions.mangling import name_answer

Demangler = Callable[[str], str]
_READABLE = re.compile(r"[(<:\s~]|\[clone")
_CLONE = re.compile(r"\s*\[clone [^\[\]]*\]")
_MANGLED_STARTS = ("_Z", "_R", "_D")


class Answer(IntEnum):
    """Ordered: of several that must all be so, the least counts; of several of which one is enough, the greatest."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    @classmethod
    def of(cls, is_so: bool) -> Answer:  # noqa: FBT001 - what it is made of
        """YES or NO."""
        return cls.YES if is_so else cls.NO

    @classmethod
    def of_possible(cls, is_possible: bool) -> Answer:  # noqa: FBT001 - what it is made of
        """UNKNOWN or NO."""
        return cls.UNKNOWN if is_possible else cls.NO


def is_readable(name: str) -> bool:
    """Whether a name is not the linker's: it was demangled."""
    return _READABLE.search(name) is not None and not name.startswith("_Z")


def is_linker_name(frame: Frame) -> bool:
    """Whether the name of a frame's function is what valgrind compares with: it decides everything."""
    name = frame.function
    if name is None or name == "(below main)" or frame.kind is not FrameKind.FUNCTION:
        return False
    return not is_readable(name) or (frame.is_inlined and "::" not in name)


def function_answer(glob: Glob, frame: Frame, demangle: Demangler) -> Answer:
    """Whether a glob fits the linker name of a frame's function."""
    name = frame.function
    if name is None:
        return Answer.of(glob.fits("???"))
    if name == "(below main)":
        return Answer.UNKNOWN
    if is_linker_name(frame):
        return Answer.of(glob.fits(name))
    if glob.literal is not None:
        return _literal_answer(glob.literal, name, demangle)
    if not glob.text.strip("*"):
        return Answer.YES
    if not any(_may_begin(glob.text, start) for start in _MANGLED_STARTS):
        return Answer.NO
    known = name_answer(glob.text, name)
    return Answer.UNKNOWN if known is None else Answer.of(known)


def _literal_answer(linker_name: str, name: str, demangle: Demangler) -> Answer:
    if not linker_name.startswith(_MANGLED_STARTS):
        return Answer.NO
    return Answer.of(_bare(demangle(linker_name)) == _bare(name))


def _bare(name: str) -> str:
    return "".join(_CLONE.sub("", name).split())


def _may_begin(glob: str, start: str) -> bool:
    """Whether a text that begins so may fit."""
    for sign, expected in zip(glob, start, strict=False):
        if sign == "*":
            return True
        if sign not in {"?", expected}:
            return False
    return len(glob) >= len(start)
