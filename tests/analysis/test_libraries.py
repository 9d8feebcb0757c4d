"""Versions of libraries: what names say, what they do not say, and what changed between two runs."""

from __future__ import annotations

import pytest

from leakreport.analysis.libraries import Difference, library_differences, library_of
from leakreport.model.raw import Frame, Mapping, SnapshotMeta

HASH = "0c3x8b1rq5cqkrz7v2yd4pm5bsjg9zlw"
NAMES = [
    ("/usr/lib/libimgkit.so.3.1.4", "libimgkit", "3.1.4"),
    ("/usr/lib/x86_64-linux-gnu/libimgkit.so.3", "libimgkit", "3"),
    ("/usr/lib/libimgkit-3.1.so", "libimgkit", "3.1"),
    ("/usr/lib/libimgkit-3.so", "libimgkit", "3"),
    ("/usr/lib/libimgkit.so", "libimgkit", None),
    ("plugins/imgkit.so.3", "imgkit", "3"),
    ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", "libstdc++", "6.0.30"),
    ("/usr/lib/x86_64-linux-gnu/libglib-2.0.so.0.7400.6", "libglib", "0.7400.6"),
    ("/lib/x86_64-linux-gnu/libc-2.31.so", "libc", "2.31"),
    ("/usr/lib/libssl.so.1.0.2k", "libssl", "1.0.2k"),
    ("/usr/lib/libpython3.11.so.1.0", "libpython", "3.11"),
    ("/usr/lib/liblua5.4.so.0.0.0", "liblua", "5.4"),
    ("/usr/bin/python3.11", "python", "3.11"),
    ("/usr/lib/python3.12/lib-dynload/_json.cpython-312-x86_64-linux-gnu.so", "python", "3.12"),
    ("/usr/lib/python3/dist-packages/lxml/etree.cpython-311-x86_64-linux-gnu.so", "etree", None),
    ("/opt/venv/lib/python3.11/site-packages/numpy/core/_umath.cpython-311-x86_64-linux-gnu.so", "_umath", None),
    ("/opt/imgkit-3.1.4/lib/libimgkit.so", "libimgkit", "3.1.4"),
    ("/opt/imgkit-3.1.4/lib/libimgkit.so.3", "libimgkit", "3.1.4"),
    ("/opt/imgkit-5.2.0/lib/libimgkit.so.3", "libimgkit", "5.2.0"),
    ("/opt/imgkit-3.1.4/lib/libother.so", "libother", None),
    ("/opt/homebrew/Cellar/imgkit/3.1.4/lib/libimgkit.3.dylib", "libimgkit", "3.1.4"),
    ("/usr/local/lib/libimgkit.3.1.4.dylib", "libimgkit", "3.1.4"),
    ("C:/app/imgkit-3.1.dll", "imgkit", "3.1"),
    ("/app/lib/imgkit-1.2.3.jar", "imgkit", "1.2.3"),
    ("/app/lib/guava-31.1-jre.jar", "guava", "31.1-jre"),
    ("/app/lib/log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", "2.17.1"),
    ("/app/lib/netty-tcnative-2.0.61.Final-linux-x86_64.jar", "netty-tcnative", "2.0.61.Final"),
    ("/app/lib/imgkit.jar", "imgkit.jar", None),
    (f"/nix/store/{HASH}-imgkit-3.1.4/lib/libimgkit.so", "libimgkit", "3.1.4"),
    (f"/nix/store/{HASH}-imgkit-3.1.4-lib/lib/libimgkit.so.3", "libimgkit", "3.1.4"),
    (f"/gnu/store/{HASH}-imgkit/lib/libimgkit.so", "libimgkit", None),
    ("/usr/lib/rustlib/libstd-8389830094602f5a.so", "libstd-8389830094602f5a", None),
    ("/tmp/libzstd-jni-1.5.5-48937593.so", "libzstd-jni", "1.5.5"),
    ("/tmp/libnative-48937593.so", "libnative", None),
    ("/home/ci/build-2024.11.02/libimgkit.so", "libimgkit", None),
    ("/srv/app-418/bin/tileserver", "tileserver", None),
    ("/lib64/ld-linux-x86-64.so.2", "ld-linux-x86", "2"),
    ("/usr/lib/libimgkit.so.3.1.4 (deleted)", "libimgkit", "3.1.4"),
]


@pytest.mark.parametrize(("path", "name", "version"), NAMES, ids=[path for path, _, _ in NAMES])
def test_a_version_is_what_a_name_says_it_is(path: str, name: str, version: str | None) -> None:
    found = library_of(path)
    assert found is not None
    assert (found.name, found.version) == (name, version)


@pytest.mark.parametrize("path", ["", "[vdso]", "[heap]", "[stack]", "/usr/lib/"])
def test_what_is_no_file_is_no_library(path: str) -> None:
    assert library_of(path) is None


