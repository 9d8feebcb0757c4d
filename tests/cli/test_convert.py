"""`leakreport convert` as a user meets it: files, pipes, terminals, exit codes."""

from __future__ import annotations

import gzip
import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leakreport.errors import UsageError
from tests.cli.test_cli import run
from tests.support import fixture_path

KINDS = fixture_path("memcheck-xml", "kinds")
CUT = fixture_path("memcheck-xml", "trunc-mid-tag")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((KINDS, "--to", "folded"), 0),
        ((KINDS, "--to", "nonsense"), 2),
        ((KINDS,), 2),
        ((KINDS, "--to", "folded", "--metric", "nonsense"), 2),
        ((KINDS, "--to", "folded", "--at", "7"), 2),
        ((KINDS, "--to", "folded", "--format", "massif"), 3),
        (("nowhere.xml", "--to", "csv"), 3),
        ((CUT, "--to", "folded"), 3),
        ((CUT, "--to", "folded", "--partial"), 0),
        ((KINDS, "--to", "folded", "-o", "/nowhere/x"), 4),
        ((KINDS, "--to", "pprof", "-o", "/dev/null"), 4),
    ],
)
def test_exit_codes(arguments: tuple[object, ...], code: int) -> None:
    found = run("convert", *arguments)
    assert found.returncode == code, found.stderr
    assert found.stderr.count("error[") == (code != 0)
    assert bool(found.stdout) == (code == 0 or arguments[0] == CUT)


def test_gates_and_cuts_of_the_configuration_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "leakreport.toml").write_text('fail-on = "definite"\ntop = 1\nmax-paths = 1\ngroup-by = "module"\n')
    without = run("convert", KINDS, "--to", "csv")
    found = run("convert", KINDS, "--to", "csv", cwd=tmp_path)
    assert (found.returncode, found.stdout) == (0, without.stdout)
    document = json.loads(run("convert", KINDS, "--to", "json", cwd=tmp_path).stdout)
    assert len(document["paths"]) == without.stdout.count("\n") - 1


def test_a_file_is_written_whole_and_said(tmp_path: Path) -> None:
    target = tmp_path / "heap.pb.gz"
    target.write_bytes(b"before")
    target.chmod(0o640)
    found = run("convert", KINDS, "--to", "pprof", "-o", target)
    assert found.returncode == 0 and found.stdout == "" and found.stderr.startswith(f"wrote {target} (")
    gzip.decompress(target.read_bytes())
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [target]
    assert run("convert", KINDS, "--to", "pprof", "-o", target, "-q").stderr == ""


def test_analyze_writes_the_same_beside_a_report(tmp_path: Path) -> None:
    for name in ("x.pb.gz", "x.folded", "x.csv"):
        assert run("analyze", KINDS, "-o", tmp_path / name, "-q").returncode == 0
    assert run("analyze", KINDS, "-o", f"speedscope:{tmp_path / 'x.json'}", "-q").returncode == 0
    assert json.loads((tmp_path / "x.json").read_text())["profiles"]
    assert (tmp_path / "x.folded").read_text() == run("convert", KINDS, "--to", "folded").stdout


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leakreport", *arguments, str(KINDS), "--to", "pprof"]


def test_binary_output_goes_to_a_pipe() -> None:
    done = subprocess.run(_command("convert"), capture_output=True, check=True)
    assert gzip.decompress(done.stdout)
    assert done.stderr == b""


@pytest.mark.parametrize("command", ["convert", "analyze"])
def test_binary_output_to_a_terminal_is_refused_with_advice(command: str) -> None:
    terminal, ours = pty.openpty()
    try:
        done = subprocess.run(_command(command), stdout=ours, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(ours)
        os.close(terminal)
    assert done.returncode == UsageError.exit_code
    assert done.stderr.decode().strip() == (
        "error[usage]: pprof is binary and no text for a terminal. Give a file with -o, or a pipe."
    )


def test_an_empty_result_says_where_something_is() -> None:
    case = fixture_path("dhat", "sqlite3")
    found = run("convert", case, "--to", "folded")
    assert (found.returncode, found.stdout) == (0, "")
    assert "nothing is held of retained_bytes; --metric takes allocated_blocks, allocated_bytes, peak_" in found.stderr
    assert run("convert", case, "--to", "folded", "-q").stderr == ""
    assert run("convert", case, "--to", "folded", "--metric", "peak_bytes").stdout
