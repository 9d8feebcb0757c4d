"""Which metric ranks the paths where nobody asked for one: what is held, else what comes nearest to it."""

from __future__ import annotations

from collections.abc import Container

_IN_ORDER = ("retained_bytes", "retained_blocks", "writable_bytes", "open_fds", "sockets")


def default_metric(measured: Container[str]) -> str:
    """The first of these that is measured; bytes held where none is.

    Lists of mappings without what is in memory have address space that is writable; lists of descriptors count them.

    >>> default_metric({"retained_blocks", "allocated_bytes"}), default_metric({"open_fds"}), default_metric(set())
    ('retained_blocks', 'open_fds', 'retained_bytes')
    """
    return next((metric for metric in _IN_ORDER if metric in measured), "retained_bytes")
