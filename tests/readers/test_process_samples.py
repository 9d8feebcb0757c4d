"""What Linux says of a process: mappings, status, descriptors. Answers are plain sums of the lines, or what the program counted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from leakreport.errors import EmptyInput, InputError, UnreadableInput, UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader, pick_reader
from leakreport.testing import MemoryStream, assert_reader_ok
from tests.support import cases, expected, fixture_bytes, read

FORMATS = ("smaps", "smaps-rollup", "maps", "proc-status", "pmap", "fd", "watch")
ALL = [(name, case) for name in FORMATS for case in cases(name)]
SMALL = [(name, case) for name, case in ALL if len(fixture_bytes(name, case)) < 40_000]
FORMS = ("form-plain", "form-q", "form-d", "form-x", "form-upper-x", "form-upper-xx")


def by_path(raw: RawSnapshot, metric: str) -> dict[str, int]:
    table = raw.samples
    assert table is not None
    found: dict[str, int] = {}
    for row in range(len(table)):
        stack = table.flat[table.offsets[row] : table.offsets[row + 1]].tolist()
        name = " ".join(table.frames[index].function or "" for index in stack)
        found[name] = found.get(name, 0) + int(table.values[metric][row])
    return found


@pytest.mark.parametrize(("name", "case"), ALL)
def test_totals_are_those_of_plain_sums(name: str, case: str) -> None:
    raws = read(name, fixture_bytes(name, case))
    wanted = expected(name)[case]
    assert len(raws) == len(wanted)
    for raw, answer in zip(raws, wanted, strict=True):
        totals: Mapping[str, object] = answer["totals"]  # type: ignore[assignment]  # lists are those of other formats
        assert {metric: raw.totals.get(metric) for metric in totals} == totals


@pytest.mark.parametrize(("name", "case"), SMALL)
def test_the_reader_stands_what_input_can_be(name: str, case: str) -> None:
    assert_reader_ok(get_reader(name), fixture_bytes(name, case))


@pytest.mark.parametrize("case", FORMS)
def test_forms_of_one_moment_have_the_same_groups(case: str) -> None:
    [raw] = read("pmap", fixture_bytes("pmap", case))
    [full] = read("smaps", fixture_bytes("smaps", "same-moment"))
    for metric in set(raw.totals) & {
        "retained_bytes",
        "resident_bytes",
        "size_bytes",
        "mappings",
        "thread_stacks",
        "malloc_arenas",
    }:
        assert raw.totals[metric] == full.totals[metric], metric
    groups, wanted = by_path(raw, "size_bytes"), by_path(full, "size_bytes")
    for group in (
        "[heap]",
        "[glibc arena]",
        "[thread stack]",
        "[guard]",
        "[shared memory] /memfd:frame-buffer",
        "[stack]",
    ):
        assert groups[group] == wanted[group], group


def test_mappings_are_grouped_by_what_they_are_for() -> None:
    [raw] = read("smaps", fixture_bytes("smaps", "c-thread-leak"))
    count = by_path(raw, "mappings")
    assert (count["[thread stack]"], count["[guard]"]) == (36, 36)
    [raw] = read("smaps", fixture_bytes("smaps", "c-arenas-plateau"))
    assert raw.totals["malloc_arenas"] == 15
    assert by_path(raw, "size_bytes")["[glibc arena]"] == 15 * 64 * 1024 * 1024
    [raw] = read("smaps", fixture_bytes("smaps", "j17-mapped-leak"))
    assert by_path(raw, "mapped_file_bytes")["[mapped file] /src/demo/data/segment-#.dat"] == 12 * 1024 * 1024
    [raw] = read("smaps", fixture_bytes("smaps", "c-filemap-leak"))
    assert raw.totals["mapped_file_bytes"] == 12 * 524_288


def test_what_was_given_back_lazily_is_not_retained() -> None:
    [raw] = read("smaps", fixture_bytes("smaps", "c-lazyfree-flat"))
    assert raw.totals["resident_bytes"] > 24 * 1024 * 1024
    assert raw.totals["retained_bytes"] < 512 * 1024


def test_the_java_heap_stands_apart() -> None:
    [raw] = read("smaps", fixture_bytes("smaps", "j17-direct-leak"))
    assert by_path(raw, "retained_bytes")["[Java heap]"] == 0
    assert by_path(raw, "java_heap_bytes")["[Java heap]"] == raw.totals["java_heap_bytes"] == 1_736_704


def test_descriptors_are_called_by_their_target() -> None:
    [raw] = read("fd", fixture_bytes("fd", "c-fd-sock-leak-012"))
    found = by_path(raw, "open_fds")
    assert found["[open descriptors] [file] /src/demo/data/app.conf"] == 36
    assert found["[open descriptors] [socket]"] == 25
    for case in ("sockets", "synthetic-lsof"):
        [raw] = read("fd", fixture_bytes("fd", case))
        waiting = by_path(raw, "open_fds")["[open descriptors] [socket] [tcp CLOSE_WAIT 127.0.0.1:41907]"]
        assert waiting == (8 if case == "sockets" else 2)
        assert [note.slug for note in raw.meta.notes] == ["close-wait"]


def test_a_folder_in_a_listing_tells_the_process() -> None:
    text = b"/proc/10/fd:\ntotal 0\nlrwx------ 1 a a 64 Nov 25 18:46 0 -> /dev/null\n\n/proc/11/fd:\ntotal 0\nlrwx------ 1 a a 64 Nov 25 18:46 0 -> /dev/null\n"
    assert [raw.meta.pid for raw in read("fd", text)] == [10, 11]


def test_samples_of_a_log_have_their_times() -> None:
    assert [raw.meta.time for raw in read("smaps", fixture_bytes("smaps", "log"))] == [
        1764096360.0,
        1764096370.0,
        1764096380.0,
    ]
    times = [raw.meta.time for raw in read("pmap", fixture_bytes("pmap", "log-x"))]
    # Midnight is passed.
    assert times == [86370.0 + 5 * number for number in range(12)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Process:         svc [123]\nPath:            /bin/svc\n\n==== Non-writable regions for process 123\n", "macOS"),
        (b"123:    /usr/bin/svc\n Address  Kbytes     RSS    Anon  Locked Mode   Mapped File\n00010000       8       8       -       - r-x--  svc\n", "Solaris"),
        (b"123:    sh\n00010000     192K r-x--  /usr/bin/ksh\n00040000       8K rwx--  /usr/bin/ksh\n00042000      40K rwx--    [ heap ]\n total   240K\n", "Solaris"),
        (b"cat: /proc/1/smaps: Permission denied\n", "may not read"),
        (b"cat: /proc/1/smaps: No such file or directory\n", "had ended"),
    ],
)  # fmt: skip
def test_foreign_and_refused_are_called_by_name(content: bytes, words: str) -> None:
    with pytest.raises(UnsupportedInput, match=words):
        pick_reader(MemoryStream("001.smaps", content), DEFAULT_LIMITS)


def test_an_empty_smaps_says_that_it_takes_permission() -> None:
    with pytest.raises(EmptyInput, match="owner of a process and root"):
        pick_reader(MemoryStream("run/001.smaps", b""), DEFAULT_LIMITS)


def test_denied_lists_are_no_samples() -> None:
    with pytest.raises(UnreadableInput, match="not permitted"):
        read("smaps", b"2026-01-01 00:00:00\ncat: /proc/1/smaps: Permission denied\n")
    with pytest.raises(InputError, match="of process 77"):
        read("pmap", b"77:   /usr/sbin/sshd -D\n")
    with pytest.raises(InputError, match="thread of the kernel"):
        read("proc-status", b"Name:\tkthreadd\nState:\tS (sleeping)\nPid:\t2\nThreads:\t1\n")
    with pytest.raises(InputError, match="had ended"):
        read("proc-status", b"Name:\tsvc\nState:\tZ (zombie)\nPid:\t2\nThreads:\t1\n")


def test_several_processes_of_one_pmap_are_told_apart() -> None:
    one = fixture_bytes("pmap", "form-x")
    raws = read("pmap", one + one.replace(b"12039:", b"12040:"))
    assert [raw.meta.pid for raw in raws] == [12039, 12040]
    assert raws[0].totals == raws[1].totals
