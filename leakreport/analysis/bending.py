"""Stacks as they are drawn: direct recursion is one entry, and of a very deep stack the middle is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import Int32Column, Int64Column


@dataclass(frozen=True, slots=True)
class Bend:
    """Some stacks, bent."""

    stacks: Stacks
    """Of labels; the label that `bent` was given for the gap stands for what is left out."""
    repeats: Int64Column
    """Per entry of these stacks how often it stands there in a row; of a gap how many entries are left out."""
    place: Int64Column
    """Per entry of the stacks as they were, the entry that stands for it; that of the gap for what is left out."""


def bent(stacks: Stacks, labels: Int32Column, *, gap: int, outer: int, inner: int) -> Bend:
    """Fold direct recursion, then the middle of what is still deeper than `outer` + 1 + `inner`.

    Args:
        stacks: what to bend.
        labels: what each of their entries is; equal neighbours become one.
        gap: the label for what is left out.
        outer: so many outermost entries of a deep stack are kept.
        inner: so many innermost ones.
    """
    owner = stacks.owner
    is_first = np.ones(len(labels), dtype=np.bool_)
    is_first[1:] = (labels[1:] != labels[:-1]) | (owner[1:] != owner[:-1])
    starts = np.flatnonzero(is_first)
    repeats = np.diff(np.append(starts, len(labels)))
    labels, owner = labels[starts], owner[starts]
    lengths = np.bincount(owner, minlength=len(stacks)).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    position, length = np.arange(len(labels)) - offsets[owner], lengths[owner]
    most = outer + 1 + inner
    is_deep = length > most
    is_gap = is_deep & (position == outer)
    is_kept = ~is_deep | (position <= outer) | (position >= length - inner)
    repeats = np.where(is_gap, length - most + 1, repeats)[is_kept]
    labels = np.where(is_gap, gap, labels)[is_kept].astype(np.int32)
    kept_offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.minimum(lengths, most))])
    # What is not kept lies behind its gap: the number of entries kept so far is the gap's.
    place = (np.cumsum(is_kept) - 1)[np.cumsum(is_first) - 1]
    return Bend(Stacks(labels, kept_offsets), repeats, place)
