"""The owner of a frame: the table of the settings first, then CODEOWNERS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from leakreport.errors import ConfigError
from leakreport.owners.codeowners import CodeOwners
from leakreport.owners.patterns import gitignore_pattern
from leakreport.repository.paths import RepositoryPaths, suffixes

_LIBRARY = "lib:"


class OwnerRule(NamedTuple):
    """One entry of the table `owners`."""

    pattern: str
    """A pattern of paths as GitHub's, or `lib:GLOB` for the base name of a module."""
    owner: str
    files: re.Pattern[str] | None
    """None where it is of modules."""

    @classmethod
    def of(cls, pattern: str, owner: str) -> OwnerRule:
        """A rule from its texts.

        Raises:
            ConfigError: the pattern or the owner is empty, or the pattern is of a kind that is not known here.
        """
        where, owner = f"owners, {pattern!r}", owner.strip()
        if not owner:
            raise ConfigError("the pattern has no owner", where=where, advice="Name a team, or leave the line out.")
        if pattern.removeprefix(_LIBRARY).strip("/ ") == "":
            raise ConfigError("the pattern is empty", where=where, advice='Write "src/net/**" or "lib:libcurl*".')
        if pattern.startswith(_LIBRARY):
            return cls(pattern, owner, None)
        if pattern.startswith("!") or "[" in pattern:
            raise ConfigError("patterns have no ! and no [ ]", where=where, advice="See docs/owners.md.")
        return cls(pattern, owner, gitignore_pattern(pattern))


@dataclass(slots=True)
class Owners:
    """Answers for the frames of a report; every file and module is asked for once."""

    table: Sequence[OwnerRule] = ()
    codeowners: CodeOwners | None = None
    paths: RepositoryPaths = field(default_factory=RepositoryPaths)
    _known: dict[tuple[str | None, str | None], str | None] = field(default_factory=dict)
    _unplaced: dict[str, None] = field(default_factory=dict)

    def of(self, path: str | None, module: str | None) -> str | None:
        """The owner of a frame; several are joined by spaces, None is nobody or not known.

        Args:
            path: the source file as the profile names it.
            module: the base name of the library or executable.
        """
        key = (path, module)
        if key not in self._known:
            self._known[key] = self._found(path, module)
        return self._known[key]

    @property
    def unplaced(self) -> tuple[str, ...]:
        """Files asked for so far of which it is not certain which of the repository they are, in order."""
        return tuple(sorted(self._unplaced))

    def _found(self, path: str | None, module: str | None) -> str | None:
        place = self.paths.path_of(path) if path is not None else None
        by_table = self._by_table(path, place, module)
        if by_table is not None or path is None:
            return by_table
        if place is None:
            self._unplaced[path] = None
            return None
        owners = () if self.codeowners is None else self.codeowners.of(place)
        return " ".join(owners) or None

    def _by_table(self, path: str | None, place: str | None, module: str | None) -> str | None:
        if path is not None:
            # Where nobody knows which part of a path is the repository's, a pattern fits at any folder, as that of --own.
            ends = (place,) if place is not None else tuple(suffixes(path))
            for rule in reversed(self.table):
                if rule.files is not None and any(rule.files.fullmatch(end) for end in ends):
                    return rule.owner
        for rule in reversed(self.table):
            if rule.files is None and module is not None and fnmatchcase(module, rule.pattern.removeprefix(_LIBRARY)):
                return rule.owner
        return None


def owner_rules(pairs: Iterable[tuple[str, str]]) -> tuple[OwnerRule, ...]:
    """The table from its entries, in their order.

    Raises:
        ConfigError: one of them does not make sense.
    """
    return tuple(OwnerRule.of(pattern, owner) for pattern, owner in pairs)
