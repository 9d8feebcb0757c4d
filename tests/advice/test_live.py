"""Patterns against stacks that the real valgrind writes, of programs built here, and of recorded ones with more libraries."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.advice.matching import Match
from leakreport.advice.table import BY_SLUG
from leakreport.model.metrics import LeakKind
from tests.advice.advice_support import by_function, firsts, slugs
from tests.support import FIXTURES

Found = dict[str, list[list[Match]]]
PROGRAMS = FIXTURES / "programs" / "advice"
OPTIONS = (
    "--leak-check=full",
    "--show-leak-kinds=all",
    "--num-callers=40",
    "--run-libc-freeres=no",
    "--run-cxx-freeres=no",
    "--xml=yes",
)


def _leaks(source: str) -> list[str]:
    text = (PROGRAMS / source).read_text(encoding="utf-8")
    return re.findall(r"^(?:static )?void (leak_\w+)\(", text, re.MULTILINE)


def _slug(function: str) -> str:
    return function.removeprefix("leak_").replace("_", "-")


NAMED = {
    "xmalloc": "allocation-wrapper",
    "widget_create": "factory",
    "config_clone": "copy",
    "set_title": "setter",
    "parse_header": "input-parser",
    "get_instance": "singleton",
    "cache_store": "cache",
    "add_listener": "registration",
    "queue_append": "collection",
    "runs_on": "thread-body",
}
"""Functions of the C program that are recognised by their own names."""
# The C library of the machine decides whether these leave anything behind.
MAY_BE_ABSENT = {"leak_name_service", "leak_time_zone", "leak_locale_data", "leak_search_tree", "leak_stdio_buffer"}


@pytest.fixture(scope="module")
def recordings(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Both programs, built without optimisation and run once under valgrind."""

    def record(folder: Path) -> None:
        builds = (("gcc", "leaks.c", ["-ldl", "-lrt"]), ("g++", "leaks.cpp", ["-std=c++17"]))
        for compiler, source, more in builds:
            program = folder / source.replace(".", "_")
            build = [tool(compiler), "-g", "-O0", "-w", "-pthread", "-o", str(program), str(PROGRAMS / source), *more]
            subprocess.run(build, check=True, capture_output=True, timeout=300)
            command = [tool("valgrind"), *OPTIONS, f"--xml-file={folder / source}.xml", str(program)]
            subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)

    return once("advice", record)


@pytest.fixture(scope="module")
def of_c(recordings: Path) -> Found:
    return by_function(recordings / "leaks.c.xml")


@pytest.fixture(scope="module")
def of_cpp(recordings: Path) -> Found:
    return by_function(recordings / "leaks.cpp.xml")


def test_enough_patterns_are_tried_live() -> None:
    tried = {_slug(name) for source in ("leaks.c", "leaks.cpp") for name in _leaks(source)} | set(NAMED.values())
    assert len(tried & set(BY_SLUG)) >= 60


@pytest.mark.valgrind
@pytest.mark.parametrize("function", _leaks("leaks.c"))
def test_a_leak_through_the_c_library_is_recognised(function: str, of_c: Found) -> None:
    if function not in of_c and function in MAY_BE_ABSENT:
        pytest.skip("this C library leaves nothing behind there")
    assert _slug(function) in firsts(of_c[function])


@pytest.mark.valgrind
@pytest.mark.parametrize("function", NAMED)
def test_your_own_function_is_recognised_by_its_name(function: str, of_c: Found) -> None:
    assert NAMED[function] in slugs(of_c[function])


@pytest.mark.valgrind
def test_your_own_function_with_a_name_of_the_library_is_not_the_librarys(
    of_c: Found,
) -> None:
    assert slugs(of_c["reader_getline"]) == {"heap-block"}


@pytest.mark.valgrind
@pytest.mark.parametrize("function", _leaks("leaks.cpp"))
def test_a_leak_through_the_cpp_library_is_recognised(function: str, of_cpp: Found) -> None:
    assert _slug(function) in slugs(of_cpp[function])


@pytest.mark.valgrind
def test_what_is_made_before_main_is_recognised(of_cpp: Found) -> None:
    assert "emergency-pool" in firsts(of_cpp[""])
    assert {"global-object", "constructor"} <= slugs(of_cpp["Registry::Registry"])
    assert "singleton" in slugs(of_cpp["Widget::instance"])


WITHOUT_NAME = {
    "leak_cairo_object": "library-object",
    "leak_curl_multi": "library-object",
    "leak_digest_context": "crypto-block",
    "leak_expat_parser": "library-object",
    "leak_libgcrypt_start": "library-object",
    "leak_magic_cookie": "library-object",
    "leak_sqlite_database": "library-object",
    "leak_zlib_file": "library-object",
}
"""Their public function ended with a jump, so that no stack has its name."""


@pytest.fixture(scope="module")
def of_libraries() -> Found:
    return by_function(FIXTURES / "advice" / "libraries" / "input.xml.gz")


@pytest.mark.parametrize("function", _leaks("libraries.c"))
def test_a_recorded_leak_of_a_library_is_recognised(function: str, of_libraries: Found) -> None:
    if function not in of_libraries:
        # Nothing of it was left at exit: the library had cleaned up.
        assert function in {"leak_sqlite_start", "leak_xml_start", "leak_curl_start", "leak_algorithm_fetch"}
        return
    expected = WITHOUT_NAME.get(function, _slug(function))
    assert expected in firsts(of_libraries[function])


def test_threads_of_openmp_are_a_known_habit() -> None:
    found = by_function(FIXTURES / "advice" / "openmp" / "input.xml.gz")
    assert "openmp-threads" in firsts(found["leak_openmp_threads"])


def test_memory_of_an_unloaded_library_is_recognised() -> None:
    found = by_function(FIXTURES / "memcheck-xml" / "host" / "input.xml")
    assert "unloaded-library" in {slug for paths in found.values() for slug in slugs(paths)}
    kept = by_function(FIXTURES / "memcheck-xml" / "host-keep" / "input.xml")
    assert "unloaded-library" not in {slug for paths in kept.values() for slug in slugs(paths)}


def test_what_is_kept_on_purpose_is_never_said_of_lost_memory() -> None:
    for pattern in BY_SLUG.values():
        if pattern.is_harmless:
            assert pattern.kinds, pattern.slug
            assert LeakKind.DEFINITE not in pattern.kinds, pattern.slug
