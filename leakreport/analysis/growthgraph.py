"""The growth graph: the few calls that explain the growth, the function all of it goes through, the frame it is named by.

Functions are nodes, the growth of the paths through a call is its weight. Recursion counts a path once. `main`, thread
starts, event loops, allocators and what lies between them are no answer: an edge has at least one end in your code or
in a library. Which few edges: `covering.py`. Only functions that carry 95 % become nodes of a networkx graph, so that
its size does not depend on the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from leakreport.analysis.callgraph import busiest_frame, places_of
from leakreport.analysis.covering import Memberships, fewest_sets
from leakreport.analysis.diffreport import CallEdge, GrowthGraph, GrowthPoint
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.ownership import FrameClass
from leakreport.analysis.stacks import Stacks, intern
from leakreport.model.columns import Int8Column, Int32Column, Int64Column, checked_total, exact_sum, sums_at
from leakreport.model.raw import Frame, FrameKind

ENOUGH = 80
NEARLY_ALL = 95
"""Percent."""
# Heuristic: a library that calls its own namespace `core` or `alloc`, as Rust does, is passed over.
_STANDARD_SCOPES = ("std::", "__gnu_cxx::", "__cxxabiv1::", "core::", "alloc::", "hashbrown::")
_MOST_STEPS = 1 << 20


class Role(IntEnum):
    """What a frame is for somebody who asks where it grew."""

    NOTHING = 0
    """Made by a tool, or nothing is known of it."""
    INSIDE = 1
    """Allocators, their wrappers, libc, the C++ and Rust run-time: they allocate on somebody's behalf."""
    START = 2
    """main, thread starts, event loops: everything goes through them."""
    LIBRARY = 3
    OWN = 4


# Which of two edges says more, by the roles of caller and callee: a call in your code, what your code allocates, how
# a library enters your code, and so on. The lowest is the best; what is not here is no answer.
_RANKS = {
    (Role.OWN, Role.OWN): 0,
    (Role.OWN, Role.LIBRARY): 0,
    (Role.OWN, Role.INSIDE): 1,
    (Role.LIBRARY, Role.OWN): 2,
    (Role.LIBRARY, Role.LIBRARY): 3,
    (Role.LIBRARY, Role.INSIDE): 4,
}
# Only where the others are not enough: that a program enters its code is news to nobody.
_RANKS_OF_STARTS = {(Role.START, Role.OWN): 5, (Role.START, Role.LIBRARY): 6}
_NO_ANSWER = 7
_RANK, _RANK_WITH_STARTS = (
    np.array([[ranks.get((caller, callee), _NO_ANSWER) for callee in Role] for caller in Role])
    for ranks in (_RANKS, _RANKS | _RANKS_OF_STARTS)
)
_MAIN_STARTS = frozenset(("_start", "__libc_start_main", "__libc_start_call_main", "(below main)"))


class _Calls(NamedTuple):
    """Who calls whom, an entry per call of a path, each function pair once per path."""

    path: Int64Column
    edge: Int64Column
    caller: Int64Column
    """Entry of the caller in the stacks; the innermost where a path has the call several times."""
    callee: Int64Column
    costs: Int64Column
    """Per edge."""


