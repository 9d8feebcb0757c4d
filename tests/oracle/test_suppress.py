"""Written rules, used by the tools that they are for: each hides its leak and nothing else."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lxml import etree

from leakreport.cli import main
from leakreport.suppressions.parse import parse_rules
from leakreport.suppressions.text import rule_lines

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "fixtures" / "programs" / "suppress"
USED = re.compile(r"used_suppression: +\d+ (p1-\w+).*? suppressed: ([\d,]+) bytes in ([\d,]+) blocks")
RECORDING = ("--leak-check=full", "--show-leak-kinds=all", "--num-callers=30")


class Leak(NamedTuple):
    """What a report says of one path id."""

    id: str
    amount: int
    blocks: int
    stacks: frozenset[tuple[str | None, ...]]


@pytest.fixture(scope="module")
def build(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`build(compiler, source, *options)` is a program."""
    folder = tmp_path_factory.mktemp("suppress")

    def make(compiler: str, source: str, *options: str) -> Path:
        path = folder / "-".join((compiler, source, *options)).replace("=", "").replace("/", "")
        if not path.exists():
            # Valgrind before 3.20 reads no DWARF 5 of clang.
            command = [tool(compiler), "-gdwarf-4", "-w", *options, "-o", str(path), str(SOURCES / source)]
            built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
            assert built.returncode == 0, built.stderr
        return path

    return make


