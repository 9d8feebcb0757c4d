"""Whether a glob over linker names fits a function whose readable name is all that the input has.

Valgrind compares suppressions with `_ZN4shop5Table3addEi`, and prints `shop::Table::add(int)`. A name without signs of
C++ or Rust is the linker's own; of a call that was inlined valgrind has no other than the one it prints. For the rest:

- a linker name without wildcards fits what it reads as: functions that read the same (a constructor's copies, a static
  function and a global one) are taken for the same,
- what reads like a constructor is one, for a glob that fits all its copies (C1, C2): a function called like its
  namespace reads the same, and is hardly ever written,
- a glob that no linker name of C++, Rust or D can fit does not fit,
- of the others, what is in a linker name decides (`spelled`), and what scope and name determine (`mangling`); the answer
  is UNKNOWN otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from leakreport.model.raw import Frame, FrameKind
from leakreport.suppressions.answers import Answer
from leakreport.suppressions.globs import Glob
from leakreport.suppressions.mangling import name_answer
from leakreport.suppressions.spelled import contents_answer, without_arguments

__all__ = ["Answer", "Demangler", "function_answer", "is_linker_name"]

Demangler = Callable[[str], str]
_READABLE = re.compile(r"[(<:\s~]|\[clone")
_CLONE = re.compile(r"\s*\[clone [^\[\]]*\]")
_MANGLED_STARTS = ("_Z", "_R", "_D")


def is_readable(name: str) -> bool:
    """Whether a name is not the linker's: it was demangled."""
    return name != "(below main)" and _READABLE.search(name) is not None and not name.startswith("_Z")


def is_linker_name(frame: Frame) -> bool:
    """Whether the name of a frame's function is what valgrind compares with: it decides everything."""
    name = frame.function
    if name is None or frame.kind is not FrameKind.FUNCTION:
        return False
    # Debug information has the bare names of inlined functions; other tools than valgrind qualify them.
    return not is_readable(name) or (frame.is_inlined and "::" not in without_arguments(name))


def function_answer(glob: Glob, frame: Frame, demangle: Demangler) -> Answer:
    """Whether a glob fits the linker name of a frame's function."""
    name = frame.function
    if name is None:
        return Answer.of(glob.fits("???"))
    if is_linker_name(frame):
        return Answer.of(glob.fits(name))
    if glob.literal is not None:
        return Answer.of(as_read(glob.text, demangle) == bare(name))
    if not may_fit_readable(glob):
        return Answer.NO
    answer = contents_answer(glob, _CLONE.sub("", name))
    # A question mark is a byte, and not a letter, where names are not ASCII.
    if answer is not Answer.UNKNOWN or ("?" in glob.text and not name.isascii()):
        return answer
    known = name_answer(glob.text, name)
    return Answer.UNKNOWN if known is None else Answer.of(known)


def may_fit_readable(glob: Glob) -> bool:
    """Whether a glob may fit a linker name that has another readable form."""
    return any(_may_begin(glob.text, start) for start in _MANGLED_STARTS)


def as_read(linker_name: str, demangle: Demangler) -> str | None:
    """What a linker name reads as, as `bare` has it; None where it is no name that reads otherwise."""
    return bare(demangle(linker_name)) if linker_name.startswith(_MANGLED_STARTS) else None


def bare(name: str) -> str:
    """A readable name without what compilers add to copies and demanglers differ in."""
    return "".join(_CLONE.sub("", name).split())


def _may_begin(glob: str, start: str) -> bool:
    """Whether a text that begins so may fit."""
    for sign, expected in zip(glob, start, strict=False):
        if sign == "*":
            return True
        if sign not in {"?", expected}:
            return False
    return len(glob) >= len(start)
