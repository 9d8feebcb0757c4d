"""The file of known leaks: what git makes of it, and what is said of one that is damaged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.api import load
from leakreport.baseline.entries import Amount, Baseline, Leak, Recording
from leakreport.baseline.file import FILE_NAME, MARKS, nearest_file, read, written
from leakreport.errors import BaselineError
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, Sampling
from tests.baseline.support import PLACES, baseline_of, svc
from tests.conftest import ROOT
from tests.support import fixture_path

SCHEMA = json.loads((ROOT / "docs" / "leakreport-baseline-1.schema.json").read_text(encoding="utf-8"))
LEAKS = {"load_tiles": 4096, "open_font": 64, "read_index": 900, "spawn": 1200, "parse": 33, "draw": 77}


def text_of(amounts: dict[str, int]) -> str:
    return written(baseline_of(svc(amounts)), PLACES)


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def repository(tool: Callable[[str], str], tmp_path: Path) -> Path:
    tool("git")
    assert git(tmp_path, "init", "-q").returncode == 0
    return tmp_path


def commit(folder: Path, amounts: dict[str, int]) -> None:
    (folder / FILE_NAME).write_text(text_of(amounts), encoding="utf-8")
    assert git(folder, "add", "-A").returncode == 0
    assert git(folder, "commit", "-qm", "x").returncode == 0


def merged(folder: Path, base: dict[str, int], ours: dict[str, int], theirs: dict[str, int]) -> bool:
    """Whether git merges two changes of a baseline by itself."""
    commit(folder, base)
    git(folder, "checkout", "-qb", "theirs")
    commit(folder, theirs)
    git(folder, "checkout", "-q", "-")
    commit(folder, ours)
    return git(folder, "merge", "-q", "theirs").returncode == 0


def gap(baseline_text: str, name: str) -> str:
    """The entry before which a leak would stand."""
    keys: list[str] = list(json.loads(baseline_text)["leaks"])
    return min(key for key in keys if key > name)


def test_git_merges_two_additions_by_lines(repository: Path) -> None:
    apart = 0
    for number, (one, other) in enumerate(combinations(sorted(LEAKS), 2)):
        folder = repository / str(number)
        folder.mkdir()
        git(folder, "init", "-q")
        base = {name: held for name, held in LEAKS.items() if name not in {one, other}}
        ids = [next(iter(baseline_of(svc({name: LEAKS[name]})).leaks)) for name in (one, other)]
        is_apart = gap(text_of(base), ids[0]) != gap(text_of(base), ids[1])
        apart += is_apart
        assert merged(folder, base, base | {one: LEAKS[one]}, base | {other: LEAKS[other]}) or not is_apart, (
            one,
            other,
        )
        if is_apart:
            assert (folder / FILE_NAME).read_text(encoding="utf-8") == text_of(LEAKS)
    assert apart >= 12


@pytest.mark.parametrize("count", [2, 8, 40])
def test_git_merges_additions_in_one_gap_as_union(repository: Path, count: int) -> None:
    (repository / ".gitattributes").write_text(f"{FILE_NAME} merge=union\n", encoding="utf-8")
    more = {f"function_{number}": 10 + number % 3 for number in range(count)}
    halves = [dict(list(more.items())[start::2]) for start in (0, 1)]
    assert merged(repository, {}, halves[0], halves[1])
    assert read(str(repository / FILE_NAME), PLACES) == read_text(text_of(more), repository)


def test_a_removal_and_a_change_elsewhere_merge(repository: Path) -> None:
    fewer = {name: held for name, held in LEAKS.items() if name != "spawn"}
    assert merged(repository, LEAKS, fewer, LEAKS | {"parse": 34})
    assert (repository / FILE_NAME).read_text(encoding="utf-8") == text_of(fewer | {"parse": 34})


def test_a_conflict_that_was_left_is_told_with_its_line(repository: Path) -> None:
    assert not merged(repository, LEAKS, LEAKS | {"parse": 40}, LEAKS | {"parse": 50})
    path = repository / FILE_NAME
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("<<<<<<<"))
    with pytest.raises(BaselineError, match=rf"merge conflict .*{FILE_NAME}:{line}\)\. .*baseline update"):
        read(str(path), PLACES)


def read_text(text: str, folder: Path) -> Baseline:
    path = folder / "read.json"
    path.write_text(text, encoding="utf-8")
    return read(str(path), PLACES)


def edited(text: str, change: Callable[[dict[str, object]], None]) -> str:
    document = json.loads(text)
    change(document)
    return json.dumps(document)


def test_a_leak_that_stands_twice_is_told_with_its_line(tmp_path: Path) -> None:
    lines = text_of(LEAKS).splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith('    "p1-') and ": {" in line)
    with pytest.raises(BaselineError, match=rf"stands twice .*:{start + 4}\)"):
        read_text("".join([*lines[:start], *lines[start : start + 3], *lines[start:]]), tmp_path)


@pytest.mark.parametrize("end", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_cut_file_is_told(end: float, tmp_path: Path) -> None:
    text = text_of(LEAKS)
    with pytest.raises(BaselineError, match=r"read\.json:\d+\)\. \w"):
        read_text(text[: int(len(text.rstrip()) * end)], tmp_path)


def test_every_cut_is_an_error_or_whole(tmp_path: Path) -> None:
    text = text_of({"f": 1})
    for end in range(len(text.rstrip()) - 1):
        with pytest.raises(BaselineError):
            read_text(text[:end], tmp_path)


def test_a_newer_schema_asks_for_a_newer_leakreport(tmp_path: Path) -> None:
    newer = text_of(LEAKS).replace("leakreport-baseline/1", "leakreport-baseline/2")
    with pytest.raises(BaselineError, match=r"schema leakreport-baseline/2.*Update leakreport"):
        read_text(newer, tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda document: document.pop("schema"), "its schema is None"),
        (lambda document: document.pop("recording"), "recording"),
        (lambda document: document.update(leaks=[]), "no table"),
        (lambda document: document["leaks"].update(x={"last": {}, "stack": []}), "no id"),
        (lambda document: first(document).pop("stack"), "'stack' is missing"),
        (lambda document: first(document).update(last={"lost": [1]}), "no leak kind"),
        (lambda document: first(document).update(last={"definite": [-1]}), "no count"),
        (lambda document: first(document).update(last={"definite": [1 << 63]}), "no count"),
        (lambda document: first(document).update(until="tomorrow"), "no date"),
        (lambda document: first(document).update(reason=3), "no text"),
        (lambda document: first(document).update(stack=[["f"]]), "is not usable"),
        (lambda document: first(document).update(stack=[["f", None, None, None, "z"]]), "is not usable"),
    ],
)
def test_what_is_no_baseline_is_told(change: Callable[[dict[str, object]], None], words: str, tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=words):
        read_text(edited(text_of(LEAKS), change), tmp_path)


def first(document: dict[str, object]) -> dict[str, object]:
    leaks = document["leaks"]
    assert isinstance(leaks, dict)
    found: dict[str, object] = next(leak for leak in leaks.values() if leak is not None)
    return found


@pytest.mark.parametrize("text", ["[]", "3", "[" * 100_000, '{"schema": "leakreport/1"}', "\x00", ""])
def test_other_files_are_no_baseline(text: str, tmp_path: Path) -> None:
    with pytest.raises(BaselineError):
        read_text(text, tmp_path)


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="cannot read the baseline"):
        read(str(tmp_path / "none.json"), PLACES)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BaselineError, match="no text"):
        read(str(tmp_path / "bytes.json"), PLACES)


@pytest.mark.parametrize(
    ("family", "case"),
    [("memcheck-xml", "kinds"), ("massif", None), ("gperftools", "sampled"), ("jemalloc", "threads")],
)
def test_baselines_of_all_kinds_of_input_fit_the_schema_and_are_read_as_written(
    family: str, case: str | None, tmp_path: Path
) -> None:
    case = case or "svc-v1"
    baseline = baseline_of(load(fixture_path(family, case)))
    assert baseline.leaks
    text = written(baseline, PLACES)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert written(read_text(text, tmp_path), PLACES) == text


def test_leaks_stand_in_order_between_marks() -> None:
    keys = list(json.loads(text_of(LEAKS))["leaks"])
    assert keys == sorted(keys)
    assert set(MARKS) <= set(keys)


def test_a_new_leak_changes_no_line_of_another() -> None:
    fewer = {name: held for name, held in LEAKS.items() if name != "spawn"}
    before, after = text_of(fewer).splitlines(), text_of(LEAKS).splitlines()
    assert [line for line in after if line in set(before)] == before
    assert len(after) == len(before) + 3


def test_the_nearest_file_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / FILE_NAME).write_text("{}", encoding="utf-8")
    assert nearest_file(str(inner)) == str(tmp_path / FILE_NAME)
    (inner / FILE_NAME).write_text("{}", encoding="utf-8")
    assert nearest_file(str(inner)) == str(inner / FILE_NAME)


NAMES = st.none() | st.text(st.characters(codec="utf-8"), max_size=8)
FRAMES = st.builds(
    Frame,
    function=NAMES,
    module=NAMES.filter(lambda name: not (name or "").startswith((".", "/"))),
    file=NAMES.filter(lambda name: not (name or "").startswith((".", "/"))),
    line=st.none() | st.integers(0, 10**6),
    address=st.none() | st.integers(0, 1 << 63),
    kind=st.sampled_from(FrameKind),
    directory=st.none(),
    is_inlined=st.booleans(),
    hidden=st.none(),
    offset=st.none() | st.integers(0, 1 << 40),
)


@given(
    stack=st.lists(FRAMES, max_size=3),
    held=st.integers(0, 1 << 62),
    reason=st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
)
def test_any_leak_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, stack: list[Frame], held: int, reason: str | None
) -> None:
    leak = Leak(
        "p1-0123456789abcdef",
        last={LeakKind.DEFINITE: Amount(held, 1)},
        anchor={},
        stack=tuple(stack),
        reason=reason,
        until="2027-01-01",
    )
    recording = Recording(
        "memcheck-xml", frozenset({LeakKind.DEFINITE}), ("--num-callers=40",), Sampling(5), {"a b": 2}
    )
    baseline = Baseline(recording, {leak.id: leak}, clean=("src/ü",), budgets={"total": 5}, folded_bytes=7)
    assert read_text(written(baseline, PLACES), tmp_path_factory.mktemp("any")) == baseline
