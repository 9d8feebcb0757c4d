"""Questions to all stacks at once, against the same question to one stack after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis import stacks as module
from leakreport.analysis.stacks import Stacks

STACKS = st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=12)
WANTED = st.lists(st.booleans(), min_size=6, max_size=6)


def positions(stacks: Sequence[Sequence[int]], wanted: Sequence[bool]) -> list[list[int]]:
    return [[place for place, frame in enumerate(stack) if wanted[frame]] for stack in stacks]


@given(STACKS, WANTED)
def test_first_last_and_count_are_those_of_each_stack(given_stacks: list[list[int]], wanted: list[bool]) -> None:
    stacks = Stacks.of(given_stacks)
    is_wanted = np.array(wanted)[stacks.flat]
    found = positions(given_stacks, wanted)
    assert stacks.first(is_wanted).tolist() == [min(places, default=-1) for places in found]
    assert stacks.last(is_wanted).tolist() == [max(places, default=-1) for places in found]
    assert stacks.count(is_wanted).tolist() == [len(places) for places in found]
    behind = [min(places, default=-1) for places in found]
    second = [
        min((place for place in places if place > end), default=-1) for places, end in zip(found, behind, strict=True)
    ]
    assert stacks.first(is_wanted, behind=np.array(behind, dtype=np.int64)).tolist() == second


@pytest.mark.parametrize("entries", [1, 7, 1 << 18])
@given(given_stacks=STACKS, keys=st.lists(st.integers(-1, 3), min_size=6, max_size=6))
def test_what_is_done_in_parts_is_what_is_done_at_once(
    entries: int, given_stacks: list[list[int]], keys: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ENTRIES_AT_ONCE", entries)
        stacks = Stacks.of(given_stacks)
        parts = [(start, [part[number] for number in range(len(part))]) for start, part in stacks.parts()]
        assert [stack for _, part in parts for stack in part] == given_stacks
        assert all(given_stacks[start : start + len(part)] == part for start, part in parts)
        pairs = zip(*(column.tolist() for column in stacks.distinct(np.array(keys, dtype=np.int32))), strict=True)
        assert sorted(pairs) == sorted(
            {(number, keys[frame]) for number, stack in enumerate(given_stacks) for frame in stack if keys[frame] >= 0}
        )
        order = [*range(len(given_stacks)), *range(len(given_stacks) - 1, -1, -2)]
        taken = stacks.taken(np.array(order, dtype=np.int64))
        assert [taken[number] for number in range(len(taken))] == [given_stacks[number] for number in order]
