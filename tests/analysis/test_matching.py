"""Which path of one build is which of the other: small cases made by hand, and recorded builds with their truth."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakreport.analysis.explaining import Confidence, MatchedAs
from leakreport.analysis.matching import Matching, match
from leakreport.analysis.sites import Paths
from leakreport.model.metrics import LeakKind
from tests.analysis.matching_support import IDENTITY, path, paths, recorded, truth

PAIRS = [
    (program, pair["before"], pair["after"])
    for program in sorted(folder.name for folder in IDENTITY.iterdir() if folder.is_dir())
    for pair in truth(program)
]


def pairs_of(found: Matching) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [(one.before, one.after) for one in found.all_matches()]


def mirrored(found: Matching) -> tuple[object, ...]:
    swap = {MatchedAs.SPLIT: MatchedAs.MERGED, MatchedAs.MERGED: MatchedAs.SPLIT}
    matches = sorted(
        (m.after, m.before, swap.get(m.matched_as, m.matched_as), m.score, m.confidence) for m in found.all_matches()
    )
    return matches, found.new, found.gone, found.uncompared


def plain(found: Matching) -> tuple[object, ...]:
    matches = sorted((m.before, m.after, m.matched_as, m.score, m.confidence) for m in found.all_matches())
    return matches, found.gone, found.new, found.uncompared


def check_rows(found: Matching, before: Paths, after: Paths) -> None:
    """Every row of either side is there once."""
    ours = [row for one in found.all_matches() for row in one.before] + [one.row for one in found.gone]
    theirs = [row for one in found.all_matches() for row in one.after] + [one.row for one in found.new]
    assert sorted(ours) == list(range(len(before)))
    assert sorted(theirs) == list(range(len(after)))


def test_moved_lines_are_the_same_path() -> None:
    before = paths(path("main@m.c:5", "load@l.c:10"), path("main@m.c:6", "load@l.c:12"))
    after = paths(path("main@m.c:9", "load@l.c:20"), path("main@m.c:10", "load@l.c:22"))
    found = match(before, after)
    assert pairs_of(found) == [((0,), (0,)), ((1,), (1,))]
    assert {one.matched_as for one in found.all_matches()} == {MatchedAs.EXACT}
    assert "lines +4 to +10" in found.all_matches()[0].evidence


def test_neighbours_are_told_apart_by_what_else_is_called() -> None:
    before = paths(path("main@m.c:10", "f@f.c:1"), path("main@m.c:11", "g@f.c:5"), path("main@m.c:12", "f@f.c:1"))
    after = paths(path("main@m.c:11", "f@f.c:1"), path("main@m.c:12", "g@f.c:5"), path("main@m.c:13", "f@f.c:1"))
    assert pairs_of(match(before, after)) == [((0,), (0,)), ((1,), (1,)), ((2,), (2,))]


def test_a_new_leak_is_new_and_a_fixed_one_is_gone() -> None:
    before = paths(path("main@m.c:5", "load@l.c:10"), path("main@m.c:6", "parse@p.c:3"))
    after = paths(path("main@m.c:5", "load@l.c:10"), path("main@m.c:7", "store@s.c:8"))
    found = match(before, after)
    assert pairs_of(found) == [((0,), (0,))]
    assert [one.row for one in found.gone] == [1]
    assert [one.row for one in found.new] == [1]


def test_a_rename_is_learned_from_other_paths() -> None:
    before = paths(
        *(path("main@m.c:5", "log_write@l.c:9", f"part{n}@p.c:{n}") for n in range(3)),
        path("main@m.c:7", "log_open@l.c:30"),
    )
    after = paths(
        *(path("main@m.c:5", "lf_write@l.c:9", f"part{n}@p.c:{n}") for n in range(3)),
        path("main@m.c:7", "lf_open@l.c:30"),
    )
    found = match(before, after)
    assert pairs_of(found) == [((n,), (n,)) for n in range(4)]
    assert {one.matched_as for one in found.all_matches()} == {MatchedAs.RENAMED}
    assert "log_write → lf_write (as in 2 other paths)" in found.all_matches()[0].evidence


def test_a_wrapper_reshapes() -> None:
    before = paths(path("main@m.c:5", "load@l.c:10"), path("main@m.c:6", "save@s.c:3"))
    after = paths(path("main@m.c:5", "retry@r.c:2", "load@l.c:10"), path("main@m.c:6", "save@s.c:3"))
    found = match(before, after)
    assert pairs_of(found) == [((0,), (0,)), ((1,), (1,))]
    assert found.all_matches()[0].matched_as is MatchedAs.RESHAPED
    assert found.all_matches()[0].evidence == "1 frame inserted"


def test_names_that_live_on_both_sides_were_not_renamed_whatever_the_sizes() -> None:
    before = paths(path("main@m.c:5", "png@d.c:10", size=800), path("main@m.c:6", "jpg@d.c:20", size=300))
    after = paths(path("main@m.c:5", "png@d.c:10", size=300), path("main@m.c:6", "jpg@d.c:20", size=800))
    assert pairs_of(match(before, after)) == [((0,), (0,)), ((1,), (1,))]


def test_twins_are_told_apart_by_amounts_only_if_these_differ() -> None:
    def side(first: int, second: int) -> Paths:
        # The compiler tells no lines and no addresses: nothing but amounts differs.
        return paths(path("main", "lib!a", size=first), path("main", "lib!b", size=second))

    found = match(side(10, 20), side(10, 20))
    assert pairs_of(found) == [((0,), (0,)), ((1,), (1,))]


def test_a_split_record_is_one_leak_if_the_sums_agree() -> None:
    before = paths(path("main@m.c:5", "fill@f.c:10", size=30, blocks=3), path("main@m.c:9", "other@o.c:1", size=7))
    after = paths(
        path("main@m.c:5", "fill@f.c:10", size=20, blocks=2),
        path("main@m.c:5", "fill@f.c:11", size=10, blocks=1),
        path("main@m.c:9", "other@o.c:1", size=7),
    )
    found = match(before, after)
    assert pairs_of(found) == [((0,), (0, 1)), ((1,), (2,))]
    assert (found.all_matches()[0].matched_as, found.all_matches()[0].confidence) == (
        MatchedAs.SPLIT,
        Confidence.BY_AMOUNTS,
    )
    assert found.all_matches()[0].evidence == "1 record before, 2 records after; bytes and blocks agree"


def test_a_split_record_of_blocks_that_grew_is_one_leak_if_there_are_as_many_blocks() -> None:
    def after(blocks: int) -> Paths:
        return paths(
            path("main@m.c:5", "fill@f.c:10", size=200, blocks=2),
            path("main@m.c:5", "fill@f.c:11", size=blocks * 100, blocks=blocks),
            path("main@m.c:9", "other@o.c:1", size=7),
        )

    before = paths(path("main@m.c:5", "fill@f.c:10", size=30, blocks=3), path("main@m.c:9", "other@o.c:1", size=7))
    found = match(before, after(1))
    assert pairs_of(found) == [((0,), (0, 1)), ((1,), (2,))]
    assert found.matches[0].confidence is Confidence.BY_AMOUNTS
    assert found.matches[0].evidence == "1 record before, 2 records after; as many blocks, of another size"
    assert [one.row for one in match(before, after(2)).new] == [1]


@pytest.mark.parametrize(
    ("ours", "theirs", "evidence"),
    [
        ((10, 20), (10, 20), "stacks do not tell it from others; bytes and blocks do"),
        ((10, 10), (10, 10), "one of several that are alike, with the same bytes and blocks; paired in their order"),
    ],
)
def test_twins_under_other_names_are_paired_by_amounts(
    ours: tuple[int, ...], theirs: tuple[int, ...], evidence: str
) -> None:
    before = paths(*(path("main", "load", f"lib!{n}", size=size) for n, size in zip("abc", ours, strict=False)))
    after = paths(*(path("main", "load", f"lib!{n}", size=size) for n, size in zip("xyz", theirs, strict=False)))
    found = match(before, after)
    assert pairs_of(found) == [((0,), (0,)), ((1,), (1,))]
    assert {(one.confidence, one.evidence) for one in found.matches} == {(Confidence.BY_AMOUNTS, evidence)}


@pytest.mark.parametrize("theirs", [(12, 25), (10,), (10, 10, 10), (10, 20)])
def test_twins_that_amounts_do_not_decide_stay_undecided(theirs: tuple[int, ...]) -> None:
    before = paths(*(path("main", "load", f"lib!{n}", size=10) for n in "ab"))
    after = paths(*(path("main", "load", f"lib!{n}", size=size) for n, size in zip("xyz", theirs, strict=False)))
    found = match(before, after)
    assert not found.matches
    assert {one.tie for one in (*found.gone, *found.new)} == {0}
    assert len(found.gone) + len(found.new) == 2 + len(theirs)


def test_kinds_of_one_path_stay_apart() -> None:
    def side() -> Paths:
        return paths(
            path("main@m.c:5", "load@l.c:10", size=8), path("main@m.c:5", "load@l.c:10", size=9, kind=LeakKind.INDIRECT)
        )

    assert pairs_of(match(side(), side())) == [((0,), (0,)), ((1,), (1,))]


def test_depth_of_recursion_is_no_difference() -> None:
    before = paths(path("main@m.c:5", *["walk@w.c:3"] * 4, "leaf@w.c:9"))
    after = paths(path("main@m.c:5", *["walk@w.c:3"] * 9, "leaf@w.c:9"))
    found = match(before, after)
    assert pairs_of(found) == [((0,), (0,))]
    assert found.all_matches()[0].matched_as is MatchedAs.EXACT


def test_without_lines_addresses_are_positions() -> None:
    before = paths(path("main@0x100", "f@0x200"), path("main@0x110", "f@0x200"), path("main@0x120", "g@0x300"))
    after = paths(path("main@0x100", "f@0x200", size=99), path("main@0x110", "f@0x200"), path("main@0x120", "g@0x300"))
    assert pairs_of(match(before, after)) == [((0,), (0,)), ((1,), (1,)), ((2,), (2,))]


def test_nameless_code_is_known_by_its_address() -> None:
    before = paths(path("?@0x100", "?@0x200"), path("?@0x100", "?@0x210"), path("?@0x140", "?@0x300"))
    after = paths(path("?@0x100", "?@0x200", size=99), path("?@0x100", "?@0x210"), path("?@0x140", "?@0x300"))
    found = match(before, after)
    assert pairs_of(found) == [((0,), (0,)), ((1,), (1,)), ((2,), (2,))]
    assert {one.confidence for one in found.all_matches()} == {Confidence.CERTAIN}


def test_paths_without_any_frame_of_yours() -> None:
    before = paths(path("lib!start", "lib!init"), path("lib!start", "lib!other"))
    after = paths(path("lib!start", "lib!init", size=12), path("lib!start", "lib!other"))
    assert pairs_of(match(before, after)) == [((0,), (0,)), ((1,), (1,))]


def test_nothing_on_one_side() -> None:
    one = paths(path("main@m.c:5"))
    assert [found.row for found in match(one, paths()).gone] == [0]
    assert [found.row for found in match(paths(), one).new] == [0]
    assert match(paths(), paths()).all_matches() == []


@pytest.mark.parametrize(("program", "before", "after"), PAIRS, ids=str)
def test_recorded_builds(program: str, before: str, after: str) -> None:
    one, other = recorded(program, before), recorded(program, after)
    found = match(one.paths, other.paths)
    check_rows(found, one.paths, other.paths)
    assert plain(match(other.paths, one.paths)) == mirrored(found)
    told = next(pair for pair in truth(program) if (pair["before"], pair["after"]) == (before, after))
    tag_before = {name: leak["tag"] for leak in told["leaks"] for name in leak["before"]}
    tag_after = {name: leak["tag"] for leak in told["leaks"] for name in leak["after"]}
    joined: set[str] = set()
    for row in found.all_matches():
        tags = {tag_before[name] for index in row.before for name in one.names[index] if name in tag_before}
        others = {tag_after[name] for index in row.after for name in other.names[index] if name in tag_after}
        assert len(tags | others) <= 1 or not (tags and others)
        joined |= tags & others
        if told["unchanged"]:
            assert sum(one.paths.row(i).bytes for i in row.before) == sum(other.paths.row(i).bytes for i in row.after)
    wanted = {leak["tag"] for leak in told["leaks"] if leak["status"] not in {"new", "fixed"}}
    assert wanted == joined
    if told["unchanged"]:
        assert not found.gone and not found.new


FRAMES = st.sampled_from(
    [f"{name}@{file}:{line}" for name in ("f", "g", "a::f", "load") for file in ("a.c", "b.c") for line in (1, 2, 9)]
    + ["?@a.c:3", "lib!std::vector", "lib!x", "h"]
)
ROWS = st.tuples(
    st.lists(FRAMES, min_size=0, max_size=5).map(tuple),
    st.sampled_from([1, 2, 3, 100]),
    st.sampled_from([1, 2]),
    st.sampled_from([LeakKind.DEFINITE, LeakKind.REACHABLE]),
)
SIDES = st.lists(ROWS, max_size=8)


@settings(max_examples=150, deadline=None)
@given(SIDES, SIDES, st.randoms(use_true_random=False))
def test_swapped_sides_mirror_and_order_does_not_matter(
    ours: list[tuple[object, ...]], theirs: list[tuple[object, ...]], rng: random.Random
) -> None:
    before, after = paths(*ours), paths(*theirs)
    found = match(before, after)
    check_rows(found, before, after)
    assert plain(match(after, before)) == mirrored(found)

    order = list(range(len(ours)))
    rng.shuffle(order)
    shuffled = match(Paths.of_rows(before.frames, before.own.tolist(), [before.row(index) for index in order]), after)
    renumbered = sorted((tuple(sorted(order[row] for row in one.before)), one.after) for one in shuffled.all_matches())
    assert renumbered == sorted(pairs_of(found)) or _has_equal_rows(before)


def _has_equal_rows(side: Paths) -> bool:
    """Rows that nothing but their number tells apart: which of them is which is no question."""
    rows = [(row.frames, row.leak_kind) for row in map(side.row, range(len(side)))]
    return len(set(rows)) < len(rows)


@settings(max_examples=100, deadline=None)
@given(SIDES)
def test_a_run_against_itself_pairs_every_row(rows: list[tuple[object, ...]]) -> None:
    side = paths(*rows)
    found = match(side, side)
    assert not found.gone and not found.new
    assert all(
        sum(side.row(row).bytes for row in one.before) == sum(side.row(row).bytes for row in one.after)
        for one in found.all_matches()
    )


def test_frames_without_names_are_told_by_amounts_that_are_one_of_a_kind() -> None:
    before = paths(
        path("main@0x100", "lex@0x200", "grab@0x300", size=384, blocks=12),
        path("main@0x110", "words@0x240", "grab@0x300", size=128, blocks=4),
        path("main@0x120", "twin@0x260", "grab@0x300", size=24),
        path("main@0x130", "copy@0x280", "grab@0x300", size=24),
    )
    # Inlined with no names: what is left is the caller, in another order.
    after = paths(
        path("main@0x940", size=128, blocks=4),
        path("main@0x950", size=24),
        path("main@0x960", size=24),
        path("main@0x970", size=384, blocks=12),
    )
    found = match(before, after)
    assert pairs_of(found)[:2] == [((0,), (3,)), ((1,), (0,))]
    assert {one.confidence for one in found.matches} == {Confidence.BY_AMOUNTS}


def test_equal_amounts_do_not_join_what_names_keep_apart() -> None:
    before = paths(path("main@0x100", "lex@0x200", size=384), path("main@0x110", "keep@0x240", size=7))
    after = paths(path("main@0x940", "parse@0x500", size=384), path("main@0x950", "keep@0x240", size=7))
    assert [one.row for one in match(before, after).gone] == [0]
