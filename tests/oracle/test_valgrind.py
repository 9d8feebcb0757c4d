"""Our figures against the tool's own words.

Each program runs twice under the installed valgrind, once for XML and once for text. The answers are what the text of
the second run says, found by a few regular expressions here that share nothing with the readers.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from leakreport.cli import main

pytestmark = pytest.mark.valgrind

LINE = re.compile(
    r"^==\d+==\s+(definitely lost|indirectly lost|possibly lost|still reachable|suppressed):"
    r" ([\d,]+) bytes in ([\d,]+) blocks",
    re.MULTILINE,
)
METRIC = {
    "definitely lost": "definite",
    "indirectly lost": "indirect",
    "possibly lost": "possible",
    "still reachable": "reachable",
    "suppressed": "suppressed",
}
LOST = ("definite", "indirect", "possible")
ERRORS = re.compile(r"ERROR SUMMARY: ([\d,]+) errors from ([\d,]+) contexts")
DESCRIPTOR = re.compile(r"^==\d+== Open (?:file descriptor|AF_\w+ socket) \d+:.*\n==\d+==(.*)$", re.MULTILINE)


class Case(NamedTuple):
    """A program with its arguments, and options of valgrind."""

    name: str
    command: tuple[str, ...]
    options: tuple[str, ...] = ()


CASES = (
    Case("kinds", ("./kinds",)),
    Case("kinds-stripped", ("./kinds-stripped",)),
    Case("kinds-suppressed", ("./kinds",), ("--suppressions=demo.supp",)),
    *(Case(f"svc-v{revision}", (f"./svc_v{revision}/svc",)) for revision in range(1, 7)),
    Case("svc-more", ("./svc_v5/svc", "5000")),
    Case("threads", ("./threads",)),
    Case("errors", ("./errors",), ("--track-origins=yes",)),
    *(Case(f"crash-{how}", ("./crash", how)) for how in ("segv", "abort", "kill", "_exit", "ok")),
    Case("checks", ("./checks",)),
    Case("deep", ("./deep",)),
    Case("deep-all-callers", ("./deep",), ("--num-callers=40",)),
    Case("deep-low-resolution", ("./deep",), ("--leak-resolution=low",)),
    Case("pool", ("./pool",)),
    Case("inl", ("./inl",)),
    Case("inl-no-inline-info", ("./inl",), ("--read-inline-info=no",)),
    Case("tmpl", ("./tmpl",)),
    Case("tmpl-mangled", ("./tmpl",), ("--demangle=no",)),
    Case("tmpl-no-heuristics", ("./tmpl",), ("--leak-check-heuristics=none",)),
    Case("host", ("./host",)),
    Case("host-keep-debuginfo", ("./host",), ("--keep-debuginfo=yes",)),
    Case("sized", ("./sized",)),
    Case("fds", ("./fds",), ("--track-fds=yes",)),
    Case("nothing", ("/bin/true",)),
)


@pytest.fixture
def valgrind(tool: Callable[[str], str], programs: Path) -> Callable[..., None]:
    """`valgrind(case, *options)` runs a program; the exit code is its own, some of them die on purpose."""
    path = tool("valgrind")

    def run(case: Case, *options: str) -> None:
        full = [] if "--tool=none" in case.options else ["--leak-check=full"]
        command = [path, *full, *case.options, *options, *case.command]
        subprocess.run(command, cwd=programs, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)

    return run


POSSIBLE = re.compile(r"<kind>Leak_PossiblyLost</kind>.*?<leakedbytes>(\d+)</leakedbytes>", re.DOTALL)


@pytest.fixture
def both_forms(valgrind: Callable[..., None]) -> Callable[..., None]:
    """`both_forms(case, xml, log, *options)` records the same run as XML and as text.

    The search takes any word that looks like an address for a pointer: about one run in twenty has such a word by chance,
    and a lost block becomes a possibly lost one. Both forms are recorded again, at most twice, where they differ by that.
    """

    def run(case: Case, xml: Path, log: Path, *options: str) -> None:
        for _ in range(3):
            valgrind(case, *options, "--xml=yes", f"--xml-file={xml}")
            valgrind(case, *options, f"--log-file={log}")
            if sum(map(int, POSSIBLE.findall(words(xml)))) == leak_summary(words(log))["possible_bytes"]:
                break

    return run


def leak_summary(text: str) -> dict[str, int]:
    """The last LEAK SUMMARY, as metrics; all 0 where every block was freed."""
    if "All heap blocks were freed" in text:
        return {f"{name}_{unit}": 0 for name in METRIC.values() for unit in ("bytes", "blocks")}
    found: dict[str, int] = {}
    for label, amount, blocks in LINE.findall(text.rpartition("LEAK SUMMARY:")[2]):
        found[f"{METRIC[label]}_bytes"] = int(amount.replace(",", ""))
        found[f"{METRIC[label]}_blocks"] = int(blocks.replace(",", ""))
    assert len(found) == 2 * len(METRIC), text[-2000:]
    return found


class Done(NamedTuple):
    """What a run of the command line left behind."""

    returncode: int
    stdout: str
    stderr: str


def leakreport(*arguments: str | Path) -> Done:
    """The command line, in this process: starting one each time would be most of the time."""
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main(["analyze", *map(str, arguments)])
    assert "Traceback" not in complaints.getvalue()
    return Done(code, out.getvalue(), complaints.getvalue())


def analysed(*arguments: str | Path, exit_code: int = 0) -> dict[str, Any]:
    """The JSON document."""
    done = leakreport(*arguments, "--to", "json")
    assert done.returncode == exit_code, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def words(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def assert_paths_add_up(document: dict[str, Any]) -> None:
    for metric, total in document["totals"].items():
        of_paths = sum(row["values"].get(metric, 0) for row in document["paths"])
        assert of_paths + document["unattributed"].get(metric, 0) == total, metric


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_totals_are_those_of_the_leak_summary(case: Case, both_forms: Callable[..., None], tmp_path: Path) -> None:
    xml, log = tmp_path / "run.xml", tmp_path / "run.log"
    both_forms(case, xml, log, "--show-leak-kinds=all")
    expected = leak_summary(words(log))
    lost = sum(expected[f"{kind}_bytes"] for kind in LOST)
    for path in (xml, log):
        document = analysed(path)
        totals = document["totals"]
        # XML before protocol 6 has no summary: what was suppressed is absent there, and absent is not 0.
        known = {metric: amount for metric, amount in expected.items() if path == log or "suppressed" not in metric}
        assert {metric: totals.get(metric) for metric in known} == known
        assert totals["leaked_bytes"] == lost
        assert totals["retained_bytes"] == lost + expected["reachable_bytes"]
        assert document["verdict"]["status"] == (
            "leak" if lost else "retained" if expected["reachable_bytes"] else "clean"
        )
        assert_paths_add_up(document)
        assert not [
            metric
            for metric, amount in document["unattributed"].items()
            if amount and metric.removesuffix("_bytes").removesuffix("_blocks") in (*LOST, "reachable", "retained")
        ]


@pytest.mark.parametrize("case", CASES[:4], ids=lambda case: case.name)
def test_kinds_that_were_not_asked_for_are_absent(case: Case, both_forms: Callable[..., None], tmp_path: Path) -> None:
    xml, log = tmp_path / "run.xml", tmp_path / "run.log"
    both_forms(case, xml, log)
    expected = leak_summary(words(log))
    document = analysed(xml)
    assert "reachable_bytes" not in document["totals"]
    assert "kinds-not-recorded" in [note["slug"] for note in document["inputs"][0]["notes"]]
    if "--suppressions=demo.supp" not in case.options:
        # Suppressed indirect blocks still count in what a definite record drags.
        known = {f"{kind}_bytes": expected[f"{kind}_bytes"] for kind in LOST}
        assert {metric: document["totals"].get(metric) for metric in known} == known
    document = analysed(log)
    assert {metric: document["totals"].get(metric) for metric in expected} == expected
    assert_paths_add_up(document)


def test_a_summary_without_records_is_all_unattributed(valgrind: Callable[..., None], tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    valgrind(CASES[0], "--leak-check=summary", f"--log-file={log}")
    expected = leak_summary(words(log))
    document = analysed(log)
    assert not document["paths"]
    assert {metric: document["unattributed"].get(metric) for metric in expected} == expected


def test_a_tree_of_processes_counts_inherited_blocks_once(valgrind: Callable[..., None], tmp_path: Path) -> None:
    family = Case("family", ("./family",), ("--trace-children=yes", "--show-leak-kinds=all"))
    valgrind(family, "--xml=yes", f"--xml-file={tmp_path}/%p.xml")
    valgrind(family, f"--log-file={tmp_path}/%p.log")
    logs = sorted(tmp_path.glob("*.log"))
    expected = sorted(leak_summary(words(log))["definite_bytes"] for log in logs)
    assert expected == [1000, 3000, 3000]
    for suffix in ("xml", "log"):
        files = sorted(tmp_path.glob(f"*.{suffix}"))
        document = analysed(*files)
        assert sorted(entry["totals"]["definite_bytes"] for entry in document["inputs"]) == expected
        assert {entry["pid"] for entry in document["inputs"]} == {int(path.stem) for path in files}
        # One of the children forked without exec: it lists its parent's 1,000 bytes again.
        assert document["totals"]["definite_bytes"] == sum(expected) - 1000
        assert document["totals"]["inherited_bytes"] == 1000
        assert_paths_add_up(document)
        glob = analysed(f"{tmp_path}/*.{suffix}")
        assert glob["totals"] == document["totals"]


def test_errors_are_counted_as_in_the_error_summary(valgrind: Callable[..., None], tmp_path: Path) -> None:
    for name in ("errors", "sized", "threads", "kinds"):
        xml, log = tmp_path / f"{name}.xml", tmp_path / f"{name}.log"
        valgrind(Case(name, (f"./{name}",)), "--xml=yes", f"--xml-file={xml}")
        valgrind(Case(name, (f"./{name}",)), f"--log-file={log}")
        found = ERRORS.search(words(log))
        assert found is not None
        for path in (xml, log):
            document = analysed(path, "--records")
            # valgrind counts definitely and possibly lost records as errors, too.
            records = [len(row["records"]) for row in document["paths"] if row["leak_kind"] in ("definite", "possible")]
            errors = [entry["count"] for entry in document["findings"] if entry["rule"].startswith("error.")]
            if path == xml:
                # The text says how often only with -s.
                assert sum(errors) + sum(records) == int(found[1].replace(",", "")), path.name
            assert len(errors) + sum(records) == int(found[2].replace(",", "")), path.name


def test_descriptors_left_open_are_those_of_the_text(valgrind: Callable[..., None], tmp_path: Path) -> None:
    case = Case("fds", ("./fds",), ("--track-fds=yes",))
    xml, log = tmp_path / "fds.xml", tmp_path / "fds.log"
    valgrind(case, "--xml=yes", f"--xml-file={xml}")
    valgrind(case, f"--log-file={log}")
    own = [after for after in DESCRIPTOR.findall(words(log)) if "inherited from parent" not in after]
    assert len(own) == 5
    for path in (xml, log):
        document = analysed(path)
        findings = [entry for entry in document["findings"] if entry["rule"] == "descriptor.FdNotClosed"]
        assert sum(entry["count"] for entry in findings) == len(own)
        assert document["totals"]["open_fds"] == len(own)
        assert all(entry["frames"] for entry in findings)


def test_descriptors_of_a_tool_without_leak_search(valgrind: Callable[..., None], tmp_path: Path) -> None:
    log = tmp_path / "none.log"
    valgrind(Case("none", ("./fds",), ("--tool=none", "--track-fds=yes")), f"--log-file={log}")
    document = analysed(log)
    assert document["totals"].get("open_fds") == 5
    assert not [metric for metric in document["totals"] if metric.startswith(("leaked", "definite", "retained"))]
    assert document["verdict"]["status"] == "inconclusive"
    assert leakreport(log, "--fail-on", "any").returncode == 5
    assert leakreport(log, "--fail-on", "fds").returncode == 1


def test_a_killed_run_is_never_clean(tool: Callable[[str], str], programs: Path, tmp_path: Path) -> None:
    for suffix, options, ends in (
        ("xml", ["--xml=yes", "--xml-file={}"], "</error>"),
        ("log", ["--log-file={}"], r"(?s)Invalid read.*alloc'd.*main \(.*\n"),
    ):
        path = tmp_path / f"killed.{suffix}"
        command = [tool("valgrind"), "--leak-check=full", *(option.format(path) for option in options), "./sleepy"]
        with subprocess.Popen(command, cwd=programs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(path, ends)
            finally:
                process.send_signal(signal.SIGKILL)
        document = analysed(path, exit_code=3)
        assert document["verdict"]["status"] == "inconclusive"
        assert not document["inputs"][0]["complete"]
        assert not [metric for metric in document["totals"] if metric.startswith(("leaked", "definite"))]
        assert [entry["count"] for entry in document["findings"] if entry["rule"] == "error.InvalidRead"] == [1]
        assert leakreport(path).returncode == 3
        assert leakreport(path, "--partial").returncode == 0
        assert leakreport(path, "--fail-on", "any").returncode == 3
        assert leakreport(path, "--partial", "--fail-on", "any").returncode == 5
        assert leakreport(path, "--partial", "--fail-on", "errors").returncode == 1


def _wait_for(path: Path, pattern: str) -> None:
    end = time.monotonic() + 30
    while not (path.exists() and re.search(pattern, words(path))):
        assert time.monotonic() < end, "the program did not come far enough"
        time.sleep(0.05)


GATES = (
    (("--fail-on", "definite"), {"kinds": 1, "nothing": 0, "cache": 0}),
    (("--fail-on", "indirect"), {"kinds": 1, "nothing": 0, "cache": 0}),
    (("--fail-on", "possible"), {"kinds": 1, "nothing": 0, "cache": 0}),
    (("--fail-on", "reachable"), {"kinds": 1, "nothing": 0, "cache": 1}),
    (("--fail-on", "any"), {"kinds": 1, "nothing": 0, "cache": 1}),
    (("--fail-on", "errors"), {"kinds": 0, "nothing": 0, "cache": 1}),
    (("--fail-on", "definite,errors"), {"kinds": 1, "nothing": 0, "cache": 1}),
    # Nobody tracked descriptors here, so there is nothing to judge.
    (("--fail-on", "fds"), {"kinds": 5, "nothing": 5, "cache": 5}),
    (("--max-leaked", "1237818"), {"kinds": 0, "nothing": 0, "cache": 0}),
    (("--max-leaked", "1237817"), {"kinds": 1, "nothing": 0, "cache": 0}),
    ((), {"kinds": 0, "nothing": 0, "cache": 0}),
)


@pytest.fixture(scope="session")
def runs(tool: Callable[[str], str], programs: Path, once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Recorded once: a program with every kind, one that has nothing, one with an error and reachable blocks only."""

    def record(folder: Path) -> None:
        source = folder / "cache.c"
        source.write_text(
            "#include <stdlib.h>\nstatic char *kept;\n"
            "int main(void) { kept = malloc(10); volatile char c = kept[10]; (void)c; return 0; }\n"
        )
        subprocess.run([tool("gcc"), "-g", "-O0", "-o", str(folder / "cache"), str(source)], check=True)
        for name, path in (("kinds", programs / "kinds"), ("nothing", Path("/bin/true")), ("cache", folder / "cache")):
            common = [tool("valgrind"), "--leak-check=full", "--show-leak-kinds=all"]
            for options in (["--xml=yes", f"--xml-file={folder}/{name}.xml"], [f"--log-file={folder}/{name}.log"]):
                subprocess.run([*common, *options, str(path)], check=True, capture_output=True)

    return once("gate-runs", record)


