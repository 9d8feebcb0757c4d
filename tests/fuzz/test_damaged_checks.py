"""Recordings cut, emptied, swapped, overwritten: checked against the baseline of the whole one, they never pass.

The few places where a format shows nothing of a cut are those of `docs/cuts.md`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leakreport.errors import EXIT_BUG
from tests.replay_support import run
from tests.support import fixture_bytes

CUTS = 40
FILES: dict[str, tuple[str, ...]] = {
    "memcheck-xml": (
        "checks", "derived-proto1-kinds", "derived-proto2-kinds", "family-proc1", "git-log", "inl", "kinds", "odd-args",
        "openssl", "p6-kinds", "p6-svc-v1", "p6-tmpl", "pool", "python3", "redis-server", "sqlite3", "svc-v1", "svc-v3", "threads",
        "tmpl", "p6-sized",
    ),
    "memcheck-text": (
        "family-proc1", "git-log", "inl", "kinds", "kinds-gensupp", "openssl", "p6-kinds", "p6-svc-v1", "pool", "python3",
        "redis-server", "sqlite3", "svc-v3", "threads", "tmpl",
    ),
    "massif": ("mapper-grow1", "svc-v1", "wave-grow2"),
    "gperftools": ("series-v1-0012", "redis", "rust"),
    "jemalloc": ("series-v1-0012", "threads"),
    "dhat": ("svc-v1", "sqlite3", "tmpl"),
    "xtree": ("svc-v1-xtleak", "tmpl-xtleak"),
    "sanitizer": ("gcc", "clang"),
    "heaptrack": ("build-a", "sawtooth"),
    "pprof": ("demo-v2-plain",),
}  # fmt: skip
ALL = [(family, case) for family, cases in FILES.items() for case in cases]


def leaves_no_trace(family: str, content: bytes, offset: int) -> bool:
    """Whether a cut is one of those that `docs/cuts.md` lists."""
    if not content[offset:].strip():
        return True
    if family == "memcheck-xml":
        return content[:offset].rstrip().endswith(b"</valgrindoutput>")
    if family == "memcheck-text":
        return b"ERROR SUMMARY" not in content[offset:] and b"ERROR SUMMARY" in content[:offset]
    if family in {"gperftools", "jemalloc"}:
        return b"MAPPED_LIBRARIES:\n" in content[:offset] and content[:offset].endswith((b"\n", b"]"))
    return False


def checked(path: Path, baseline: Path, content: bytes) -> tuple[int, str]:
    path.write_bytes(content)
    # LeakSanitizer tells nothing of what is still reachable, and that would be enough for no judgement.
    kinds = "definite,indirect" if path.suffix == ".sanitizer" else "any"
    code, out, complaints = run("check", str(path), "--baseline", str(baseline), "--fail-on", kinds, "-q")
    assert code != EXIT_BUG, complaints
    assert "Traceback" not in complaints
    return code, out + complaints


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def baseline_of(folder: Path, family: str, content: bytes) -> tuple[Path, Path]:
    """A baseline of the whole recording, and where its damaged forms are put; the whole one passes."""
    path, baseline = folder / f"input.{family}", folder / "baseline.json"
    path.write_bytes(content)
    code, _, complaints = run("baseline", "write", str(path), "--baseline", str(baseline))
    assert code == 0, complaints
    assert checked(path, baseline, content)[0] == 0
    return path, baseline


def test_enough_files_and_places_are_tried() -> None:
    assert len(ALL) >= 50
    assert len(ALL) * CUTS >= 2000


@pytest.mark.parametrize(("family", "case"), ALL, ids=map(":".join, ALL))
def test_no_cut_passes(family: str, case: str, folder: Path) -> None:
    content = fixture_bytes(family, case)
    path, baseline = baseline_of(folder, family, content)
    chosen = random.Random(len(content))
    offsets = sorted({0, 1, len(content) // 2, *(chosen.randrange(1, len(content)) for _ in range(CUTS))})
    passed = [offset for offset in offsets if checked(path, baseline, content[:offset])[0] == 0]
    assert [offset for offset in passed if not leaves_no_trace(family, content, offset)] == []


def damages(content: bytes, other: bytes) -> Iterator[tuple[str, bytes]]:
    middle = len(content) // 2
    yield "blank", b"\n" * 100
    yield "nothing but zeros", bytes(len(content))
    yield "a hole of zeros", content[:middle] + bytes(4096) + content[middle + 4096 :]
    yield "its second half alone", content[middle:]
    yield "another program's recording", other
    yield "overwritten by another process", other[: middle or 1] + content[middle:]
    yield "overwritten by a shorter one", other[: len(other) // 3] + content[len(other) // 3 :]
    yield "the upload's error page", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
    yield "its command's error", b"valgrind: ./svc: No such file or directory\n"


OTHERS: dict[str, Callable[[str], str]] = {
    "memcheck-xml": lambda case: "kinds" if case not in {"kinds", "p6-kinds", "derived-proto1-kinds", "derived-proto2-kinds"} else "svc-v1",
    "memcheck-text": lambda case: "kinds" if case not in {"kinds", "p6-kinds", "kinds-gensupp"} else "svc-v3",
    "massif": lambda case: "tmpl",
    "gperftools": lambda case: "rust" if case != "rust" else "redis",
    "jemalloc": lambda case: "threads" if case != "threads" else "series-v1-0012",
    "dhat": lambda case: "sqlite3" if case != "sqlite3" else "svc-v1",
    "xtree": lambda case: "kinds-xtleak" if case != "kinds-xtleak" else "svc-v1-xtleak",
    "heaptrack": lambda case: "demo-v2",
    "pprof": lambda case: "goheap-6",
}  # fmt: skip


# The reports of a sanitizer are all of one program, and name none.
NAMED = [(family, case) for family, case in ALL if family in OTHERS]


@pytest.mark.parametrize(("family", "case"), NAMED, ids=map(":".join, NAMED))
def test_no_damage_passes(family: str, case: str, folder: Path) -> None:
    content = fixture_bytes(family, case)
    path, baseline = baseline_of(folder, family, content)
    other = fixture_bytes(family, OTHERS[family](case))
    assert [what for what, damaged in damages(content, other) if checked(path, baseline, damaged)[0] == 0] == []
