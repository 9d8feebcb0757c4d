"""Stacks as a page lists them: innermost first, yours in ink, the library's muted, run-time glue folded into one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from leakreport.model.raw import Frame
from leakreport.render.phrases import frame_name, location, place
from leakreport.render.source_links import SourceLinks
from leakreport.units import format_count, plural

_MOST_FRAMES = 60
_LEAST_FOLDED = 2
# What stands between a call and the function that is called, and says nothing about either.
_GLUE = {
    "std::function": (
        "std::function<",
        "std::_Function_handler<",
        "std::_Function_base",
        "std::__1::function<",
        "std::__1::__function::",
        "std::__invoke",
        "std::invoke",
        "std::__1::__invoke",
        "std::_Bind",
        "std::_Mem_fn",
    ),
    "std::thread": (
        "std::thread::_Invoker<",
        "std::thread::_State_impl<",
        "std::__1::__thread_proxy",
        "std::__1::__thread_execute",
        "execute_native_thread_routine",
    ),
    "coroutines": ("std::coroutine_handle<", "std::__n4861::coroutine_handle<", "std::__1::coroutine_handle<"),
    "Rust closures": (
        "core::ops::function::Fn",
        "<core::panic::unwind_safe::AssertUnwindSafe",
        "std::panicking::try",
        "std::panic::catch_unwind",
        "std::sys_common::backtrace::__rust_begin_short_backtrace",
        "std::sys::backtrace::__rust_begin_short_backtrace",
    ),
}


class StackLine(NamedTuple):
    """A frame in a list; `style` is a class: `hit` is the named one, `lib` is not yours."""

    number: int
    name: str
    place: str
    style: str
    url: str = ""
    """The page that shows its source, empty for none."""
    editor_url: str = ""
    """What opens an editor there."""


class StackPart(NamedTuple):
    """Lines that stand together; folded below a summary where it is not empty."""

    lines: list[StackLine]
    summary: str


def stack_parts(
    frames: Sequence[Frame],
    own: Sequence[bool],
    stack: Sequence[int],
    named: int | None,
    links: SourceLinks | None = None,
) -> list[StackPart]:
    """A stack, innermost first; of a very deep one the innermost frames and the named one.

    Args:
        frames: of the report.
        own: per frame, whether it is yours.
        stack: indexes into them, outermost first.
        named: the position in the stack of the frame a path is named by.
        links: where frames lead to.
    """
    found: list[StackPart] = []
    for glue, numbered in groupby(_lines(frames, own, stack, named, links), key=lambda one: one[1]):
        lines = [line for line, _ in numbered]
        if glue and len(lines) >= _LEAST_FOLDED:
            found.append(StackPart(lines, f"⋯ {plural(len(lines), 'frame')} of {glue} collapsed"))
        else:
            found.append(StackPart(lines, ""))
    return found


def _lines(
    frames: Sequence[Frame],
    own: Sequence[bool],
    stack: Sequence[int],
    named: int | None,
    links: SourceLinks | None,
) -> Iterator[tuple[StackLine, str]]:
    hidden = 0
    for number, position in enumerate(range(len(stack) - 1, -1, -1)):
        if number >= _MOST_FRAMES and position != named:
            hidden += 1
            continue
        frame = frames[stack[position]]
        style = "hit" if position == named else "" if own[stack[position]] else "lib"
        # What has no name is called by its module.
        where = place(frame) if frame.function is not None else location(frame)
        url, editor = (None, None) if links is None else (links.url(frame), links.editor_url(frame))
        line = StackLine(number, frame_name(frame), where, style, url or "", editor or "")
        yield line, "" if position == named else _glue(frame.function or "")
    if hidden:
        yield StackLine(len(stack), f"{format_count(hidden)} more frames are left out", "", "lib"), ""


def _glue(function: str) -> str:
    # A return type stands in front of the names of templates: "void std::__invoke_impl<…>".
    name = function.split("(", 1)[0].split("<", 1)[0].rpartition(" ")[2] + function[len(function.split("<", 1)[0]) :]
    return next((title for title, starts in _GLUE.items() if name.startswith(starts)), "")
