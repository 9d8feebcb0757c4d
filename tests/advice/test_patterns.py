"""Every pattern: a stack that it fits, and near misses that it must not. Stacks are written outermost first."""

from __future__ import annotations

import re

import pytest

from leakreport.advice.matching import by_function, matches
from leakreport.advice.pattern import Call, Pattern, Place
from leakreport.advice.table import BY_SLUG, PATTERNS
from leakreport.model.metrics import LeakKind

SHAPES = ("unloaded-library", "allocation-wrapper", "constructor", "library-object", "library-only")
NAMED = [pattern for pattern in PATTERNS if pattern.slug not in SHAPES]
MAIN, WORK = Call("main", "app", is_own=True), Call("work", "app", is_own=True)
MALLOC = Call("malloc", "vgpreload_memcheck-amd64-linux.so", is_own=False, is_allocator=True)


def _example_of(glob: str) -> str:
    """A name that a pattern's glob fits."""
    plain = re.sub(r"\[([A-Z])-[A-Z]\]", r"\1", glob)
    return plain.replace("*", "x").replace("?", "x")


def _module(pattern: Pattern) -> str | None:
    return (
        pattern.modules[0].replace("*", "-1.so.1" if "so" not in pattern.modules[0] else "")
        if pattern.modules
        else "libother.so"
    )


def _kind(pattern: Pattern) -> LeakKind:
    return min(pattern.kinds) if pattern.kinds else LeakKind.DEFINITE


def _found(pattern: Pattern, stack: list[Call], kind: LeakKind | None = None, size: int | None = None) -> bool:
    sizes = min(pattern.block_bytes) if pattern.block_bytes else 24
    found = matches(
        stack,
        kind=_kind(pattern) if kind is None else kind,
        is_rust=pattern.is_rust,
        block_bytes=sizes if size is None else size,
    )
    return pattern.slug in {match.pattern.slug for match in found}


def _call(pattern: Pattern, name: str, *, is_own: bool | None = None, module: str | None = "") -> Call:
    own = pattern.place is Place.YOURS if is_own is None else is_own
    where = (None if own and not pattern.modules else _module(pattern)) if module == "" else module
    return Call(name, "app" if own and module == "" else where, is_own=own)


@pytest.mark.parametrize("pattern", NAMED, ids=lambda pattern: pattern.slug)
def test_every_function_of_a_pattern_is_recognised(pattern: Pattern) -> None:
    for glob in pattern.calls:
        function = _example_of(glob)
        assert _found(pattern, [MAIN, _call(pattern, function), MALLOC]), function


@pytest.mark.parametrize("pattern", [one for one in NAMED if one.place is Place.CALLED], ids=lambda one: one.slug)
def test_your_own_function_of_that_name_is_another_one(pattern: Pattern) -> None:
    stack = [MAIN, _call(pattern, _example_of(pattern.calls[0]), is_own=True, module="app"), WORK]
    assert not _found(pattern, stack)


@pytest.mark.parametrize("pattern", [one for one in NAMED if one.place is Place.CALLED], ids=lambda one: one.slug)
def test_what_calls_you_back_did_not_allocate(pattern: Pattern) -> None:
    other = Call("unrelated_function", "libunrelated.so", is_own=False)
    assert not _found(pattern, [MAIN, _call(pattern, _example_of(pattern.calls[0])), WORK, other])


@pytest.mark.parametrize("pattern", [one for one in NAMED if one.modules], ids=lambda one: one.slug)
def test_a_function_of_that_name_in_another_library_is_another_one(pattern: Pattern) -> None:
    call = _call(pattern, _example_of(pattern.calls[0]), is_own=False, module="libunrelated.so.1")
    assert not _found(pattern, [MAIN, call])


EXACT = [one for one in NAMED if one.place is not Place.YOURS and not any(set("*?") & set(name) for name in one.calls)]


@pytest.mark.parametrize("pattern", EXACT, ids=lambda one: one.slug)
def test_a_longer_name_is_another_function(pattern: Pattern) -> None:
    for name in pattern.calls:
        assert not _found(pattern, [MAIN, _call(pattern, f"{name}_of_mine")]), name


@pytest.mark.parametrize("pattern", [one for one in NAMED if one.kinds], ids=lambda one: one.slug)
def test_another_leak_kind_is_another_story(pattern: Pattern) -> None:
    other = next(kind for kind in LeakKind if kind not in pattern.kinds)
    assert not _found(pattern, [MAIN, _call(pattern, _example_of(pattern.calls[0])), MALLOC], other)