def differences(before: list[str], after: list[str]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    found = library_differences(([], [Frame("f", path) for path in before]), ([], [Frame("f", path) for path in after]))
    assert not any(one.is_rebuilt for one in found)
    return [(one.name, one.before, one.after) for one in found]


def test_an_upgrade_is_told_by_its_versions() -> None:
    before = ["/usr/lib/libimgkit.so.3.1.4", "/usr/lib/libz.so.1.2.13", "/srv/app/bin/tileserver"]
    after = ["/usr/lib/libimgkit.so.3.2.0", "/usr/lib/libz.so.1.2.13", "/srv/app/bin/tileserver"]
    assert differences(before, after) == [("libimgkit", ("3.1.4",), ("3.2.0",))]
    assert differences(after, before) == [("libimgkit", ("3.2.0",), ("3.1.4",))]
    assert differences(before, before) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The same file, one of them named as the linker asks for it.
        (["/usr/lib/libimgkit.so.3"], ["/usr/lib/libimgkit.so.3.1.4"]),
        (["/opt/imgkit-3.1.4/lib/libimgkit.so"], ["/usr/lib/libimgkit.so.3"]),
        # Only one side has it, or knows its version.
        (["/usr/lib/libimgkit.so.3.1.4"], ["/usr/lib/libother.so.1"]),
        (["/usr/lib/libimgkit.so.3.1.4"], ["/usr/lib/libimgkit.so"]),
        # Folders are no versions.
        (["/srv/v1/libthumbs.so"], ["/srv/v2/libthumbs.so"]),
        ([f"/nix/store/{HASH}-imgkit/lib/libimgkit.so"], [f"/nix/store/{HASH[::-1]}-imgkit/lib/libimgkit.so"]),
        (["/home/ci/build-2024.11.02/libimgkit.so"], ["/home/ci/build-2024.11.03/libimgkit.so"]),
    ],
)
def test_nothing_is_said_where_nothing_is_known(before: list[str], after: list[str]) -> None:
    assert differences(before, after) == []
    assert differences(after, before) == []


def test_two_ways_to_count_are_told_by_file_names() -> None:
    assert differences(["/lib/x86_64-linux-gnu/libc-2.31.so"], ["/lib/x86_64-linux-gnu/libc.so.6"]) == [
        ("libc", ("libc-2.31.so",), ("libc.so.6",))
    ]


def test_all_versions_of_a_side_are_told_in_their_order() -> None:
    before = ["/usr/lib/libimgkit.so.9.0", "/opt/x/libimgkit.so.10.0"]
    assert differences(before, ["/usr/lib/libimgkit.so.10.0"]) == [("libimgkit", ("9.0", "10.0"), ("10.0",))]


def test_a_python_upgrade_is_one_line() -> None:
    def side(version: str, digits: str) -> list[str]:
        own = f"/usr/lib/python{version}/lib-dynload"
        return [f"/usr/bin/python{version}", f"{own}/_json.cpython-{digits}-x86_64-linux-gnu.so"]

    assert differences(side("3.11", "311"), side("3.12", "312")) == [("python", ("3.11",), ("3.12",))]


def built(path: str, build_id: str | None) -> tuple[list[SnapshotMeta], list[Frame]]:
    mappings = (Mapping(0, 4096, 0, path, build_id), Mapping(4096, 8192, 4096, "[heap]"))
    return [SnapshotMeta("x", "pprof", mappings=mappings)], []


@pytest.mark.parametrize(
    ("file", "versions"), [("libthumbs.so", ()), ("libthumbs.so.1.4.2", ("1.4.2",))], ids=["unknown", "same"]
)
def test_another_build_of_the_same_version_is_a_rebuild(file: str, versions: tuple[str, ...]) -> None:
    before, after = built(f"/srv/v1/{file}", "BB51"), built(f"/srv/v2/{file}", "c24e")
    assert library_differences(before, after) == [
        Difference("libthumbs", versions, versions, ("bb51",), ("c24e",), is_rebuilt=True)
    ]
    assert library_differences(before, built(f"/srv/v2/{file}", "bb51")) == []
    assert library_differences(before, built(f"/srv/v2/{file}", None)) == []


def test_a_build_id_that_a_tool_names_counts() -> None:
    metas = [
        [SnapshotMeta("x", "sanitizer", build_ids=(("/srv/libthumbs.so", build_id),))] for build_id in ("aa", "bb")
    ]
    (found,) = library_differences((metas[0], []), (metas[1], []))
    assert (found.build_ids_before, found.build_ids_after, found.is_rebuilt) == (("aa",), ("bb",), True)


def test_another_version_is_told_with_its_builds() -> None:
    found = library_differences(built("/lib/libthumbs.so.1.4.2", "aa"), built("/lib/libthumbs.so.1.5.0", "bb"))
    assert found == [Difference("libthumbs", ("1.4.2",), ("1.5.0",), ("aa",), ("bb",), is_rebuilt=False)]
