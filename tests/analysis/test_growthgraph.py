"""The growth graph, against trying every choice of calls on small graphs, and on stacks with a known answer."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leakreport.analysis.diffreport import GrowthGraph
from leakreport.analysis.frames import describe
from leakreport.analysis.growthgraph import growth_graph
from leakreport.analysis.ownership import FrameClass, Ownership, is_entry
from leakreport.analysis.stacks import Stacks
from leakreport.model.raw import Frame, FrameKind

LIBRARY = "/usr/lib/libvendor.so.3"
PROGRAM = "/home/user/app/bin/app"
START, ALLOCATOR = "main", "malloc"
Paths = list[tuple[tuple[str, ...], int]]


def frame_of(name: str) -> Frame:
    """A frame of the program; `lib:` marks a vendor's function, `?` code without a name."""
    if name.startswith("lib:"):
        return Frame(name.removeprefix("lib:"), LIBRARY)
    if name.startswith("libc:"):
        return Frame(name.removeprefix("libc:") or None, "/usr/lib/libc.so.6", offset=None if name[5:] else 77)
    if name.startswith("?"):
        return Frame(None, PROGRAM, kind=FrameKind.ADDRESS, offset=int(name[1:], 16))
    if name.startswith("["):
        return Frame(name, kind=FrameKind.SYNTHETIC)
    if name.startswith("std::"):
        return Frame(name, PROGRAM, "/usr/include/c++/12/bits", "std_thread.h", 10)
    return Frame(name, PROGRAM, "/home/user/app/src", "app.c", 10)


class Answer:
    """A growth graph by names."""

    def __init__(self, paths: Paths) -> None:
        names = sorted({name for stack, _ in paths for name in stack})
        self._names = names
        frames = [frame_of(name) for name in names]
        columns = describe(frames, Ownership(executables=frozenset({PROGRAM})))
        stacks = Stacks.of([[names.index(name) for name in stack] for stack, _ in paths])
        own = columns.frame_class == FrameClass.OWN
        grown = np.array([amount for _, amount in paths], dtype=np.int64)
        found = growth_graph(stacks, grown, stacks.last(own[stacks.flat]), frames, columns)
        assert found is not None
        self.graph: GrowthGraph = found

    @property
    def edges(self) -> list[tuple[str, str]]:
        return [(self._names[edge.caller], self._names[edge.callee]) for edge in self.graph.edges]

    @property
    def common(self) -> str | None:
        return None if self.graph.common is None else self._names[self.graph.common.frame]

    @property
    def responsible(self) -> str | None:
        return None if self.graph.responsible is None else self._names[self.graph.responsible.frame]


functions = st.sampled_from(["load", "parse", "store", "walk"])
stacks_of_names = st.lists(functions, min_size=1, max_size=5).map(lambda inner: (START, *inner, ALLOCATOR))
small_graphs = st.lists(st.tuples(stacks_of_names, st.integers(1, 60)), min_size=1, max_size=6)


def calls_of(stack: tuple[str, ...]) -> set[tuple[str, str]]:
    """Those that may be an answer: `main` is none where its callee calls something, and here each one does."""
    return {(caller, callee) for caller, callee in pairwise(stack) if caller not in {callee, START}}


def grown_through(paths: Paths, chosen: set[tuple[str, str]]) -> int:
    return sum(amount for stack, amount in paths if calls_of(stack) & chosen)


@given(small_graphs)
def test_no_smaller_number_of_calls_explains_four_fifths(paths: Paths) -> None:
    calls = sorted(set().union(*(calls_of(stack) for stack, _ in paths)))
    assume(len(calls) <= 12)
    whole = sum(amount for _, amount in paths)
    answer = Answer(paths)
    fewest = next(
        count
        for count in range(1, len(calls) + 1)
        if any(5 * grown_through(paths, set(chosen)) >= 4 * whole for chosen in combinations(calls, count))
    )
    assert answer.graph.is_fewest
    assert answer.graph.is_explained
    assert len(answer.edges) == fewest
    assert answer.graph.explained_bytes == grown_through(paths, set(answer.edges))
    assert 5 * answer.graph.explained_bytes >= 4 * whole == 4 * answer.graph.whole_bytes
    for names, edge in zip(answer.edges, answer.graph.edges, strict=True):
        assert edge.amount_bytes == grown_through(paths, {names})
        assert set(edge.rows) == {index for index, (stack, _) in enumerate(paths) if names in calls_of(stack)}


@given(small_graphs)
def test_the_common_function_is_on_every_path_and_nothing_common_is_always_deeper(paths: Paths) -> None:
    on_all = set.intersection(*(set(stack) for stack, _ in paths)) - {START, ALLOCATOR}
    answer = Answer(paths)
    if not on_all:
        assert answer.graph.common is None or 100 * answer.graph.common.amount_bytes >= 95 * answer.graph.whole_bytes
        return
    found = answer.common
    assert found in on_all
    assert answer.graph.common is not None
    assert answer.graph.common.amount_bytes == answer.graph.whole_bytes
    assert answer.graph.common.rows == tuple(range(len(paths)))
    for other in on_all - {found}:
        last = {index: len(stack) - 1 - stack[::-1].index(found) for index, (stack, _) in enumerate(paths)}
        assert any(stack.index(other) < last[index] for index, (stack, _) in enumerate(paths))


@given(small_graphs)
def test_the_responsible_function_has_the_most_growth(paths: Paths) -> None:
    grown: dict[str, int] = {}
    for stack, amount in paths:
        grown[stack[-2]] = grown.get(stack[-2], 0) + amount
    answer = Answer(paths)
    assert answer.graph.responsible is not None
    assert answer.graph.responsible.amount_bytes == max(grown.values()) == grown[answer.responsible or ""]


