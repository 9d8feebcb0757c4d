"""Stacks as a page lists them: run-time glue in one line, nothing lost."""

from __future__ import annotations

import pytest

from leakreport.model.raw import Frame
from leakreport.render.stacks import stack_parts

# Names as gcc 13, libc++ 17 and rustc 1.77 write them into debug information, outermost first.
GLUE = {
    "std::function": (
        "std::function<void (int)>::operator()(int) const",
        "std::_Function_handler<void (int), Router::dispatch(Request&&)::{lambda(int)#1}>::_M_invoke(std::_Any_data const&, int&&)",
        "void std::__invoke_impl<void, Router::dispatch(Request&&)::{lambda(int)#1}&, int>(std::__invoke_other, int&&)",
    ),
    "std::thread": (
        "execute_native_thread_routine",
        "std::thread::_State_impl<std::thread::_Invoker<std::tuple<void (Worker::*)(), Worker*> > >::_M_run()",
        "std::thread::_Invoker<std::tuple<void (Worker::*)(), Worker*> >::operator()()",
    ),
    "Rust closures": (
        "std::sys_common::backtrace::__rust_begin_short_backtrace",
        "core::ops::function::FnOnce::call_once{{vtable.shim}}",
    ),
}


@pytest.mark.parametrize("title", GLUE)
def test_glue_between_calls_is_one_line_that_opens(title: str) -> None:
    names = ("main", *GLUE[title], "work", "malloc")
    frames = [Frame(name, "/app/x") for name in names]
    parts = stack_parts(frames, [True] * len(frames), range(len(frames)), names.index("work"))
    assert [part.summary for part in parts] == ["", f"⋯ {len(GLUE[title])} frames of {title} collapsed", ""]
    lines = [line for part in parts for line in part.lines]
    assert [line.name for line in lines] == list(reversed(names))
    assert [line.number for line in lines] == list(range(len(names)))
    assert [line.name for line in lines if line.style == "hit"] == ["work"]


def test_one_frame_of_glue_stays_and_the_named_one_is_never_hidden() -> None:
    names = ("main", GLUE["std::function"][0], GLUE["std::function"][1], "malloc")
    frames = [Frame(name, "/app/x") for name in names]
    assert all(not part.summary for part in stack_parts(frames, [True] * 4, range(4), 2))
    assert all(not part.summary for part in stack_parts(frames[:2], [True] * 2, range(2), None))


def test_functions_that_only_mention_glue_are_no_glue() -> None:
    names = (
        "register_all(std::function<void ()>)",
        "Bus::on(std::function<void ()> const&)",
        "mystd::function<int>::run()",
    )
    frames = [Frame(name, "/app/x") for name in names]
    assert all(not part.summary for part in stack_parts(frames, [True] * 3, range(3), None))
