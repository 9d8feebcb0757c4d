"""Series of a process that is watched: read while they are written, and judged so far or at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leakreport.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from leakreport.analysis.looks import SoFar
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.model.snapshot import Run


def load_series(path: str, *, name: str, limits: Limits = DEFAULT_LIMITS) -> Run:
    """The series in a file as one run.

    Args:
        path: of the file, which may still be written to.
        name: what reports call it.
        limits: what is agreed to.

    Raises:
        InputError: there is no sample in it.
    """
    from leakreport.model.builder import build_run
    from leakreport.readers import get_reader
    from leakreport.readers._stream import open_input

    with open_input(path, limits) as stream:
        stream.name = name
        return build_run(get_reader("watch").read(stream, limits), limits)


def look_at_series(so_far: SoFar, path: str, *, name: str, config: AnalysisOptions) -> None:
    """One look more at a series that goes on, at the price that its place in the row of looks has."""
    from leakreport.api.judging import trend

    run = load_series(path, name=name)
    if len(run.snapshots) > 1:
        so_far.take(trend(run, config=replace(config, alpha=so_far.alpha)))
