"""`leakreport doctor`: files of every state, folders, and real processes of this machine."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leakreport.analysis.findings import CHECKS
from leakreport.cli import main
from leakreport.doctor.attach import diagnose_process
from leakreport.doctor.process import Program, read_process
from leakreport.doctor.remedies import REMEDIES
from leakreport.errors import UnreadableInput
from leakreport.explain.messages import messages
from tests.support import FIXTURES, fixture_bytes, fixture_path


def diagnosis(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, Any]:
    assert main(["doctor", *map(str, arguments), "--to", "json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["schema"] == "leakreport-answer/1"
    assert found["kind"] == "diagnosis"
    assert found["usable"] is (code == 0)
    return found


def lines(found: dict[str, Any], heading: str) -> list[str]:
    return [line for section in found["sections"] if section["heading"] == heading for line in section["lines"]]


@pytest.mark.parametrize(
    ("family", "case", "lack", "helps", "code"),
    [
        ("memcheck-xml", "svc-v2-defaults", "kinds-not-recorded", "--show-leak-kinds=all", 0),
        ("memcheck-xml", "deep-default", "recording.stack-cut", "--num-callers=40", 0),
        ("memcheck-xml", "kinds-stripped", "recording.no-debug-info", "", 0),
        ("memcheck-xml", "trunc-mid-tag", "truncated-input", "--leak-check=full", 3),
        ("memcheck-xml", "killed-while-running", "leak-check-not-run", "--leak-check=full", 3),
        ("memcheck-text", "svc-v2-summary", "leak-check-summary", "--leak-check=full", 3),
        ("memcheck-text", "kinds", "text-log", "--xml=yes", 0),
        ("massif", "mapper-pages", "pages-as-heap", "--tool=massif", 0),
        ("gperftools", "sampled", "sampled", "HEAPPROFILE", 0),
        ("gperftools", "redis", "single-dump", "HEAPPROFILE", 0),
    ],
)  # fmt: skip
def test_what_a_recording_lacks(
    family: str, case: str, lack: str, helps: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fixture_path(family, case)
    found = diagnosis(capsys, path, code=code)
    assert lack in found["lacks"], found["lacks"]
    assert helps in " ".join(lines(found, "How to record it better"))


def test_the_command_line_has_the_programs_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnosis(capsys, fixture_path("memcheck-xml", "svc-v2-defaults"))
    (command,) = lines(found, "How to record it better")
    assert command.startswith("valgrind --leak-check=full --show-leak-kinds=all --num-callers=40 ")
    assert command.endswith(" ./build/svc")


def test_who_kept_forty_callers_is_told_to_keep_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = fixture_bytes("memcheck-xml", "deep-default").decode()
    told = text.replace("<vargv>", "<vargv><arg>--num-callers=40</arg>")
    # What is cut at 12 frames is not cut at 40: frames are repeated until it is.
    inner = "<frame><ip>0x1</ip><obj>/src/demo/vg/deep</obj><fn>again</fn></frame>" * 40
    (tmp_path / "deep.xml").write_text(told.replace("<stack>", f"<stack>{inner}"), encoding="utf-8")
    found = diagnosis(capsys, tmp_path / "deep.xml")
    assert "recording.stack-cut" in found["lacks"]
    assert "--num-callers=80" in lines(found, "How to record it better")[0]


def test_nothing_is_said_of_a_recording_that_lacks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnosis(capsys, FIXTURES / "demo" / "memcheck.xml")
    assert found["lacks"] == []
    assert lines(found, "What it lacks") == ["Nothing."]
    assert lines(found, "How to record it better") == []


def test_massif_with_few_detailed_snapshots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "desc: --detailed-freq=1000000\ncmd: ./svc\ntime_unit: i\n"
    shot = "#-----------\nsnapshot={0}\n#-----------\ntime={0}\nmem_heap_B={1}\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree={2}\n"
    body = "".join(shot.format(n, n * 100, "empty") for n in range(9))
    body += shot.format(9, 900, "peak") + "n1: 900 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n n0: 900 0x1: grow (svc.c:3)\n"  # fmt: skip
    (tmp_path / "massif.out.1").write_text(head + body, encoding="utf-8")
    found = diagnosis(capsys, tmp_path / "massif.out.1")
    assert "few-detailed-snapshots" in found["lacks"]
    assert lines(found, "How to record it better") == ["valgrind --detailed-freq=1 --tool=massif --massif-out-file=massif.out.%p ./svc"]  # fmt: skip


def test_the_wrong_program_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = fixture_bytes("memcheck-xml", "bash").decode()
    text = text.replace("<exe>/bin/bash</exe>", "<exe>/usr/bin/ctest</exe>").replace("<exe>/usr/bin/bash</exe>", "<exe>/usr/bin/ctest</exe>")  # fmt: skip
    text = text.replace("<exe>bash</exe>", "<exe>ctest</exe>")
    assert "ctest" in text
    (tmp_path / "ctest.xml").write_text(text, encoding="utf-8")
    found = diagnosis(capsys, tmp_path / "ctest.xml")
    assert "wrong-program" in found["lacks"]
    assert "--trace-children=yes" in " ".join(lines(found, "How to record it better"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"JAVA PROFILE 1.0.2\0", "a heap dump of Java"),
        (b"PERFILE2" + bytes(20), "a perf recording"),
        (b"", "is empty"),
        (b"nothing that anybody knows\n", "in no format"),
    ],
)
def test_a_file_that_no_reader_knows(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "some.file").write_bytes(content)
    found = diagnosis(capsys, tmp_path / "some.file", code=3)
    assert words in " ".join(lines(found, "What cannot be read"))


def test_a_missing_file_is_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    assert diagnosis(capsys, "nowhere.xml", code=3)["errors"] == ["unreadable-input"]


def test_dumps_of_one_process_are_for_trend(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnosis(capsys, next((FIXTURES / "series").glob("jemalloc-*/")))
    assert found["commands"][0].startswith("leakreport trend ")


def test_the_working_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = diagnosis(capsys, code=3)
    assert found["commands"][0].startswith("valgrind ")
    shutil.copy(sys.executable, tmp_path / "service")
    (tmp_path / "notes.txt").write_text("nothing\n", encoding="utf-8")
    assert diagnosis(capsys, code=3)["commands"][0].endswith(" ./service")
    shutil.copy(fixture_path("memcheck-xml", "kinds"), tmp_path / "a file.xml")
    (tmp_path / "packed").write_bytes(gzip.compress(fixture_bytes("massif", "svc-v1")))
    found = diagnosis(capsys)
    assert found["files"] == {"massif": ["packed"], "memcheck-xml": ["a file.xml"]}
    assert "leakreport analyze 'a file.xml' -o report.html" in found["commands"]


def test_only_heads_of_a_bounded_number_of_files_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("leakreport.doctor.folder.MOST_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text("x\n", encoding="utf-8")
    assert lines(diagnosis(capsys, code=3), "Not looked at")


def test_every_remedy_is_for_something_that_is_said() -> None:
    assert set(REMEDIES) <= set(messages()) | set(CHECKS)


@pytest.fixture
def sleeper(tool: Callable[[str], str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([tool("sleep"), "60"]) as process:
        yield process
        process.kill()


LINUX = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc")


@LINUX
def test_a_native_process(sleeper: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnosis(capsys, sleeper.pid)
    assert (found["pid"], found["runtime"], found["static"]) == (sleeper.pid, "native", False)
    assert f"heaptrack -p {sleeper.pid}" in found["commands"] or found["allocator"] == "musl"
    assert any(command.startswith("valgrind ") and command.endswith("sleep 60") for command in found["commands"])
    assert not any("jcmd" in command for command in found["commands"])


@LINUX
def test_the_interpreter_that_runs_this_is_known_as_python(capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnosis(capsys, os.getpid())
    assert found["runtime"] == "python"
    assert f"memray attach {os.getpid()}" in found["commands"]


@LINUX
def test_the_build_id_is_that_of_readelf(
    sleeper: subprocess.Popen[bytes], tool: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    told = subprocess.run(
        [tool("readelf"), "-n", f"/proc/{sleeper.pid}/exe"], capture_output=True, text=True, check=True
    )
    build_id = diagnosis(capsys, sleeper.pid)["build_id"]
    assert build_id is None or f"Build ID: {build_id}" in told.stdout


@LINUX
def test_a_preloaded_allocator_is_seen(tool: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    library = next(Path("/usr/lib").glob("*/libjemalloc.so.2"), None)
    if library is None:
        pytest.skip("libjemalloc is not installed")
    with subprocess.Popen([tool("sleep"), "60"], env={**os.environ, "LD_PRELOAD": str(library)}) as process:
        subprocess.run(["sleep", "0.3"], check=True)
        found = diagnosis(capsys, process.pid)
        process.kill()
    assert found["allocator"] == "jemalloc"
    assert found["commands"][0].startswith("MALLOC_CONF=prof:true")
    assert "LD_PRELOAD" not in found["commands"][0]


@LINUX
def test_a_process_that_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert main(["doctor", str(process.pid)]) == 3
    assert capsys.readouterr().err.startswith(f"error[unreadable-input]: there is no process {process.pid}")


def _fake(folder: Path, maps: str, *, command: str = "./svc\0--token\0hunter2\0", status: str = "") -> str:
    process = folder / "7"
    process.mkdir()
    (process / "status").write_text(f"Name:\tsvc\nState:\tS (sleeping)\nVmRSS:\t  2048 kB\nThreads:\t3\n{status}", encoding="utf-8")  # fmt: skip
    (process / "cmdline").write_text(command, encoding="utf-8")
    (process / "maps").write_text(maps, encoding="utf-8")
    (process / "cgroup").write_text("0::/\n", encoding="utf-8")
    (process / "exe").symlink_to("/srv/svc")
    return str(folder)


def _maps(*paths: str) -> str:
    return "".join(f"7f00-7f01 r-xp 00000000 08:01 1   {path}\n" for path in paths)


MOVABLE = Program("ab12", has_debug_info=True, has_debug_link=False, has_symbols=True, is_static=False, is_movable=True, is_go=False)  # fmt: skip


@pytest.mark.parametrize(
    ("maps", "allocator", "wanted", "unwanted"),
    [
        (("/usr/lib/libtcmalloc.so.4", "/usr/lib/libc.so.6"), "tcmalloc", "HEAPPROFILE=", "memleak"),
        (("/usr/lib/libtcmalloc_minimal.so.4", "/usr/lib/libc.so.6"), "tcmalloc", "LD_PRELOAD=", "HEAPPROFILE="),
        (("/usr/lib/libmimalloc.so.2", "/usr/lib/libc.so.6"), "mimalloc", "LD_PRELOAD=", "HEAPPROFILE="),
        (("/usr/lib/libasan.so.8", "/usr/lib/libc.so.6"), "the sanitizers'", "LSAN_OPTIONS=", "valgrind"),
        (("/lib/ld-musl-x86_64.so.1",), "musl", "valgrind", "heaptrack"),
        (("/usr/lib/jvm/libjvm.so", "/usr/lib/libc.so.6"), "glibc", "-XX:NativeMemoryTracking=summary", "valgrind"),
    ],
)
def test_each_allocator_has_its_own_way(
    maps: tuple[str, ...], allocator: str, wanted: str, unwanted: str, tmp_path: Path
) -> None:
    process = read_process(7, lambda _: MOVABLE, proc=_fake(tmp_path, _maps(*maps)))
    assert process.allocator == allocator
    commands = " ".join(diagnose_process(process, include_host=False).commands)
    assert wanted in commands
    assert unwanted not in commands


def test_a_jvm_that_tracks_its_memory_is_asked(tmp_path: Path) -> None:
    command = "java\0-XX:NativeMemoryTracking=summary\0-jar\0a.jar\0"
    proc = _fake(tmp_path, _maps("/usr/lib/jvm/libjvm.so", "/lib/libc.so.6"), command=command)
    answer = diagnose_process(read_process(7, lambda _: MOVABLE, proc=proc), include_host=False)
    assert answer.commands[0] == "jcmd 7 VM.native_memory summary"


def test_a_static_go_program_has_one_way(tmp_path: Path) -> None:
    program = MOVABLE._replace(is_static=True, is_go=True, is_movable=False)
    answer = diagnose_process(
        read_process(7, lambda _: program, proc=_fake(tmp_path, _maps("/srv/svc"))), include_host=False
    )
    assert [command.split()[0] for command in answer.commands] == ["curl"]


def test_secrets_of_the_command_line_are_not_told(tmp_path: Path) -> None:
    process = read_process(7, lambda _: MOVABLE, proc=_fake(tmp_path, _maps("/lib/libc.so.6")))
    assert "hunter2" not in str(diagnose_process(process, include_host=False))
    assert "hunter2" in str(diagnose_process(process, include_host=True))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"has_debug_info": False, "has_symbols": False}, "stripped"),
        ({"has_debug_info": False}, "Build with -g"),
        ({"has_debug_info": False, "has_debug_link": True}, "build id ab12"),
        ({"has_debug_info": False, "build_id": None}, "--build-id"),
    ],
)
def test_what_a_process_lacks(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    process = read_process(7, lambda _: MOVABLE._replace(**change), proc=_fake(tmp_path, _maps("/lib/libc.so.6")))
    assert words in str(diagnose_process(process, include_host=False).sections)


def test_a_container_is_seen(tmp_path: Path) -> None:
    process = read_process(7, lambda _: None, proc=_fake(tmp_path, _maps("/lib/libc.so.6"), status="NSpid:\t7\t1\n"))
    assert process.in_container
    assert "container" in str(diagnose_process(process, include_host=False).sections)


def test_a_process_that_was_not_waited_for(tmp_path: Path) -> None:
    proc = _fake(tmp_path, "")
    status = Path(proc) / "7" / "status"
    status.write_text(status.read_text(encoding="utf-8").replace("S (sleeping)", "Z (zombie)"), encoding="utf-8")
    with pytest.raises(UnreadableInput, match="has ended"):
        read_process(7, lambda _: None, proc=proc)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read_are_named(tmp_path: Path) -> None:
    proc = _fake(tmp_path, _maps("/lib/libc.so.6"))
    (Path(proc) / "7" / "maps").chmod(0)
    answer = diagnose_process(read_process(7, lambda _: MOVABLE, proc=proc), include_host=False)
    assert "You may not read maps" in str(answer.sections)
    assert answer.values["usable"] is False
