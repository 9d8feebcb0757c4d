"""Patterns against git itself, and against pathspec; those of GitLab against its documentation."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pathspec
import pytest

from leakreport.owners.patterns import fnmatch_pattern, gitignore_pattern

FOLDERS = ("src", "docs", "lib", "apps", "a", "b", "build-app", ".github", "x y", "net.d")
NAMES = ("main.c", "net.c", "README.md", "a", "docs", "x y.c", ".hidden", "a.b.c", "ab", "#x")
PARTS = (*FOLDERS, *NAMES, "*", "**", "*.c", "a*", "?", "*a*", "?.c", "*.*", "s?c", "a**", r"\*.c", "ne*.c")


def _paths(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    found = {
        "/".join([*chance.choices(FOLDERS, k=chance.randrange(4)), chance.choice(NAMES)]) for _ in range(count * 3)
    }
    return sorted(found)[:count]


def _patterns(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        parts = chance.choices(PARTS, k=chance.choice((1, 1, 2, 2, 3, 4)))
        pattern = f"{chance.choice(('', '', '/'))}{'/'.join(parts)}{chance.choice(('', '', '/'))}"
        # What GitHub does not know, or reads in its own way.
        if not pattern.startswith("#") and not _is_githubs_own(pattern):
            found.setdefault(pattern)
    return list(found)


def _is_githubs_own(pattern: str) -> bool:
    return pattern.endswith("/*")


def _ignored_by_git(folder: Path, pattern: str, paths: list[str]) -> set[str]:
    """Which of some files git would ignore by one pattern. They need not exist."""
    (folder / "patterns").write_text(f"{pattern}\n", encoding="utf-8")
    done = subprocess.run(
        ["git", "-c", f"core.excludesFile={folder / 'patterns'}", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=folder,
        input="\0".join(paths),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )
    assert done.returncode in {0, 1}, done.stderr
    return set(done.stdout.split("\0")) - {""}


def test_patterns_are_those_of_git(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=60)
    paths, patterns = _paths(60, seed=7), _patterns(150, seed=11)
    pairs = matches = 0
    for pattern in patterns:
        expression = gitignore_pattern(pattern)
        ours = {path for path in paths if expression.fullmatch(path)}
        assert ours == _ignored_by_git(tmp_path, pattern, paths), pattern
        pairs += len(paths)
        matches += len(ours)
    assert pairs >= 5_000
    assert matches >= 500


def test_patterns_are_those_of_pathspec() -> None:
    paths = _paths(200, seed=1)
    for pattern in _patterns(300, seed=2):
        expression = gitignore_pattern(pattern)
        ours = {path for path in paths if expression.fullmatch(path)}
        theirs = set(pathspec.GitIgnoreSpec.from_lines([pattern]).match_files(paths))
        assert ours == theirs, pattern


# The example of GitHub's documentation, "About code owners".
@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("*", "a/b.c", True),
        ("*.js", "x/y.js", True),
        ("/build/logs/", "build/logs/x/y.log", True),
        ("/build/logs/", "a/build/logs/y.log", False),
        ("docs/*", "docs/getting-started.md", True),
        ("docs/*", "docs/build-app/troubleshooting.md", False),
        ("apps/", "x/apps/y/z.c", True),
        ("/docs/", "docs/x/y.md", True),
        ("/docs/", "x/docs/y.md", False),
        ("/scripts/", "scripts/x.sh", True),
        ("**/logs", "build/logs/a.log", True),
        ("**/logs", "deeply/nested/logs/x", True),
        ("/apps/github", "apps/github/x.c", True),
        ("/*", "x.c", True),
        ("/*", "x/y.c", False),
        ("/", "x.c", False),
        ("path\\ with/", "path with/x.c", True),
        ("Src/", "src/x.c", False),
    ],
)
def test_patterns_of_github(pattern: str, path: str, *, is_match: bool) -> None:
    assert bool(gitignore_pattern(pattern).fullmatch(path)) is is_match


# The examples of GitLab's documentation, "Path matching".
@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("/README.md", "README.md", True),
        ("/README.md", "docs/README.md", False),
        ("README.md", "app/lib/README.md", True),
        ("internal/README.md", "docs/api/internal/README.md", True),
        ("/docs/", "docs/a/b.md", True),
        ("/docs/", "x/docs/a.md", False),
        ("docs/", "x/docs/a.md", True),
        ("/docs/*.md", "docs/x.md", True),
        ("/docs/*.md", "docs/api/x.md", False),
        ("/docs/*spec*", "docs/qa_specs.rb", True),
        ("/docs/*/README.md", "docs/api/README.md", True),
        ("/docs/*/README.md", "docs/README.md", False),
        ("/docs/**/index.md", "docs/index.md", True),
        ("/docs/**/index.md", "docs/api/graphql/index.md", True),
        # A folder without a slash is the file of that name, which is not so at GitHub.
        ("docs", "docs/a.md", False),
        ("/docs/**", "docs/a.md", True),
        ("/docs/**", "docs/x/a.md", False),
        ("*", ".gitignore", True),
        ("/config/**/*.rb", "config/a/b.rb", True),
        ("/ceval*.[ch]", "ceval_x.h", True),
        ("/[!a].c", "b.c", True),
        ("/[!a].c", "a.c", False),
        ("/[]x", "a", False),
        ("/a[/]b", "a/b", False),
        ("/[z-a]", "b", False),
    ],
)
def test_patterns_of_gitlab(pattern: str, path: str, *, is_match: bool) -> None:
    assert bool(fnmatch_pattern(pattern).fullmatch(path)) is is_match
