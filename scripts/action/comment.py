"""The step of action.yml that keeps one comment on a pull request up to date.

The comment begins with a marker of this action and of `INPUT_COMMENT_KEY`. All pages of comments are looked through for one
that begins with it and is of `INPUT_COMMENT_AUTHOR`; that one is replaced, else one is added. A comment that cannot be
written is a warning: the verdict of the build is that of the step before.

Source: GitHub REST API 2022-11-28, "Issue comments" (a pull request is an issue there) and "Using pagination".
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

MOST_PAGES = 300
"""Of 100 comments each."""
LONGEST = 65_536
"""Characters that GitHub takes; leakreport's own format stays 500 below."""
_TIMEOUT_SECONDS = 30


def main(environment: Mapping[str, str]) -> int:
    """Write the comment; always 0."""
    try:
        number = pull_request(environment)
        if number is None:
            print("::notice title=leakreport::no pull request in this event: no comment")
            return 0
        print(f"leakreport: comment {_keep(environment, number)}")
    except urllib.error.HTTPError as error:
        _warn(f"GitHub answered {error.code} to the comment. {_advice(error.code)}")
    except (OSError, ValueError, KeyError) as error:
        _warn(f"the comment could not be written: {type(error).__name__} {error}")
    return 0


def marker(environment: Mapping[str, str]) -> str:
    """The first line of the comment; nothing in the key can end it.

    >>> marker({"GITHUB_WORKFLOW": "CI --> x", "GITHUB_JOB": "memory"})
    '<!-- leakreport-action:CI-x-memory -->'
    """
    names = (environment.get("GITHUB_WORKFLOW", ""), environment.get("GITHUB_JOB", ""))
    key = environment.get("INPUT_COMMENT_KEY") or "-".join(names)
    return f"<!-- leakreport-action:{re.sub(r'[^A-Za-z0-9._]+', '-', key)[:200].strip('-')} -->"


def pull_request(environment: Mapping[str, str]) -> int | None:
    """The number of the pull request that the event is about, None for a push or a schedule."""
    event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    found = event.get("pull_request")
    if found is None and "pull_request" in event.get("issue", {}):
        found = event["issue"]
    if found is None:
        found = next(iter(event.get("workflow_run", {}).get("pull_requests") or []), None)
    return None if found is None else int(found["number"])


def _keep(environment: Mapping[str, str], number: int) -> str:
    """Replace, add or leave out the comment; the word for what was done."""
    first = marker(environment)
    body = f"{first}\n{Path(environment['COMMENT_FILE']).read_text(encoding='utf-8')}"[:LONGEST]
    repository = f"/repos/{quote(environment['GITHUB_REPOSITORY'])}"
    found = next(
        (comment for comment in _comments(environment, f"{repository}/issues/{number}/comments")
         if (comment.get("body") or "").startswith(first)
         and comment["user"]["login"] == environment.get("INPUT_COMMENT_AUTHOR")),
        None,
    )  # fmt: skip
    if found is not None:
        _ask(environment, "PATCH", f"{repository}/issues/comments/{found['id']}", {"body": body})
        return "updated"
    if environment.get("INPUT_COMMENT") == "failures" and environment.get("EXIT_CODE") == "0":
        return "left out: nothing failed yet"
    _ask(environment, "POST", f"{repository}/issues/{number}/comments", {"body": body})
    return "added"


def _comments(environment: Mapping[str, str], path: str) -> Iterator[Any]:
    for page in range(1, MOST_PAGES + 1):
        found, link = _ask(environment, "GET", f"{path}?per_page=100&page={page}")
        yield from found
        if 'rel="next"' not in link:
            return


def _ask(environment: Mapping[str, str], method: str, path: str, content: object = None) -> tuple[Any, str]:
    """The answer and its Link header.

    Raises:
        HTTPError: GitHub refuses.
        OSError: it cannot be reached.
    """
    request = urllib.request.Request(  # noqa: S310 - the runner says where its API is
        environment.get("GITHUB_API_URL", "https://api.github.com") + path,
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {environment['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "User-Agent": "leakreport-action",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        return json.load(answer), answer.headers.get("Link") or ""


def _advice(code: int) -> str:
    if code in {401, 403, 404}:
        return "Give the job `permissions: pull-requests: write`; the token of a fork's pull request may only read: see the summary of the job."
    return "The summary of the job has the same text."


def _warn(text: str) -> None:
    data = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::warning title=leakreport::{data}")


if __name__ == "__main__":
    sys.exit(main(os.environ))
