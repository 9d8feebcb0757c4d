"""What sentences call the two sides of a comparison: as little of their names as tells them apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LONGEST = 60
_ENDINGS = re.compile(r"(?:\.(?:gz|xz|bz2|zst|xml|json|txt|out|heap|folded|pb|log|html))+\Z", re.IGNORECASE)


def side_names(labels: Sequence[str | None], sources: Sequence[str]) -> tuple[str, str] | None:
    """Their labels where both have one, else the parts of their file names that differ; None where nothing does.

    >>> side_names((None, None), ("runs/412/memcheck.xml", "runs/418/memcheck.xml"))
    ('412', '418')
    >>> side_names(("build 412", "build 418"), ("a.xml", "b.xml"))
    ('build 412', 'build 418')
    >>> side_names((None, "build 418"), ("/tmp/a.xml", "/tmp/a.xml")) is None
    True
    """
    if all(labels) and labels[0] != labels[1]:
        names = [str(label) for label in labels]
    else:
        names = _different_parts(*sources)
    if not all(names) or names[0] == names[1] or max(map(len, names)) > _LONGEST:
        return None
    return names[0], names[1]


def _different_parts(one: str, other: str) -> list[str]:
    """The paths without the folders they begin with and end in alike; of what is left the last part, if that differs."""
    ours, theirs = one.split("/"), other.split("/")
    while len(ours) > 1 and len(theirs) > 1 and ours[-1] == theirs[-1]:
        ours, theirs = ours[:-1], theirs[:-1]
    names = [_ENDINGS.sub("", parts[-1]) for parts in (ours, theirs)]
    return names if names[0] != names[1] else [ours[-1], theirs[-1]]
