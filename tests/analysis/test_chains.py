"""Chains of many stacks at once are those that a plain walk over each stack gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from leakreport.analysis.chains import chains_of
from leakreport.analysis.identity import LAMBDA
from leakreport.analysis.points import Leaf, address_of, point_of
from leakreport.analysis.stacks import Stacks
from leakreport.model.raw import Frame

NAMES = ("main", "f", "g", "a::f", "malloc", "operator new(unsigned long)", "lang_start", None, "f()::{lambda(int)#1}")
FRAMES = [
    Frame(function=name, module=module, address=address, line=line)
    for name in NAMES
    for module, address, line in (("/app/prog", 16, 3), ("/app/prog", 32, None), ("/usr/lib/libx.so", 16, None))
]
OWN = [frame.module == "/app/prog" and frame.function not in {"malloc", "lang_start"} for frame in FRAMES]
STACKS = st.lists(
    st.tuples(st.lists(st.integers(0, len(FRAMES) - 1), max_size=18), st.sampled_from(["", "malloc", "new", "calloc"])),
    max_size=12,
)


def base(index: int) -> str | None:
    return point_of(FRAMES[index], by_address=False).name.base


def plain(stack: list[int], family: str, *, by_address: bool) -> tuple[list[int], Leaf, bool]:
    """Frames for points: none of the frames here share one."""
    inner = stack[::-1]
    cut = 0
    for position, frame in enumerate(inner):
        if OWN[frame]:
            break
        if family and (base(frame) or "").replace("operator_cv_", "") == family:
            cut = position + 1
            break
    inner = inner[cut:]
    dropped = {
        position
        for position in range(len(inner) - 1)
        if by_address
        and address_of(FRAMES[inner[position]]) == address_of(FRAMES[inner[position + 1]])
        and not (OWN[inner[position]] and base(inner[position]) not in {None, LAMBDA})
    }
    own = [frame for position, frame in enumerate(inner) if OWN[frame] and position not in dropped]
    first = next((p for p, frame in enumerate(inner) if OWN[frame] and p not in dropped), len(inner))
    library = [(p, frame) for p, frame in enumerate(inner[:first]) if not OWN[frame]]
    real = [frame for p, frame in library if p not in dropped]
    if len(own) > 1 and any(base(frame) == "lang_start" for frame in inner):
        outermost = FRAMES[own[-1]]
        if outermost.function == "main" and outermost.line is None:
            own.pop()
    leaf = Leaf(family, tuple(frame for _, frame in library), tuple(real))
    return own or (real or [frame for _, frame in library])[:12], leaf, bool(own)


@settings(max_examples=400)
@given(STACKS, st.booleans())
def test_columns_say_what_a_walk_says(rows: list[tuple[list[int], str]], by_address: bool) -> None:
    points = [point_of(frame, by_address=by_address) for frame in FRAMES]
    numbers = np.arange(len(FRAMES), dtype=np.int32)
    stacks = Stacks.of([stack for stack, _ in rows])
    families = [family for _, family in rows]
    found = chains_of(FRAMES, np.asarray(OWN), stacks, families, points, numbers, by_address=by_address)
    for index, (stack, family) in enumerate(rows):
        chain, leaf, has_own = plain(stack, family, by_address=by_address)
        assert found.leaves[index] == leaf
        assert bool(found.has_own[index]) == has_own
        points_of_chain = found.points[index]
        names = [points[number].name.base for number in chain if points[number].name.base is not None]
        if len(set(names)) == len(names):
            assert points_of_chain == chain
        else:
            # Recursion is folded: the innermost frame stays, and what is left is in order.
            assert points_of_chain[:1] == chain[:1]
            walk = iter(chain)
            assert all(number in walk for number in points_of_chain)
