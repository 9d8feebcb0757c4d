"""What `pprof --raw` makes of a local heap profile: names, then binary words in the layout of a CPU profile.

    --- symbol … --- profile, then little-endian 64-bit words: 0 3 0 1 0, and per stack: bytes, depth, addresses

The word called a count is bytes in use, and addresses are already those of calls. There are no mappings and no end
mark: only an end inside a record shows.
"""

from __future__ import annotations

import struct

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import exact_sum
from leakreport.model.raw import FrameTable, Note, RawSnapshot, SnapshotMeta, Truncation
from leakreport.readers._procmaps import AddressSpace
from leakreport.readers._stacks import AddressStacks, Symbols
from leakreport.readers._symbols import SymbolSection
from leakreport.readers.interface import InputStream

_MARK = b"--- profile\n"


def read_raw_symbolized(stream: InputStream, names: SymbolSection, limits: Limits) -> RawSnapshot:
    """The one profile of such an input.

    Raises:
        UnsupportedInput: a CPU profile.
        MalformedInput: there is no profile behind the names.
        LimitExceeded: the profile is too large.
    """
    body = _body(stream, limits)
    words = struct.unpack_from(f"<{len(body) // 8}Q", body)
    if len(words) < 5 or words[0] != 0 or words[1] < 3 or words[2] != 0:
        raise MalformedInput(f"{stream.name} has no profile behind its symbols")
    if words[3] != 1:
        raise UnsupportedInput(
            f"{stream.name} is a CPU profile",
            advice="It says where time goes, not what is retained: give a heap profile.",
        )
    stacks = AddressStacks(limits)
    position = words[1] + 2
    is_cut = position > len(words)
    while position < len(words) and not is_cut:
        depth = words[position + 1] if position + 1 < len(words) else INT64_MAX
        end = position + 2 + depth
        if end > len(words) or words[position] > INT64_MAX:
            is_cut = True
            break
        if words[position] == 0 and depth == 1 and words[position + 2] == 0:
            break
        addresses = [b"0x%x" % word for word in words[position + 2 : end]]
        stacks.add(addresses, (0, words[position]), len(stacks) + 1)
        position = end
    is_cut = is_cut or bool(len(body) % 8 and position >= len(words))
    table = stacks.table(Symbols(AddressSpace(()), names.by_address, is_return_address=False).resolve, FrameTable())
    retained = stacks.column("retained_bytes")
    truncation = Truncation("the profile ends inside a stack", 0, len(stacks)) if is_cut else None
    meta = SnapshotMeta(
        source=stream.name,
        format="gperftools",
        tool="gperftools",
        truncation=truncation,
        is_complete=truncation is None,
        notes=(Note("blocks-not-recorded", "pprof --raw keeps bytes only: the numbers of blocks are not known."),),
    )
    samples = table.sample_table({"retained_bytes": retained}, stacks.names())
    return RawSnapshot(meta=meta, totals={"retained_bytes": exact_sum(retained)}, samples=samples)


def _body(stream: InputStream, limits: Limits) -> bytes:
    """The bytes behind the mark."""
    stream.rewind()
    content = bytearray()
    while chunk := stream.read(1 << 20):
        content += chunk
        if len(content) > limits.element_bytes:
            raise LimitExceeded(
                f"{stream.name} is larger than {limits.element_bytes:,} bytes",
                advice="Give the .heap file itself, without pprof --raw.",
            )
    start = content.find(_MARK)
    return bytes(content[start + len(_MARK) :]) if start >= 0 else b""
