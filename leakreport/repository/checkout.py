"""Where a repository begins and which commit it is at, read from its files: no program is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

# Source: the documentation of each service on its predefined variables.
COMMIT_VARIABLES = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILD_SOURCEVERSION",
    "BUILDKITE_COMMIT",
    "GIT_COMMIT",
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
    "TRAVIS_COMMIT",
    "DRONE_COMMIT_SHA",
)
"""Variables of GitHub, GitLab, Azure, Buildkite, Jenkins, CircleCI, Bitbucket, Travis and Drone."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_REFERENCE = re.compile(r"ref: (refs/[^\s\0]+)\s*\Z")
_MOST_BYTES = 64 * 1024 * 1024


def find_root(folder: Path) -> Path | None:
    """The nearest folder, from `folder` upwards, that is the root of a checkout of git; None for none."""
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            return parent
    return None


def commit_of(environment: Mapping[str, str], root: Path | None) -> str | None:
    """The commit that is built: what the CI service says, else what is checked out; None where nobody knows."""
    for name in COMMIT_VARIABLES:
        found = environment.get(name, "").strip().lower()
        if _COMMIT.match(found):
            return found
    return None if root is None else head_commit(root)


def head_commit(root: Path) -> str | None:
    """The commit that is checked out below `root`; None where there is none, or it is kept in a way not read here.

    Source: gitrepository-layout(5): `HEAD`, `refs/`, `packed-refs`, `commondir`, and the file `.git` of a worktree.
    """
    folder = _git_folder(root)
    if folder is None:
        return None
    head = _text(folder / "HEAD")
    named = _REFERENCE.match(head)
    if named is None:
        return _commit(head)
    shared = folder
    common = _text(folder / "commondir").strip()
    if common:
        shared = folder / common
    if ".." in named[1].split("/"):
        return None
    for place in dict.fromkeys((folder, shared)):
        found = _commit(_text(place / named[1]))
        if found is not None:
            return found
    for line in _text(shared / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == named[1]:
            return _commit(commit)
    return None


def _git_folder(root: Path) -> Path | None:
    place = root / ".git"
    if place.is_dir():
        return place
    text = _text(place)
    return root / text.removeprefix("gitdir:").strip() if text.startswith("gitdir:") else None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _commit(text: str) -> str | None:
    text = text.strip()
    return text if _COMMIT.match(text) else None
