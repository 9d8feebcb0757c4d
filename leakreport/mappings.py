"""What the mappings of a Linux process are for: heap, arenas, thread stacks, files …, and what each group holds.

A mapping has no identity over time: the kernel merges neighbours and grows them downwards, so their addresses change from
sample to sample. They are put in groups by rules, and a group is compared with itself. Readers of recordings use this, and so
does whoever samples a live process.

Rules, the first that fits: what a name says; a glibc arena by its alignment; a thread stack behind its guard; code without
a file; the Java heap by its place; the rest is `[anon]`. Each heuristic says where it errs.

Source: proc_pid_maps(5), proc_pid_smaps(5); glibc `malloc/arena.c` (HEAP_MAX_SIZE), `nptl/allocatestack.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class Group(StrEnum):
    """What a mapping is for, in the words of reports."""

    HEAP = "[heap]"
    """The break of the program: malloc's main arena."""
    ANON = "[anon]"
    NAMED = "[named memory]"
    """Anonymous memory that the program gave a name (PR_SET_VMA_ANON_NAME)."""
    ARENA = "[glibc arena]"
    """Further arenas of malloc, one per thread up to eight per processor."""
    STACK = "[stack]"
    """That of the first thread."""
    THREAD_STACK = "[thread stack]"
    GUARD = "[guard]"
    RESERVED = "[reserved]"
    """Address space without access."""
    CODE = "[jit code]"
    """Anonymous and executable: what a just-in-time compiler wrote."""
    JAVA_HEAP = "[Java heap]"
    CDS = "[CDS archive]"
    SHARED = "[shared memory]"
    """memfd, /dev/shm, System V and anonymous shared memory."""
    FILE = "[mapped file]"
    """Shared, or mapped as data: address space that munmap gives back, and page cache."""
    IMAGE = "[program and libraries]"
    KERNEL = "[kernel]"


class Vma(NamedTuple):
    """One mapping."""

    start: int
    end: int
    """First address behind it."""
    perms: str
    """As the kernel writes them: `rw-p`."""
    path: str = ""
    """As the kernel writes it; empty for anonymous memory."""
    fields: Mapping[str, int] = {}
    """What is measured, in bytes, by the kernel's word in lower case: `rss`, `anonymous`, `private_dirty`; `dirty` is
    pmap's sum of private and shared. What is not measured has no entry."""

    @property
    def size(self) -> int:
        """Address space, in bytes."""
        return self.end - self.start


class Placed(NamedTuple):
    """A mapping with its group."""

    vma: Vma
    group: Group
    key: str
    """Of files and names: which, with digits that number them replaced by `#`; else empty."""


_NAMED_KERNEL = frozenset(("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]", "[sigpage]", "[vectors]"))
_DELETED = " (deleted)"
_SHARED = re.compile(r"/memfd:|/dev/shm/|/SYSV[0-9a-fA-F]|/dev/zero\Z|/dev/ashmem|\[anon_shmem:|\[ shmid=")
_ARENA_NAME = re.compile(r"\[anon: ?glibc: malloc arena")
_STACK_NAME = re.compile(r"\[stack:\d+\]|\[anon: ?glibc: pthread (?:user )?stack|\[anon:stack_and_tls")
_DIGITS = re.compile(r"\d+")
_MANY_DIGITS = re.compile(r"\d{4,}")
_NUMBER_FOLDER = re.compile(r"(?<=/)(?:\d+|[0-9a-f]{8,}(?:-[0-9a-f]{4,}){0,4})(?=/)")
_HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])(?=[a-f]*\d)[0-9a-f]{8,}(?:-[0-9a-f]{4,}){0,4}(?![0-9A-Za-z])")
_HIGH = 0x7000_0000_0000
"""Programs and their break stand below, libraries and mmap above (x86-64; elsewhere as well, at other places)."""
_KERNEL_START = 1 << 63
_JAVA_END = 32 * GIB
"""Heaps that compressed pointers reach end here."""
_GUARD_LARGEST = 64 * KIB


def numbered(path: str) -> str:
    """A path whose file is one of many: what counts them is `#`.

    >>> numbered("/data/segment-12.dat"), numbered("/proc/4242/task"), numbered("/tmp/up-769b1e9f-3396-48b7-a788-51086b60503f")
    ('/data/segment-#.dat', '/proc/#/task', '/tmp/up-#')
    """
    folder, slash, name = path.rpartition("/")
    return _NUMBER_FOLDER.sub("#", folder + slash) + _DIGITS.sub("#", _HEXADECIMAL.sub("#", name))


