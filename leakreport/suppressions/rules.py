"""Suppression rules, whatever dialect they were written in.

A rule of valgrind names frames from the innermost on and has to fit the beginning of a stack; one of LeakSanitizer or
heaptrack is a single pattern that is searched in every frame.

Source: Valgrind manual "Suppressing errors"; LLVM `sanitizer_suppressions.cpp`; heaptrack `src/analyze/suppressions.cpp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leakreport.model.metrics import LeakKind

LEAK = "Leak"
"""The kind of valgrind's rules that speak of memory."""


class Dialect(StrEnum):
    """Whose syntax and matching a rule has."""

    VALGRIND = "valgrind"
    LSAN = "lsan"
    HEAPTRACK = "heaptrack"


class Place(StrEnum):
    """What a pattern is held against; the value is how valgrind writes it."""

    FUNCTION = "fun"
    """The name as the linker has it."""
    OBJECT = "obj"
    SOURCE = "src"
    """The file without its folder, and perhaps a line."""
    ANY_FRAMES = "..."
    """No frame, or any number of frames."""
    ANYWHERE = "leak"
    """LeakSanitizer's and heaptrack's: the function, file or module of any frame."""


@dataclass(frozen=True, slots=True)
class FramePattern:
    """One line of a rule."""

    what: Place
    glob: str = ""
    """Of valgrind: `*` is any text and `?` one byte, nothing else is special. Empty for `...`."""
    line: int | None = None
    """Of `src:FILE:LINE`."""

    @property
    def text(self) -> str:
        """As it stands in a file."""
        if self.what is Place.ANY_FRAMES:
            return self.what.value
        return f"{self.what.value}:{self.glob}{'' if self.line is None else f':{self.line}'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One suppression."""

    name: str
    """What the author called it; the pattern itself where the dialect has no names."""
    dialect: Dialect
    frames: tuple[FramePattern, ...]
    """Innermost first; exactly one, of `Place.ANYWHERE`, where the dialect is not valgrind's."""
    tools: tuple[str, ...] = ()
    """Of valgrind: `Memcheck`, `CoreError`, as written."""
    kind: str = LEAK
    """Of valgrind: `Leak`, `Cond`, `Addr4`, `Param`."""
    kinds: frozenset[LeakKind] | None = None
    """The leak kinds that it hides; None for all."""
    extra: str | None = None
    """The line that `Param` and `FishyValue` need: what the error names."""
    source: str = ""
    """The file."""
    line: int = 0
    """Of the name, which is how valgrind tells where a rule stands."""

    @property
    def is_for_memory(self) -> bool:
        """Whether it hides leaked or retained memory, not errors."""
        return self.dialect is not Dialect.VALGRIND or (self.is_for_memcheck and self.kind == LEAK)

    @property
    def is_for_memcheck(self) -> bool:
        """Whether memcheck heeds it at all: rules of other tools stand in the same files and are passed over."""
        return self.dialect is not Dialect.VALGRIND or "Memcheck" in self.tools or "CoreError" in self.tools

    @property
    def where(self) -> str:
        """FILE:LINE."""
        return f"{self.source}:{self.line}"
