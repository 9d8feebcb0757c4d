"""The formats leakreport reads: the built-in table, and choosing a reader by content.

Adding a format: one module beside this one, one line in `BUILTIN`, one folder under `fixtures/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from leakreport.errors import AmbiguousInput, EmptyInput, UnrecognisedInput, UnsupportedInput, UsageError
from leakreport.limits import Limits
from leakreport.readers.interface import Confidence, InputStream, Reader

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
}


def reader_names() -> tuple[str, ...]:
    """The names `--format` takes."""
    return tuple(BUILTIN)


def get_reader(name: str) -> Reader:
    """The reader of a format.

    Raises:
        UsageError: no such format.
    """
    if name not in BUILTIN:
        raise UsageError(f"no format is called {name!r}", advice=f"Known: {', '.join(BUILTIN)}.")
    module, _, attribute = BUILTIN[name].partition(":")
    reader: Reader = getattr(import_module(module), attribute)()
    return reader


def pick_reader(stream: InputStream, limits: Limits) -> Reader:
    """The reader that fits the content of a stream; the stream is rewound before and after.

    The first 64 KiB decide. Where they fit nothing, the rest is searched piece by piece, because build output may
    stand before a log.

    Raises:
        EmptyInput: there is no content.
        AmbiguousInput: two readers are equally sure.
        UnsupportedInput: the content is known by name, but no reader reads it.
        UnrecognisedInput: nobody knows the content.
    """
    from leakreport.readers._foreign import describe_foreign

    readers = [get_reader(name) for name in BUILTIN]
    first = b""
    for head in _windows(stream, limits):
        first = first or head
        found = sorted(((reader.sniff(head, stream.name), reader) for reader in readers), key=lambda pair: -pair[0])
        best = found[0][0]
        if best is Confidence.NO:
            if head is first and (foreign := describe_foreign(head, stream.name)) and foreign.is_certain:
                break
            continue
        leaders = [reader for confidence, reader in found if confidence is best]
        stream.rewind()
        if len(leaders) > 1:
            names = " and ".join(reader.info.name for reader in leaders)
            raise AmbiguousInput(f"{stream.name} could be {names}")
        return leaders[0]
    stream.rewind()
    if not first:
        raise EmptyInput(f"{stream.name} is empty")
    foreign = describe_foreign(first, stream.name)
    if foreign is not None:
        raise UnsupportedInput(f"{stream.name} is {foreign.title}", advice=foreign.advice)
    raise UnrecognisedInput(f"{stream.name} is in no format that leakreport knows")


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