@given(small_graphs, st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_scale_of_the_paths_matters(paths: Paths, random: object) -> None:
    once, again = Answer(paths), Answer(paths)
    assert once.graph == again.graph
    large = Answer([(stack, 1000 * amount) for stack, amount in paths])
    turned = Answer(paths[::-1])
    for other in (large, turned):
        assert other.edges == once.edges
        assert other.common == once.common
    assert large.graph.explained_bytes == 1000 * once.graph.explained_bytes
    assert large.graph.common is None or large.graph.common.rows == (once.graph.common or large.graph.common).rows
    assert turned.graph.explained_bytes == once.graph.explained_bytes


def test_the_call_nearest_to_the_allocation_is_shown() -> None:
    answer = Answer(
        [((START, "serve", "handle", "put", "decode", ALLOCATOR), 85), ((START, "serve", "log", ALLOCATOR), 15)]
    )
    assert answer.edges == [("put", "decode")]
    assert answer.graph.explained_bytes == 85
    assert answer.common == "serve"
    assert answer.responsible == "decode"


def test_a_call_into_a_library_is_shown_where_your_code_makes_it() -> None:
    answer = Answer([((START, "serve", "render", "lib:img_open", "lib:img_table", ALLOCATOR), 9)])
    assert answer.edges == [("render", "lib:img_open")]
    assert answer.common == "render"


def test_code_of_libraries_alone_has_its_innermost_call() -> None:
    answer = Answer([(("start_thread", "lib:worker", "lib:fill", ALLOCATOR), 9)])
    assert answer.edges == [("lib:worker", "lib:fill")]
    assert answer.common == "lib:fill"
    assert answer.responsible is None


def test_recursion_counts_a_path_once() -> None:
    answer = Answer([((START, "walk", "visit", "walk", "visit", "walk", "visit", ALLOCATOR), 7)])
    assert [edge.amount_bytes for edge in answer.graph.edges] == [7]
    assert answer.edges == [("walk", "visit")]
    assert answer.common in {"walk", "visit"}


@pytest.mark.parametrize(
    "start",
    [
        "main", "(below main)", "_start", "__libc_start_main", "start_thread", "clone3", "uv_run", "g_main_loop_run",
        "std::thread::_State_impl<std::thread::_Invoker<std::tuple<main::{lambda()#1}> > >::_M_run()",
        "boost::asio::io_context::run()", "boost::asio::detail::scheduler::run(boost::system::error_code&)",
        "java.lang.Thread.run", "runtime.goexit", "runtime.main", "main.main", "std::rt::lang_start",
        "std::sys::backtrace::__rust_begin_short_backtrace", "QEventLoop::exec(QFlags<QEventLoop::ProcessEventsFlag>)",
    ],
)  # fmt: skip
def test_where_threads_and_loops_begin_is_no_answer(start: str) -> None:
    answer = Answer([((START, start, "work", ALLOCATOR), 60), ((START, start, "rest", ALLOCATOR), 40)])
    assert answer.common is None
    assert answer.edges == [("work", ALLOCATOR), ("rest", ALLOCATOR)]
    alone = Answer([((START, start, ALLOCATOR), 1)])
    assert alone.edges == []
    assert alone.common is None
    assert not alone.graph.is_explained


def test_what_stands_between_two_functions_is_passed_over() -> None:
    inner = "std::function<void ()>::operator()() const"
    answer = Answer(
        [((START, "walk", inner, "[12 small paths]", "visit", "std::vector<int>::push_back(int&&)", ALLOCATOR), 5)]
    )
    assert answer.edges == [("walk", "visit")]


def test_a_wrapper_is_an_answer_only_where_nothing_else_is() -> None:
    assert Answer([((START, "parse", "xmalloc", ALLOCATOR), 5)]).edges == [("parse", "xmalloc")]
    assert Answer([((START, "xmalloc", ALLOCATOR), 5)]).edges == [("xmalloc", ALLOCATOR)]


def test_code_without_names_is_told_by_its_place() -> None:
    answer = Answer([((START, "?1a0", "?2b0", ALLOCATOR), 5), ((START, "?1a0", "?2c0", ALLOCATOR), 4)])
    assert answer.edges == [("?1a0", "?2b0"), ("?1a0", "?2c0")]
    assert answer.common is None


@pytest.mark.parametrize(
    "outer", [("?10", "libc:"), ("?10", "libc:__libc_start_main"), ("libc:__libc_start_call_main",)]
)
def test_main_without_a_name_is_no_answer(outer: tuple[str, ...]) -> None:
    stacks: Paths = [((*outer, "?20", work, ALLOCATOR), 50) for work in ("?30", "?40")]
    assert Answer(stacks).edges == [("?30", ALLOCATOR), ("?40", ALLOCATOR)]
    # A thread's own function is one of yours.
    threads: Paths = [(("libc:start_thread", "?20", work, ALLOCATOR), 50) for work in ("?30", "?40")]
    assert Answer(threads).edges == [("?20", "?30"), ("?20", "?40")]


def test_how_a_program_enters_its_code_is_an_answer_only_where_nothing_else_is() -> None:
    assert Answer([((START, "serve", work), 50) for work in ("load", "store")]).edges == [
        ("serve", "load"),
        ("serve", "store"),
    ]
    assert Answer([((START, "serve"), 50)]).edges == [(START, "serve")]


def test_nothing_grew() -> None:
    columns = describe([], Ownership())
    assert growth_graph(Stacks.of([]), np.zeros(0, np.int64), np.zeros(0, np.int64), [], columns) is None


def test_a_user_with_that_word_in_a_name_is_no_loop() -> None:
    assert not is_entry("scheduler_run_jobs")
    assert not is_entry("shop::main_table")
