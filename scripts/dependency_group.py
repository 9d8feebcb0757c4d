"""Print the requirements of a dependency group of pyproject.toml, one per line.

`pip install --group` does the same, from pip 25.1 on; older ones are what distributions ship.
Source: https://packaging.python.org/en/latest/specifications/dependency-groups/
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirements(groups: dict[str, list[str | dict[str, str]]], name: str, outer: tuple[str, ...] = ()) -> list[str]:
    """The requirements of a group and of the groups that it includes, in order."""
    if name in outer:
        raise SystemExit(f"the dependency groups {' → '.join((*outer, name))} include each other")
    if name not in groups:
        raise SystemExit(f"no dependency group {name!r}; there are {', '.join(sorted(groups))}")
    found: list[str] = []
    for entry in groups[name]:
        if isinstance(entry, str):
            found.append(entry)
        else:
            found.extend(requirements(groups, entry["include-group"], (*outer, name)))
    return found


def main(names: list[str]) -> None:
    """Print the groups that are named."""
    if not names:
        raise SystemExit("usage: dependency_group.py GROUP...")
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    groups = tomllib.loads(project.read_text(encoding="utf-8"))["dependency-groups"]
    for name in names:
        print("\n".join(requirements(groups, name)))


if __name__ == "__main__":
    main(sys.argv[1:])
