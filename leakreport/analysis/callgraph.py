"""The call graph of functions, and the accumulation point: the deepest function most of what is lost goes through.

Functions are nodes, edges carry bytes; strongly connected components fold recursion; dominators tell what lies on
every path. Only functions that carry at least half of the bytes become nodes: any two of them share paths, so the
graph stays as small as a few stacks, whatever the input. The call tree itself never is a networkx graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.ownership import FrameClass, looks_like_wrapper
from leakreport.analysis.paths import PathTable
from leakreport.analysis.report import AccumulationPoint
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import Int32Column, Int64Column, exact_sum, sums_at
from leakreport.model.raw import Frame

MOST = 0.8
HALF = 0.5
_SOURCE, _SINK = -1, -2


@dataclass(frozen=True, slots=True)
class _Functions:
    """The stacks of some rows by the functions that are looked at.

    Shape: `key` has an entry per frame of a stack, -1 where its function is not looked at; `amounts` and `rank` one per
    stack.
    """

    stacks: Stacks
    key: Int32Column
    amounts: Int64Column
    rank: Int64Column
    """The first row on the stack."""
    whole: int
    names: Sequence[str]
    told: Sequence[str]
    """The same as words may have them."""
    carried: Sequence[int]
    """Per key; not told for those that carry less than half."""

    @property
    def significant(self) -> list[int]:
        """The keys that carry at least half."""
        return [key for key, carried in enumerate(self.carried) if carried >= HALF * self.whole]


def accumulation_point(rows: PathTable, columns: FrameColumns, held: Int64Column) -> AccumulationPoint | None:
    """Where what the rows hold comes together.

    Args:
        rows: the paths that are judged, for example the lost ones.
        columns: what is known about each frame.
        held: per row what is added up, in bytes.

    Returns:
        The deepest function of yours with at least 80 %, else the one with the most if that is at least half, else the
        same of library functions. main, thread starts and event loops come last, when nothing deeper reaches half.
        None where nothing comes together.
    """
    whole = exact_sum(held)
    if whole <= 0:
        return None
    numbers, rank, place = np.unique(rows.stack, return_index=True, return_inverse=True)
    amounts = sums_at(place, held, len(numbers), "what paths hold")
    stacks = rows.paths.stacks
    if len(numbers) < len(stacks):
        stacks = stacks.taken(numbers)
    for wanted, with_entries in ((FrameClass.OWN, False), (FrameClass.LIBRARY, False), (FrameClass.OWN, True)):
        # Allocation wrappers, and entry points at first, are no places where things accumulate.
        is_wanted = (columns.frame_class == wanted) & ~columns.is_wrapper
        if not with_entries:
            is_wanted &= ~columns.is_entry
        key_of_frame = _candidates(stacks, np.where(is_wanted, columns.function, np.int32(-1)), amounts, whole)
        stack, key = stacks.distinct(key_of_frame)
        carried = np.zeros(len(columns.functions), dtype=np.int64)
        np.add.at(carried, key, amounts[stack])
        functions = _Functions(
            stacks, key_of_frame[stacks.flat], amounts, rank, whole, columns.functions, columns.told, carried.tolist()
        )
        point = _point(functions, rows.frames, _condensed if not with_entries else _in_line)
        if point is not None:
            return point
    return None


def _candidates(stacks: Stacks, key_of_frame: Int32Column, amounts: Int64Column, whole: int) -> Int32Column:
    """Per frame its key where that may carry half of the whole, else -1.

    No function carries more than the sum over its frames, which is quick to find and leaves few.
    """
    most = np.zeros(int(key_of_frame.max(initial=-1)) + 2, dtype=np.float64)
    for start, part in stacks.parts():
        key = key_of_frame[part.flat]
        entries = np.flatnonzero(key >= 0)
        held = np.maximum(amounts[start : start + len(part)], 0)[part.owner[entries]]
        most += np.bincount(key[entries], held, minlength=len(most))
    # The last stands for no key; the sums are rounded.
    most[-1] = 0
    return np.where(most[key_of_frame] >= HALF * whole * 0.99, key_of_frame, np.int32(-1))


def _point(functions: _Functions, frames: Sequence[Frame], place_of: _PlaceOf) -> AccumulationPoint | None:
    significant = functions.significant
    if not significant:
        return None
    place_of = place_of if len(significant) > 1 else _in_line
    components, depth, on_every_path = place_of(functions, significant)
    carried = functions.carried
    most = [key for key in significant if carried[key] >= MOST * functions.whole]
    if most:
        chosen = max(most, key=lambda key: (depth[key], carried[key], functions.names[key]))
    else:
        chosen = max(significant, key=lambda key: (carried[key], depth[key], functions.names[key]))
    innermost = functions.stacks.last(functions.key == chosen)
    through = np.flatnonzero(innermost >= 0)
    entries = functions.stacks.offsets[through] + innermost[through]
    frame = busiest_frame(functions.stacks, entries, functions.amounts[through])
    others = tuple(sorted(functions.told[key] for key in components[chosen] if key != chosen))
    return AccumulationPoint(
        frame=frame,
        function=frames[frame].function or functions.told[chosen],
        amount_bytes=carried[chosen],
        whole_bytes=functions.whole,
        wrapper=_wrapper_below(functions, through, entries, frames),
        is_on_every_path=on_every_path[chosen],
        recursive_with=others,
    )


class Places(NamedTuple):
    """Per function: the functions of its recursion, how deep it lies, and whether everything goes through these."""

    members: dict[int, set[int]]
    depth: dict[int, int]
    is_on_every_path: dict[int, bool]


_PlaceOf = Callable[[_Functions, Sequence[int]], Places]


def _in_line(functions: _Functions, significant: Sequence[int]) -> Places:
    """The same as `_condensed` for one function, and for entry points, which call each other in a line.

    That is no graph, and networkx takes longer to load than most files take to read.
    """
    stacks = functions.stacks
    entries = np.flatnonzero(np.isin(functions.key, significant))
    owner = stacks.owner[entries]
    deepest = np.zeros(len(functions.names), dtype=np.int64)
    np.maximum.at(deepest, functions.key[entries], entries - stacks.offsets[owner])
    return Places(
        {key: {key} for key in significant},
        {key: int(deepest[key]) for key in significant},
        {key: functions.carried[key] == functions.whole for key in significant},
    )


def _condensed(functions: _Functions, significant: Sequence[int]) -> Places:
    return places_of(functions.stacks, functions.key, functions.amounts, significant)


def places_of(stacks: Stacks, key: Int32Column, amounts: Int64Column, chosen: Sequence[int]) -> Places:
    """Where some functions lie in the call graph of the stacks that hold anything.

    Args:
        stacks: their frames are not looked at.
        key: per entry of a stack its function; any number for those that are not among the chosen.
        amounts: per stack.
        chosen: few functions: they become nodes of a networkx graph, and what lies between them is left out.
    """
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_edges_from(_edges(stacks, key, amounts, chosen))
    condensed = nx.condensation(graph)
    component_of: dict[int, int] = condensed.graph["mapping"]
    depth_of_component: dict[int, int] = {}
    for component in nx.topological_sort(condensed):
        above = (depth_of_component[caller] for caller in condensed.predecessors(component))
        depth_of_component[component] = 1 + max(above, default=-1)
    source, sink = component_of[_SOURCE], component_of[_SINK]
    immediate = nx.immediate_dominators(condensed, source)
    dominators = {sink}
    component = sink
    while component != source:
        component = immediate[component]
        dominators.add(component)
    return Places(
        members={one: set(condensed.nodes[component_of[one]]["members"]) for one in chosen},
        depth={one: depth_of_component[component_of[one]] for one in chosen},
        is_on_every_path={one: component_of[one] in dominators for one in chosen},
    )


def _edges(stacks: Stacks, key: Int32Column, amounts: Int64Column, chosen: Sequence[int]) -> list[tuple[int, int]]:
    """Who calls whom on the stacks that hold anything; what lies between is left out."""
    owner_of_entry = stacks.owner
    kept = np.flatnonzero(np.isin(key, chosen))
    kept = kept[amounts[owner_of_entry[kept]] > 0]
    owner, callee = owner_of_entry[kept], key[kept].astype(np.int64)
    is_first = np.append([True], owner[1:] != owner[:-1])[: len(owner)]
    caller = np.where(is_first, _SOURCE, np.roll(callee, 1))
    is_last = np.roll(is_first, -1)
    is_call = caller != callee
    pairs = np.concatenate(
        [
            np.stack([caller[is_call], callee[is_call]], axis=1),
            np.stack([callee[is_last], np.full(int(is_last.sum()), _SINK)], axis=1),
        ]
    )
    edges = [(caller, callee) for caller, callee in np.unique(pairs, axis=0).tolist()]
    has_callee = np.zeros(len(stacks), dtype=np.bool_)
    has_callee[owner] = True
    if ((amounts > 0) & ~has_callee).any():
        edges.append((_SOURCE, _SINK))
    return edges


def busiest_frame(stacks: Stacks, entries: Int64Column, amounts: Int64Column) -> int:
    """Of the frames at some entries the one with the largest sum of amounts, one of which goes with each entry.

    For a function this is the call site that most bytes go through.
    """
    frames, place = np.unique(stacks.flat[entries], return_inverse=True)
    # The first of equals has the smallest index.
    return int(frames[np.argmax(sums_at(place, amounts, len(frames), "a function"))])


def _wrapper_below(
    functions: _Functions, through: Int64Column, entries: Int64Column, frames: Sequence[Frame]
) -> str | None:
    """The allocation wrapper that most of what goes through a function uses directly below it, if there is one."""
    whole = exact_sum(functions.amounts[through])
    has_below = entries + 1 < functions.stacks.offsets[through + 1]
    stacks = through[has_below]
    below, place = np.unique(functions.stacks.flat[entries[has_below] + 1], return_inverse=True)
    sums = sums_at(place, functions.amounts[stacks], len(below), "a function").tolist()
    rank = np.full(len(below), len(functions.rank), dtype=np.int64)
    np.minimum.at(rank, place, functions.rank[stacks])
    amounts: Counter[str] = Counter()
    # Of equals the one that a reader meets first.
    for index in np.argsort(rank).tolist():
        name = frames[below[index]].function
        if name is not None and looks_like_wrapper(frames[below[index]].actual.function):
            amounts[name] += sums[index]
    name, amount = amounts.most_common(1)[0] if amounts else (None, 0)
    return name if whole and amount >= HALF * whole else None
