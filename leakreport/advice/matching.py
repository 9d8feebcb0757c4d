"""Which patterns a stack fits, the most telling one first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import NamedTuple

from leakreport.advice.pattern import Call, Pattern, Place
from leakreport.advice.table import PATTERNS
from leakreport.model.metrics import LeakKind


class Match(NamedTuple):
    """A pattern and where in the stack it was recognised."""

    pattern: Pattern
    position: int
    function: str
    """As the stack writes it, without parameters."""


class _Record(NamedTuple):
    """What is known beside the stack."""

    kind: LeakKind
    is_rust: bool
    block_bytes: int | None


class _Index(NamedTuple):
    plain: dict[str, list[Pattern]]
    """By function without scope."""
    globs: list[tuple[str, Pattern]]
    structural: list[Pattern]
    """Those without functions: they look at the shape of the stack."""


@cache
def _index() -> _Index:
    plain: defaultdict[str, list[Pattern]] = defaultdict(list)
    globs = []
    for pattern in PATTERNS:
        for name in pattern.calls:
            if "*" in name or "?" in name:
                globs.append((name, pattern))
            else:
                plain[name.rpartition("::")[2]].append(pattern)
    return _Index(dict(plain), globs, [pattern for pattern in PATTERNS if not pattern.calls])


def matches(
    stack: Sequence[Call],
    *,
    kind: LeakKind,
    family: str = "",
    is_rust: bool = False,
    block_bytes: int | None = None,
) -> list[Match]:
    """The patterns that a stack fits.

    What your code called outermost comes first: `fopen` allocates with `malloc`, yet it is `fclose` that releases it.
    Then come patterns of your own functions, and those of the shape of the whole stack.

    Args:
        stack: outermost first.
        kind: of the record.
        family: what was called to allocate; of the allocator's frames only this one counts. Empty: any.
        is_rust: whether the program is Rust.
        block_bytes: the size of each block, where all have one size.
    """
    responsible = next((index for index in range(len(stack) - 1, -1, -1) if stack[index].is_own), -1)
    yours = _yours(stack, responsible)
    record = _Record(kind, is_rust, block_bytes)
    found: dict[str, tuple[tuple[int, int], Match]] = {}
    for position, call in enumerate(stack):
        if call.function is None or (call.is_allocator and family and _family(call.function) != family):
            continue
        for pattern in _named(call.function):
            is_there = {
                Place.CALLED: position > responsible and not call.is_own,
                Place.YOURS: position in yours,
                Place.ANYWHERE: True,
            }[pattern.place]
            if is_there and pattern.slug not in found and _fits(pattern, call, stack, record):
                found[pattern.slug] = (_rank(pattern, position), Match(pattern, position, call.function))
    for pattern in _index().structural:
        shape = _shape(pattern, stack, responsible)
        if pattern.slug == "library-object" and shape is not None:
            named = [match for _, match in found.values() if match.pattern.place is Place.CALLED]
            if any(_says_more(match, shape, stack) for match in named):
                continue
        if shape is not None and _fits_record(pattern, record):
            found[pattern.slug] = (_rank(pattern, shape), Match(pattern, shape, stack[shape].function or "???"))
    return [match for _, match in sorted(found.values(), key=lambda pair: pair[0])]


def _says_more(match: Match, entered: int, stack: Sequence[Call]) -> bool:
    """Whether a row that knows a function says more than that the frame at `entered` is a library's."""
    is_habit_of_it = match.pattern.is_harmless and stack[match.position].module == stack[entered].module
    return match.position == entered or is_habit_of_it


def by_function(function: str) -> list[Pattern]:
    """The patterns that know a function by its name: those of libraries, or else those of names that you may give."""
    found = [pattern for pattern in _named(function) if "*" not in pattern.calls]
    return [pattern for pattern in found if pattern.place is not Place.YOURS] or found


def _rank(pattern: Pattern, position: int) -> tuple[int, int]:
    order = {Place.CALLED: 0, Place.YOURS: 1, Place.ANYWHERE: 2}[pattern.place]
    return (-1 if pattern.block_bytes else order, position)


def _yours(stack: Sequence[Call], responsible: int) -> frozenset[int]:
    if responsible < 0:
        return frozenset()
    found = {responsible}
    if stack[responsible].is_wrapper and responsible and stack[responsible - 1].is_own:
        found.add(responsible - 1)
    return frozenset(found)


