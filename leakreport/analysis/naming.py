"""What sentences and charts call inputs: as little of their names as tells them apart."""

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
    >>> side_names((None, "build 418"), ("a.xml", "a.xml")) is None
    True
    """
    if all(labels) and labels[0] != labels[1]:
        names = [str(label) for label in labels]
    else:
        names = list(short_names(sources))
    if not all(names) or names[0] == names[1] or max(map(len, names)) > _LONGEST:
        return None
    return names[0], names[1]


def short_names(paths: Sequence[str]) -> tuple[str, ...]:
    """The paths without the last parts in which all are alike, without their folders and endings, if they still differ.

    >>> short_names(("runs/412/memcheck.xml", "runs/418/memcheck.xml")), short_names(("a/x.xml", "a/y.xml", "b/x.json"))
    (('412', '418'), ('x.xml', 'y.xml', 'x.json'))
    """
    parts = [path.split("/") for path in paths]
    while all(len(one) > 1 for one in parts) and len({one[-1] for one in parts}) == 1:
        parts = [one[:-1] for one in parts]
    last = [one[-1] for one in parts]
    for names in ([_ENDINGS.sub("", name) for name in last], last):
        if all(names) and len(set(names)) == len(names):
            return tuple(names)
    return tuple(paths)
