"""Frames of the sanitizers' stacks, in the forms of gcc's and clang's runtime.

    #1 0x561c2c94718a in lose_big src/leaks.c:18[:75]
    #0 0x559343335f42 in __interceptor_malloc (/src/lsan_clang+0x2ff42) (BuildId: e808…)
    #2 0x558b8162629c  (/src/lsan_gcc+0x129c)                  without symbols

Addresses are those of calls already. A function may hold blanks, parentheses and ` in `, a path blanks: so places are
looked for from the right, the function begins behind the first ` in `.

Source: LLVM `compiler-rt/lib/sanitizer_common/sanitizer_stacktrace_printer.cpp`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind

FRAME_LINE = re.compile(rb"(?:\A|\s)#(\d{1,6}) 0x([0-9a-fA-F]{1,16})(?:\s+(.*))?\Z")
_OFFSET = re.compile(r"\+0x([0-9a-f]{1,16})\Z")
_BUILD_ID = re.compile(r" \(BuildId: ([0-9a-fA-F]{4,128})\)\s*\Z")
_LINE = re.compile(r":(\d{1,9})(?::\d{1,9})?\Z")
_INTERCEPTOR = re.compile(
    r"(?:_{0,3}interceptor_(?:trampoline_)?|wrap_)?"
    r"(?:malloc|calloc|realloc|reallocarray|memalign|aligned_alloc|posix_memalign|valloc|pvalloc|strdup|__strdup|strndup)\Z"
    r"|operator new(?:\[\])?(?:\(.*)?\Z"
)
_RUNTIMES = ("liblsan.", "libasan.", "libhwasan.", "libclang_rt.")


class PlacedFrame(NamedTuple):
    """A frame and the address it stands at, by which inlined functions are known."""

    address: int
    frame: Frame
    build_id: str | None = None
    """Of the frame's module, lower-case hex, where the report names one."""


def parse_frame(address: int, text: str, limits: Limits) -> PlacedFrame:
    """A frame from what stands behind its address."""
    function: str | None = None
    if text.startswith("in "):
        function, place = _split_place(text[3:].strip())
    else:
        place = text.strip()
    module, offset = _module(place)
    directory = file = line = None
    if module is None and function is not None and place and not place.startswith("("):
        directory, file, line = _source(place)
    if function in {"", "??", "<null>"}:
        function = None
    if function is not None:
        frame = Frame(function[: limits.name_characters], module, directory, file, line)
    elif module is not None:
        frame = Frame(module=module, offset=offset, kind=FrameKind.ADDRESS)
    else:
        frame = Frame(address=address, kind=FrameKind.ADDRESS)
    build_id = _BUILD_ID.search(text) if frame.module is not None else None
    return PlacedFrame(address, frame, None if build_id is None else build_id[1].lower())


def _split_place(text: str) -> tuple[str, str]:
    """Function and place; the place may be missing."""
    bare = text
    if bare.endswith(")") and (start := bare.rfind(" (BuildId: ")) >= 0:
        bare = bare[:start]
    if bare.endswith(")") and "+0x" in bare:
        for opening in (" (/", " (<", " ("):
            if (start := bare.rfind(opening)) >= 0:
                return bare[:start], bare[start + 1 :]
    if bare.endswith((" (<unknown module>)", " <null>")):
        return bare.removesuffix("(<unknown module>)").removesuffix("<null>").rstrip(), ""
    start = bare.find(" /")
    if start < 0 or not _LINE.search(bare):
        start = bare.rfind(" ")
        if start < 0 or (not _LINE.search(bare) and ("." not in bare[start:] or bare.endswith((")", "const", ">")))):
            return bare, ""
    return bare[:start], bare[start + 1 :]


def _module(place: str) -> tuple[str | None, int | None]:
    """Module and offset from `(MODULE+0xOFFSET)`, with or without a build id behind it."""
    if (start := place.rfind(" (BuildId: ")) >= 0:
        place = place[:start]
    if not place.startswith("(") or not place.endswith(")"):
        return None, None
    match = _OFFSET.search(place[:-1])
    if match is None or place.startswith("(<"):
        return None, None
    return place[1 : match.start()], int(match[1], 16)


def _source(place: str) -> tuple[str | None, str | None, int | None]:
    match = _LINE.search(place)
    path = place if match is None else place[: match.start()]
    if path.strip("?") == "":
        return None, None, None
    directory, _, file = path.rpartition("/")
    return directory or None, file, (int(match[1]) or None) if match is not None else None


def finish_stack(placed: list[PlacedFrame]) -> list[Frame]:
    """The frames outermost first, without the allocation function that the sanitizer put in the program's way.

    A frame at the address of its caller is inlined there, unless both are the same function: that is recursion.
    """
    begin = 0
    while begin < len(placed) - 1 and _is_interceptor(placed[begin].frame):
        begin += 1
    found: list[Frame] = []
    for index in range(len(placed) - 1, begin - 1, -1):
        address, frame, _ = placed[index]
        if index + 1 < len(placed):
            outer = placed[index + 1]
            if outer.address == address and outer.frame.function != frame.function:
                frame = frame._replace(is_inlined=True)
        found.append(frame)
    return found


def _is_interceptor(frame: Frame) -> bool:
    if frame.function is not None:
        return _INTERCEPTOR.match(frame.function) is not None
    return (frame.module_name or "").startswith(_RUNTIMES)
