"""Which file of a repository a path of a profile means: one answer for owners, links and source lines.

Profiles name files as the compiler was given them: below the folder of another machine, relative to a build folder, or
by the base name alone. What is not certain is not answered: nothing here guesses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from leakreport.limits import DEFAULT_LIMITS, Limits

_LONGEST = 4096
_MOST_FOLDERS = 40


@dataclass(slots=True)
class RepositoryPaths:
    """Answers for one repository; every path is looked up once.

    Holds: an answer has no `..`, does not begin with a slash, and names no folder outside the repository.
    """

    root: Path | None = None
    """Resolved; None where no repository is at hand."""
    folders: Sequence[Path] = ()
    """Resolved folders that paths of the profile may begin with: the working directory, source roots."""
    limits: Limits = DEFAULT_LIMITS
    _known: dict[str, str | None] = field(default_factory=dict)
    _by_name: dict[str, list[str]] | None = None

    @classmethod
    def below(cls, root: Path | None, folders: Sequence[str | Path] = ()) -> RepositoryPaths:
        """For a repository and further folders. What does not exist is left out."""
        found: dict[Path, None] = {}
        for folder in folders:
            resolved = _resolved(Path(folder))
            if resolved is not None:
                found.setdefault(resolved)
        return cls(None if root is None else _resolved(root), tuple(found))

    def path_of(self, path: str) -> str | None:
        """The path below the root of the repository, with slashes; None where that is not certain.

        A path below the root, or below a folder given, is what it says. Else the longest end of it that is a file of
        the repository counts, if that is more than a base name. A path without a root counts where one file alone ends
        with it. A base name counts where no other file has it. Where no repository is at hand, paths count that are
        relative and have a folder.
        """
        if path not in self._known:
            self._known[path] = self._found(path)
        return self._known[path]

    def file_of(self, path: str) -> Path | None:
        """The file itself, where a repository is at hand and has it."""
        place = self.path_of(path)
        if place is None or self.root is None:
            return None
        file = self.root / place
        return file if _is_file(file) else None

    def _found(self, path: str) -> str | None:
        if not path or len(path) > _LONGEST or "\0" in path:
            return None
        ends = list(suffixes(path))
        if not ends:
            return None
        if path.startswith("/") and ".." not in path.split("/"):
            below = self._below_folder(path)
            if below is not None:
                return below
        if self.root is None:
            is_plain = not path.startswith(("/", "~", "..")) and ".." not in path.split("/")
            return ends[0] if is_plain and "/" in ends[0] else None
        return self._in_repository(ends, is_whole=not path.startswith(("/", "~")))

    def _below_folder(self, path: str) -> str | None:
        """Of an absolute path what stands behind the root; without a root, behind the nearest folder."""
        folders = self.folders if self.root is None else (self.root,)
        for folder in sorted(folders, key=lambda one: -len(one.parts)):
            place = PurePosixPath(path)
            if place.is_relative_to(folder.as_posix()):
                return place.relative_to(folder.as_posix()).as_posix()
        return None

    def _in_repository(self, ends: Sequence[str], *, is_whole: bool) -> str | None:
        """The file of the repository that a path means, by its ends, the longest first.

        Args:
            ends: what `suffixes` gives.
            is_whole: the path begins nowhere: its file has this end, whatever stands in front.
        """
        assert self.root is not None
        folders = [folder for folder in self.folders if folder != self.root and folder.is_relative_to(self.root)]
        for end in ends:
            if "/" in end:
                for folder in (self.root, *folders):
                    if _is_file(folder / end):
                        return (folder / end).relative_to(self.root).as_posix()
            if is_whole and end == ends[0]:
                found = [name for name in self._named(PurePosixPath(end).name) if f"/{name}".endswith(f"/{end}")]
                if len(found) == 1:
                    return found[0]
        name = ends[-1]
        # A file at the root of the build: no folder tells that it is this one.
        return name if not is_whole and self._named(name) == [name] else None

    def _named(self, name: str) -> list[str]:
        """The files of the repository with a base name; none where there are too many files to know."""
        if self._by_name is None:
            assert self.root is not None
            self._by_name = {}
            for count, path in enumerate(_files_below(self.root)):
                if count >= self.limits.repository_files:
                    self._by_name = {}
                    break
                self._by_name.setdefault(path.rpartition("/")[2], []).append(path)
        return self._by_name.get(name, [])


def suffixes(path: str) -> Iterator[str]:
    """The path without its root, then without ever more of its leading folders.

    >>> list(suffixes("/src/demo/vg/kinds.c"))
    ['src/demo/vg/kinds.c', 'demo/vg/kinds.c', 'vg/kinds.c', 'kinds.c']
    >>> list(suffixes("build/../lib/x.c"))
    ['lib/x.c', 'x.c']
    """
    parts = [part for part in PurePosixPath(path).parts if part != "/"]
    # Build trees write `../lib/x.c`; what stands before the last step upwards says nothing about where it lies.
    while ".." in parts:
        del parts[: parts.index("..") + 1]
    yield from ("/".join(parts[start:]) for start in range(max(len(parts) - _MOST_FOLDERS, 0), len(parts)))


def _resolved(folder: Path) -> Path | None:
    try:
        found = folder.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return found if found.is_dir() else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _files_below(root: Path) -> Iterator[str]:
    """Files of a checkout with slashes, in order; hidden folders and links to folders are passed over."""
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        place = Path(parent).relative_to(root).as_posix()
        for name in sorted(files):
            yield name if place == "." else f"{place}/{name}"
