"""The pieces of the matching, each alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakreport.analysis.acceptance import accept
from leakreport.analysis.callsites import CallSites
from leakreport.analysis.candidates import candidate_pairs
from leakreport.analysis.groups import connected
from leakreport.analysis.learning import BASE, Learned
from leakreport.analysis.leaves import Leaves
from leakreport.analysis.similarity import Similarity
from leakreport.analysis.sites import subject_of
from leakreport.analysis.vocabulary import Vocabulary
from leakreport.analysis.wording import likeness, rewrite, words
from tests.analysis.matching_support import path, paths


def test_the_best_for_both_wins_and_a_tie_stays_open() -> None:
    won = accept({(0, 0): 0.9, (0, 1): 0.6, (1, 1): 0.7, (2, 2): 0.8, (3, 2): 0.8, (4, 4): 0.3})
    assert sorted((one.before, one.after) for one in won) == [(0, 0), (1, 1)]


def test_what_is_accepted_takes_rivals_away() -> None:
    won = accept({(0, 0): 0.9, (1, 0): 0.8, (1, 1): 0.795})
    assert [(one.before, one.after) for one in won] == [(0, 0), (1, 1)]


@given(st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 6)), st.floats(0, 1)))
def test_acceptance_uses_each_index_once(scores: dict[tuple[int, int], float]) -> None:
    won = accept(scores)
    assert len({one.before for one in won}) == len({one.after for one in won}) == len(won)
    turned = accept({(after, before): score for (before, after), score in scores.items()})
    assert {(one.after, one.before) for one in turned} == {(one.before, one.after) for one in won}


def test_an_inserted_call_leaves_a_gap_in_the_map() -> None:
    before = paths(path("f@a.c:10", "x@x.c:1"), path("f@a.c:12", "y@y.c:1"), path("f@a.c:14", "x@x.c:1"))
    after = paths(
        path("f@a.c:10", "x@x.c:1"),
        path("f@a.c:11", "z@z.c:1"),
        path("f@a.c:13", "y@y.c:1"),
        path("f@a.c:15", "x@x.c:1"),
    )
    subject, _ = subject_of(before, after)
    calls = CallSites(subject)
    found = calls.align(Learned()).anchors["a.c", "a.c"]
    assert found == [(10, 10), (12, 13), (14, 15)]


def test_calls_of_a_function_move_as_its_other_calls_not_as_its_neighbours() -> None:
    # The functions above moved by -9, main by -11; a second call was added where -9 leads to.
    before = paths(
        path("main@m.c:57", "sums@m.c:40"), path("main@m.c:58", "lu@m.c:44"), path("main@m.c:60", "grab@g.c:1")
    )
    after = paths(
        path("main@m.c:46", "sums@m.c:31"),
        path("main@m.c:47", "lu@m.c:35"),
        path("main@m.c:49", "grab@g.c:1"),
        path("main@m.c:51", "grab@g.c:1"),
    )
    found = CallSites(subject_of(before, after).subject).align(Learned()).anchors["m.c", "m.c"]
    assert found == [(40, 31), (44, 35), (57, 46), (58, 47), (60, 49)]


def test_calls_of_library_code_without_a_name_are_known_by_its_file() -> None:
    # Link-time optimisation took the names away and turned the blocks round.
    before = paths(
        path("f@a.c:10", "lib!std::list<int>::push_back(int&&)", "lib!allocate@new_allocator.h:1"),
        path("f@a.c:20", "lib!std::unordered_map<int, int>::operator[](int&&)", "lib!allocate@new_allocator.h:1"),
        path("f@a.c:30", "g@a.c:2"),
    )
    after = paths(
        path("f@a.c:12", "lib!?@unordered_map.h:980", "lib!?@new_allocator.h:1"),
        path("f@a.c:30", "g@a.c:2"),
        path("f@a.c:40", "lib!?@stl_list.h:1311", "lib!?@new_allocator.h:1"),
    )
    found = CallSites(subject_of(before, after).subject).align(Learned()).anchors["a.c", "a.c"]
    assert (10, 12) not in found and (20, 12) in found


@pytest.mark.parametrize("count", [10, 60, 200, 1000])
def test_functions_with_many_calls_are_mapped(count: int) -> None:
    before = paths(*(path(f"f@a.c:{3 * n}", f"part{n}@x.c:1") for n in range(1, count)))
    after = paths(*(path(f"f@a.c:{3 * n + (n > count // 2)}", f"part{n}@x.c:1") for n in range(1, count)))
    found = CallSites(subject_of(before, after).subject).align(Learned()).anchors["a.c", "a.c"]
    assert found == [(3 * n, 3 * n + (n > count // 2)) for n in range(1, count)]


def test_votes() -> None:
    subject, _ = subject_of(paths(path("log_open@a.c:1")), paths(path("lf_open@a.c:1")))
    names = [point.name.base for point in subject.points]
    learned = Learned(subject.points, [((names.index("log_open"), names.index("lf_open")), 3)])
    assert learned.support(BASE, "log_open", "lf_open") == 1.0
    assert learned.images("log_open") == ["lf_open"]
    assert learned.was_rewritten_elsewhere("log_close", "lf_close")
    assert not learned.was_rewritten_elsewhere("log_open", "lf_open")


FRAMES = st.sampled_from(
    [f"{name}@a.c:{line}" for name in ("f", "g", "h", "n::f", "old") for line in (1, 5)] + ["?@a.c:3"]
)
AFTER = st.sampled_from(
    [f"{name}@a.c:{line}" for name in ("f", "g", "h", "m::f", "new") for line in (1, 6)] + ["?@a.c:3"]
)


@settings(deadline=None)
@given(
    st.lists(st.lists(FRAMES, min_size=1, max_size=6), max_size=5),
    st.lists(st.lists(AFTER, min_size=1, max_size=6), max_size=5),
)
def test_no_score_is_above_its_bound(ours: list[list[str]], theirs: list[list[str]]) -> None:
    subject, _ = subject_of(paths(*(path(*row) for row in ours)), paths(*(path(*row) for row in theirs)))
    calls = CallSites(subject)
    vocabularies = Vocabulary.of(subject.before, subject.points), Vocabulary.of(subject.after, subject.points)
    similarity = Similarity(subject, calls, Leaves(subject.points, by_address=False), vocabularies)
    similarity.know(Learned(), calls.align(Learned()))
    for before in subject.before:
        for after in subject.after:
            assert similarity.of(before, after) <= similarity.bound(before, after) + 1e-9


def test_candidates_are_bounded() -> None:
    side, _ = subject_of(paths(*(path("main@m.c:1", f"f{n}@a.c:{n}", f"g{n % 7}@b.c:3") for n in range(300))), paths())
    found = candidate_pairs(side.before, side.before, side.points, Learned(), by_address=False)
    assert {(n, n) for n in range(300)} <= set(found)
    assert len(found) <= 300 * 64


def test_words() -> None:
    assert words("HTTPServer_close2") == ("http", "server", "close", "2")
    assert likeness("same", "same") == 1.0
    assert rewrite("a_b_c", "a_x_c") == ("b", "x")
    assert connected([]) == []
