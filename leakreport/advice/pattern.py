"""What a pattern is: how to recognise a kind of allocation in a stack, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from leakreport.model.metrics import LeakKind

LOST = frozenset({LeakKind.DEFINITE, LeakKind.INDIRECT, LeakKind.POSSIBLE})
KEPT = frozenset({LeakKind.REACHABLE, LeakKind.POSSIBLE, LeakKind.NONE})


class Place(Enum):
    """Which frames of a stack a pattern looks at."""

    CALLED = "called"
    """Those that your innermost function called on the way to the allocation; all where no frame is yours."""
    YOURS = "yours"
    """Your innermost function, or the one that called it where that is an allocation wrapper."""
    ANYWHERE = "anywhere"
    """Every frame."""


class Call(NamedTuple):
    """One frame, as far as patterns look at it."""

    function: str | None
    """Without template arguments and parameters, with its scope: `std::vector::push_back`. None: no name."""
    module: str | None
    """The object without its folder; None: not known."""
    is_own: bool
    is_allocator: bool = False
    is_wrapper: bool = False
    """It looks like an allocation wrapper, by its name."""
    is_known: bool = True
    """False for `???`: neither a name nor an object."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row of the table. Words are worded as possibilities: a stack shows who allocated, not who forgot."""

    slug: str
    noun: str
    """What was allocated, as in "fopen gives {noun}": "a stdio stream with its buffer"."""
    calls: tuple[str, ...] = ()
    """Functions, with `*` and `?` as in file names; a scope may be left out. One frame must be one of them."""
    modules: tuple[str, ...] = ()
    """Where the object of that frame is known, it must be one of these (globs, without the folder)."""
    place: Place = Place.CALLED
    release: str = ""
    """The function that releases it; empty where nothing in particular does."""
    hint: str = ""
    """One more sentence for the reading list; empty where the release function says it all."""
    fix: tuple[str, ...] = ()
    """Sentences: how to release it, what is often forgotten."""
    ignore: str = ""
    """When it is safe to ignore, beyond what holds for its leak kind."""
    prove: str = ""
    """How to see that it is fixed, beyond recording again."""
    kinds: frozenset[LeakKind] = frozenset()
    """Only these leak kinds; empty: all."""
    within: tuple[str, ...] = ()
    """One more frame of the stack must be one of these."""
    without: tuple[str, ...] = ()
    """And none one of these."""
    block_bytes: frozenset[int] = frozenset()
    """Only blocks of one of these sizes."""
    is_rust: bool = False
    """Only in a Rust program."""
    is_harmless: bool = False
    """A known habit of a library: held on purpose until the process ends."""


def called(text: str) -> tuple[str, ...]:
    """A list of functions, written as one text."""
    return tuple(text.split())


def handle(
    slug: str,
    noun: str,
    calls: str,
    release: str,
    modules: tuple[str, ...],
    *more: str,
    ignore: str = "",
    hint: str = "",
) -> Pattern:
    """What one function gives and another takes back: most rows are of this shape.

    Args:
        slug: of the pattern.
        noun: what is given.
        calls: the functions that give it.
        release: the function that takes it back.
        modules: the library's objects.
        more: sentences on what is often forgotten.
        ignore: as in `Pattern`.
        hint: as in `Pattern`.
    """
    return Pattern(
        slug,
        noun,
        called(calls),
        modules,
        release=release,
        hint=hint,
        fix=(f"Every one needs {release} on every way out of its owner, early returns and exceptions included.", *more),
        ignore=ignore,
    )