def growth_graph(
    stacks: Stacks, grown: Int64Column, named_by: Int64Column, frames: Sequence[Frame], columns: FrameColumns
) -> GrowthGraph | None:
    """What the paths that grew have in common; None without one.

    Args:
        stacks: one per path, outermost frame first.
        grown: per path the bytes it grew by, all positive.
        named_by: per path the position of the frame that a person reads first, -1 for none.
        frames: all frames.
        columns: what is known about each frame.

    Raises:
        LimitExceeded: the growth does not fit in 64 bits.
    """
    whole = checked_total((exact_sum(grown),), "the growth")
    if not whole:
        return None
    least = -(-whole * ENOUGH // 100)
    calls = _calls_that_answer(stacks, grown, frames, columns, least)
    cover = fewest_sets(Memberships(calls.edge, calls.path, grown, calls.costs), least)
    return GrowthGraph(
        whole_bytes=whole,
        edges=tuple(_edge(calls, edge, stacks, grown) for edge in cover.chosen),
        explained_bytes=cover.covered,
        is_explained=cover.is_enough,
        is_fewest=cover.is_fewest,
        common=_common(stacks, grown, whole, frames, columns),
        responsible=_responsible(stacks, grown, named_by, frames, columns),
    )


def _calls_that_answer(
    stacks: Stacks, grown: Int64Column, frames: Sequence[Frame], columns: FrameColumns, least: int
) -> _Calls:
    """The calls to choose from: without those that say little if the others can be enough."""
    calls = _calls(stacks, roles_of(frames, columns), _RANK, columns)
    for with_wrappers in (False, True):
        if exact_sum(grown[np.unique(calls.path)]) >= least:
            break
        # Where nothing else is there, a wrapper by its name is a function like others.
        roles = roles_of(frames, columns, with_wrappers=with_wrappers)
        calls = _calls(stacks, roles, _RANK_WITH_STARTS, columns)
    return calls


def _edge(calls: _Calls, edge: int, stacks: Stacks, grown: Int64Column) -> CallEdge:
    through = np.flatnonzero(calls.edge == edge)
    paths = calls.path[through]
    return CallEdge(
        caller=busiest_frame(stacks, calls.caller[through], grown[paths]),
        callee=busiest_frame(stacks, calls.callee[through], grown[paths]),
        amount_bytes=exact_sum(grown[paths]),
        rows=tuple(paths.tolist()),
    )


def roles_of(frames: Sequence[Frame], columns: FrameColumns, *, with_wrappers: bool = False) -> Int8Column:
    """Per frame its role; allocation wrappers are inside unless they are asked for."""
    is_standard = np.fromiter((name.startswith(_STANDARD_SCOPES) for name in columns.functions), np.bool_)
    # The last stands for frames without a function.
    in_standard = np.append(is_standard, [False])[columns.function]
    roles = np.full(len(frames), Role.LIBRARY, dtype=np.int8)
    roles[columns.is_own] = Role.OWN
    roles[(columns.frame_class <= FrameClass.RUNTIME) | (in_standard & ~columns.is_own)] = Role.INSIDE
    if not with_wrappers:
        roles[columns.is_wrapper] = Role.INSIDE
    roles[columns.is_entry | columns.is_glue] = Role.START
    nothing = (frame.kind is FrameKind.SYNTHETIC or key == "?" for frame, key in zip(frames, columns.key, strict=True))
    roles[np.fromiter(nothing, np.bool_, len(frames))] = Role.NOTHING
    return roles


def _functions(columns: FrameColumns) -> Int64Column:
    """Per frame the number of its function, in the order of names; code without a name counts by its place."""
    places, places_named = intern(
        key if function < 0 else None for key, function in zip(columns.key, columns.function.tolist(), strict=True)
    )
    names = [*columns.functions, *places_named]
    rank = np.empty(len(names), dtype=np.int64)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return rank[np.where(columns.function >= 0, columns.function, len(columns.functions) + places)]


def _with_nameless_starts(role: Int8Column, stacks: Stacks, columns: FrameColumns) -> Int8Column:
    """Per entry its role, with _start and main of a program without names: they stand around libc's start.

    Heuristic: a stack that begins with nameless code of yours and then libc, or with libc's own start function.
    """
    has_no_name = columns.function < 0
    is_main_start = np.fromiter((base in _MAIN_STARTS for base in columns.base), np.bool_, len(columns.base))
    long = np.flatnonzero(stacks.lengths > 2)
    first = stacks.offsets[long]
    outer, next_in = stacks.flat[first], stacks.flat[first + 1]
    is_nameless_start = (role[first] == Role.OWN) & has_no_name[outer]
    is_nameless_start &= (columns.frame_class[next_in] == FrameClass.RUNTIME) | is_main_start[next_in]
    found = role.copy()
    found[first[is_nameless_start]] = Role.START
    begins = np.zeros(len(stacks), dtype=np.bool_)
    begins[long] = is_nameless_start | is_main_start[outer] | is_main_start[next_in]
    main = stacks.first(found >= Role.LIBRARY)
    has_main = begins & (main >= 0)
    entries = (stacks.offsets[:-1] + main)[has_main]
    found[entries[has_no_name[stacks.flat[entries]]]] = Role.START
    return found


def _calls(stacks: Stacks, roles: Int8Column, ranks: Int64Column, columns: FrameColumns) -> _Calls:
    """The calls that may be an answer."""
    functions = _functions(columns)
    role = _with_nameless_starts(roles[stacks.flat], stacks, columns)
    is_kept = role >= Role.START
    # What lies between yours and yours is left out; at the inner end its outermost frame stands for the allocation.
    innermost = stacks.last(is_kept)
    allocation = stacks.first(role == Role.INSIDE, behind=innermost)
    has_one = (innermost >= 0) & (allocation >= 0)
    is_kept[(stacks.offsets[:-1] + allocation)[has_one]] = True
    entries = np.flatnonzero(is_kept)
    owner = stacks.owner[entries].astype(np.int64)
    function = functions[stacks.flat[entries]]
    starts = np.searchsorted(owner, np.arange(len(stacks) + 1))
    from_inside = starts[owner + 1] - np.arange(len(entries)) - 1
    rank = ranks[role[entries[:-1]], role[entries[1:]]]
    is_call = (owner[:-1] == owner[1:]) & (function[:-1] != function[1:]) & (rank < _NO_ANSWER)
    first = np.flatnonzero(is_call)
    width = int(functions.max(initial=0)) + 1
    pairs, edge = np.unique(function[first] * width + function[first + 1], return_inverse=True)
    steps = np.minimum(from_inside[first], _MOST_STEPS - 1)
    # The innermost of equal calls of a path.
    order = np.lexsort((steps, edge, owner[first]))
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (np.diff(edge[order]) != 0) | (np.diff(owner[first][order]) != 0)
    kept = order[is_new]
    # An edge is as near to the allocation as on the path where it is farthest.
    farthest = np.zeros(len(pairs), dtype=np.int64)
    np.maximum.at(farthest, edge[kept], steps[kept])
    best_rank = np.full(len(pairs), _NO_ANSWER, dtype=np.int64)
    np.minimum.at(best_rank, edge[kept], rank[first[kept]])
    return _Calls(
        path=owner[first[kept]],
        edge=edge[kept],
        caller=entries[first[kept]],
        callee=entries[first[kept] + 1],
        costs=best_rank * _MOST_STEPS + farthest,
    )


def _common(
    stacks: Stacks, grown: Int64Column, whole: int, frames: Sequence[Frame], columns: FrameColumns
) -> GrowthPoint | None:
    """The deepest of your functions that all growth goes through, else nearly all; else the same of libraries."""
    functions, roles = _functions(columns), roles_of(frames, columns)
    for role in (Role.OWN, Role.LIBRARY):
        is_wanted = (roles == role) & (columns.function >= 0)
        key_of_frame = np.where(is_wanted, functions, -1).astype(np.int32)
        path, function = stacks.distinct(key_of_frame)
        # No function carries more than the whole, and that fits.
        carried = np.zeros(int(key_of_frame.max(initial=-1)) + 1, dtype=np.int64)
        np.add.at(carried, function, grown[path])
        nearly = [one for one, amount in enumerate(carried.tolist()) if 100 * amount >= NEARLY_ALL * whole]
        if nearly:
            key = key_of_frame[stacks.flat]
            on_all = [one for one in nearly if carried[one] == whole]
            chosen = _deepest(stacks, key, grown, nearly, on_all or nearly)
            return _point(stacks, grown, stacks.last(key == chosen))
    return None


def _deepest(stacks: Stacks, key: Int32Column, grown: Int64Column, nearly: Sequence[int], wanted: Sequence[int]) -> int:
    """Of the wanted functions the deepest in the call graph of those with nearly all; of a recursion the innermost."""
    if len(nearly) == 1:
        # No graph, and networkx takes longer to load than most files take to read.
        return nearly[0]
    places = places_of(stacks, key, grown, nearly)
    # Where everything goes through a recursion, one of its functions may still be passed by.
    wanted = [one for one in wanted if places.is_on_every_path[one]] or wanted
    most = max(places.depth[one] for one in wanted)
    deepest = [one for one in wanted if places.depth[one] == most]
    return max(deepest, key=lambda one: (int((stacks.last(key == one) - stacks.lengths).sum()), -one))


def _responsible(
    stacks: Stacks, grown: Int64Column, named_by: Int64Column, frames: Sequence[Frame], columns: FrameColumns
) -> GrowthPoint | None:
    """The function that paths with the most growth are named by; no start function."""
    named = np.flatnonzero(named_by >= 0)
    frame = stacks.flat[stacks.offsets[named] + named_by[named]]
    is_answer = roles_of(frames, columns)[frame] != Role.START
    named, frame = named[is_answer], frame[is_answer]
    if not len(named):
        return None
    function = _functions(columns)[frame]
    functions, place = np.unique(function, return_inverse=True)
    most = int(np.argmax(sums_at(place, grown[named], len(functions), "a function")))
    position = np.full(len(stacks), -1, dtype=np.int64)
    position[named[place == most]] = named_by[named[place == most]]
    return _point(stacks, grown, position)


def _point(stacks: Stacks, grown: Int64Column, position: Int64Column) -> GrowthPoint:
    """The paths with a frame at some position, -1 for none, as one point."""
    through = np.flatnonzero(position >= 0)
    frame = busiest_frame(stacks, stacks.offsets[through] + position[through], grown[through])
    return GrowthPoint(frame, exact_sum(grown[through]), tuple(through.tolist()))