def run(*command: str, **environment: str) -> str:
    """What a program printed, both streams."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **environment}
    )
    return done.stdout + done.stderr


def leakreport(*arguments: str) -> tuple[str, str]:
    """What the command line printed; it has to succeed."""
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main(list(arguments))
    assert code == 0, complaints.getvalue()
    return out.getvalue(), complaints.getvalue()


def leaks_of(path: Path) -> list[Leak]:
    """The paths of a recording by id, kinds added up."""
    document: dict[str, Any] = json.loads(leakreport("analyze", str(path), "--to", "json")[0])
    found: dict[str, list[dict[str, Any]]] = {}
    for row in document["paths"]:
        if any(row["values"].values()):
            found.setdefault(row["id"], []).append(row)
    return [
        Leak(
            leak_id,
            sum(row["values"]["retained_bytes"] for row in rows),
            sum(row["values"]["retained_blocks"] for row in rows),
            frozenset(tuple(document["frames"][frame]["function"] for frame in row["frames"]) for row in rows),
        )
        for leak_id, rows in found.items()
    ]


def distinct(leaks: list[Leak]) -> list[Leak]:
    """Those that differ from all others in more than their lines."""
    counts = Counter(stack for leak in leaks for stack in leak.stacks)
    return [leak for leak in leaks if all(counts[stack] == 1 for stack in leak.stacks)]


def held_with_indirect(recording: Path) -> Counter[tuple[str | None, ...]]:
    """By stack, outermost first, the bytes and what only they point to: that is what valgrind counts as suppressed."""
    found: Counter[tuple[str | None, ...]] = Counter()
    for error in etree.parse(recording).iterfind("error"):
        functions = [frame.findtext("fn") for frame in error.iterfind("stack[1]/frame")]
        found[tuple(reversed(functions))] += int(error.findtext("xwhat/leakedbytes") or 0)
    return found


def used(program: Path, tool: Callable[[str], str], rules: str, folder: Path) -> dict[str, tuple[int, int]]:
    """By rule, the bytes and blocks that valgrind says it hid."""
    path = folder / "rules.supp"
    path.write_text(rules, encoding="utf-8")
    printed = run(tool("valgrind"), *RECORDING, "-s", f"--suppressions={path}", str(program))
    return {
        name: (int(amount.replace(",", "")), int(blocks.replace(",", "")))
        for name, amount, blocks in USED.findall(printed)
    }


@pytest.mark.valgrind
@pytest.mark.parametrize("demangle", ["yes", "no"])
@pytest.mark.parametrize(
    ("compiler", "level"), [("g++", "-O0"), ("g++", "-O2"), ("clang++", "-O0"), ("clang++", "-O2")]
)
def test_rules_for_valgrind_hide_their_leak_and_nothing_else(
    compiler: str,
    level: str,
    demangle: str,
    build: Callable[..., Path],
    tool: Callable[[str], str],
    tmp_path: Path,
) -> None:
    program, recording = build(compiler, "names.cpp", level), tmp_path / "recording.xml"
    options = (*RECORDING, f"--demangle={demangle}", "--xml=yes", f"--xml-file={recording}")
    run(tool("valgrind"), *options, str(program))
    leaks = distinct(leaks_of(recording))
    assert len(leaks) >= 20
    texts = {leak.id: leakreport("suppress", "write", str(recording), "--id", leak.id, "-q")[0] for leak in leaks}
    held = held_with_indirect(recording)
    expected = {leak.id: (sum(held[stack] for stack in leak.stacks), leak.blocks) for leak in leaks}
    # Valgrind takes the first rule that fits. Were one too wide, it would take a leak from another in one of the orders.
    for order in (list(texts), list(reversed(texts))):
        assert used(program, tool, "\n".join(map(texts.__getitem__, order)), tmp_path) == expected


@pytest.mark.valgrind
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_without_any_of_its_lines_a_rule_hides_another_leak_or_not_its_own(
    compiler: str, level: str, build: Callable[..., Path], tool: Callable[[str], str], tmp_path: Path
) -> None:
    program, recording = build(compiler, "near.c", level), tmp_path / "recording.xml"
    run(tool("valgrind"), *RECORDING, "--xml=yes", f"--xml-file={recording}", str(program))
    target = next(
        leak for leak in leaks_of(recording) if leak.amount == 100 and any("serve" in one for one in leak.stacks)
    )
    text, told = leakreport("suppress", "write", str(recording), "--id", target.id, "--reason", "a test")
    assert "nothing else" in told
    (rule,) = parse_rules(text, "written")
    whole = rule_lines(rule)
    assert used(program, tool, "\n".join(whole) + "\n", tmp_path) == {target.id: (100, 1)}
    removable = [line for line in whole if line.strip() == "..." or (":" in line and "Memcheck" not in line)]
    assert [line.strip() for line in removable] == [
        "match-leak-kinds: definite",
        "fun:malloc",
        "...",
        "fun:open_session",
        "fun:serve",
    ]
    for line in removable:
        shorter = "\n".join(kept for kept in whole if kept is not line) + "\n"
        assert used(program, tool, shorter, tmp_path).get(target.id) != (100, 1), line


@pytest.mark.valgrind
def test_a_rule_written_for_one_build_hides_the_leak_of_another(
    build: Callable[..., Path], tool: Callable[[str], str], tmp_path: Path
) -> None:
    recording = tmp_path / "recording.xml"
    run(tool("valgrind"), *RECORDING, "--xml=yes", f"--xml-file={recording}", str(build("g++", "names.cpp", "-O2")))
    names = ("net::Client::Client()", "net::Client::shared()", "net::Client::operator[](int)", "plain_too")
    leaks = [
        leak
        for leak in leaks_of(recording)
        if any(str(function).startswith(names) for stack in leak.stacks for function in stack[:-1])
    ]
    assert len(leaks) == len(names)
    identifiers = [word for leak in leaks for word in ("--id", leak.id)]
    rules, _ = leakreport("suppress", "write", str(recording), *identifiers, "-q")
    for compiler, level in (("g++", "-O0"), ("clang++", "-O0"), ("clang++", "-O2")):
        found = used(build(compiler, "names.cpp", level), tool, rules, tmp_path)
        assert found == {leak.id: (leak.amount, leak.blocks) for leak in leaks}, (compiler, level)


@pytest.mark.profilers
def test_rules_for_the_leak_sanitizer_hide_their_leak_and_nothing_else(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    program, log, path = build("g++", "near.c", "-O1", "-fsanitize=leak"), tmp_path / "lsan.log", tmp_path / "rules"
    log.write_text(run(str(program)), encoding="utf-8")
    if "LeakSanitizer: detected memory leaks" not in log.read_text(encoding="utf-8"):
        reason = "LeakSanitizer does not run here"
        (pytest.fail if os.environ.get("LEAKREPORT_REQUIRE_TOOLS") == "1" else pytest.skip)(reason)
    leaks = leaks_of(log)
    alone = 0
    for leak in leaks:
        text, told = leakreport("suppress", "write", str(log), "--id", leak.id)
        path.write_text(text, encoding="utf-8")
        printed = run(str(program), LSAN_OPTIONS=f"suppressions={path}:print_suppressions=1")
        hidden = sum(int(amount) for amount in re.findall(r"^ +\d+ +(\d+) +\S", printed, re.MULTILINE))
        others = sum(int(amount) for amount in re.findall(r"hides? p1-\w+: (\d+) bytes", told))
        assert hidden == leak.amount + others, told
        alone += not others
    # One pattern cannot tell two callers of one function apart.
    assert alone >= 1


@pytest.mark.profilers
def test_rules_for_heaptrack_hide_their_leak_and_nothing_else(
    build: Callable[..., Path], tool: Callable[[str], str], tmp_path: Path
) -> None:
    program, path = build("g++", "names.cpp", "-O0"), tmp_path / "rules"
    run(tool("heaptrack"), "-o", str(tmp_path / "recording"), str(program))
    recording = next(tmp_path.glob("recording*"))
    compared = 0
    for leak in distinct(leaks_of(recording)):
        text, told = leakreport("suppress", "write", str(recording), "--id", leak.id)
        if "hide p1" in told or "hides p1" in told or not leak.amount:
            continue
        path.write_text(text, encoding="utf-8")
        options = ("--disable-builtin-suppressions", f"--suppressions={path}", "--print-suppressions=1")
        printed = run(tool("heaptrack_print"), *options, "-f", str(recording))
        used_rules = re.findall(r"^ +(\d+) +(\d+\S*) +(\S.*)$", printed.partition("Suppressions used")[2], re.MULTILINE)
        assert [int(blocks) for blocks, _, _ in used_rules] == [leak.blocks], printed[-500:]
        compared += 1
    assert compared >= 15
