"""The call graph of functions, and the accumulation point: the deepest function most of what is lost goes through.

Functions are nodes, edges carry bytes; strongly connected components fold recursion; dominators tell what lies on
every path. Only functions that carry at least half of the bytes become nodes: any two of them share paths, so the
graph stays as small as a few stacks, whatever the input. The call tree itself never is a networkx graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.ownership import FrameClass, looks_like_wrapper
from leakreport.analysis.report import AccumulationPoint, PathRow
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import exact_sum
from leakreport.model.raw import Frame

MOST = 0.8
HALF = 0.5
_SOURCE, _SINK = -1, -2

AmountOf = Callable[[PathRow], int]
"""What a path counts with, in bytes."""


@dataclass(frozen=True, slots=True)
class _Functions:
    """The functions of some frames: a key per frame, and what each carries."""

    key_of_frame: Sequence[int]
    names: Sequence[str]
    carried_bytes: Sequence[int]


def accumulation_point(
    rows: Sequence[PathRow], frames: Sequence[Frame], columns: FrameColumns, amount_of: AmountOf
) -> AccumulationPoint | None:
    """Where what the rows hold comes together.

    Args:
        rows: the paths that are judged, for example the lost ones.
        frames: the frame table the rows point into.
        columns: what is known about each frame.
        amount_of: what is added up, in bytes.

    Returns:
        The deepest function of yours with at least 80 %, else the one with the most if that is at least half, else the
        same of library functions. main, thread starts and event loops come last, when nothing deeper reaches half.
        None where nothing comes together.
    """
    amounts = np.asarray([amount_of(row) for row in rows], dtype=np.int64)
    whole = exact_sum(amounts)
    if whole <= 0:
        return None
    stacks = Stacks.of([row.frames for row in rows])
    for wanted, with_entries in ((FrameClass.OWN, False), (FrameClass.LIBRARY, False), (FrameClass.OWN, True)):
        # Allocation wrappers, and entry points at first, are no places where things accumulate.
        is_wanted = (columns.frame_class == wanted) & ~columns.is_wrapper
        if not with_entries:
            is_wanted &= ~columns.is_entry
        key_of_frame = np.where(is_wanted, columns.function, np.int32(-1))
        stack, key = stacks.distinct(key_of_frame)
        carried = np.zeros(len(columns.functions), dtype=np.int64)
        np.add.at(carried, key, amounts[stack])
        functions = _Functions(key_of_frame.tolist(), columns.functions, carried.tolist())
        place_of = _condensed if not with_entries else _in_line
        point = _point(rows, frames, functions, amount_of, whole, place_of)
        if point is not None:
            return point
    return None


def _point(
    rows: Sequence[PathRow],
    frames: Sequence[Frame],
    functions: _Functions,
    amount_of: AmountOf,
    whole: int,
    place_of: _PlaceOf,
) -> AccumulationPoint | None:
    significant = {key for key, carried in enumerate(functions.carried_bytes) if carried >= HALF * whole}
    if not significant:
        return None
    place_of = place_of if len(significant) > 1 else _in_line
    components, depth, on_every_path = place_of(rows, functions, significant, amount_of)
    most = [key for key in significant if functions.carried_bytes[key] >= MOST * whole]
    if most:
        chosen = max(most, key=lambda key: (depth[key], functions.carried_bytes[key], functions.names[key]))
    else:
        chosen = max(significant, key=lambda key: (functions.carried_bytes[key], depth[key], functions.names[key]))
    through = [row for row in rows if any(functions.key_of_frame[index] == chosen for index in row.frames)]
    frame = _busiest_frame(through, functions, chosen, amount_of)
    others = tuple(sorted(functions.names[key] for key in components[chosen] if key != chosen))
    return AccumulationPoint(
        frame=frame,
        function=frames[frame].function or functions.names[chosen],
        amount_bytes=functions.carried_bytes[chosen],
        whole_bytes=whole,
        wrapper=_wrapper_below(through, frames, functions, chosen, amount_of),
        is_on_every_path=on_every_path[chosen],
        recursive_with=others,
    )


_Places = tuple[dict[int, set[int]], dict[int, int], dict[int, bool]]
_PlaceOf = Callable[[Sequence[PathRow], _Functions, set[int], AmountOf], _Places]


def _in_line(rows: Sequence[PathRow], functions: _Functions, significant: set[int], amount_of: AmountOf) -> _Places:
    """The same as `_condensed` for one function, and for entry points, which call each other in a line.

    That is no graph, and networkx takes longer to load than most files take to read.
    """
    whole = sum(amount_of(row) for row in rows)
    depth = dict.fromkeys(significant, 0)
    for row in rows:
        for position, index in enumerate(row.frames):
            if (key := functions.key_of_frame[index]) in depth:
                depth[key] = max(depth[key], position)
                if len(significant) == 1:
                    break
    return (
        {key: {key} for key in significant},
        depth,
        {key: functions.carried_bytes[key] == whole for key in significant},
    )


def _condensed(rows: Sequence[PathRow], functions: _Functions, significant: set[int], amount_of: AmountOf) -> _Places:
    """Per function: its recursion, how deep it lies, and whether everything goes through it."""
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    edges: Counter[tuple[int, int]] = Counter()
    for row in rows:
        amount = amount_of(row)
        if amount <= 0:
            continue
        caller = _SOURCE
        for index in row.frames:
            callee = functions.key_of_frame[index]
            if callee in significant and callee != caller:
                edges[caller, callee] += amount
                caller = callee
        edges[caller, _SINK] += amount
    graph.add_edges_from(edges)
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
    members = {key: set(condensed.nodes[component_of[key]]["members"]) for key in significant}
    depth = {key: depth_of_component[component_of[key]] for key in significant}
    return members, depth, {key: component_of[key] in dominators for key in significant}


def _busiest_frame(rows: Sequence[PathRow], functions: _Functions, key: int, amount_of: AmountOf) -> int:
    """The call site of a function that most bytes go through; the innermost one where it recurses."""
    amounts: Counter[int] = Counter()
    for row in rows:
        innermost = next(index for index in reversed(row.frames) if functions.key_of_frame[index] == key)
        amounts[innermost] += amount_of(row)
    return max(amounts, key=lambda index: (amounts[index], -index))


def _wrapper_below(
    rows: Sequence[PathRow], frames: Sequence[Frame], functions: _Functions, key: int, amount_of: AmountOf
) -> str | None:
    """The allocation wrapper that most of what goes through a function uses directly below it, if there is one."""
    amounts: Counter[str] = Counter()
    whole = 0
    for row in rows:
        amount = amount_of(row)
        whole += amount
        position = max(place for place, index in enumerate(row.frames) if functions.key_of_frame[index] == key)
        below = frames[row.frames[position + 1]].function if position + 1 < len(row.frames) else None
        if below is not None and looks_like_wrapper(below):
            amounts[below] += amount
    name, amount = amounts.most_common(1)[0] if amounts else (None, 0)
    return name if whole and amount >= HALF * whole else None
