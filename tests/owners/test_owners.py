"""Owners of frames: the table first, then CODEOWNERS; where files are, and in which dialect."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakreport.errors import ConfigError
from leakreport.limits import Limits
from leakreport.owners.codeowners import Dialect, parse_codeowners
from leakreport.owners.find import find_codeowners, read_codeowners
from leakreport.owners.owners import Owners, owner_rules
from leakreport.repository.paths import RepositoryPaths


def tree(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", encoding="utf-8")
    return root


def test_the_table_goes_first_and_files_before_modules(tmp_path: Path) -> None:
    tree(tmp_path, "src/net/conn.c", "src/db/pool.c", "src/main.c")
    owners = Owners(
        owner_rules([("src/net/**", "@net"), ("lib:app", "@platform"), ("lib:libcurl*", "@curl")]),
        parse_codeowners("* @all\n/src/db/ @db\n", Dialect.GITHUB),
        RepositoryPaths.below(tmp_path),
    )
    assert owners.of("/build/7/src/net/conn.c", "app") == "@net"
    assert owners.of("/build/7/src/db/pool.c", "tool") == "@db"
    assert owners.of("/build/7/src/db/pool.c", "app") == "@platform"
    assert owners.of(None, "libcurl.so.4") == "@curl"
    assert owners.of(None, "libz.so.1") is None
    assert owners.of("conn.c", "tool") == "@net"
    assert owners.unplaced == ()


def test_the_last_entry_of_the_table_that_matches_decides() -> None:
    owners = Owners(owner_rules([("src/**", "@all"), ("src/net/", "@net"), ("lib:*", "@any"), ("lib:libz*", "@z")]))
    assert owners.of("src/net/a.c", None) == "@net"
    assert owners.of("src/x/a.c", None) == "@all"
    assert owners.of(None, "libz.so") == "@z"


def test_a_pattern_of_the_table_fits_at_any_folder_where_no_repository_is_at_hand() -> None:
    owners = Owners(owner_rules([("src/net/**", "@net")]))
    assert owners.of("/home/ci/project/src/net/conn.c", None) == "@net"
    assert owners.of("/home/ci/project/src/networks/conn.c", None) is None


def test_a_file_of_no_known_place_has_no_owner_and_is_named(tmp_path: Path) -> None:
    tree(tmp_path, "a/util.c", "b/util.c")
    owners = Owners((), parse_codeowners("* @all\n", Dialect.GITHUB), RepositoryPaths.below(tmp_path))
    assert owners.of("util.c", None) is None
    assert owners.of("/usr/src/other/zlib.c", None) is None
    assert owners.of("/x/a/util.c", None) == "@all"
    assert owners.unplaced == ("/usr/src/other/zlib.c", "util.c")


@pytest.mark.parametrize(
    "pair", [("", "@a"), ("lib:", "@a"), ("src/**", " "), ("!src", "@a"), ("[ab].c", "@a"), ("/", "@a")]
)
def test_entries_that_mean_nothing_are_errors(pair: tuple[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        owner_rules([pair])
    assert "owners, " in str(raised.value)


def test_the_first_place_with_a_file_counts(tmp_path: Path) -> None:
    assert find_codeowners(tmp_path, {}) is None
    tree(tmp_path, ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
    assert find_codeowners(tmp_path, {}) == tmp_path / "docs/CODEOWNERS"
    tree(tmp_path, ".github/CODEOWNERS")
    assert find_codeowners(tmp_path, {}) == tmp_path / ".github/CODEOWNERS"
    assert find_codeowners(tmp_path, {"GITLAB_CI": "true"}) == tmp_path / "docs/CODEOWNERS"


def test_the_dialect_is_told_by_the_word_the_folder_the_text_the_job_or_the_repository(tmp_path: Path) -> None:
    def dialect(given: str, environment: dict[str, str] | None = None) -> Dialect:
        return read_codeowners(given, environment or {}, tmp_path).rules.dialect

    tree(tmp_path, "CODEOWNERS", ".gitlab/CODEOWNERS", ".github/CODEOWNERS")
    plain, of_gitlab, of_github = (
        str(tmp_path / name) for name in ("CODEOWNERS", ".gitlab/CODEOWNERS", ".github/CODEOWNERS")
    )
    assert dialect(plain) is Dialect.GITHUB
    assert dialect(f"gitlab:{plain}") is Dialect.GITLAB
    assert dialect(of_gitlab) is Dialect.GITLAB
    assert dialect(f"github:{of_gitlab}") is Dialect.GITHUB
    assert dialect(of_github, {"GITLAB_CI": "true"}) is Dialect.GITHUB
    assert dialect(plain, {"GITLAB_CI": "true"}) is Dialect.GITLAB
    (tmp_path / "CODEOWNERS").write_text("[Docs]\n*.md @docs\n", encoding="utf-8")
    assert dialect(plain) is Dialect.GITLAB


def test_a_repository_of_gitlab_has_its_dialect(tmp_path: Path) -> None:
    tree(tmp_path, "CODEOWNERS", ".gitlab-ci.yml")
    assert read_codeowners(str(tmp_path / "CODEOWNERS"), {}, tmp_path).rules.dialect is Dialect.GITLAB


def test_without_a_repository_the_file_tells_the_root(tmp_path: Path) -> None:
    tree(tmp_path, ".github/CODEOWNERS")
    assert read_codeowners(str(tmp_path / ".github/CODEOWNERS"), {}, None).root == tmp_path.resolve()


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_codeowners(str(tmp_path / "none"), {}, None)
    (tmp_path / "CODEOWNERS").write_text("* @a\n" * 10, encoding="utf-8")
    with pytest.raises(ConfigError, match="has more than"):
        read_codeowners(str(tmp_path / "CODEOWNERS"), {}, None, Limits(owner_rules_bytes=20))
