"""The step of action.yml that judges: `leakreport check` with every output GitHub shows, and its exit code.

Inputs come as variables `INPUT_…`, never as text of a shell. What the program prints of a profile is printed between
`::stop-commands::` lines, so that no name in it is taken for a command of the runner.

Source: GitHub, "Workflow commands" and "Variables": GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, RUNNER_TEMP.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

PATHS = ("report", "sarif")
"""Inputs that name a file to write, and outputs that say it was written."""
COUNTS = ("new", "grew", "known", "fixed")


def main(environment: Mapping[str, str]) -> int:
    """Run the check; the exit code is the program's."""
    folder = Path(tempfile.mkdtemp(prefix="leakreport-", dir=environment.get("RUNNER_TEMP")))
    made = {name: folder / name for name in ("annotations.txt", "summary.md", "comment.md", "report.json")}
    wanted = {name: environment[f"INPUT_{name.upper()}"] for name in PATHS if environment.get(f"INPUT_{name.upper()}")}
    before = {name: _identity(path) for name, path in wanted.items()}
    arguments = command(environment, wanted, made)
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    _print_inert(done.stdout + done.stderr)
    if made["annotations.txt"].exists():
        if _is_on(environment, "INPUT_ANNOTATIONS"):
            print(made["annotations.txt"].read_text(encoding="utf-8"), end="")
    else:
        _tell_failure(done.returncode, done.stderr, made)
    if _is_on(environment, "INPUT_SUMMARY") and made["summary.md"].exists():
        _append(environment, "GITHUB_STEP_SUMMARY", made["summary.md"].read_text(encoding="utf-8"))
    written = {name: path for name, path in wanted.items() if _identity(path) not in {None, before[name]}}
    _append(environment, "GITHUB_OUTPUT", _outputs(done.returncode, written, made))
    return done.returncode


def command(environment: Mapping[str, str], wanted: Mapping[str, str], made: Mapping[str, Path]) -> list[str]:
    """The arguments of leakreport; inputs come last, behind `--`, so that none is taken for an option."""
    outputs = {
        "github": made["annotations.txt"],
        "github-summary": made["summary.md"],
        "comment": made["comment.md"],
        "json": made["report.json"],
    }
    found = [sys.executable, "-I", "-m", "leakreport", "check"]
    found += [f"--output={name}:{path}" for name, path in outputs.items()]
    found += [f"--output={'html' if name == 'report' else name}:{path}" for name, path in wanted.items()]
    found += [f"--{name}={environment[key]}" for name in ("baseline", "fail-on")
              if environment.get(key := f"INPUT_{name.upper().replace('-', '_')}")]  # fmt: skip
    found += _lines(environment.get("INPUT_OPTIONS", ""))
    return [*found, "--", *_lines(environment.get("INPUT_FILES", ""))]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _is_on(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() == "true"


def _identity(path: str) -> tuple[int, int] | None:
    """Tells a file that was written from one that was there: each is a file of its own, moved to its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _print_inert(text: str) -> None:
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}\n{text.rstrip()}\n::{token}::", flush=True)


def _tell_failure(code: int, said: str, made: Mapping[str, Path]) -> None:
    """Without a report the errors are the annotation, the summary and the comment: an old comment must not stay green."""
    errors = [line for line in said.splitlines() if line.startswith("error[")] or said.splitlines()[-3:]
    text = "\n".join(errors) or f"leakreport ended with {code}"
    data = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::error title=leakreport could not judge::{data}")
    # Longer than any row of backticks that the text could hold.
    fence = "`" * max(3, 1 + max((len(run) for run in _backticks(text)), default=0))
    body = f"**leakreport could not judge this run** (exit {code})\n\n{fence}text\n{text[:10_000]}\n{fence}\n"
    for name in ("summary.md", "comment.md"):
        made[name].write_text(body, encoding="utf-8")


def _backticks(text: str) -> list[str]:
    return "".join(sign if sign == "`" else " " for sign in text).split()


def _outputs(code: int, written: Mapping[str, str], made: Mapping[str, Path]) -> str:
    values = {"exit-code": str(code), "comment": str(made["comment.md"])}
    values |= {name: str(Path(path).absolute()) for name, path in written.items()}
    if made["report.json"].exists():
        document = json.loads(made["report.json"].read_text(encoding="utf-8"))
        counts = (document.get("check") or {}).get("counts") or {}
        values |= {"json": str(made["report.json"]), "status": document["verdict"]["status"]}
        values |= {"gate": document["verdict"]["gate"]}
        values |= {name: str(counts[name]) for name in COUNTS if name in counts}
    end = f"end-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    if path := environment.get(variable):
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main(os.environ))
