"""Where a frame lies, as tools that know a project want it: a path from the root of the project, percent-encoded for URIs.

Folders are compared as text. Where a checkout is at hand, a path of a build elsewhere is the file of it that it means for
sure (`repository.paths`), so that a program built in a container is shown at its source without a word on the command line.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

from leakreport.model.raw import Frame
from leakreport.render.interface import RenderOptions
from leakreport.repository.paths import RepositoryPaths

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_SURROGATE = re.compile("[\ud800-\udfff]")
# A colon in the first part would make it a scheme.
_KEPT_IN_URI = "/~!$'()*+,;=@"


class Base(StrEnum):
    """What a path starts at."""

    PROJECT = "project"
    """The working directory or a folder of `--source-root`, or it was recorded relative to an unknown folder."""
    ROOT = "root"
    """The root of the file system: a system header, a build tree elsewhere."""
    HOME = "home"
    """A home folder whose name is hidden."""


class Place(NamedTuple):
    """A file, and a line where it is known. The path is never empty, has no leading slash and no `.` or `..`."""

    path: str
    line: int | None
    base: Base
    is_source: bool = True
    """Else it is the object that holds the code, or the profile itself."""

    @property
    def uri(self) -> str:
        """Relative for the project, absolute for the file system; percent-encoded.

        >>> Place("a b/100%:x.c", 3, Base.PROJECT).uri, Place("usr/x.h", 1, Base.ROOT).uri
        ('a%20b/100%25%3Ax.c', 'file:///usr/x.h')
        """
        text = _SURROGATE.sub("\ufffd", self.path)
        if self.base is Base.ROOT:
            return f"file:///{quote(text, safe=_KEPT_IN_URI + ':')}"
        return quote(text, safe=_KEPT_IN_URI)


class Roots:
    """The folders that stand for the root of the project: the working directory and those of `--source-root`."""

    def __init__(self, source_roots: Sequence[str], repository: RepositoryPaths | None = None) -> None:
        """Make it; folders need not exist. Paths start at the root of the checkout, else at the working directory."""
        root = "." if repository is None or repository.root is None else str(repository.root)
        self._repository = repository
        here, *others = (_absolute(name) for name in (root, *source_roots))
        # The working directory is that of the repository; of other folders the longest is the closest.
        self._roots = (here, *sorted(set(others) - {here}, key=lambda name: (-len(name), name)))

    def place(self, frame: Frame) -> Place | None:
        """The source of a frame; None where the file is not known."""
        path = frame.path
        if not path:
            return None
        line = frame.line if frame.line is not None and frame.line > 0 else None
        found = self.of_path(path, line)
        is_below = found.base is Base.PROJECT and path.startswith("/")
        if self._repository is None or is_below:
            return found
        known = self._repository.path_of(path)
        return found if known is None else Place(known, line, Base.PROJECT)

    @classmethod
    def of(cls, options: RenderOptions) -> Roots:
        """Those of a report."""
        return cls(options.source_roots, options.repository)

    def object(self, frame: Frame) -> Place | None:
        """The executable or library that a frame is in."""
        return None if not frame.module else self.of_path(frame.module)._replace(is_source=False)

    def of_path(self, path: str, line: int | None = None) -> Place:
        """A path as a place."""
        path = _slashed(path)
        is_absolute = path.startswith("/") or _WINDOWS.match(path) is not None
        plain = posixpath.normpath(path) if path else ""
        if plain == "~" or plain.startswith("~/"):
            return self._at_home(plain[2:], line)
        if not is_absolute:
            # What a build folder called `../src/x.c` most often is `src/x.c` of the project.
            parts = [part for part in plain.split("/") if part not in {"..", "."}]
            return Place("/".join(parts) or "unknown", line, Base.PROJECT)
        plain = f"/{plain.lstrip('/')}"
        for root in self._roots:
            if plain.startswith(f"{root}/"):
                return Place(plain[len(root) + 1 :], line, Base.PROJECT)
        return Place(plain.lstrip("/") or "unknown", line, Base.ROOT)

    def _at_home(self, rest: str, line: int | None) -> Place:
        """A path whose home folder is hidden: below a root where the end of the root's name is its beginning."""
        for root in self._roots:
            parts = root.split("/")
            # `/root`, `/home/ann`, `/var/home/ann` are homes.
            for count in (2, 3, 4):
                tail = "/".join(parts[count:])
                if len(parts) >= count and tail and rest.startswith(f"{tail}/"):
                    return Place(rest[len(tail) + 1 :], line, Base.PROJECT)
        return Place(rest or "unknown", line, Base.HOME)


def _slashed(path: str) -> str:
    return path.replace("\\", "/") if _WINDOWS.match(path) else path


def _absolute(folder: str) -> str:
    """A folder with a slash in front and none behind, that of another system as it is."""
    name = folder if _WINDOWS.match(folder) else os.path.abspath(folder)
    plain = posixpath.normpath(_slashed(name)).strip("/")
    return f"/{plain}" if plain else ""