@pytest.mark.parametrize("pattern", [one for one in NAMED if one.without], ids=lambda one: one.slug)
def test_another_frame_can_say_that_it_is_something_else(pattern: Pattern) -> None:
    excluded = Call(pattern.without[0], _module(pattern), is_own=False)
    assert not _found(pattern, [MAIN, excluded, _call(pattern, _example_of(pattern.calls[0])), MALLOC])


def test_a_rust_pattern_is_only_for_rust() -> None:
    stack = [MAIN, Call("alloc::rc::Rc::new", "app", is_own=False), MALLOC]
    assert not [match for match in matches(stack, kind=LeakKind.DEFINITE) if match.pattern.is_rust]


def test_the_emergency_pool_has_its_own_size() -> None:
    pattern = BY_SLUG["emergency-pool"]
    stack = [Call("call_init", "ld-linux-x86-64.so.2", is_own=False), MALLOC]
    assert _found(pattern, stack, LeakKind.REACHABLE, 72_704)
    assert not _found(pattern, stack, LeakKind.REACHABLE, 72_705)


@pytest.mark.parametrize(
    ("stack", "slug"),
    [
        ([MAIN, Call(None, None, is_own=False, is_known=False), MALLOC], "unloaded-library"),
        ([MAIN, Call("xmalloc", "app", is_own=True, is_wrapper=True), MALLOC], "allocation-wrapper"),
        ([MAIN, Call("shop::Cart::Cart", "app", is_own=True), MALLOC], "constructor"),
        ([MAIN, Call(None, "libfoo.so.3", is_own=False), MALLOC], "library-object"),
        ([Call("foo_thread", "libfoo.so.3", is_own=False), MALLOC], "library-only"),
    ],
)
def test_a_shape_is_recognised(stack: list[Call], slug: str) -> None:
    assert _found(BY_SLUG[slug], stack)


@pytest.mark.parametrize(
    ("stack", "slug"),
    [
        ([MAIN, Call(None, "libfoo.so", is_own=False), MALLOC], "unloaded-library"),
        ([Call(None, None, is_own=False, is_known=False), MALLOC], "unloaded-library"),
        ([MAIN, Call("load_tiles", "app", is_own=True), MALLOC], "allocation-wrapper"),
        ([MAIN, Call("shop::Cart::add", "app", is_own=True), MALLOC], "constructor"),
        ([MAIN, Call("strdup", "libc.so.6", is_own=False), MALLOC], "library-object"),
        ([MAIN, Call("std::vector::push_back", "app", is_own=False), MALLOC], "library-object"),
        ([MAIN, Call("sqlite3_open", "libsqlite3.so.0", is_own=False), MALLOC], "library-object"),
        ([MAIN, Call("foo", "libfoo.so.3", is_own=False), MALLOC], "library-only"),
    ],
)
def test_a_shape_that_is_nearly_the_same_is_not(stack: list[Call], slug: str) -> None:
    assert not _found(BY_SLUG[slug], stack, LeakKind.REACHABLE if slug == "library-only" else None)


def test_what_you_called_decides_and_not_what_that_called() -> None:
    stack = [
        MAIN,
        Call("curl_slist_append", "libcurl.so.4", is_own=False),
        Call("strdup", "libc.so.6", is_own=False),
        MALLOC,
    ]
    found = [match.pattern.slug for match in matches(stack, kind=LeakKind.DEFINITE)]
    assert found == ["curl-list", "copied-string", "heap-block"]


def test_the_c_library_is_known_by_its_internal_names() -> None:
    for name in ("__strdup", "__GI_strdup", "strdup@@GLIBC_2.2.5"):
        stack = [MAIN, Call(name, "libc.so.6", is_own=False), MALLOC]
        assert matches(stack, kind=LeakKind.DEFINITE)[0].pattern.slug == "copied-string", name


def test_a_method_is_no_function_of_c() -> None:
    stack = [MAIN, Call("Reader::getline", None, is_own=False)]
    assert "line-buffer" not in {match.pattern.slug for match in matches(stack, kind=LeakKind.DEFINITE)}


def test_a_function_is_found_by_name_without_a_stack() -> None:
    assert [pattern.slug for pattern in by_function("sqlite3_open")] == ["sqlite-database"]
    assert by_function("no_such_function_at_all") == []


def test_every_pattern_says_what_to_do() -> None:
    assert len(PATTERNS) == len(BY_SLUG) >= 180
    for pattern in PATTERNS:
        assert pattern.fix, pattern.slug
        assert pattern.calls or pattern.slug in SHAPES, pattern.slug
        assert all(text.endswith(".") and text[0].isalnum() for text in pattern.fix), pattern.slug
        assert not pattern.noun.endswith("."), pattern.slug