def place(vmas: Iterable[Vma], *, knows_heap: bool = True, command: Sequence[str] = ()) -> list[Placed]:
    """All mappings of one moment with their groups, by address.

    Args:
        vmas: in any order.
        knows_heap: whether the source names the heap; pmap -x does not.
        command: of the process, where it is known: `-Xmx` says how large a Java heap can be.
    """
    rows = sorted(vmas, key=lambda vma: vma[:4])
    java = _java_heap(rows, command)
    arena_bytes = 64 * MIB if any(vma.end > 4 * GIB for vma in rows) else MIB
    brk = None if knows_heap else _break(rows)
    found: list[Placed] = []
    guarded_end = -1
    image = None
    arena_end = -1
    for number, vma in enumerate(rows):
        following = rows[number + 1] if number + 1 < len(rows) else None
        placed = _by_path(vma)
        if placed is None and vma.start in java:
            placed = Placed(vma, Group.JAVA_HEAP, "")
        if placed is None and vma.start == brk:
            placed = Placed(vma, Group.HEAP, "")
        if placed is None and arena_end < vma.end and vma.start < arena_end:
            # The tail that an arena has not touched, with the guard of a stack above it where the kernel joined them.
            placed = Placed(vma, Group.ARENA, "")
            guarded_end = vma.end
        if placed is None and image is not None and vma.start == image.vma.end and _is_data(vma):
            # Zeros behind a data segment. Heuristic: it errs where mmap happens to fill the hole behind a library.
            placed = Placed(vma, Group.IMAGE, image.key)
        if placed is None:
            arena_end = max(arena_end, _arena_end(vma, following, arena_bytes))
            placed = _anonymous(vma, guarded_end, is_arena=vma.start < arena_end)
        if placed.group is Group.GUARD or (placed.group is Group.RESERVED and "r" not in vma.perms):
            guarded_end = vma.end if vma.size <= _GUARD_LARGEST else -1
        image = placed if placed.group is Group.IMAGE and vma.path else None
        found.append(placed)
    return found


def _is_data(vma: Vma) -> bool:
    return vma.perms[:2] != "--" and "x" not in vma.perms


def _by_path(vma: Vma) -> Placed | None:
    """What its name says; None for what has none."""
    path = vma.path.removesuffix(_DELETED)
    if not path:
        return None
    if path == "[heap]":
        return Placed(vma, Group.HEAP, "")
    if path == "[stack]":
        return Placed(vma, Group.STACK, "")
    if path in _NAMED_KERNEL:
        return Placed(vma, Group.KERNEL, "")
    if _STACK_NAME.match(path):
        return Placed(vma, Group.THREAD_STACK, "")
    if _ARENA_NAME.match(path):
        return Placed(vma, Group.ARENA, "")
    if path.startswith("/memfd:java_heap"):
        return Placed(vma, Group.JAVA_HEAP, "")
    if _SHARED.match(path):
        return Placed(vma, Group.SHARED, numbered(path))
    if path.startswith("["):
        return Placed(vma, Group.NAMED, _DIGITS.sub("#", path))
    if path.endswith(".jsa"):
        return Placed(vma, Group.CDS, "")
    if vma.perms.endswith("s") and "x" not in vma.perms:
        return Placed(vma, Group.FILE, numbered(path))
    return Placed(vma, Group.IMAGE, _MANY_DIGITS.sub("#", path))


def _anonymous(vma: Vma, guarded_end: int, *, is_arena: bool) -> Placed:
    if is_arena:
        return Placed(vma, Group.ARENA, "")
    if vma.perms.endswith("s"):
        return Placed(vma, Group.SHARED, "")
    if vma.start >= _KERNEL_START:
        return Placed(vma, Group.KERNEL, "")
    if not set(vma.perms[:3]) - {"-"}:
        return Placed(vma, Group.GUARD if vma.size <= _GUARD_LARGEST else Group.RESERVED, "")
    if "x" in vma.perms:
        return Placed(vma, Group.CODE, "")
    if vma.start == guarded_end and _is_stack_size(vma.size):
        return Placed(vma, Group.THREAD_STACK, "")
    return Placed(vma, Group.ANON, "")


def _is_stack_size(size: int) -> bool:
    """Whether a stack can be so large, with or without a guard of up to 64 KiB inside.

    Heuristic: stacks are as large as the limit, or as a program says, and that is a round number. It errs where an
    allocator puts guards around round blocks.
    """
    for guard in range(0, _GUARD_LARGEST + 1, 4 * KIB):
        whole = size + guard
        if whole >= 128 * KIB and (whole & (whole - 1) == 0 or (whole % MIB == 0 and whole <= GIB)):
            return True
    return False


def _arena_end(vma: Vma, following: Vma | None, arena_bytes: int) -> int:
    """Where the arenas end that a mapping begins, its untouched tail included; -1 where it begins none.

    Heuristic: malloc aligns each heap of an arena to its largest size. Full ones next to each other are one mapping.
    """
    if vma.path or vma.start % arena_bytes or not vma.perms.startswith("rw-p"):
        return -1
    if vma.size % arena_bytes == 0:
        return vma.end if vma.size == arena_bytes else -1
    if following is None or following.start != vma.end or following.path or not following.perms.startswith("---"):
        return -1
    boundary = vma.end + -vma.end % arena_bytes
    return boundary if boundary <= following.end <= boundary + _GUARD_LARGEST else -1


