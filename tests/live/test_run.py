"""`leakreport run` on real programs: recorders, limits, exit codes. Each runs for a second or two."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakreport.api.running import order_of, run_command
from leakreport.errors import OutputError

ROOT = Path(__file__).resolve().parent.parent.parent


def _run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "leakreport", "run", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    return done.returncode, done.stdout, done.stderr


def _document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--", "sh", "-c", "exit 3"), 3),
        (("--", "no-such-command"), 127),
        (("--", "/etc/passwd"), 126),
        (("--limit-rss", "1M", "--", "true"), 2),
        (("--fail-on", "growth", "--", "true"), 5),
        (("--", "sh", "-c", "kill -9 $$"), 137),
    ],
)
def test_the_exit_code_is_the_status_unless_a_gate_did_not_pass(arguments: tuple[str, ...], code: int) -> None:
    assert _run(*arguments)[0] == code


@pytest.mark.parametrize(("name", "program"), [("memcheck", "valgrind"), ("massif", "valgrind"), ("dhat", "valgrind"), ("heaptrack", "heaptrack")])  # fmt: skip
def test_a_recorder_ends_in_the_call_path(name: str, program: str, live_programs: Path, tool: Any) -> None:
    tool(program)
    _, output, _ = _run("--tool", name, "--", f"{live_programs}/leakd", "--malloc=262144", "--auto-rounds=3")
    assert "session_new" in output


def test_a_limit_on_address_space_stops_a_leak_where_it_should(live_programs: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    command = (f"{live_programs}/leakd", "--malloc=1048576", "--auto-rounds=400", "--auto-ms=20")
    code, _, errors = _run("--limit-as", "64M", "--sample", "100ms", "-o", str(target), "--", *command)
    run = _document(target)["run"]
    assert code == run["status"] == 139
    assert run["end"]["fits_limit"] == "probably"
    assert 0 <= run["limits"][0]["distance"] < 8 << 20
    assert errors.splitlines()[-1].endswith("its status is 139")


def test_a_leak_fails_the_gate_and_a_sawtooth_does_not(live_programs: Path) -> None:
    options = ("--sample", "100ms", "--fail-on", "growth", "--", f"{live_programs}/leakd", "--auto-rounds=30", "--auto-ms=100")  # fmt: skip
    assert _run(*options, "--malloc=262144")[0] == 1
    assert _run(*options, "--sawtooth=262144")[0] != 1


def test_another_program_stands_before_its_first_sample(live_programs: Path, tmp_path: Path) -> None:
    server = f"exec {live_programs}/leakd --auto-rounds=6 --auto-ms=100"
    _run("--sample", "100ms", "--keep", str(tmp_path / "kept"), "--", "sh", "-c", f"sleep 0.5; {server}")
    series = [
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (tmp_path / "kept").glob("series.*.jsonl")
    ]
    (lines,) = [lines for lines in series if any(line.get("event") == "exec" for line in lines)]
    (at,) = [number for number, line in enumerate(lines) if line.get("event") == "exec"]
    assert lines[at]["name"] == "leakd"
    assert "parts" in lines[at + 1]
    assert lines[at + 1]["t"] == lines[at]["t"] > lines[at - 1]["t"]


def test_a_series_that_cannot_be_written_does_not_disturb_the_command(tmp_path: Path) -> None:
    order, _ = order_of(
        ("sh", "-c", f"sleep 0.5; touch {tmp_path}/done"), str(tmp_path), tool="none", limits={}, interval=0.1
    )
    with pytest.raises(OutputError, match="cannot write"):
        run_command(order, str(tmp_path / "gone"))
    assert (tmp_path / "done").exists()
