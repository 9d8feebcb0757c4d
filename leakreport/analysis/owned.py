"""Whose each path is: the owner of the frame it is named by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.paths import PathTable
from leakreport.analysis.tokens import token
from leakreport.model.raw import Note
from leakreport.owners.owners import Owners
from leakreport.units import plural


def with_owners(rows: PathTable, options: AnalysisOptions) -> PathTable:
    """The same rows with their owners, as tokens where names must not be told."""
    owners = options.owners
    if owners is None:
        return rows
    found: dict[int, str] = {}
    for index in np.unique(rows.owned_by).tolist():
        if index < 0:
            continue
        frame = rows.frames[index].actual
        owner = owners.of(frame.path, frame.module_name)
        if owner is not None:
            found[index] = token("text", owner) if options.redact else owner
    return replace(rows, owners=found)


def owner_notes(owners: Owners | None, *, is_redacted: bool) -> tuple[Note, ...]:
    """That some files are of no known place, so that nobody takes their paths for unowned."""
    files = () if owners is None else owners.unplaced
    if not files:
        return ()
    first = "" if is_redacted else f" (first: {files[0]})"
    what = (
        f"{plural(len(files), 'source file')} of the profile could be several files of the repository or none of them"
    )
    return (Note("owners-unplaced", f"{what}{first}: CODEOWNERS says nothing of them."),)
