"""action.yml: its metadata, and its steps as a runner runs them, on what the real valgrind recorded."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.ci.github_support import FakeGithub
from tests.ci.runner_support import ACTION, ROOT, Outcome, Runner
from tests.ci.schema_support import vendored
from tests.support import fixture_bytes

pytestmark = pytest.mark.valgrind

STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
# What a step may do is done with variables: GitHub fills expressions into the text of a script before any shell sees it.
EXPRESSION = re.compile(r"\$\{\{")


def test_the_metadata_fits_githubs_schema() -> None:
    jsonschema.Draft7Validator(vendored("github-actions")).validate(ACTION)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["name"])
def test_no_expression_stands_in_the_text_of_a_script(step: dict[str, Any]) -> None:
    assert not EXPRESSION.search(step.get("run", ""))


def test_every_input_and_output_is_described_and_used() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"(?<!\w)inputs\.([\w-]+)", text))
    assert used == set(ACTION["inputs"])
    assert all(found["description"].endswith(".") for kind in ("inputs", "outputs") for found in ACTION[kind].values())


def test_what_is_used_of_others_is_pinned_to_a_commit() -> None:
    for step in STEPS:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", "x/y@" + "0" * 40))


def test_every_input_and_output_is_in_the_document() -> None:
    page = (ROOT / "docs" / "ci" / "github.md").read_text(encoding="utf-8")
    assert [name for kind in ("inputs", "outputs") for name in ACTION[kind] if f"`{name}`" not in page] == []


@pytest.fixture(scope="session")
def recorded(programs: Path, tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """`memcheck.xml` of a program that leaks, `clean.xml` of one that does not."""
    valgrind = tool("valgrind")

    def record(folder: Path) -> None:
        for name, program in (("memcheck", "./svc_v1/svc"), ("clean", "/bin/true")):
            command = [valgrind, "-q", "--leak-check=full", "--show-leak-kinds=all", "--xml=yes"]
            command += [f"--xml-file={folder / name}.xml", program]
            subprocess.run(command, cwd=programs, capture_output=True, check=True, timeout=120)

    return once("recorded-for-the-action", record)


@pytest.fixture(scope="session")
def installed(once: Callable[[str, Callable[[Path], None]], Path], recorded: Path) -> Path:
    """The folder of a runner that has installed leakreport as the action does, and of what came of its first job.

    Without the network: the Python that the action finds gives its environments the packages of the running
    interpreter, through a path file, in which an editable installation stays unseen.
    """

    def install(folder: Path) -> None:
        shim = folder / "bin" / "python3"
        shim.parent.mkdir()
        purelib = sysconfig.get_paths()["purelib"]
        shim.write_text(
            f'#!/bin/bash\nset -e\n"{sys.executable}" "$@"\n[ "$1$2" = -mvenv ] || exit 0\n'
            f'echo "{purelib}" > "$(echo "$3"/lib/python3*/site-packages)/of-the-tests.pth"\n'
        )
        shim.chmod(0o755)
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_IGNORE_INSTALLED": "1", "PIP_NO_DEPS": "1"}
        runner = Runner(folder, {"PATH": f"{shim.parent}:/usr/bin:/bin", **offline})
        runner.workspace.mkdir()
        shutil.copy(recorded / "memcheck.xml", runner.workspace)
        outcome = runner.run({"files": "memcheck.xml", "fail-on": "definite"})
        (folder / "outcome.json").write_text(json.dumps([outcome.exit_code, outcome.log, outcome.ran]))

    return once("runner", install)


@pytest.fixture
def runner(installed: Path, recorded: Path, programs: Path, tmp_path: Path) -> Runner:
    """A runner of the next job on that machine."""
    python = str(installed / "temp" / "leakreport-environment" / "bin" / "python")
    found = Runner(tmp_path, {}, {"install": {"python": python}})
    found.workspace.mkdir()
    for path in recorded.glob("*.xml"):
        # As if it was built where the project is checked out.
        text = path.read_text().replace(str(programs), str(found.workspace))
        (found.workspace / path.name).write_text(text)
    return found


def test_the_action_installs_itself_and_judges(installed: Path) -> None:
    code, log, ran = json.loads((installed / "outcome.json").read_text())
    assert code == 1, log
    assert ran == ["Set up Python", "Install leakreport", "Check"]
    (where,) = (installed / "temp" / "leakreport-environment").glob("lib/python3*/site-packages/leakreport/__init__.py")
    assert where.is_file()
    assert (installed / "workspace" / "leakreport.html").is_file()


def _annotations(outcome: Outcome) -> list[str]:
    """Workflow commands that the runner heeds: those outside of `::stop-commands::`."""
    found, token = [], None
    for line in outcome.log.splitlines():
        if token is not None:
            token = None if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            found.append(line)
    assert token is None
    return found


def test_a_leak_fails_with_annotations_summary_and_outputs(runner: Runner) -> None:
    outcome = runner.run({"files": "memcheck.xml", "fail-on": "definite"})
    assert outcome.exit_code == 1, outcome.log
    assert outcome.outputs["exit-code"] == "1"
    assert (outcome.outputs["status"], outcome.outputs["gate"]) == ("leak", "failed")
    errors = [line for line in _annotations(outcome) if line.startswith("::error file=svc_v1/svc.c,line=")]
    assert len(errors) == 2
    assert "session_open" in outcome.summary
    assert "<!--" not in outcome.summary
    document = json.loads(Path(outcome.outputs["json"]).read_text())
    assert {row["id"] for row in document["paths"]} >= set(re.findall(r"p1-[0-9a-f]{16}", outcome.summary))
    assert Path(outcome.outputs["sarif"]).read_text().startswith("{")
    assert Path(outcome.outputs["report"]).name == "leakreport.html"


def test_what_the_baseline_knows_passes_and_is_counted(runner: Runner) -> None:
    write = ["-m", "leakreport", "baseline", "write", "memcheck.xml", "--baseline", "known.json"]
    subprocess.run([sys.executable, *write], cwd=runner.workspace, check=True, capture_output=True, timeout=60)
    outcome = runner.run({"files": "memcheck.xml", "baseline": "known.json"})
    assert outcome.exit_code == 0, outcome.log
    assert [outcome.outputs[name] for name in ("new", "grew", "fixed", "gate")] == ["0", "0", "0", "passed"]
    assert int(outcome.outputs["known"]) > 0
    without = runner.run({"files": "memcheck.xml"})
    assert without.exit_code == 1
    assert without.outputs["new"] == outcome.outputs["known"]


def test_a_clean_run_passes(runner: Runner) -> None:
    outcome = runner.run({"files": "clean.xml", "fail-on": "definite"})
    assert outcome.exit_code == 0, outcome.log
    assert (outcome.outputs["status"], outcome.outputs["gate"]) == ("clean", "passed")
    assert [line for line in _annotations(outcome) if line.startswith("::error")] == []


def test_a_cut_file_is_not_green(runner: Runner) -> None:
    (runner.workspace / "cut.xml").write_bytes(fixture_bytes("memcheck-xml", "trunc-mid-tag"))
    outcome = runner.run({"files": "cut.xml", "fail-on": "definite"})
    assert outcome.exit_code == 3
    assert outcome.outputs["exit-code"] == "3"
    assert any(line.startswith("::error") for line in _annotations(outcome))


@pytest.mark.parametrize(("inputs", "code", "words"), [
    ({"files": "none.xml"}, 3, "none.xml"),
    ({"files": "none*.xml"}, 3, "none"),
    ({"files": " \n"}, 2, ""),
    ({"files": "memcheck.xml", "fail-on": "everything"}, 2, "everything"),
    ({"files": "memcheck.xml", "baseline": "nowhere.json"}, 2, "nowhere.json"),
    ({"files": "--version"}, 3, "version"),
])  # fmt: skip
def test_what_cannot_be_judged_is_told_everywhere(
    runner: Runner, inputs: dict[str, str], code: int, words: str
) -> None:
    (runner.workspace / "leakreport.sarif").write_text("of the build before")
    with FakeGithub().serving() as github:
        old = github.add("<!-- leakreport-action:CI-memory -->\n**● CLEAN**")
        runner.environment = {"GITHUB_API_URL": github.url}
        outcome = runner.run({**inputs, "comment": "true"}, json.dumps({"pull_request": {"number": 7}}))
        assert re.search("could not judge|Nothing could be read", github.comments[old]["body"])
        assert "CLEAN" not in github.comments[old]["body"]
    assert outcome.exit_code == code, outcome.log
    assert any(line.startswith("::error title=leakreport") for line in _annotations(outcome))
    assert words in outcome.summary
    assert [outcome.outputs[name] for name in ("status", "gate")] == ["", ""]
    report = outcome.outputs["report"]
    assert not report or "There is no report, and no verdict." in Path(report).read_text(encoding="utf-8")
    # Either none, or one of this run that says so.
    sarif = outcome.outputs["sarif"]
    assert not sarif or not json.loads(Path(sarif).read_text())["runs"][0]["invocations"][0]["executionSuccessful"]


def test_inputs_reach_neither_shell_nor_runner(runner: Runner) -> None:
    hostile = '"; touch gone; $(touch gone) `touch gone` ::error::x'
    inputs = {
        "files": f"{hostile}\n%0A::set-output name=x::y",
        "fail-on": hostile,
        "options": hostile,
        "sarif": hostile,
    }
    outcome = runner.run({**inputs, "comment": "failures", "comment-key": hostile, "token": "a-token"})
    assert outcome.exit_code == 2
    assert not list(runner.folder.rglob("gone"))
    assert [line.partition("::")[2].split()[0] for line in _annotations(outcome)] == ["error", "notice"]


def test_names_in_a_profile_reach_neither_runner_nor_outputs(runner: Runner) -> None:
    text = (runner.workspace / "memcheck.xml").read_text()
    bad = "&#10;::add-mask::x&#10;end-0&#10;exit-code=0&#10;"
    (runner.workspace / "memcheck.xml").write_text(text.replace("session_open", f"session_open{bad}"))
    outcome = runner.run({"files": "memcheck.xml", "fail-on": "definite"})
    assert outcome.exit_code == 1
    assert outcome.outputs["exit-code"] == "1"
    assert {line.split(maxsplit=1)[0] for line in _annotations(outcome)} <= {"::error", "::warning", "::notice"}


def test_outputs_may_be_left_out(runner: Runner) -> None:
    outcome = runner.run(
        {"files": "memcheck.xml", "report": "", "sarif": "", "annotations": "false", "summary": "false"}
    )
    assert (outcome.outputs["report"], outcome.outputs["sarif"], outcome.summary) == ("", "", "")
    assert _annotations(outcome) == []
    assert not list(runner.workspace.glob("leakreport.*"))


def test_several_files_and_options(runner: Runner) -> None:
    folder = runner.workspace / "build dir"
    folder.mkdir()
    shutil.copy(runner.workspace / "memcheck.xml", folder / "one of two.xml")
    inputs = {"files": "build dir/one of*.xml\nclean.xml\n", "options": "--partial\n--metric=definite_bytes"}
    outcome = runner.run({**inputs, "report": "", "sarif": "here.sarif"})
    document = json.loads(Path(outcome.outputs["json"]).read_text())
    assert [found["source"] for found in document["inputs"]] == ["build dir/one of two.xml", "clean.xml"]
    assert document["metric"] == "definite_bytes"
    assert outcome.outputs["sarif"] == str(runner.workspace / "here.sarif")


def test_the_comment_is_updated_in_place(runner: Runner) -> None:
    with FakeGithub().serving() as github:
        runner.environment = {"GITHUB_API_URL": github.url}
        event = json.dumps({"pull_request": {"number": 7}})
        for files in ("memcheck.xml", "clean.xml"):
            outcome = runner.run({"files": files, "fail-on": "definite", "comment": "true"}, event)
        assert outcome.ran[-1] == "Comment"
        (comment,) = github.comments.values()
    marker, second, *_ = comment["body"].splitlines()
    assert marker == "<!-- leakreport-action:CI-memory -->"
    assert second == "<!-- leakreport:check -->"


def test_modules_of_the_project_are_not_imported(runner: Runner) -> None:
    for name in ("leakreport.py", "json.py", "sitecustomize.py"):
        (runner.workspace / name).write_text("raise SystemExit(0)\n")
    outcome = runner.run({"files": "memcheck.xml", "fail-on": "definite"})
    assert outcome.exit_code == 1, outcome.log
