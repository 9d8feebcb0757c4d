"""What to tell people about each kind of finding: short, true sentences, worded as possibilities.

One table per question. Nothing here looks at files; the findings fill in numbers and names. What is allocated where, and
who releases it, is the table of `leakreport.advice`.
"""

from __future__ import annotations

from typing import NamedTuple

from leakreport.analysis.report import Severity
from leakreport.model.metrics import LeakKind


class KindText(NamedTuple):
    """What a leak kind means and how much it matters."""

    severity: Severity
    meaning: str
    advice: str


LEAK_TEXTS = {
    LeakKind.DEFINITE: KindText(
        Severity.ERROR,
        "no pointer to it remains, so nothing can free it any more",
        "Look for the place where the last pointer is dropped: an early return or exception before the release, a "
        "pointer that is overwritten, a container of raw pointers that is cleared, an owner without a destructor.",
    ),
    LeakKind.INDIRECT: KindText(
        Severity.WARNING,
        "only other lost blocks point to it",
        "It goes away when the block that owns it is released: fix that record first, then look again.",
    ),
    LeakKind.POSSIBLE: KindText(
        Severity.WARNING,
        "only pointers into its middle remain",
        "It can be a true leak with a stale pointer nearby, or memory that is kept by an interior pointer on purpose: "
        "a pool or custom allocator, an array of objects with destructors, a base class at an offset, a running thread's "
        "stack. If nothing of that fits, treat it as lost.",
    ),
    LeakKind.REACHABLE: KindText(
        Severity.INFO,
        "a pointer to it still exists at exit",
        "Allocated once, by a library's start-up or a cache that lives as long as the program, it is usually harmless. "
        "It matters when it grows with work done: compare two runs of different length.",
    ),
    LeakKind.NONE: KindText(
        Severity.INFO,
        "it was allocated here and not released until then",
        "One profile cannot tell a leak from memory in use: take a second one later, and see whether this grew with the "
        "work done.",
    ),
}


class ProblemText(NamedTuple):
    """What an error kind of a tool means and what can cause it."""

    title: str
    advice: str


PROBLEM_TEXTS = {
    "InvalidRead": ProblemText(
        "Invalid read",
        "The program read memory that is not its own: past the end of a block, or after free. The further stacks say "
        "which block it was and who freed it.",
    ),
    "InvalidWrite": ProblemText(
        "Invalid write",
        "The program wrote to memory that is not its own: past the end of a block, or after free. This corrupts other "
        "data, so fix it before trusting anything else in this report.",
    ),
    "InvalidJump": ProblemText(
        "Jump to an invalid address", "A function pointer or return address can be overwritten."
    ),
    "InvalidFree": ProblemText(
        "Invalid free", "It was freed before, or does not point to the start of a block. The further stacks say which."
    ),
    "MismatchedFree": ProblemText(
        "Mismatched release",
        "Allocated by one family and released by another: malloc goes with free, new with delete, new[] with delete[].",
    ),
    "UninitCondition": ProblemText(
        "Decision on an uninitialised value",
        "A branch depends on memory nobody has written. Record with --track-origins=yes to see where it comes from.",
    ),
    "UninitValue": ProblemText(
        "Use of an uninitialised value",
        "An address or operand depends on memory nobody has written. Record with --track-origins=yes to see its origin.",
    ),
    "SyscallParam": ProblemText(
        "Bad argument to a system call",
        "Uninitialised or unaddressable bytes are handed to the kernel: often padding of a struct, or a buffer that is too short.",
    ),
    "ClientCheck": ProblemText("A check asked for by the program failed", "See the client request in the stack."),
    "CoreMemError": ProblemText("Unaddressable memory", "The program passed memory that is not its own."),
    "Overlap": ProblemText("Source and destination overlap", "Use memmove instead of memcpy, or other buffers."),
    "InvalidMemPool": ProblemText(
        "Bad memory pool", "The pool's address was never announced to valgrind, or was destroyed."
    ),
    "FishyValue": ProblemText("Suspicious size", "A negative number can have been converted to an unsigned size."),
    "ReallocSizeZero": ProblemText(
        "realloc with size 0", "It frees the block on some systems and not on others: call free instead."
    ),
    "InvalidSizeAndAlignment": ProblemText(
        "Bad size and alignment", "The allocator was asked for an impossible block."
    ),
    "InvalidAlignment": ProblemText("Bad alignment", "The alignment must be a power of two that the function allows."),
    "InvalidSize": ProblemText("Bad size", "The allocator was asked for an impossible size."),
    "MismatchedAllocateDeallocateSize": ProblemText(
        "Released with another size",
        "Sized delete was called with the size of another type: often a missing virtual destructor.",
    ),
    "MismatchedAllocateDeallocateAlignment": ProblemText(
        "Released with another alignment", "Aligned new goes with aligned delete of the same alignment."
    ),
    "FdBadClose": ProblemText(
        "Descriptor closed twice", "The second close can hit a descriptor that somebody else has just opened."
    ),
    "FdBadUse": ProblemText("Use of a closed descriptor", "It was closed, or never opened."),
    "FdNotClosed": ProblemText(
        "Descriptor left open",
        "Close it where its owner ends, on error paths too; in C++ by a guard object, for children with O_CLOEXEC.",
    ),
}
UNKNOWN_PROBLEM = ProblemText("Error", "See the tool's manual for this kind.")
SIGNAL_TEXT = ProblemText(
    "The program was ended by a signal",
    "What it still held then is listed as it was; memory that a normal exit would have released can be among it.",
)
STACK_CUT_ADVICE = "Different leaks that share their innermost frames are one record then. Record with --num-callers=40 to see all callers."
NO_DEBUG_INFO_ADVICE = (
    "Build with -g (it changes no code), or install the debug packages, and record again to see files and lines."
)
WRAPPER_ADVICE = "To name its callers instead, count it as an allocator: --alloc-fn {name}"
