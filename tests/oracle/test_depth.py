"""Programs of real depth: two recordings of one build, and two builds of one program, give no row of noise.

The tools are the installed ones, the programs Debian's; what did not change is known because nothing was changed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.test_compare import called
from tests.support import FIXTURES

pytestmark = pytest.mark.valgrind

MEMCHECK = ("-q", "--leak-check=full", "--show-leak-kinds=all", "--num-callers=60", "--xml=yes")
SQL = (
    "create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 2000) "
    "insert into t select x, 'abc' || x from c; create index i on t(b); select count(*) from t join t u on t.a = u.a;"
)
PYTHON = "import json, re, argparse; d = [json.loads('{\"a\": [1, 2]}') for _ in range(200)]; re.compile('a(b|c)*d').match('abd')"


def run(*command: str, folder: Path, **environment: str) -> None:
    subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=300,
    )


def compared(before: Path, after: Path) -> dict[str, Any]:
    code, text, complaint = called(str(before), str(after), "--to", "json", "--fail-on", "any")
    assert code == 0, complaint
    found: dict[str, Any] = json.loads(text)
    assert not any(found["change"].values())
    return found


def assert_no_noise(document: dict[str, Any], *, rows: int, frames: int) -> None:
    paths = document["paths"]
    assert len(paths) >= rows
    assert max(len(path["frames"]) for path in paths) >= frames
    assert {path["presence"] for path in paths} == {"both"}
    assert not [path for path in paths if path["significant"] or any(path["change"].values())]
    assert document["verdict"]["status"] == "no-growth"


@pytest.fixture
def commands(tool: Callable[[str], str], tmp_path: Path) -> dict[str, tuple[str, ...]]:
    """The programs at work; git's repository is made here."""
    git = tool("git")
    repository = tmp_path / "repository"
    repository.mkdir()
    run(git, "init", "-q", folder=repository)
    for number in range(3):
        (repository / "file").write_text(f"{number}\n", encoding="utf-8")
        run(git, "add", "file", folder=repository)
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        run(git, *author, "commit", "-q", "-m", str(number), folder=repository)
    return {
        "git": (git, "-C", str(repository), "log", "--stat"),
        "python": ("/usr/bin/python3", "-c", PYTHON),
        "sqlite": (tool("sqlite3"), ":memory:", SQL),
    }


@pytest.mark.parametrize(("program", "rows", "frames"), [("git", 50, 15), ("python", 50, 30)])
def test_one_build_recorded_twice_by_memcheck(
    program: str,
    rows: int,
    frames: int,
    commands: dict[str, tuple[str, ...]],
    tool: Callable[[str], str],
    tmp_path: Path,
) -> None:
    files = [tmp_path / f"{number}.xml" for number in range(2)]
    for file in files:
        run(
            tool("valgrind"),
            *MEMCHECK,
            f"--xml-file={file}",
            *commands[program],
            folder=tmp_path,
            PYTHONMALLOC="malloc",
            PYTHONHASHSEED="0",
        )
    assert_no_noise(compared(*files), rows=rows, frames=frames)


def test_one_build_recorded_twice_by_massif(
    commands: dict[str, tuple[str, ...]], tool: Callable[[str], str], tmp_path: Path
) -> None:
    files = [tmp_path / f"{number}.massif" for number in range(2)]
    for file in files:
        command = ("--tool=massif", "--depth=60", f"--massif-out-file={file}", *commands["sqlite"])
        run(tool("valgrind"), "-q", *command, folder=tmp_path)
    assert_no_noise(compared(*files), rows=10, frames=8)


def test_two_builds_of_a_program_with_deep_libraries(tool: Callable[[str], str], tmp_path: Path) -> None:
    # Nothing but lines and the optimiser differs, so every block of the one build is a block of the other.
    source = (FIXTURES / "programs" / "valgrind" / "rules.cpp").read_text(encoding="utf-8")
    head, marker, rest = source.partition("namespace store {")
    moved = f"{head}\n// moved\n\nint helper(int x) {{ return x + 1; }}\n{marker}{rest}"
    files = []
    for number, (text, level) in enumerate(((source, "-O0"), (moved, "-O0"), (moved, "-O1"), (moved, "-O2"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "rules.cpp").write_text(text, encoding="utf-8")
        run(tool("g++"), level, "-g", "-o", "rules", "rules.cpp", folder=folder)
        files.append(folder / "rules.xml")
        run(tool("valgrind"), *MEMCHECK, f"--xml-file={files[-1]}", "./rules", folder=folder)
    for file in files[1:]:
        document = compared(files[0], file)
        assert max(len(path["frames"]) for path in document["paths"]) >= 30
        assert {path["presence"] for path in document["paths"]} == {"both"}
        assert not [path for path in document["paths"] if path["significant"]]
