"""Paths that mean the same in every checkout: below the folder of the baseline they start with `./`, and home folders are `~`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from leakreport.privacy.texts import without_home


@dataclass(frozen=True, slots=True)
class Places:
    """Where the paths of a baseline begin.

    >>> places = Places("/srv/build")
    >>> places.told("/srv/build/src/a.c"), places.told("/usr/include/x.h"), places.told("src/a.c"), places.told(None)
    ('./src/a.c', '/usr/include/x.h', 'src/a.c', None)
    >>> places.restored("./src/a.c"), places.restored("src/a.c")
    ('/srv/build/src/a.c', 'src/a.c')
    >>> places.told("./nptl/clone.c"), places.restored("././nptl/clone.c")
    ('././nptl/clone.c', './nptl/clone.c')
    """

    root: str
    """An absolute folder: that of the baseline."""

    def told(self, path: str | None) -> str | None:
        """The path as the file has it."""
        if path is None:
            return None
        start = self.root.rstrip("/") + "/"
        if path.startswith(start):
            rest = path.removeprefix(start)
            while rest.startswith("./"):
                rest = rest[2:]
            return f"./{rest}"
        # As some tool wrote it, relative to a folder that nobody knows.
        return f"./{path}" if path.startswith("./") else without_home(path)

    def restored(self, path: str | None) -> str | None:
        """The path as a run in this checkout has it."""
        if path is None or not path.startswith("./"):
            return path
        if path.startswith("././"):
            return path[2:]
        return os.path.join(self.root, path[2:])
