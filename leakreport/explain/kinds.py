"""What holds for every leak of a kind, and for every error of a tool: the words that need no stack."""

from __future__ import annotations

from typing import NamedTuple

from leakreport.model.metrics import LeakKind


class Words(NamedTuple):
    """Sentences for the headings that do not depend on where it was allocated."""

    why: str
    sure: str
    ignore: str
    prove: str


_RECORD_AGAIN = "Record the same run again, with the same options and the same input, and compare: the path must be gone, and no new one in its place."

KIND_WORDS = {
    LeakKind.DEFINITE: Words(
        "It cannot be used or freed any more. In a program that runs for long, or where this code runs for each request, it adds up until memory is short.",
        "The tool searched all memory of the process and found no pointer to the block. It can only err where pointers are stored in a changed form (compressed, XORed, tagged in their upper bits) or in memory it does not look at, such as that of a device.",
        "Nearly never. One block of fixed size, lost once on the way to exit, does no harm; still it hides the next one.",
        f"{_RECORD_AGAIN} A gate keeps it so: --fail-on definite.",
    ),
    LeakKind.INDIRECT: Words(
        "It is lost because what pointed to it was lost: it counts as much memory, and has no cause of its own.",
        "As sure as the record of the block that points to it. Rings of blocks that point to each other are shown as indirect, except for one of them.",
        "Not by itself: look at the definitely lost record that drags it along.",
        f"{_RECORD_AGAIN} It goes with its owner's record; what remains then is a leak of its own, because the owner's destructor does not release it.",
    ),
    LeakKind.POSSIBLE: Words(
        "It can be a true leak, and then it adds up like one. It can also be memory that is in use and only pointed to from within.",
        "Not sure by nature: the tool found pointers into the middle of the block and none to its beginning.",
        "Where the program keeps an interior pointer on purpose: a pool, an array of objects with destructors, an object behind a base class at an offset, the stack of a running thread.",
        f"{_RECORD_AGAIN} Where an interior pointer is meant, the amount must stay the same after twice the work.",
    ),
    LeakKind.REACHABLE: Words(
        "At exit it does no harm: the system takes it back. It matters if it grows while the program works, because then it is a leak that no leak search finds.",
        "That it was allocated and is still pointed to is certain. Whether it is a leak one run cannot tell.",
        "Where it is allocated once: a cache, a table, a library's state that lives as long as the program.",
        "Record a run with twice the work and compare (leakreport diff SHORT LONG): the path must have the same bytes in both.",
    ),
    LeakKind.NONE: Words(
        "It is memory that was held when the profile was taken. It is a leak if it grows with the work done, and a price of the work if it does not.",
        "The amount is measured. Whether anything still points to it this tool does not look at, so lost and in use cannot be told apart.",
        "Where it is what the program holds on purpose at that moment, and the same at the next.",
        "Take several profiles of one process under steady load: leakreport trend DUMPS must not find growth on this path.",
    ),
}
ERROR_WORDS = Words(
    "The program uses memory in a way that the language does not define: it can work, crash, or give wrong results, and change with every build.",
    "The tool saw it happen in this run, at this instruction. False reports are rare, and come from hand-written assembly, or libraries that read past an end on purpose.",
    "Nearly never. In a library that is known for it, suppress exactly this stack.",
    "Run the same test again under the tool: the error must be gone, and no other one at the same place. A gate keeps it so: --fail-on errors.",
)
SIGNAL_WORDS = Words(
    "The process did not come to its end: what it says of leaks is of the moment it was killed.",
    "The tool wrote down the signal and the stack on which it came.",
    "Where the test sends the signal on purpose.",
    "Run again: the program must end by itself, with the exit status that is meant.",
)
DESCRIPTOR_WORDS = Words(
    "A process has a limited number of descriptors (ulimit -n, often 1,024); when they run out, nothing can be opened any more. A lost stream also keeps its buffer.",
    "The tool counted the calls that open and close; which descriptors were open at exit is certain.",
    "Where it is opened once and meant to stay open until the end: a log file, a listening socket.",
    "Record again with --track-fds=yes: the descriptor must be gone. A gate keeps it so: --fail-on fds.",
)
RECORDING_WORDS = Words(
    "It is no leak, but it limits what the report can say.",
    "It is counted from the stacks of the recording.",
    "Where the paths you look for can be told apart all the same.",
    "Record again as said above: this remark must be gone.",
)
GROWTH_WORDS = Words(
    "It explains where the second run holds more than the first: whoever reads it need not look at every path.",
    "The bytes are exact sums of paths that were matched between the runs. That a library changed in the same comparison makes it a suspect and no more.",
    "Where the second run did more work, and the growth is what that work needs.",
    "Compare again after the change: the growth through it must be gone.",
)
