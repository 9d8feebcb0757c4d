"""Where CODEOWNERS is, and in which dialect it is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from leakreport.errors import ConfigError
from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.owners.codeowners import CodeOwners, Dialect, has_sections, parse_codeowners

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where GitHub looks, and where GitLab does: each takes the first that it finds."""
_GITLAB_PLACES = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")


class OwnersFile(NamedTuple):
    """A file that was read."""

    path: Path
    rules: CodeOwners
    root: Path
    """The folder its patterns are relative to."""


def find_codeowners(root: Path, environment: Mapping[str, str]) -> Path | None:
    """The file of a repository; None where it has none. In a job of GitLab its places and their order count."""
    places = _GITLAB_PLACES if environment.get("GITLAB_CI") else PLACES
    return next((root / place for place in places if (root / place).is_file()), None)


def read_codeowners(
    given: str, environment: Mapping[str, str], root: Path | None, limits: Limits = DEFAULT_LIMITS
) -> OwnersFile:
    """Read a file of owners.

    Args:
        given: its path; `github:FILE` and `gitlab:FILE` say the dialect.
        environment: of the process, which tells whose job this is.
        root: of the repository; None where none is at hand.
        limits: what is agreed to.

    Raises:
        ConfigError: it cannot be read, or is too large.
    """
    word, colon, rest = given.partition(":")
    named = Dialect(word) if colon and word in set(Dialect) else None
    path = Path(rest if named is not None else given)
    try:
        with path.open("rb") as stream:
            content = stream.read(limits.owner_rules_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read {path}: {reason}", advice="Check --codeowners.") from error
    if len(content) > limits.owner_rules_bytes:
        raise ConfigError(f"{path} has more than {limits.owner_rules_bytes >> 20} MiB", advice="Use fewer patterns.")
    text = content.decode("utf-8", "replace")
    dialect = named or _dialect_of(path, text, environment, root)
    return OwnersFile(path, parse_codeowners(text, dialect), root or _root_of(path))


def _dialect_of(path: Path, text: str, environment: Mapping[str, str], root: Path | None) -> Dialect:
    """By the folder it lies in, sections in it, whose job this is, and what else is in the repository; else GitHub's."""
    folder = path.parent.name
    if folder == ".github":
        return Dialect.GITHUB
    is_gitlab = (
        folder == ".gitlab"
        or has_sections(text)
        or bool(environment.get("GITLAB_CI"))
        or (root is not None and (root / ".gitlab-ci.yml").is_file() and not (root / ".github").is_dir())
    )
    return Dialect.GITLAB if is_gitlab else Dialect.GITHUB


def _root_of(path: Path) -> Path:
    folder = path.resolve().parent
    return folder.parent if folder.name in {".github", ".gitlab", "docs"} else folder
