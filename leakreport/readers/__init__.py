"""The formats leakreport reads: the built-in table, plug-ins, and choosing a reader by content.

Adding a format: one module beside this one, one line in `BUILTIN`, one folder under `fixtures/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from leakreport.errors import AmbiguousInput, EmptyInput, PluginError, UnrecognisedInput, UnsupportedInput
from leakreport.limits import Limits
from leakreport.plugins import READERS, by_name, load_plugins
from leakreport.readers.interface import Confidence, FormatInfo, InputStream, Reader

if TYPE_CHECKING:
    from leakreport.readers._plugins import PluginReader

BUILTIN = {
    "memcheck-xml": "leakreport.readers.memcheck_xml:MemcheckXmlReader",
    "memcheck-text": "leakreport.readers.memcheck_text:MemcheckTextReader",
    "massif": "leakreport.readers.massif:MassifReader",
    "dhat": "leakreport.readers.dhat:DhatReader",
    "xtree": "leakreport.readers.xtree:XtreeReader",
    "gperftools": "leakreport.readers.gperftools:GperftoolsReader",
    "jemalloc": "leakreport.readers.jemalloc:JemallocReader",
    "sanitizer": "leakreport.readers.sanitizer:SanitizerReader",
    "pprof": "leakreport.readers.pprof:PprofReader",
    "heaptrack": "leakreport.readers.heaptrack:HeaptrackReader",
    "folded": "leakreport.readers.folded:FoldedReader",
    "speedscope": "leakreport.readers.speedscope:SpeedscopeReader",
    "smaps": "leakreport.readers.smaps:SmapsReader",
    "smaps-rollup": "leakreport.readers.smaps_rollup:SmapsRollupReader",
    "maps": "leakreport.readers.maps:MapsReader",
    "proc-status": "leakreport.readers.proc_status:ProcStatusReader",
    "pmap": "leakreport.readers.pmap:PmapReader",
    "fd": "leakreport.readers.fd:FdReader",
    "malloc-info": "leakreport.readers.malloc_info:MallocInfoReader",
    "heaptrack-text": "leakreport.readers.heaptrack_text:HeaptrackTextReader",
    "mtrace": "leakreport.readers.mtrace:MtraceReader",
    "watch": "leakreport.readers.watch:WatchReader",
    "leakreport": "leakreport.readers.leakreport:LeakreportReader",
}


def reader_names() -> tuple[str, ...]:
    """The names of the built-in formats."""
    return tuple(BUILTIN)


def get_reader(name: str) -> Reader:
    """The reader of a format.

    Raises:
        PluginError: it is that of a plug-in that cannot be used.
        UsageError: no such format.
    """
    if name not in BUILTIN:
        return by_name(name, *plugin_readers(), BUILTIN, "format")
    module, _, attribute = BUILTIN[name].partition(":")
    reader: Reader = getattr(import_module(module), attribute)()
    return reader


@cache
def plugin_readers() -> tuple[dict[str, PluginReader], dict[str, PluginError]]:
    """The readers of other packages by name, and what is wrong with those that cannot be used."""
    from leakreport.readers._plugins import PluginReader

    return load_plugins(READERS, PluginReader, BUILTIN)


def pick_reader(stream: InputStream, limits: Limits) -> Reader:
    """The reader that fits the content of a stream; the stream is rewound before and after.

    The first 64 KiB decide. Where they fit nothing, the rest is searched piece by piece, because build output may
    stand before a log. Plug-ins are loaded and asked only where nothing built in knows the content.

    Raises:
        EmptyInput: there is no content.
        AmbiguousInput: two readers are equally sure.
        UnsupportedInput: the content is known by name, but no reader reads it.
        UnrecognisedInput: nobody knows the content.
    """
    from leakreport.readers._foreign import describe_foreign

    stream.rewind()
    first = stream.read(limits.head_bytes)
    if not first:
        raise EmptyInput(f"{stream.name} is empty", advice=_why_empty(stream.name))
    for name in BUILTIN:
        # The signatures of built-in formats exclude each other: who is certain need not wait for the others to load.
        reader = get_reader(name)
        if reader.sniff(first, stream.name) is Confidence.CERTAIN:
            stream.rewind()
            return reader
    found = _recognised(stream, limits, [get_reader(name) for name in BUILTIN])
    found = found or _recognised(stream, limits, [*plugin_readers()[0].values()])
    stream.rewind()
    if found is not None:
        return found
    foreign = describe_foreign(first, stream.name)
    if foreign is not None:
        raise UnsupportedInput(f"{stream.name} is {foreign.title}", advice=foreign.advice)
    raise UnrecognisedInput(f"{stream.name} is in no format that leakreport knows")


def _why_empty(name: str) -> str:
    """What to do about an empty file, by its name; empty where the usual advice is right."""
    from leakreport.readers._samples import DENIED_ADVICE

    if "mtrace" in name.rsplit("/", 1)[-1]:
        return "glibc 2.34 and later write nothing without LD_PRELOAD=libc_malloc_debug.so.0, and programs that call no mtrace() never."
    words = ("smaps", "pmap", "maps", ".fd", "net_tcp")
    return DENIED_ADVICE if any(word in name.rsplit("/", 1)[-1] for word in words) else ""


def recognise_head(head: bytes, name: str) -> FormatInfo | str | None:
    """What the first 64 KiB of a file are: a format, what else is known ("an executable or library"), or None.

    Plug-ins are not asked, and nothing is searched further on: for a look at many files.
    """
    from leakreport.readers._foreign import describe_foreign

    if not head:
        return "an empty file"
    found = [(get_reader(format_name).sniff(head, name), format_name) for format_name in BUILTIN]
    best, format_name = max(found, key=lambda pair: pair[0])
    if best >= Confidence.LIKELY:
        return get_reader(format_name).info
    foreign = describe_foreign(head, name)
    return None if foreign is None else foreign.title


def _recognised(stream: InputStream, limits: Limits, readers: Sequence[Reader]) -> Reader | None:
    """The one of some readers that knows the content.

    Raises:
        AmbiguousInput: two are equally sure.
    """
    from leakreport.readers._foreign import describe_foreign

    is_first = True
    for head in _windows(stream, limits) if readers else ():
        found = sorted(((reader.sniff(head, stream.name), reader) for reader in readers), key=lambda pair: -pair[0])
        best = found[0][0]
        if best is not Confidence.NO:
            leaders = [reader for confidence, reader in found if confidence is best]
            if len(leaders) > 1:
                names = " and ".join(reader.info.name for reader in leaders)
                raise AmbiguousInput(f"{stream.name} could be {names}")
            return leaders[0]
        if is_first and (foreign := describe_foreign(head, stream.name)) and foreign.is_certain:
            return None
        is_first = False
    return None


def _windows(stream: InputStream, limits: Limits) -> Iterator[bytes]:
    """Pieces of the content, each overlapping the one before, so that a marker is never cut in two."""
    overlap = 4096
    stream.rewind()
    window = stream.read(limits.head_bytes)
    seen = len(window)
    while window:
        yield window
        if seen >= limits.sniff_bytes:
            return
        piece = stream.read(limits.head_bytes - overlap)
        if not piece:
            return
        seen += len(piece)
        window = window[-overlap:] + piece
