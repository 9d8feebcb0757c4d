"""Stacks reduced to chains: your points of each, innermost first, recursion folded, and what is called below them.

All stacks are reduced at once, in columns; only chains in which a name stands twice are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from leakreport.analysis.identity import LAMBDA
from leakreport.analysis.points import Leaf, Point, address_of
from leakreport.analysis.stacks import Stacks, intern
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column
from leakreport.model.raw import Frame

_DEEPEST = 64
"""Points of a chain that are compared, from the innermost."""
_STAND_INS = 12
"""Library frames that stand in where a path has none of yours."""
_FOLD_TRIES = 16


class Chains(NamedTuple):
    """One chain per stack."""

    points: Stacks
    """Point numbers, innermost first."""
    has_own: BoolColumn
    """Whether the chain is of your points; if not, library points stand in."""
    leaves: list[Leaf]
    """Per stack; equal ones are one object."""


@dataclass(frozen=True, slots=True, eq=False)
class _Facts:
    """Columns with one entry per frame."""

    number: Int32Column
    """Its point."""
    own: BoolColumn
    address: Int32Column
    """One number per address, -1 for none."""
    family: Int32Column
    """One number per name as families are written, -1 for none."""
    family_numbers: dict[str, int]
    can_be_dropped: BoolColumn
    """Inlined code that a build without debug information cannot show; your named functions stay."""
    is_c_main: BoolColumn
    """The Rust run-time is called by a C main that no source has."""
    starts_rust: BoolColumn


def chains_of(
    frames: Sequence[Frame],
    own: BoolColumn,
    stacks: Stacks,
    families: Sequence[str],
    points: Sequence[Point],
    numbers: Int32Column,
    *,
    by_address: bool,
) -> Chains:
    """The chains of some stacks of one run.

    Args:
        frames: What the entries of the stacks mean.
        own: Per frame, whether it is yours.
        stacks: Outermost first.
        families: Per stack what was called to allocate, "" where that is not known.
        points: What the entries of the chains mean.
        numbers: Per frame its point.
        by_address: Whether addresses are the positions.
    """
    facts = _facts(frames, own, points, numbers)
    wanted = np.fromiter((facts.family_numbers.get(family, -2) for family in families), np.int32, len(families))
    has_own = np.zeros(len(stacks), dtype=np.bool_)
    flats: list[Int32Column] = []
    lengths: list[Int64Column] = []
    leaves: list[Leaf] = []
    known: dict[Hashable, Leaf] = {}
    bases, _ = intern(point.name.base for point in points)
    for start, part in stacks.parts():
        stop = start + len(part)
        below, own_entries, library, dropped = _entries(part, facts, wanted[start:stop], by_address=by_address)
        has_own[start:stop] = below
        real = library & ~dropped
        chosen = np.where(below[part.owner], own_entries, _stand_ins(part, library, real))
        found = _innermost_first(part, chosen, facts.number)
        found = _folded(found, points, bases)
        flats.append(found.flat)
        lengths.append(found.lengths)
        leaves += _leaves(families[start:stop], part, library, real, facts.number, known)
    offsets = np.zeros(len(stacks) + 1, dtype=np.int64)
    np.cumsum(np.concatenate([np.zeros(0, dtype=np.int64), *lengths]), out=offsets[1:])
    return Chains(Stacks(np.concatenate([np.zeros(0, dtype=np.int32), *flats]), offsets), has_own, leaves)


def _facts(frames: Sequence[Frame], own: BoolColumn, points: Sequence[Point], numbers: Int32Column) -> _Facts:
    addresses: dict[int, int] = {}
    names: dict[str, int] = {}
    count = len(frames)
    bases = [points[number].name.base for number in numbers.tolist()]
    texts = [(base or "").replace("operator_cv_", "") for base in bases]
    of_code = (address_of(frame) for frame in frames)
    found = (-1 if address is None else addresses.setdefault(address, len(addresses)) for address in of_code)
    is_named = np.fromiter((base not in {None, LAMBDA} for base in bases), np.bool_, count)
    return _Facts(
        number=numbers,
        own=own,
        address=np.fromiter(found, np.int32, count),
        family=np.fromiter((names.setdefault(text, len(names)) if text else -1 for text in texts), np.int32, count),
        family_numbers=names,
        can_be_dropped=~(own & is_named),
        is_c_main=np.fromiter((frame.function == "main" and frame.line is None for frame in frames), np.bool_, count),
        starts_rust=np.fromiter((base == "lang_start" for base in bases), np.bool_, count),
    )


def _entries(
    part: Stacks, facts: _Facts, wanted: Int32Column, *, by_address: bool
) -> tuple[BoolColumn, BoolColumn, BoolColumn, BoolColumn]:
    """Per stack whether it has own points; per entry whether it is one, is library code below them, was inlined."""
    flat, owner = part.flat, part.owner
    place = np.arange(len(flat), dtype=np.int64) - part.offsets[owner]
    own = facts.own[flat]
    # The allocator's own frames at the inner end are no part of what calls it.
    allocator = part.last(facts.family[flat] == wanted[owner])
    end = np.where(allocator > part.last(own), allocator, part.lengths)
    is_inside = place < end[owner]
    own &= is_inside
    dropped = np.zeros(len(flat), dtype=np.bool_)
    if by_address:
        address = facts.address[flat]
        dropped[1:] = (address[1:] >= 0) & (address[1:] == address[:-1]) & (owner[1:] == owner[:-1])
        dropped &= facts.can_be_dropped[flat]
        own &= ~dropped
    library = is_inside & ~facts.own[flat] & (place > part.last(own)[owner])
    counts = part.count(own)
    is_rust = part.count(facts.starts_rust[flat] & is_inside) > 0
    if is_rust.any():
        chosen = np.flatnonzero(is_rust & (counts > 1))
        outermost = part.offsets[chosen] + part.first(own)[chosen]
        own[outermost[facts.is_c_main[flat[outermost]]]] = False
    return counts > 0, own, library, dropped


def _stand_ins(part: Stacks, library: BoolColumn, real: BoolColumn) -> BoolColumn:
    """Per entry, whether it stands in where a stack has no own point: the innermost library frames."""
    chosen = np.where((part.count(real) > 0)[part.owner], real, library)
    behind = np.cumsum(chosen[::-1])[::-1]
    after = np.append(behind, 0)[part.offsets[1:]]
    chosen &= behind - after[part.owner] <= _STAND_INS
    return chosen


def _innermost_first(part: Stacks, chosen: BoolColumn, number: Int32Column) -> Stacks:
    """The points of the chosen entries."""
    kept = part.kept(chosen)
    turned = (kept.offsets[:-1] + kept.offsets[1:] - 1)[kept.owner] - np.arange(len(kept.flat))
    return Stacks(number[kept.flat[turned]], kept.offsets)


def _folded(chains: Stacks, points: Sequence[Point], bases: Int32Column) -> Stacks:
    """Each recursion reduced to its innermost round, and all chains cut to what is compared."""
    is_kept = np.ones(len(chains.flat), dtype=np.bool_)
    for number in chains.with_repeats(bases):
        start, stop = int(chains.offsets[number]), int(chains.offsets[number + 1])
        is_kept[start:stop] = False
        is_kept[[start + place for place in _unrecursed(chains.flat[start:stop].tolist(), points)]] = True
    folded = chains.kept(is_kept)
    if int(folded.lengths.max(initial=0)) <= _DEEPEST:
        return folded
    place = np.arange(len(folded.flat)) - folded.offsets[folded.owner]
    return folded.kept(place < _DEEPEST)


def _unrecursed(chain: Sequence[int], points: Sequence[Point]) -> Iterable[int]:
    """The places of a chain, innermost first, that stay when each recursion is reduced to its innermost round."""
    places: dict[str, list[int]] = {}
    for place in range(len(chain) - 1, -1, -1):
        base = points[chain[place]].name.base
        if base is not None and base != LAMBDA:
            places.setdefault(base, []).append(place)
    place = 0
    while place < len(chain):
        point = points[chain[place]]
        yield place
        outermost = place
        for other in places.get(point.name.base or "", ())[:_FOLD_TRIES]:
            if other <= place:
                break
            if _may_be_one_function(point, points[chain[other]]):
                outermost = other
                break
        place = outermost + 1


def _may_be_one_function(one: Point, other: Point) -> bool:
    """Whether two points of one run can be the same function: no known part differs."""
    a, b = one.name, other.name
    return (
        one.module == other.module
        and not (a.arguments and b.arguments and a.arguments != b.arguments)
        and not (a.template_arguments and b.template_arguments and a.template_arguments != b.template_arguments)
        and not (a.scope is not None and b.scope is not None and a.scope != b.scope)
        and (one.file is None or other.file is None or one.file == other.file)
    )


def _leaves(
    families: Sequence[str],
    part: Stacks,
    library: BoolColumn,
    real: BoolColumn,
    number: Int32Column,
    known: dict[Hashable, Leaf],
) -> list[Leaf]:
    """Per stack what it does below your code."""
    sides = [_innermost_first(part, chosen, number) for chosen in (library, real)]
    (calls, call_ends), (reals, real_ends) = (
        (side.flat.tobytes(), (side.offsets * side.flat.itemsize).tolist()) for side in sides
    )
    found = []
    for index, family in enumerate(families):
        first, last = call_ends[index], call_ends[index + 1]
        real_first, real_last = real_ends[index], real_ends[index + 1]
        key = (family, calls[first:last], reals[real_first:real_last]) if first != last else family
        leaf = known.get(key)
        if leaf is None:
            library_points, real_points = (tuple(side[index]) for side in sides)
            leaf = known[key] = Leaf(family, library_points, real_points)
        found.append(leaf)
    return found
