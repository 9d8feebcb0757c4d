"""Real programs that leak or behave, watched while they run: each gets its verdict within seconds, all at the same time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from leakreport.readers import get_reader
from leakreport.testing import read_content

WATCH = (sys.executable, "-m", "leakreport", "watch")
SECONDS = 9


class Program(NamedTuple):
    """A program, and what a watch must say of it."""

    options: tuple[str, ...]
    growing: frozenset[str]
    """The resources of the report that must grow; none for one that behaves."""


SERVERS = {
    "malloc": Program(("--malloc=65536", "--noise=65536"), frozenset({"retained_bytes"})),
    "mmap": Program(("--mmap=131072",), frozenset({"retained_bytes"})),
    "fd": Program(("--fd=1",), frozenset({"open_fds"})),
    "sockets": Program(("--sock=1",), frozenset({"open_fds"})),
    "threads": Program(("--thread=1",), frozenset({"thread_stacks"})),
    "noise": Program(("--noise=200000",), frozenset()),
    "sawtooth": Program(("--sawtooth=400000", "--sawtooth-rounds=4"), frozenset()),
    "warm-up": Program(("--warmup=1000000", "--warmup-rounds=4"), frozenset()),
    "lazy": Program(("--lazyfree=500000",), frozenset()),
}
JAVA = {
    "direct": Program(("direct=524288",), frozenset({"retained_bytes"})),
    "mapped": Program(("mapped=524288",), frozenset({"mapped_file_bytes"})),
    # Buffers that nobody holds wait for a collection, which the limit brings about every other round.
    "behaved": Program(("-XX:MaxDirectMemorySize=1m", "churn=524288"), frozenset()),
}


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start programs that end with the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **options: Any) -> subprocess.Popen[bytes]:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes.append(subprocess.Popen(command, **{**quiet, **options}))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def verdicts(started: Callable[..., subprocess.Popen[bytes]], pids: Mapping[str, int], folder: Path) -> dict[str, Any]:
    """Watch all at once; exit code and document of each."""
    watches = {}
    for name, pid in pids.items():
        options = ["--interval", "250ms", "--duration", f"{SECONDS}s", "--max-overhead", "40%", "--fail-on", "growth"]
        outputs = ["-o", str(folder / f"{name}.json"), "-o", str(folder / f"{name}.jsonl")]
        watches[name] = started(*WATCH, str(pid), *options, *outputs, "-q")
    codes = {name: watch.wait(timeout=SECONDS + 30) for name, watch in watches.items()}
    return {name: (code, json.loads((folder / f"{name}.json").read_text())) for name, code in codes.items()}


def judged(
    started: Callable[..., subprocess.Popen[bytes]],
    programs: Mapping[str, Program],
    pids: Mapping[str, int],
    folder: Path,
) -> dict[str, Any]:
    """The same; leaks that a busy machine hid in uneven rounds are watched once more."""
    found = verdicts(started, pids, folder)

    def is_missed(name: str) -> bool:
        code, document = found[name]
        words = {resource["name"]: resource["verdict"] for resource in document["resources"]}
        return code != 1 or any(words[one] != "growing" for one in programs[name].growing)

    missed = {name: pid for name, pid in pids.items() if programs[name].growing and is_missed(name)}
    (again := folder / "again").mkdir()
    return found | verdicts(started, missed, again)


def check_verdict(program: Program, code: int, document: Mapping[str, Any], name: str) -> None:
    words = {resource["name"]: resource["verdict"] for resource in document["resources"]}
    if program.growing:
        assert code == 1, (name, document["verdict"])
        assert all(words[resource] == "growing" for resource in program.growing), (name, words)
    else:
        assert code in {0, 5}, (name, document["verdict"])
        assert "growing" not in {words[one] for one in ("retained_bytes", "open_fds", "threads")}, (name, words)
        assert document["verdict"]["status"] != "growth", name


def test_servers_that_leak_and_that_behave_are_told_apart(
    live_programs: Path, started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    pids = {
        name: started(str(live_programs / "leakd"), *program.options, "--auto-rounds=1000", "--auto-ms=250").pid
        for name, program in SERVERS.items()
    }
    # The four rounds of a warm-up are over by the first third of the watch.
    for name, (code, document) in judged(started, SERVERS, pids, tmp_path).items():
        check_verdict(SERVERS[name], code, document, name)
    _check_close_wait(tmp_path / "sockets.jsonl")


def _check_close_wait(series: Path) -> None:
    """Sockets are called by what the tables of the network say."""
    raw = read_content(get_reader("watch"), series.read_bytes())[-1]
    assert raw.samples is not None
    assert any("CLOSE_WAIT" in (frame.function or "") for frame in raw.samples.frames)


def test_a_java_program_leaks_outside_its_heap_or_behaves(
    live_java: Path, started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    pids = {}
    for name, program in JAVA.items():
        data = tmp_path / f"data-{name}"
        data.mkdir()
        flags = [option for option in program.options if option.startswith("-")]
        leak = [option for option in program.options if not option.startswith("-")]
        java = ("java", "-Xmx32m", "-Xint", "-XX:+UseSerialGC", *flags, f"-Ddata={data}", "-cp", str(live_java))
        pids[name] = started(*java, "OffHeapLeak", *leak, "auto-rounds=1000", "auto-ms=250").pid
    time.sleep(1.5)
    for name, (code, document) in judged(started, JAVA, pids, tmp_path).items():
        check_verdict(JAVA[name], code, document, name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_the_verdict_and_the_outputs(
    number: signal.Signals, live_programs: Path, started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    server = started(str(live_programs / "leakd"), "--malloc=65536", "--auto-rounds=1000", "--auto-ms=100")
    page, series = tmp_path / "report.html", tmp_path / "series.jsonl"
    command = (*WATCH, str(server.pid), "--interval", "100ms", "-o", str(page), "-o", str(series))
    watch = started(*command, stdout=subprocess.PIPE)
    _wait_for_lines(series, 8)
    watch.send_signal(number)
    text = watch.communicate(timeout=30)[0].decode()
    assert watch.returncode == 0
    assert "the watch was ended" in text
    assert page.stat().st_size > 1000
    assert json.loads(series.read_text().splitlines()[-1])["why"] == "interrupted"
    assert server.poll() is None


def test_a_killed_watch_leaves_a_series_that_can_be_read(
    live_programs: Path, started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    server = started(str(live_programs / "leakd"), "--auto-rounds=1000", "--auto-ms=100")
    series = tmp_path / "series.jsonl"
    watch = started(*WATCH, str(server.pid), "--interval", "50ms", "-o", str(series))
    _wait_for_lines(series, 5)
    watch.kill()
    watch.wait()
    assert len(read_content(get_reader("watch"), series.read_bytes())) >= 4


def test_the_end_of_the_process_is_the_end_of_the_watch(
    live_programs: Path, started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    server = started(str(live_programs / "leakd"), "--auto-rounds=1000", "--auto-ms=100")
    series = tmp_path / "series.jsonl"
    watch = started(*WATCH, str(server.pid), "--interval", "1m", "-o", str(series), "-q")
    _wait_for_lines(series, 2)
    server.kill()
    server.wait()
    # It does not sleep the minute out.
    assert watch.wait(timeout=20) == 0
    assert json.loads(series.read_text().splitlines()[-1])["why"] == "ended"


def test_what_belongs_to_somebody_else_is_watched_with_less(
    live_programs: Path, tool: Callable[[str], str], started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    pid, prefix = 1, []
    if os.geteuid() == 0:
        # Files stay readable, for the interpreter may be anywhere; other processes do not.
        keep = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        prefix = [tool("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", *keep]
        pid = started(str(live_programs / "leakd"), "--auto-rounds=1000", "--auto-ms=100").pid
        time.sleep(0.3)
    command = [*prefix, *WATCH, str(pid), "--interval", "100ms", "--duration", "1s", "--to", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("its mappings cannot be read") == 1
    notes = {note["slug"] for entry in json.loads(done.stdout)["inputs"] for note in entry["notes"]}
    assert "not-permitted" in notes


def _wait_for_lines(path: Path, count: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not get {count} lines")
