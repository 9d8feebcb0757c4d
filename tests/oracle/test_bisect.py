"""`git bisect run` with the real git, gcc and valgrind: the commit that leaks is found among commits that do not build."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.valgrind

COMMITS = 13
CULPRIT = 4
BROKEN = 7
OLD_LEAK = "static void cache(int n) { keep(malloc(n)); }"
SCRIPT = """#!/bin/sh
gcc -g -O0 -o program *.c || exit 125
valgrind -q --leak-check=full --show-leak-kinds=all --xml=yes --xml-file={out}/memcheck.xml ./program
exec {python} -m leakreport check {out}/memcheck.xml --baseline {out}/good.json --bisect -q
"""


def source(number: int) -> str:
    """The program at a commit: it grows by a function each time, and its old leak moves down."""
    functions = "\n".join(f"int step_{step}(int x) {{ return x + {step}; }}" for step in range(1, number + 1))
    calls = "\n".join(f"    x = step_{step}(x);" for step in range(1, number + 1))
    leak = "    char *session = malloc(200); session[0] = x;\n" if number >= CULPRIT else ""
    broken = "    this does not build\n" if number == BROKEN else ""
    return (
        "#include <stdlib.h>\n"
        f"{functions}\n"
        "static void keep(void *p) { *(char *)p = 1; }\n"
        f"{OLD_LEAK}\n"
        f"int main(void) {{\n    int x = 0;\n{calls}\n    cache(64);\n{leak}{broken}    return x < 0;\n}}\n"
    )


class Repository:
    """A history of a small program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self.out = folder / "out"
        for path in (self.folder, self.out):
            path.mkdir()
        self.git("init", "-q")
        (self.folder / ".gitignore").write_text("program\n")
        for number in range(1, COMMITS + 1):
            (self.folder / "program.c").write_text(source(number))
            self.git("add", "-A")
            self.git("commit", "-qm", f"step {number}")

    def run(self, *command: str, code: int = 0) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def git(self, *arguments: str, code: int = 0) -> str:
        return self.run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments, code=code)

    def commit(self, number: int) -> str:
        return self.git("rev-parse", f"HEAD~{COMMITS - number}").strip()


@pytest.fixture
def repository(tool: Callable[[str], str], tmp_path: Path) -> Repository:
    for name in ("git", "gcc", "valgrind"):
        tool(name)
    return Repository(tmp_path)


def test_bisect_finds_the_commit_that_leaks(repository: Repository) -> None:
    script = repository.out / "bisect.sh"
    script.write_text(SCRIPT.format(out=repository.out, python=sys.executable))
    first, culprit = repository.commit(1), repository.commit(CULPRIT)
    last = repository.git("rev-parse", "HEAD").strip()
    repository.git("checkout", "-q", first)
    repository.run("gcc", "-g", "-O0", "-o", "program", "program.c")
    recording = f"{repository.out}/base.xml"
    repository.run(
        *("valgrind", "-q", "--leak-check=full", "--show-leak-kinds=all", "--xml=yes"),
        *(f"--xml-file={recording}", "./program"),
    )
    baseline = f"{repository.out}/good.json"
    repository.run(sys.executable, "-m", "leakreport", "baseline", "write", recording, "--baseline", baseline)
    repository.git("bisect", "start", last, first)
    told = repository.git("bisect", "run", "sh", str(script))
    assert f"{culprit} is the first bad commit" in told
    assert repository.git("rev-parse", "refs/bisect/bad").strip() == culprit
    # The one in the middle of the history does not build: it was tried first, and skipped.
    assert "this does not build" in told
    assert repository.git("for-each-ref", "refs/bisect/skip-*").count("\n") == 1


def test_a_mistake_in_the_command_stops_the_search(repository: Repository) -> None:
    script = repository.out / "bisect.sh"
    script.write_text(SCRIPT.format(out=repository.out, python=sys.executable))
    repository.git("bisect", "start", "HEAD", repository.commit(1))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C"}
    done = subprocess.run(
        ["git", "bisect", "run", "sh", str(script)],
        cwd=repository.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode not in {0, 125}
    assert "is the first bad commit" not in done.stdout
    assert "cannot read the baseline" in done.stdout + done.stderr