def _family(function: str) -> str:
    return function.rpartition("::")[2].replace("operator_cv_", "")


def _base(function: str) -> str:
    """Without scope, symbol version and the marks of the C library's internal names."""
    return function.rpartition("::")[2].partition("@")[0].removeprefix("__GI_")


def _plain(function: str) -> str:
    return _base(function).lstrip("_")


@lru_cache(maxsize=1 << 13)
def _named(function: str) -> tuple[Pattern, ...]:
    return tuple(dict.fromkeys(_patterns_of(function)))


def _patterns_of(function: str) -> Iterator[Pattern]:
    index = _index()
    base = _base(function)
    for name in dict.fromkeys((base, base.lstrip("_"))):
        for pattern in index.plain.get(name, ()):
            if any(_is_called(function, base, known) for known in pattern.calls):
                yield pattern
    for name, pattern in index.globs:
        if _is_called(function, base, name):
            yield pattern


def _is_called(function: str, base: str, name: str) -> bool:
    """Whether a function is meant by a name of the table. A name with a scope wants just this scope."""
    if "::" in name:
        return fnmatchcase(function, name)
    if "::" in function and not name.startswith("*"):
        # A function of C has no scope; somebody's `Reader::getline` is another one.
        return False
    return fnmatchcase(base, name) or fnmatchcase(base.lstrip("_"), name)


def _fits(pattern: Pattern, call: Call, stack: Sequence[Call], record: _Record) -> bool:
    if not _fits_record(pattern, record):
        return False
    if pattern.modules and not _is_of_library(pattern, call):
        return False
    functions = [one.function for one in stack if one.function is not None]
    if pattern.within and not any(_is_any(function, pattern.within) for function in functions):
        return False
    return not any(_is_any(function, pattern.without) for function in functions)


def _is_of_library(pattern: Pattern, call: Call) -> bool:
    """Whether a frame lies in the library of a pattern. Where no object is known, a whole name that is not yours will do."""
    if call.module is not None:
        return _any(call.module, pattern.modules)
    base = _plain(call.function or "")
    return not call.is_own and any(base == name.lstrip("_") for name in pattern.calls)


def _fits_record(pattern: Pattern, record: _Record) -> bool:
    if pattern.kinds and record.kind not in pattern.kinds:
        return False
    if pattern.is_rust and not record.is_rust:
        return False
    return not pattern.block_bytes or record.block_bytes in pattern.block_bytes


def _any(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _is_any(function: str, names: Iterable[str]) -> bool:
    return any(_is_called(function, _base(function), name) for name in names)


def _shape(pattern: Pattern, stack: Sequence[Call], responsible: int) -> int | None:
    """Where a pattern that names no function finds its shape."""
    match pattern.slug:
        case "unloaded-library":
            # Between the program's frames and the allocator: what was unloaded has neither a name nor an object.
            inner = [index for index, call in enumerate(stack) if not call.is_known]
            return inner[-1] if inner and any(call.is_known for call in stack[: inner[-1]]) else None
        case "allocation-wrapper":
            return responsible if responsible > 0 and stack[responsible].is_wrapper else None
        case "library-object":
            return _entered_library(stack, responsible)
        case "constructor":
            return responsible if responsible >= 0 and _is_constructor(stack[responsible].function) else None
        case _:
            assert pattern.slug == "library-only", pattern.slug
            has_library = any(call.module is not None and not call.is_allocator for call in stack)
            return 0 if stack and responsible < 0 and has_library else None


_RUNTIME = ("libc.so*", "libc-*.so*", "libc.musl*", "ld-*", "libpthread*", "libdl*", "librt*", "libm.so*", "libstdc++*", "libc++*", "libgcc_s*", "libstd-*", "libsupc++*", "vgpreload_*", "lib*asan*", "liblsan*")  # fmt: skip


def _entered_library(stack: Sequence[Call], responsible: int) -> int | None:
    """The frame behind your innermost one, where it lies in another object that is no run-time library."""
    if not 0 <= responsible < len(stack) - 1:
        return None
    behind, yours = stack[responsible + 1], stack[responsible]
    is_library = behind.module is not None and not behind.is_allocator and not _any(behind.module, _RUNTIME)
    return responsible + 1 if is_library and yours.module not in {None, behind.module} else None


def _is_constructor(function: str | None) -> bool:
    parts = (function or "").split("::")
    return len(parts) > 1 and parts[-1] == parts[-2]