def _break(rows: Sequence[Vma]) -> int | None:
    """Where the heap of the program starts, for sources that do not name it.

    It is the first anonymous mapping above the program's own image that is not its zeros, before the first library.
    """
    program = ""
    end = 0
    for vma in rows:
        if vma.start >= _HIGH:
            return None
        name = vma.path if not vma.path.startswith("[") else ""
        if name and not program:
            program = name
        if not program:
            continue
        if name and name != program:
            return None
        if name or vma.start == end:
            # The image itself, or its zeros.
            end = vma.end if name else -1
        elif vma.perms.startswith("rw") and not vma.path:
            return vma.start
    return None


_HEAP_OPTION = re.compile(r"-(?:Xmx|XX:MaxHeapSize=)(\d{1,12})([kKmMgGtT]?)\Z")
_SCALE = {"": 1, "k": KIB, "m": MIB, "g": GIB, "t": 1024 * GIB}


def _java_heap(rows: Sequence[Vma], command: Sequence[str]) -> frozenset[int]:
    """The starts of mappings that are a Java heap: the lowest run of anonymous memory of a JVM, below 32 GiB.

    Heuristic: it errs where a JVM has a heap above 32 GiB, or a class space right behind its heap at another place than
    4 GiB and no -Xmx on its command line.
    """
    is_java = any(vma.path.endswith(("libjvm.so", ".jsa")) for vma in rows)
    if not is_java and not (command and command[0].rsplit("/", 1)[-1] == "java"):
        return frozenset()
    options = [match for word in command if (match := _HEAP_OPTION.match(word))]
    largest = int(options[-1][1]) * _SCALE[options[-1][2].lower()] if options else None
    found: list[int] = []
    first = end = 0
    for vma in rows:
        if vma.start >= _JAVA_END or (found and (vma.start != end or vma.path)):
            break
        if vma.path or vma.perms.endswith("s") or "x" in vma.perms:
            continue
        if not found:
            if vma.start % MIB or vma.start < 16 * MIB:
                continue
            first = vma.start
        elif vma.start == 4 * GIB or (largest is not None and vma.start >= first + largest):
            break
        found.append(vma.start)
        end = vma.end
    return frozenset(found)


def anonymous_bytes(fields: Mapping[str, int]) -> int | None:
    """What a mapping holds that nobody can take away: anonymous pages, those in swap, huge pages; not what MADV_FREE gave back.

    None where nothing of it is measured.
    """
    beside = fields.get("swap", 0) + fields.get("private_hugetlb", 0)
    if "anonymous" in fields:
        return max(fields["anonymous"] - fields.get("lazyfree", 0), 0) + beside
    for word in ("private_dirty", "dirty"):
        if word in fields:
            return fields[word] + beside
    return None


def held_bytes(placed: Placed) -> int | None:
    """What a mapping retains, by the rule of its group, in bytes; None where it is not measured.

    Shared memory has no anonymous pages: what is resident counts, and what is in swap. Of files only private copies
    count: the rest is page cache, and its address space is another figure.
    """
    vma, group = placed.vma, placed.group
    if group is Group.SHARED or (group is Group.JAVA_HEAP and vma.path):
        resident = vma.fields.get("rss", vma.fields.get("pss"))
        return None if resident is None else resident + vma.fields.get("swap", 0)
    held = anonymous_bytes(vma.fields)
    is_page_cache = vma.perms.endswith("s") or "x" in vma.perms
    if held is not None and vma.path and "anonymous" not in vma.fields and is_page_cache and vma.path[0] != "[":
        # Dirty pages of a shared file, or of code just written, are page cache that waits to be written.
        return 0
    return held


def figures_of(placed: Placed) -> dict[str, int]:
    """What a mapping counts with, by the names of the metrics of leakreport; what is not measured has no entry.

    The Java heap is set apart: it retains nothing here, and `java_heap_bytes` says what it holds.
    """
    vma, group, fields = placed.vma, placed.group, placed.vma.fields
    found = {"size_bytes": vma.size, "mappings": 1}
    for metric, words in _MEASURED.items():
        present = [fields[word] for word in words if word in fields]
        if present:
            found[metric] = sum(present)
    held = held_bytes(placed)
    if held is not None:
        is_java = group is Group.JAVA_HEAP
        found["retained_bytes"] = 0 if is_java else held
        if is_java:
            found["java_heap_bytes"] = held
    if vma.perms.startswith("w", 1) and vma.perms.endswith("p"):
        found["writable_bytes"] = vma.size
    if group is Group.FILE:
        found["mapped_file_bytes"] = vma.size
    elif group is Group.THREAD_STACK:
        found["thread_stacks"] = 1
    elif group is Group.ARENA and "w" in vma.perms:
        found["malloc_arenas"] = 1
    return found


_MEASURED = {
    "resident_bytes": ("rss",),
    "proportional_bytes": ("pss",),
    "private_bytes": ("private_clean", "private_dirty"),
}
