"""A process as files in a folder, and a clock that stands still: exec, reuse of a pid, lost permission, the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from leakreport.errors import UnreadableInput, UsageError
from leakreport.live.figures import FigureTracker
from leakreport.live.files import NotPermitted, ProcessFiles
from leakreport.live.process import ProcessHandle, ProcessState
from leakreport.live.sampler import Sampler
from leakreport.live.series import SeriesFile
from leakreport.live.watcher import End, Watcher
from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader
from leakreport.testing import read_content

PID = 4242
VMA = (
    "{start:x}-{end:x} rw-p 00000000 00:00 0  {path}\nSize: {kib} kB\nRss: {kib} kB\nAnonymous: {kib} kB\nSwap: 0 kB\n"
)


class FakeProcess:
    """What the kernel would show of one process."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder
        self.folder = folder / str(PID)
        (self.folder / "fd").mkdir(parents=True)
        boot = folder / "sys" / "kernel" / "random"
        boot.mkdir(parents=True)
        (boot / "boot_id").write_text("b-1\n")
        self.hold(1024)
        self.be("server", start=100, stack=0x7FFF0000)
        self.open(0, "/dev/null")

    def be(self, name: str, *, start: int, stack: int) -> None:
        fields = ["0"] * 50
        fields[0], fields[19], fields[25] = "S", str(start), str(stack)
        (self.folder / "stat").write_text(f"{PID} (a) name) {' '.join(fields)}\n")
        (self.folder / "cmdline").write_bytes(name.encode() + b"\0--password=secret\0")
        link = self.folder / "exe"
        link.unlink(missing_ok=True)
        link.symlink_to(f"/usr/bin/{name}")

    def hold(self, kib: int, *, peak: int | None = None, name: str = "server") -> None:
        status = f"Name:\t{name}\nState:\tS (sleeping)\nTgid:\t{PID}\nPid:\t{PID}\nPPid:\t1\n"
        status += f"VmHWM:\t{peak or kib} kB\nVmRSS:\t{kib} kB\nRssAnon:\t{kib} kB\nRssFile:\t0 kB\nRssShmem:\t0 kB\n"
        (self.folder / "status").write_text(f"{status}VmSwap:\t0 kB\nThreads:\t1\n")
        start = 0x555500000000
        heap = VMA.format(start=start, end=start + kib * 1024, path="[heap]", kib=kib)
        (self.folder / "smaps").write_text(heap)

    def open(self, number: int, target: str) -> None:
        (self.folder / "fd" / str(number)).symlink_to(target)

    def vanish(self) -> None:
        self.folder.rename(self.proc / "gone")


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def process(tmp_path: Path) -> FakeProcess:
    return FakeProcess(tmp_path / "proc")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sampler_of(process: FakeProcess, clock: Clock, **options: float) -> Sampler:
    return Sampler(ProcessHandle(PID, proc=str(process.proc)), clock=clock, wall=clock, **options)


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let files be denied, as they are to somebody else."""
    read = ProcessFiles.read

    def denied(files: ProcessFiles, name: str) -> bytes:
        if name in names:
            raise NotPermitted("Permission denied")
        return read(files, name)

    monkeypatch.setattr(ProcessFiles, "read", denied)


def test_a_sample_has_figures_groups_and_descriptors(process: FakeProcess, clock: Clock) -> None:
    sample = sampler_of(process, clock).sample()
    assert sample.state is ProcessState.RUNNING
    assert sample.total("retained_bytes") == 1024 * 1024
    assert (sample.total("threads"), sample.total("open_fds")) == (1, 1)
    assert sample.has_details


def test_exec_is_another_program_under_the_same_pid(process: FakeProcess, clock: Clock) -> None:
    sampler = sampler_of(process, clock)
    sampler.sample()
    process.be("worker", start=100, stack=0x7FFE0000)
    sample = sampler.sample()
    assert sample.state is ProcessState.EXEC
    assert sample.program is not None
    assert sample.program.executable == "/usr/bin/worker"
    assert sampler.sample().state is ProcessState.RUNNING


def test_a_name_that_changes_is_no_exec(process: FakeProcess, clock: Clock) -> None:
    sampler = sampler_of(process, clock)
    (process.folder / "cmdline").write_bytes(b"server: idle\0")
    process.hold(512, name="server: idle")
    assert sampler.sample().state is ProcessState.RUNNING


def test_exec_is_seen_without_permission_where_the_high_water_mark_falls(process: FakeProcess, clock: Clock) -> None:
    process.be("server", start=100, stack=0)
    sampler = sampler_of(process, clock)
    process.be("worker", start=100, stack=0)
    assert sampler.sample().state is ProcessState.RUNNING
    process.hold(100, name="worker")
    assert sampler.sample().state is ProcessState.EXEC


def test_a_pid_that_was_given_again_is_another_process(process: FakeProcess, clock: Clock) -> None:
    sampler = sampler_of(process, clock)
    process.be("server", start=200, stack=0x7FFF0000)
    sample = sampler.sample()
    assert (sample.state, dict(sample.parts)) == (ProcessState.REUSED, {})


@pytest.mark.parametrize("how", ["vanished", "zombie"])
def test_the_end_is_told(how: str, process: FakeProcess, clock: Clock) -> None:
    sampler = sampler_of(process, clock)
    if how == "vanished":
        process.vanish()
    else:
        (process.folder / "status").write_text(
            f"Name:\tserver\nState:\tZ (zombie)\nTgid:\t{PID}\nPid:\t{PID}\nThreads:\t1\n"
        )
    assert sampler.sample().state is ProcessState.ENDED
    assert not sampler.handle.is_alive


def test_permission_that_is_missing_is_told_once(
    process: FakeProcess, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = sampler_of(process, clock)
    refuse(monkeypatch, "smaps")
    first, second = sampler.sample(), sampler.sample()
    assert dict(first.missing) == {"smaps": "Permission denied"}
    assert not second.missing
    assert second.total("retained_bytes") == 1024 * 1024


def test_mappings_that_read_empty_are_not_permitted(process: FakeProcess, clock: Clock) -> None:
    (process.folder / "smaps").write_text("")
    assert "not permitted" in sampler_of(process, clock).sample().missing["smaps"]


def test_details_are_read_only_as_often_as_they_may_cost(
    process: FakeProcess, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ProcessFiles.read

    def slow(files: ProcessFiles, name: str) -> bytes:
        clock.now += 0.19 if name == "smaps" else 0
        return read(files, name)

    monkeypatch.setattr(ProcessFiles, "read", slow)
    sampler = sampler_of(process, clock, interval=10, max_overhead=0.01)
    found = [sampler.sample().has_details for _ in range(9)]
    # 0.19 s where half of 1 % of 10 s is allowed: every fourth sample.
    assert sampler.every == 4
    assert found == [True, False, False, False, True, False, False, False, True]
    assert sampler.sample(wants_details=True).has_details


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("Name:\tkworker/0:1\nState:\tI (idle)\nTgid:\t4242\nPid:\t4242\n", UnreadableInput, "thread of the kernel"),
        ("Name:\tx\nState:\tZ (zombie)\nTgid:\t4242\nPid:\t4242\n", UnreadableInput, "has ended"),
        ("Name:\tx\nState:\tS\nTgid:\t77\nPid:\t4242\nVmRSS:\t4 kB\n", UsageError, "thread of process 77"),
        ("", UnreadableInput, "reads empty"),
    ],
)
def test_what_cannot_be_watched_is_refused(
    status: str, error: type[Exception], words: str, process: FakeProcess
) -> None:
    (process.folder / "status").write_text(status)
    with pytest.raises(error, match=words):
        ProcessHandle(PID, proc=str(process.proc))


def test_no_process_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match=r"no process 99 *.*--pid=host"):
        ProcessHandle(99, proc=str(tmp_path))


def test_a_process_that_is_hidden_is_told_from_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError(pid, number)

    monkeypatch.setattr(os, "kill", refused)
    with pytest.raises(UnreadableInput, match="hidepid"):
        ProcessHandle(2**22 - 1)


def watch(process: FakeProcess, clock: Clock, path: Path, story: Iterator[object]) -> tuple[End, list[RawSnapshot]]:
    """A whole watch; `story` goes on at each wait."""
    sampler = sampler_of(process, clock)

    def wait(seconds: float) -> None:
        clock.now += max(seconds, 0)
        next(story)

    with SeriesFile(str(path)) as series:
        watcher = Watcher(sampler, series, interval=10, duration=300, clock=clock, jitter=lambda: 0.5)
        end = watcher.run(wait, lambda: False, lambda sample: None)
    return end, read_content(get_reader("watch"), path.read_bytes())


def test_a_series_is_what_was_sampled(process: FakeProcess, clock: Clock, tmp_path: Path) -> None:
    def story() -> Iterator[None]:
        for number in range(1, 100):
            process.hold(1024 + 64 * number)
            yield

    end, raws = watch(process, clock, tmp_path / "s.jsonl", story())
    assert end is End.DURATION
    assert [raw.totals["retained_bytes"] // 1024 for raw in raws] == [1024 + 64 * number for number in range(31)]
    assert [round((raw.meta.time or 0) - (raws[0].meta.time or 0)) for raw in raws] == list(range(0, 301, 10))
    text = (tmp_path / "s.jsonl").read_text()
    assert "secret" not in text
    assert json.loads(text.splitlines()[0])["start_ticks"] == 100


def test_the_longest_stretch_of_one_program_is_read(process: FakeProcess, clock: Clock, tmp_path: Path) -> None:
    def story() -> Iterator[None]:
        yield from (None for _ in range(3))
        process.be("worker", start=100, stack=0x7FFE0000)
        process.hold(64)
        yield from (None for _ in range(8))
        process.vanish()
        yield

    end, raws = watch(process, clock, tmp_path / "s.jsonl", story())
    assert end is End.ENDED
    assert len(raws) == 8
    assert raws[0].meta.command[0] == "worker"
    assert any(note.slug == "other-program" for note in raws[-1].meta.notes)


def test_figures_estimate_between_mappings_and_begin_anew_with_a_program(process: FakeProcess, clock: Clock) -> None:
    sampler, tracker = sampler_of(process, clock), FigureTracker()
    first = tracker.take(sampler.sample())
    assert (first.retained, first.is_estimate, first.change) == (1024 * 1024, False, None)
    sampler.every = 100
    process.hold(2048)
    clock.now = 3600.0
    second = tracker.take(sampler.sample())
    assert (second.retained, second.is_estimate, second.change) == (2048 * 1024, True, 1024 * 1024)
    process.hold(3072)
    clock.now = 7200.0
    third = tracker.take(sampler.sample(wants_details=True))
    assert third.per_hour == pytest.approx(1024 * 1024)
    assert third.top == ("[heap]", 2048 * 1024)
    process.be("worker", start=100, stack=0x7FFE0000)
    assert tracker.take(sampler.sample()).change is None
