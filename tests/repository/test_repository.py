"""The checkout at hand: git itself says what its commit is, and paths of builds are found without guessing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from leakreport.limits import Limits
from leakreport.repository.checkout import commit_of, find_root, head_commit
from leakreport.repository.paths import RepositoryPaths


def git(folder: Path, *arguments: str) -> str:
    if shutil.which("git") is None:
        pytest.skip("git")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def tree(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", encoding="utf-8")
    return root


def test_the_commit_is_that_of_git(tmp_path: Path) -> None:
    main = tmp_path / "main"
    main.mkdir()
    git(main, "init", "-q")
    assert head_commit(main) is None
    git(main, "commit", "-q", "--allow-empty", "-m", "1")
    assert head_commit(main) == git(main, "rev-parse", "HEAD")
    git(main, "worktree", "add", "-q", "-b", "topic/x", str(tmp_path / "tree"))
    git(tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "2")
    assert head_commit(tmp_path / "tree") == git(tmp_path / "tree", "rev-parse", "HEAD") != head_commit(main)
    git(main, "pack-refs", "--all")
    assert head_commit(main) == git(main, "rev-parse", "HEAD")
    assert head_commit(tmp_path / "tree") == git(tmp_path / "tree", "rev-parse", "HEAD")
    git(main, "checkout", "-q", "--detach")
    assert head_commit(main) == git(main, "rev-parse", "HEAD")
    (main / "a" / "b").mkdir(parents=True)
    assert find_root(main / "a" / "b") == main
    assert find_root(tmp_path / "tree") == tmp_path / "tree"


def test_the_job_says_the_commit_before_the_checkout(tmp_path: Path) -> None:
    sha = "0123456789abcdef" * 2 + "01234567"
    assert commit_of({"GITHUB_SHA": sha}, None) == sha
    assert commit_of({"GITHUB_SHA": "", "CI_COMMIT_SHA": sha.upper()}, tmp_path) == sha
    assert commit_of({"GITHUB_SHA": "main; rm"}, None) is None
    assert commit_of({}, tmp_path) is None


@pytest.mark.parametrize("head", ["", "ref: refs/../../x\n", "ref: refs/heads/none\n", "x" * 40, "ref: /etc/passwd\n"])
def test_a_broken_checkout_has_no_commit(tmp_path: Path, head: str) -> None:
    tree(tmp_path, ".git/HEAD")
    (tmp_path / ".git/HEAD").write_text(head, encoding="utf-8")
    assert head_commit(tmp_path) is None


FILES = ("main.c", "src/net/conn.c", "src/util.c", "lib/util.c", "src/db/pool.c", "src/db/net/conn.h", ".hidden/x.c")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        # Below another folder: the longest end that is there.
        ("/builds/7/proj/src/net/conn.c", "src/net/conn.c"),
        ("~/proj/src/util.c", "src/util.c"),
        ("/x/lib/util.c", "lib/util.c"),
        # Relative to a build folder.
        ("../src/db/pool.c", "src/db/pool.c"),
        ("build/../src/db/pool.c", "src/db/pool.c"),
        ("net/conn.c", "src/net/conn.c"),
        ("./src/util.c", "src/util.c"),
        # A base name that one file has alone.
        ("pool.c", "src/db/pool.c"),
        ("/builds/7/main.c", "main.c"),
        # Two files have it, or none at that place.
        ("util.c", None),
        ("/usr/src/zlib/util.c", None),
        ("/usr/src/zlib/pool.c", None),
        ("/usr/include/c++/12/bits/stl_vector.h", None),
        ("vg_replace_malloc.c", None),
        # Nothing that leads out, and nothing that is no path.
        ("../../../etc/passwd", None),
        ("/", None),
        ("", None),
        ("..", None),
        ("a\0b", None),
        ("x" * 5000, None),
        ("a/" * 2000, None),
    ],
)
def test_a_path_of_a_build_is_a_file_of_the_repository_or_nothing(tmp_path: Path, path: str, place: str | None) -> None:
    paths = RepositoryPaths.below(tree(tmp_path, *FILES))
    assert paths.path_of(path) == place
    assert paths.path_of(path) == place
    assert (paths.file_of(path) is not None) is (place is not None)


def test_a_path_below_the_root_is_what_it_says(tmp_path: Path) -> None:
    paths = RepositoryPaths.below(tree(tmp_path / "proj", *FILES))
    assert paths.path_of(f"{tmp_path}/proj/build/gen.c") == "build/gen.c"
    assert paths.file_of(f"{tmp_path}/proj/build/gen.c") is None
    assert paths.path_of(f"{tmp_path}/proj2/src/util.c") == "src/util.c"
    assert paths.path_of(f"{tmp_path}/proj/../other/gen.c") is None


def test_source_roots_are_looked_below(tmp_path: Path) -> None:
    tree(tmp_path, *FILES, "sub/x/src/util.c")
    assert RepositoryPaths.below(tmp_path).path_of("/b/x/src/util.c") == "src/util.c"
    paths = RepositoryPaths.below(tmp_path, [tmp_path / "sub", tmp_path / "none"])
    assert paths.path_of("/b/x/src/util.c") == "sub/x/src/util.c"


def test_without_a_repository_relative_paths_count(tmp_path: Path) -> None:
    paths = RepositoryPaths.below(None, [tmp_path])
    assert paths.path_of("src/a.c") == "src/a.c"
    assert paths.path_of(f"{tmp_path.resolve()}/src/a.c") == "src/a.c"
    for path in ("a.c", "/x/src/a.c", "../src/a.c", "~/src/a.c", "x/../../a/b.c"):
        assert paths.path_of(path) is None, path
    assert paths.file_of("src/a.c") is None


def test_in_a_repository_of_too_many_files_base_names_are_not_known(tmp_path: Path) -> None:
    tree(tmp_path, *FILES)
    paths = RepositoryPaths(tmp_path, limits=Limits(repository_files=3))
    assert paths.path_of("pool.c") is None
    assert paths.path_of("/x/src/db/pool.c") == "src/db/pool.c"