@pytest.mark.parametrize("suffix", ["xml", "log"])
@pytest.mark.parametrize(("options", "expected"), GATES, ids=[" ".join(options) or "none" for options, _ in GATES])
def test_gates_end_with_their_exit_code(
    options: tuple[str, ...], expected: dict[str, int], suffix: str, runs: Path
) -> None:
    found = {name: leakreport(runs / f"{name}.{suffix}", *options).returncode for name in expected}
    assert found == expected


def test_a_failed_gate_names_what_decided(runs: Path) -> None:
    done = leakreport(runs / "kinds.xml", "--fail-on", "possible", "--to", "json")
    verdict = json.loads(done.stdout)["verdict"]
    assert verdict["gate"] == "failed"
    assert any("2,002" in reason or "1.96" in reason for reason in verdict["reasons"]), verdict["reasons"]


SMALL = """
#include <stdlib.h>
static char *kept;
int main(void) {
    kept = malloc(100);
    char **owner = malloc(16);
    owner[0] = malloc(50);
    owner = 0;
    char *lost = malloc(33);
    lost = 0;
    return 0;
}
"""


@pytest.fixture(scope="session")
def small(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A program with 16 + 33 bytes definitely, 50 indirectly lost and 100 still reachable."""

    def build(folder: Path) -> None:
        (folder / "small.c").write_text(SMALL, encoding="utf-8")
        subprocess.run([tool("gcc"), "-g", "-O0", "-o", "small", "small.c"], cwd=folder, check=True)

    return once("small", build) / "small"


@pytest.mark.parametrize(
    ("kinds", "known"),
    [("reachable", {"reachable"}), ("definite", {"definite", "indirect"}), ("definite,reachable", {"definite", "indirect", "reachable"})],
)  # fmt: skip
def test_a_quiet_log_does_not_know_the_kinds_it_does_not_show(
    kinds: str, known: set[str], small: Path, tool: Callable[[str], str], tmp_path: Path
) -> None:
    log = tmp_path / "quiet.log"
    command = [
        tool("valgrind"),
        "-q",
        "--leak-check=full",
        f"--show-leak-kinds={kinds}",
        f"--log-file={log}",
        str(small),
    ]
    subprocess.run(command, check=True, capture_output=True)
    totals = analysed(log)["totals"]
    assert {name for name in (*LOST, "reachable") if f"{name}_bytes" in totals} == known
    if "indirect" in known:
        assert totals["indirect_bytes"] == 50
    for kind in {*LOST, "reachable"} - known:
        assert leakreport(log, "--fail-on", kind).returncode == 5


def test_nothing_shown_is_not_clean(small: Path, tool: Callable[[str], str], tmp_path: Path) -> None:
    xml = tmp_path / "none.xml"
    options = ["--leak-check=full", "--show-leak-kinds=none", "--xml=yes", f"--xml-file={xml}"]
    subprocess.run([tool("valgrind"), *options, str(small)], check=True, capture_output=True)
    assert analysed(xml)["verdict"]["status"] == "inconclusive"


def test_the_share_counts_what_hangs_on_a_record(small: Path, tool: Callable[[str], str], tmp_path: Path) -> None:
    log = tmp_path / "default.log"
    subprocess.run(
        [tool("valgrind"), "--leak-check=full", f"--log-file={log}", str(small)], check=True, capture_output=True
    )
    document = analysed(log)
    assert document["accumulation"]["of_bytes"] == document["totals"]["leaked_bytes"] == 99
