"""Run other tools for CI on recordings of ours, and write what came of it: fixtures/ci-peers and docs/side-by-side-ci.md.

The tools are installed into an environment of their own that is thrown away. What they print is kept as it is, but for the
folders of the machine; the tests hold it against our own output without the network.

    python scripts/side_by_side_ci.py            # installs, runs, records, writes the page
    python scripts/side_by_side_ci.py --page     # writes the page again from what is recorded
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "fixtures" / "ci-peers"
PAGE = ROOT / "docs" / "side-by-side-ci.md"
PEERS = ("ValgrindCI==0.3.0", "valgrind-codequality==1.3.2", "pytest-memray==1.11.0")
FILES = (
    "kinds",
    "errors",
    "svc-v5",
    "tmpl",
    "inl",
    "host",
    "pool",
    "fds",
    "checks",
    "public-jenkins-vg",
    "public-jenkins-simple",
)
"""Recordings that all tools can read, of fixtures/memcheck-xml."""
_BUILT_IN = "/src/demo/vg"
"""Where the programs of fixtures/programs/valgrind were built."""


class Situation(NamedTuple):
    """One row of the second table. Words of commands that begin with `@` are recordings of fixtures/memcheck-xml."""

    name: str
    text: str
    peers: tuple[str, ...]
    ours: str


SITUATIONS = (
    Situation("leaks", "a program that leaks", ("valgrind-ci @svc-v5 --abort-on-errors", "valgrind-ci @svc-v5 --summary", "valgrind-codequality -i @svc-v5 -o quality.json"), "leakreport check @svc-v5"),
    Situation("known", "the same, and all of it is known", ("valgrind-ci @svc-v5 --abort-on-errors",), "leakreport check @svc-v5 --baseline svc-v5.json"),
    Situation("elsewhere", "sources are not where the program was built", ("valgrind-codequality -i @kinds -o quality.json",), "leakreport check @kinds"),
    Situation("cut", "a file that ends in the middle", ("valgrind-ci @trunc-mid-tag --abort-on-errors", "valgrind-codequality -i @trunc-mid-tag -o quality.json"), "leakreport check @trunc-mid-tag"),
    Situation("empty", "a file without a byte", ("valgrind-ci @empty --abort-on-errors", "valgrind-codequality -i @empty -o quality.json"), "leakreport check @empty"),
    Situation("processes", "three processes of one run", ("valgrind-ci @family-proc1 @family-proc2 @family-proc3 --abort-on-errors",), "leakreport check @family-proc1 @family-proc2 @family-proc3"),
    Situation("fewer", "one process of the three, the baseline has all", ("valgrind-ci @family-proc3 --abort-on-errors", "valgrind-codequality -i @family-proc3 -o quality.json"), "leakreport check @family-proc3 --baseline family.json"),
    Situation("wrong", "valgrind ran `/bin/true` instead of the program", ("valgrind-ci @clean-true --abort-on-errors", "valgrind-codequality -i @clean-true -o quality.json"), "leakreport check @clean-true --baseline svc-v5.json"),
)  # fmt: skip
BASELINES = {"svc-v5.json": "@svc-v5", "family.json": "@family-proc1 @family-proc2 @family-proc3"}
PYTEST = '''"""An extension in C that loses a block."""

import ctypes

import pytest


@pytest.mark.limit_leaks("10 KB")
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_lose(size: int) -> None:
    assert ctypes.CDLL("./fast.so").lose(size) == 0
'''


class Outcome(NamedTuple):
    """What a command ended with."""

    exit_code: int
    wrote: str
    """What is in its file: `nothing`, `[]`, or how many entries."""


def main(arguments: Sequence[str]) -> None:
    """Record, and write the page."""
    if list(arguments) != ["--page"]:
        record()
    PAGE.write_text(
        page(json.loads((RECORDED / "recorded.json").read_text(encoding="utf-8")), ours()), encoding="utf-8"
    )


def record() -> None:
    """Install the tools, run them, and keep what they say."""
    with tempfile.TemporaryDirectory(prefix="leakreport-peers-") as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / "bin"
        subprocess.run([programs / "python", "-m", "pip", "-q", "install", *PEERS], check=True)
        listed = subprocess.run(
            [programs / "python", "-m", "pip", "list", "--format=json"], check=True, capture_output=True
        )
        versions = {found["name"]: found["version"] for found in json.loads(listed.stdout)}
        project = folder / "project"
        shutil.copytree(ROOT / "fixtures" / "programs" / "valgrind", project)
        (project / "build").mkdir()
        shutil.copy(project / "svc.c.in", project / "build" / "svc.c")
        for case in FILES:
            _record_file(case, project, programs)
        situations = {
            situation.name: [_run(command, folder, programs) for command in situation.peers] for situation in SITUATIONS
        }
        situations["pytest"] = _record_pytest(folder / "pytest", programs)
        names = ("ValgrindCI", "valgrind-codequality", "pytest-memray", "memray", "pytest")
        found = {"versions": {name: versions[name] for name in names}, "situations": situations}
        text = json.dumps(found, indent=1) + "\n"
        (RECORDED / "recorded.json").write_text(text, encoding="utf-8")


def _record_file(case: str, project: Path, programs: Path) -> None:
    """Both tools for valgrind on one recording, with its sources where it says they are."""
    target = RECORDED / case
    target.mkdir(parents=True, exist_ok=True)
    (project / "memcheck.xml").write_bytes(_relocated(case, str(project)))
    said = subprocess.run(
        [programs / "valgrind-ci", "memcheck.xml", "--summary"], cwd=project, capture_output=True, text=True, check=True
    )
    (target / "valgrind-ci.txt").write_text(said.stdout.replace(str(project), "PROJECT"), encoding="utf-8")
    options = shlex.split("-i memcheck.xml -o quality.json")
    subprocess.run([programs / "valgrind-codequality", *options], cwd=project, capture_output=True, check=True)
    shutil.copy(project / "quality.json", target / "valgrind-codequality.json")


def _relocated(case: str, folder: str) -> bytes:
    """A recording as if it had been built in a folder."""
    return (
        (ROOT / "fixtures" / "memcheck-xml" / case / "input.xml")
        .read_bytes()
        .replace(_BUILT_IN.encode(), folder.encode())
    )


def _run(command: str, folder: Path, programs: Path) -> Outcome:
    written = folder / "quality.json"
    written.unlink(missing_ok=True)
    first, *rest = expanded(command)
    done = subprocess.run([programs / first, *rest], cwd=folder, capture_output=True, check=False)
    if "-o" not in rest:
        return Outcome(done.returncode, "")
    if not written.exists():
        return Outcome(done.returncode, "nothing")
    count = len(json.loads(written.read_text(encoding="utf-8")))
    return Outcome(done.returncode, str(count) if count else "[]")


def _record_pytest(folder: Path, programs: Path) -> list[Outcome]:
    """pytest-memray on a test of an extension, and valgrind on the same call."""
    folder.mkdir()
    shutil.copy(ROOT / "fixtures" / "ci" / "lose.c", folder)
    subprocess.run(["gcc", "-g", "-shared", "-fPIC", "-o", "fast.so", "lose.c"], cwd=folder, check=True)
    (folder / "test_fast.py").write_text(PYTEST, encoding="utf-8")
    target = RECORDED / "pytest"
    target.mkdir(exist_ok=True)
    outcomes = []
    for size in (1_000, 100_000):
        options = shlex.split(f"-m pytest -p no:cacheprovider --memray --native -q -k [{size}]")
        done = subprocess.run([programs / "python", *options], cwd=folder, capture_output=True, text=True, check=False)
        outcomes.append(Outcome(done.returncode, ""))
        leaked = done.stdout.partition("List of leaked allocations:\n")[2].partition("\n\n")[0]
        lines = [
            line.replace(str(folder), "PROJECT")
            for line in leaked.splitlines()
            if str(folder) in line or "allocated here" in line
        ]
        (target / f"memray-{size}.txt").write_text("".join(f"{line.strip()}\n" for line in lines), encoding="utf-8")
        call = f"import ctypes; ctypes.CDLL('./fast.so').lose({size})"
        valgrind = shlex.split(
            "valgrind -q --leak-check=full --show-leak-kinds=definite --xml=yes --xml-file=memcheck.xml"
        )
        variables = os.environ | {"PYTHONMALLOC": "malloc"}
        subprocess.run([*valgrind, "/usr/bin/python3", "-c", call], cwd=folder, env=variables, check=True)
        text = (folder / "memcheck.xml").read_text(encoding="utf-8").replace(str(folder), "/src/project")
        (target / f"memcheck-{size}.xml").write_text(text, encoding="utf-8")
    return outcomes


def expanded(command: str) -> list[str]:
    """The words of a command, recordings by their paths."""
    where = ROOT / "fixtures" / "memcheck-xml"
    return [str(where / word[1:] / "input.xml") if word.startswith("@") else word for word in shlex.split(command)]


def ours() -> dict[str, int]:
    """Our exit codes by situation."""
    with tempfile.TemporaryDirectory(prefix="leakreport-ours-") as name, contextlib.chdir(name):
        for file, inputs in BASELINES.items():
            assert _leakreport(f"leakreport baseline write {inputs} --baseline {file}") == 0
        codes = {situation.name: _leakreport(situation.ours) for situation in SITUATIONS}
        for size in (1_000, 100_000):
            codes[f"pytest-{size}"] = _leakreport(f"leakreport check {RECORDED / 'pytest' / f'memcheck-{size}.xml'}")
        return codes


def _leakreport(command: str) -> int:
    from leakreport.cli import main as leakreport

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return leakreport(expanded(command)[1:])


def page(recorded: dict[str, Any], codes: dict[str, int]) -> str:
    """The document."""
    return "\n".join([*_head(recorded), *_rows(recorded, codes), *_tail(recorded, codes)]) + "\n"


def _head(recorded: dict[str, Any]) -> Iterator[str]:
    versions = recorded["versions"]
    yield "# Beside other tools in CI"
    yield ""
    yield "Written by `scripts/side_by_side_ci.py` from what each tool printed; not by hand."
    yield ""
    yield (
        f"ValgrindCI {versions['ValgrindCI']}, valgrind-codequality {versions['valgrind-codequality']}, "
        f"pytest-memray {versions['pytest-memray']} (memray {versions['memray']}), on the recordings of `fixtures/memcheck-xml`."
    )
    yield ""
    yield "## What they print, we can give"
    yield ""
    yield "| tool | command | the same of ours |"
    yield "|---|---|---|"
    yield "| ValgrindCI | `valgrind-ci FILE --summary` | `leakreport analyze FILE --to json`, `--to markdown` |"
    yield "| | `valgrind-ci FILE --source-dir DIR --output-dir OUT` | `leakreport analyze FILE --source-root DIR -o report.html` |"
    yield "| | `valgrind-ci FILE --number-of-errors` | `leakreport analyze FILE --to json` |"
    yield "| | `valgrind-ci FILE --abort-on-errors` | `leakreport check FILE --fail-on any,errors` |"
    yield "| valgrind-codequality | `valgrind-codequality -i FILE -o OUT` | `leakreport check FILE -o codequality:OUT` |"
    yield "| | `-b DIR`, `-r DIR`, `-e NAME` | `--own 'DIR/**'`, `--source-root DIR`, `--ignore NAME` (of `analyze`) |"
    yield "| pytest-memray | `pytest --memray --native`, `limit_leaks` | valgrind under [pytest](ci/pytest.md), `leakreport check FILE --fail-on definite` |"
    yield ""
    yield (
        f"A test holds the output of both tools for valgrind on {len(FILES)} recordings ({', '.join(f'`{case}`' for case in FILES)}) against our JSON: "
        "every file, line and kind that they name is in ours, and every kind in our Code Quality."
    )
    yield ""


def _rows(recorded: dict[str, Any], codes: dict[str, int]) -> Iterator[str]:
    yield "## What the build ends with"
    yield ""
    yield "`@name` is the recording of that name. Where a tool writes a file: what is in it. Green is 0."
    yield ""
    yield "| | theirs | exit | ours | exit |"
    yield "|---|---|---|---|---|"
    for situation in SITUATIONS:
        for number, (command, found) in enumerate(
            zip(situation.peers, recorded["situations"][situation.name], strict=True)
        ):
            outcome = Outcome(*found)
            mine = (f"`{situation.ours}`", str(codes[situation.name])) if number == 0 else ("", "")
            text = situation.text if number == 0 else ""
            yield f"| {text} | `{command}` | {_shown(outcome)} | {mine[0]} | {mine[1]} |"
    for size, found in zip((1_000, 100_000), recorded["situations"]["pytest"], strict=True):
        yield (
            f'| a test of an extension that loses {size:,} bytes, `limit_leaks("10 KB")` | `pytest --memray --native` | {_shown(Outcome(*found))} | '
            f"`leakreport check memcheck-{size}.xml` | {codes[f'pytest-{size}']} |"
        )


def _shown(outcome: Outcome) -> str:
    return f"{outcome.exit_code}, writes {outcome.wrote}" if outcome.wrote else str(outcome.exit_code)


def _tail(recorded: dict[str, Any], codes: dict[str, int]) -> Iterator[str]:
    del recorded, codes
    yield ""
    yield "- valgrind-codequality leaves out every error without a source file below the working directory: sources elsewhere, a container, a library. The"
    yield "  list is then empty, and GitLab says that all is well. After a cut file it writes nothing: an older file stays where it was."
    yield "- ValgrindCI fails for a cut file, with a traceback; for several files it does not start, so builds loop over them or take one. With"
    yield "  `--summary` and `--output-dir` it ends with 0 whatever it found. Any error is 1: nothing can be known already."
    yield "- pytest-memray judges Python tests that carry a limit; below it, and without the marker, it is green. It reads no file of another tool. It sees"
    yield "  Python objects, which valgrind does not: use both."
    yield "- Memory errors fail our check with `--fail-on errors`; by default it is about leaks."
    yield "- What they do better: ValgrindCI's page shows every error in the whole source file; pytest-memray needs no valgrind and is many times faster."


if __name__ == "__main__":
    main(sys.argv[1:])
