"""The command line as a user meets it: exit codes at every boundary, one-line errors, whole files or none."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from tests.support import FIXTURES, fixture_bytes, fixture_path

XML = FIXTURES / "memcheck-xml"


def run(
    *arguments: object, stdin: bytes | None = None, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        [sys.executable, "-m", "leakreport", *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=120,
    )
    error = found.stderr.decode()
    assert "Traceback" not in error, error
    return subprocess.CompletedProcess(found.args, found.returncode, found.stdout.decode(), error)


def case(name: str) -> Path:
    return fixture_path("memcheck-xml", name)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((case("kinds"),), 0),
        ((case("kinds"), "--fail-on", "definite"), 1),
        ((case("kinds"), "--fail-on", "errors"), 0),
        ((case("kinds"), "--fail-on", "errors,fds"), 5),
        ((case("kinds"), "--fail-on", "definite,fds"), 1),
        ((case("kinds"), "--max-leaked", "2MiB"), 0),
        ((case("kinds"), "--max-leaked", "1MiB"), 1),
        ((case("kinds"), "--max-leaked", "lots"), 2),
        ((case("kinds"), "--fail-on", "definitely"), 2),
        ((case("kinds"), "--fail-on", "growth"), 2),
        ((case("kinds"), "--format", "nonsense"), 2),
        ((case("kinds"), "--format", "memcheck-text"), 3),
        ((case("kinds"), "--to", "nonsense"), 2),
        ((case("kinds"), "--at", "7"), 2),
        ((case("kinds"), "--metric", "nonsense"), 2),
        ((case("kinds"), "-o", "x.unknown"), 2),
        ((case("kinds"), "--nonsense"), 2),
        ((case("kinds"), "--color", "maybe"), 2),
        ((case("kinds"), "--config", "nowhere.toml"), 2),
        (("nowhere.xml",), 3),
        ((case("empty"),), 3),
        ((case("prolog-only"),), 3),
        ((case("race-helgrind"),), 3),
        ((case("trunc-mid-tag"),), 3),
        ((case("trunc-mid-tag"), "--partial"), 0),
        ((case("trunc-mid-tag"), "--partial", "--fail-on", "definite"), 5),
        ((case("trunc-mid-tag"), "--partial", "--fail-on", "possible"), 1),
        ((case("killed-while-running"), "--fail-on", "definite"), 3),
        ((case("killed-while-running"), "--partial", "--fail-on", "definite"), 5),
        ((case("public-valgrind-fdleak_dup_xml"), "--fail-on", "definite"), 5),
        ((case("public-valgrind-fdleak_dup_xml"), "--fail-on", "fds"), 1),
    ],
)
def test_exit_codes(arguments: tuple[object, ...], code: int) -> None:
    found = run("analyze", *arguments)
    assert found.returncode == code, found.stderr
    if code in {2, 3}:
        assert found.stderr.startswith("error[")
        assert found.stderr.strip().count("\n") == 0


def test_an_incomplete_input_is_still_reported() -> None:
    found = run("analyze", case("trunc-mid-tag"), "--to", "json")
    assert found.returncode == 3
    document = json.loads(found.stdout)
    assert document["totals"]["possible_bytes"] == 680
    assert document["inputs"][0]["complete"] is False
    assert "truncated-input" in found.stderr


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstandard.compress)],
)
def test_compressed_inputs_are_told_by_content(tmp_path: Path, suffix: str, pack: object) -> None:
    packed = pack(fixture_bytes("memcheck-xml", "kinds"))  # type: ignore[operator]  # one of four functions
    for name in (f"x{suffix}", "x.xml"):
        (tmp_path / name).write_bytes(packed)
        assert json.loads(run("analyze", tmp_path / name, "--to", "json").stdout)["totals"]["definite_bytes"] == 1235632
    (tmp_path / "cut").write_bytes(packed[: len(packed) * 2 // 3])
    assert run("analyze", tmp_path / "cut").returncode == 3
    (tmp_path / "tail").write_bytes(packed[:-4])
    assert run("analyze", tmp_path / "tail").returncode == 3


def test_standard_input() -> None:
    found = run("analyze", "-", "--to", "json", stdin=fixture_bytes("memcheck-text", "kinds"))
    assert json.loads(found.stdout)["totals"]["retained_bytes"] == 1240851


def test_folders_and_globs_make_one_report(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        shutil.copy(case(f"family-proc{number}"), tmp_path / f"p{number}.xml")
    (tmp_path / "readme.md").write_text("hello")
    for argument in (tmp_path, tmp_path / "*.xml"):
        document = json.loads(run("analyze", argument, "--to", "json").stdout)
        assert document["totals"]["definite_bytes"] == 6000
        assert len(document["inputs"]) == 3
    (tmp_path / "died.xml").write_bytes(b"")
    assert run("analyze", tmp_path).returncode == 3
    (tmp_path / "none").mkdir()
    assert run("analyze", tmp_path / "none").returncode == 3


def test_an_output_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    assert run("analyze", case("kinds"), "-o", tmp_path / "folder.html").returncode == 4
    assert run("analyze", case("kinds"), "-o", tmp_path / "nowhere" / "r.html").returncode == 4
    target = tmp_path / "r.md"
    target.write_text("old")
    assert run("analyze", case("kinds"), "-o", target).returncode == 0
    assert "lost at exit" in target.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.html", "r.md"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_an_output_error() -> None:
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [sys.executable, "-m", "leakreport", "analyze", case("kinds")],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert found.returncode == 4
    assert b"Traceback" not in found.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m leakreport analyze {case('python3')} -vv | head -1; exit ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert found.returncode == 0
    assert found.stderr == b""


def test_a_file_without_a_command_gets_a_suggestion() -> None:
    found = run(case("kinds"))
    assert found.returncode == 2
    assert "Did you mean: leakreport analyze" in found.stderr


def test_settings_come_from_file_environment_and_flags(tmp_path: Path) -> None:
    (tmp_path / "leakreport.toml").write_text('fail-on = "definite"\nalloc-fn = ["xmalloc"]\n')
    assert run("analyze", case("kinds"), cwd=tmp_path).returncode == 1
    assert run("analyze", case("kinds"), cwd=tmp_path, LEAKREPORT_FAIL_ON="errors").returncode == 0
    assert (
        run("analyze", case("kinds"), "--fail-on", "possible", cwd=tmp_path, LEAKREPORT_FAIL_ON="errors").returncode
        == 1
    )
    (tmp_path / "leakreport.toml").write_text("fail-onn = 1\n")
    found = run("analyze", case("kinds"), cwd=tmp_path)
    assert found.returncode == 2
    assert "Did you mean fail-on" in found.stderr


def test_records_name_the_inputs_own() -> None:
    document = json.loads(run("analyze", case("kinds"), "--to", "json", "--records").stdout)
    names = [name for row in document["paths"] for name in row["records"]]
    assert sorted(names) == [f"0x{number:x}" for number in range(10)]


def test_hostile_content_is_refused_in_one_line(tmp_path: Path) -> None:
    bombs = {
        "dtd": b'<?xml version="1.0"?><!DOCTYPE v [<!ENTITY a "aaaa">]><valgrindoutput><pid>1</pid></valgrindoutput>',
        "entity": b"<valgrindoutput><!ENTITY x SYSTEM 'file:///etc/passwd'>&x;</valgrindoutput>",
        "deep": b"<valgrindoutput>" + b"<a>" * 2_000_000,
        "line": b"==1== Memcheck, a memory error detector " + b"x" * 50_000_000,
        "nul": b"\0" * 100_000,
        "html": b"<!doctype html><html><body>valgrind</body></html>",
        "other": b'<?xml version="1.0"?><testsuite/>',
        "elf": b"\x7fELF" + b"\0" * 100,
    }
    for name, content in bombs.items():
        (tmp_path / name).write_bytes(content)
        found = run("analyze", tmp_path / name)
        assert found.returncode == 3, name
        assert found.stderr.startswith("error["), name


def test_a_number_beyond_64_bits_is_never_a_figure(tmp_path: Path) -> None:
    content = fixture_bytes("memcheck-xml", "kinds").replace(
        b"<leakedbytes>1234567<", b"<leakedbytes>99999999999999999999<"
    )
    (tmp_path / "x.xml").write_bytes(content)
    found = run("analyze", tmp_path / "x.xml", "--to", "json")
    assert found.returncode == 3
    assert json.loads(found.stdout)["totals"]["definite_bytes"] == 1235632 - 1234567


def test_formats_lists_what_can_be_read() -> None:
    found = run("formats")
    assert found.returncode == 0
    assert "memcheck-xml" in found.stdout
    assert "memcheck-text" in found.stdout


def test_an_output_never_replaces_an_input_or_another_output(tmp_path: Path) -> None:
    path = tmp_path / "memcheck.xml"
    path.write_bytes(fixture_bytes("memcheck-xml", "kinds"))
    before = path.read_bytes()
    for arguments in (("-o", f"json:{path}"), ("-o", f"{tmp_path}/a.html", "-o", f"json:{tmp_path}/a.html")):
        done = run("analyze", path, *arguments)
        assert done.returncode == 2
        assert "would replace" in done.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fail-on", ""), "names nothing"),
        (("-o", "foo:x.html"), "foo"),
        (("--top", "0"), "top"),
    ],
)
def test_options_that_would_mean_nothing_are_refused(arguments: tuple[str, ...], words: str) -> None:
    done = run("analyze", case("kinds"), *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_quiet_run_still_names_what_failed() -> None:
    done = run("analyze", case("kinds"), "-q", "--fail-on", "definite")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "--fail-on definite: 1.18 MiB definitely lost" in done.stderr


def test_what_is_hidden_does_not_change_the_verdict() -> None:
    whole, part = (
        json.loads(run("analyze", case("kinds"), "--to", "json", *more).stdout)["verdict"]
        for more in ((), ("--top", "1"))
    )
    assert part["sentence"] == whole["sentence"]
    assert part["lead"] == whole["lead"]


def test_group_by_is_shown_everywhere() -> None:
    assert "\nGROUP 1235632 B 5 paths " not in run("analyze", case("kinds")).stdout
    assert "\nGROUP " in run("analyze", case("kinds"), "--group-by", "function").stdout
    assert "| By function |" in run("analyze", case("kinds"), "--group-by", "function", "--to", "markdown").stdout
