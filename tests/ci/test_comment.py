"""The comment of the action, against a fake of GitHub's API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ci.github_support import BOT, FakeGithub
from tests.ci.runner_support import ROOT

MARKER = "<!-- leakreport-action:CI-memory -->\n"


@pytest.fixture
def github() -> Iterator[FakeGithub]:
    with FakeGithub().serving() as fake:
        yield fake


def _comment(github: FakeGithub, folder: Path, text: str = "the report\n", event: object = None, **more: str) -> str:
    (folder / "event.json").write_text(json.dumps({"pull_request": {"number": 7}} if event is None else event))
    (folder / "comment.md").write_text(text)
    variables = {
        "PATH": os.defpath,
        "COMMENT_FILE": str(folder / "comment.md"),
        "EXIT_CODE": "1",
        "GITHUB_API_URL": github.url,
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_JOB": "memory",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_TOKEN": "a-token",
        "GITHUB_WORKFLOW": "CI",
        "INPUT_COMMENT": "true",
        "INPUT_COMMENT_AUTHOR": BOT,
        "INPUT_COMMENT_KEY": "",
        "no_proxy": "127.0.0.1",
    } | more
    command = [sys.executable, "-I", str(ROOT / "scripts" / "action" / "comment.py")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_the_first_comment_is_added_and_the_next_replaces_it(github: FakeGithub, tmp_path: Path) -> None:
    github.add("looks good to me", "a-person")
    _comment(github, tmp_path, "one\n")
    _comment(github, tmp_path, "two\n")
    assert [found["body"] for found in github.comments.values()] == ["looks good to me", f"{MARKER}two\n"]
    assert [asked.split()[0] for asked in github.asked] == ["GET", "POST", "GET", "PATCH"]


def test_the_comment_is_found_on_a_later_page(github: FakeGithub, tmp_path: Path) -> None:
    for number in range(230):
        github.add(f"comment {number}", "a-person")
    github.add(None, "a-person")
    ours = github.add(f"{MARKER}before")
    _comment(github, tmp_path)
    assert github.comments[ours]["body"] == f"{MARKER}the report\n"
    assert len(github.comments) == 232
    assert [asked.partition("page=")[2] for asked in github.asked] == ["100&page=1", "100&page=2", "100&page=3", ""]


def test_a_marker_that_somebody_else_wrote_or_quoted_is_left_alone(github: FakeGithub, tmp_path: Path) -> None:
    github.add(f"{MARKER}mine", "a-person")
    github.add(f"> {MARKER}")
    _comment(github, tmp_path)
    assert github.comments[1]["body"] == f"{MARKER}mine"
    assert github.comments[2]["body"] == f"> {MARKER}"
    assert len(github.comments) == 3


def test_jobs_and_keys_have_comments_of_their_own(github: FakeGithub, tmp_path: Path) -> None:
    for job, key in (("memory", ""), ("arm", ""), ("arm", "x --> y"), ("memory", "")):
        _comment(github, tmp_path, GITHUB_JOB=job, INPUT_COMMENT_KEY=key)
    firsts = [found["body"].splitlines()[0] for found in github.comments.values()]
    assert firsts == [f"<!-- leakreport-action:{key} -->" for key in ("CI-memory", "CI-arm", "x-y")]


def test_failures_only_says_nothing_before_the_first_failure(github: FakeGithub, tmp_path: Path) -> None:
    said = _comment(github, tmp_path, EXIT_CODE="0", INPUT_COMMENT="failures")
    assert "left out" in said
    assert github.comments == {}
    for code in ("5", "0"):
        _comment(github, tmp_path, f"exit {code}\n", EXIT_CODE=code, INPUT_COMMENT="failures")
    assert [found["body"] for found in github.comments.values()] == [f"{MARKER}exit 0\n"]


@pytest.mark.parametrize(
    "event",
    [
        {"issue": {"number": 7, "pull_request": {}}},
        {"workflow_run": {"pull_requests": [{"number": 7}]}},
    ],
)
def test_the_pull_request_is_found_in_other_events(github: FakeGithub, tmp_path: Path, event: object) -> None:
    _comment(github, tmp_path, event=event)
    assert len(github.comments) == 1


@pytest.mark.parametrize("event", [{}, {"issue": {"number": 7}}, {"workflow_run": {"pull_requests": []}}])
def test_without_a_pull_request_nothing_is_asked(github: FakeGithub, tmp_path: Path, event: object) -> None:
    said = _comment(github, tmp_path, event=event)
    assert said.startswith("::notice ")
    assert github.asked == []


def test_a_token_that_may_not_write_is_a_warning_with_advice(github: FakeGithub, tmp_path: Path) -> None:
    github.refuses_with = 403
    said = _comment(github, tmp_path)
    assert said.startswith("::warning title=leakreport::GitHub answered 403")
    assert "pull-requests: write" in said
    assert "a-token" not in said


def test_an_api_that_does_not_answer_is_a_warning(github: FakeGithub, tmp_path: Path) -> None:
    said = _comment(github, tmp_path, GITHUB_API_URL="http://127.0.0.1:9")
    assert said.startswith("::warning title=leakreport::the comment could not be written")


def test_the_longest_comment_fits(github: FakeGithub, tmp_path: Path) -> None:
    _comment(github, tmp_path, "x" * 70_000)
    assert len(github.comments[1]["body"]) == 65_536
