"""The figures of a `heap profile:` text: what its header claims, what its lines add up to, and why they may differ."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from leakreport.errors import LimitExceeded, UnsupportedInput
from leakreport.limits import INT64_MAX
from leakreport.model.columns import Float64Column, exact_sum
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, LeakSearch, Note, RawSnapshot, Sampling, SnapshotMeta
from leakreport.readers._stacks import COLUMNS, AddressStacks, Stacks, unsample

_TAIL = re.compile(r"(heapprofile|heapz?_v2|heap|growthz?|fragmentationz?)(?![a-z_0-9])(?:/(\d{1,18})(?=\Z))?(.*)\Z")
# PROGRAM.PID.CHECK-end.heap
_CHECKER_NAME = re.compile(r"(?:\.(\d{1,10})\.[^./]{1,200})?-end\.heap(?:\.\w{1,4})?\Z")
# gperftools up to 2.15 formats a dump into a buffer of 1 MiB: mappings first, then as many stacks as fit.
_TRUNCATED_SIZES = range((1 << 20) - 1100, (1 << 20) + 1)
_REST = "[not recorded: profile truncated at 1 MiB]"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: totals as stated, and how the sample was taken."""

    stated: tuple[int, int, int, int]
    kind: str
    period: int | None
    """As written; None where every allocation was counted."""
    is_scale_known: bool = True

    @property
    def scale(self) -> int:
        """The mean distance between samples in bytes; 1 where nothing is to be scaled."""
        if self.period is None or not self.is_scale_known:
            return 1
        return self.period // 2 if self.kind == "heap" else self.period

    @property
    def has_allocated(self) -> bool:
        """Whether the columns in brackets say anything else than those before them."""
        blocks, amount, all_blocks, all_bytes = self.stated
        return all_blocks not in {0, blocks} or all_bytes not in {0, amount}


def parse_header(match: re.Match[bytes], source: str) -> Header:
    """The header that `_heap_text.HEADER` matched.

    Raises:
        UnsupportedInput: a profile of an unknown kind.
        LimitExceeded: a total does not fit in 64 bits.
    """
    blocks, amount, all_blocks, all_bytes = (int(match[index]) for index in (1, 2, 3, 4))
    if max(blocks, amount, all_blocks, all_bytes) > INT64_MAX:
        raise LimitExceeded("the header has a number beyond 2^63", where=source, advice="Record again.")
    stated = (blocks, amount, all_blocks, all_bytes)
    text = match[5].decode("utf-8", "replace").strip()
    if not text:
        return Header(stated, "heap", None, is_scale_known=False)
    tail = _TAIL.match(text)
    if tail is None:
        raise UnsupportedInput(
            f'{source} is a profile of the unknown kind "{text[:60]}"',
            advice="Known: heapprofile, heap_v2, heapz_v2, heap, growth, fragmentation.",
        )
    kind, period, rest = tail[1].removesuffix("z"), tail[2], tail[3].strip()
    if kind in {"heapprofile", "growth", "fragmentation"}:
        return Header(stated, kind, None)
    is_known = period is not None and not rest and int(period) > 0
    return Header(stated, kind, int(period) if is_known else None, is_scale_known=is_known)


class Figures:
    """The values of one profile, and what is to be said about them."""

    def __init__(
        self,
        header: Header,
        records: AddressStacks,
        stacks: Stacks,
        meta: SnapshotMeta,
        *,
        size: int | None,
        damaged: int,
    ) -> None:
        """Take what was read; `size` is that of the whole input in bytes, if it is all of one profile."""
        self._header = header
        self._damaged = damaged
        self._stacks = stacks
        self._meta = meta
        self._size = size
        self._notes: list[Note] = []
        self._variances: dict[str, Float64Column] | None = None
        names = COLUMNS if self._header.has_allocated else COLUMNS[:2]
        self._values = {name: records.column(name) for name in names}
        self._names = list(records.names())

    def snapshot(self) -> RawSnapshot:
        """The snapshot, with totals and notes."""
        self._say_what_it_is()
        self._drop_negative()
        if self._header.scale > 1:
            totals = self._estimate()
        elif self._header.period is not None or not self._header.is_scale_known:
            totals = {name: exact_sum(column) for name, column in self._values.items()}
            self._compare(totals)
        else:
            totals = self._stated()
        is_leaks = self._is_of_heap_checker()
        kinds = np.full(len(self._names), LeakKind.DEFINITE, dtype=np.int8) if is_leaks else None
        if is_leaks:
            for unit in ("blocks", "bytes"):
                totals[f"definite_{unit}"] = totals[f"leaked_{unit}"] = totals[f"retained_{unit}"]
        meta = replace(
            self._meta,
            sampling=Sampling(self._header.scale) if self._header.scale > 1 else None,
            kinds_recorded=frozenset({LeakKind.DEFINITE} if is_leaks else ()),
            leak_search=LeakSearch.COMPLETE if is_leaks else LeakSearch.NONE,
            notes=tuple(self._notes),
        )
        table = self._stacks.sample_table(self._values, self._names, variances=self._variances, leak_kinds=kinds)
        return RawSnapshot(meta=meta, totals=totals, samples=table)

    def _note(self, slug: str, message: str) -> None:
        self._notes.append(Note(slug, message))

    def _say_what_it_is(self) -> None:
        if self._header.kind == "growth":
            self._note("page-heap-growth", "These are requests of the allocator to the system; they never shrink.")
        elif self._header.kind == "fragmentation":
            self._note("fragmentation", "The bytes are what the allocator wastes, not what is held.")
        if not self._header.is_scale_known:
            self._note(
                "unknown-sampling", "The header does not say how the sample was taken: values are not scaled up."
            )
        if self._damaged:
            self._note("damaged-records", f"{self._damaged} lines could not be read and were left out.")

    def _drop_negative(self) -> None:
        is_negative = np.zeros(len(self._names), dtype=np.bool_)
        for column in self._values.values():
            is_negative |= column < 0
        if not is_negative.any():
            return
        for name, column in self._values.items():
            self._values[name] = np.where(is_negative, 0, column)
        count = int(is_negative.sum())
        self._note("negative-values", f"{count} stacks have negative values, which count as 0: is it a difference?")

    def _estimate(self) -> dict[str, int]:
        raw = {name: exact_sum(column) for name, column in self._values.items()}
        self._compare(raw)
        self._variances = {}
        for prefix in ("retained", "allocated"):
            blocks, amounts = f"{prefix}_blocks", f"{prefix}_bytes"
            if blocks not in self._values:
                continue
            found = unsample(self._values[blocks], self._values[amounts], self._header.scale)
            self._values[blocks], self._values[amounts] = found.blocks, found.amounts
            self._variances[blocks], self._variances[amounts] = found.blocks_variance, found.amounts_variance
        return {name: exact_sum(column) for name, column in self._values.items()}

    def _stated(self) -> dict[str, int]:
        """Totals of a profile that counts everything: the header's, or the sum where mmap lines are beyond it."""
        sums = {name: exact_sum(column) for name, column in self._values.items()}
        stated = dict(zip(COLUMNS, self._header.stated, strict=True))
        totals = {name: max(stated[name], amount) for name, amount in sums.items()}
        is_full = self._size in _TRUNCATED_SIZES and self._meta.is_complete
        if is_full and self._header.kind == "heapprofile" and stated["retained_bytes"] > sums["retained_bytes"]:
            rest = {name: totals[name] - amount for name, amount in sums.items()}
            self._stacks.append(Frame(function=_REST, kind=FrameKind.SYNTHETIC))
            for name, column in self._values.items():
                self._values[name] = np.append(column, np.int64(rest[name]))
            self._names.append("")
            self._note(
                "truncated-at-1-mib",
                f"gperftools stops writing at 1 MiB: {rest['retained_bytes']} bytes are known without their stacks. "
                "A path that is missing here has not shrunk.",
            )
        elif sums["retained_bytes"] > stated["retained_bytes"]:
            self._explain_excess(stated, sums)
        else:
            self._compare(sums)
        return totals

    def _compare(self, sums: dict[str, int]) -> None:
        """Say so where the header and the lines differ: lines are missing, or something was changed."""
        stated = dict(zip(COLUMNS, self._header.stated, strict=True))
        if all(stated[name] == sums[name] for name in COLUMNS[:2]):
            return
        self._note(
            "header-mismatch",
            f"The header says {stated['retained_bytes']} bytes, the lines add up to {sums['retained_bytes']}.",
        )
        if stated["retained_bytes"] > sums["retained_bytes"] or stated["retained_blocks"] > sums["retained_blocks"]:
            self._meta = replace(self._meta, is_complete=False)

    def _explain_excess(self, stated: dict[str, int], sums: dict[str, int]) -> None:
        """Find where malloc begins: mmap and sbrk come first and are not in the header."""
        blocks = self._values["retained_blocks"].tolist()
        amounts = self._values["retained_bytes"].tolist()
        wanted = (stated["retained_blocks"], stated["retained_bytes"])
        begin = len(amounts)
        block_sum = byte_sum = 0
        while begin and (block_sum, byte_sum) != wanted:
            begin -= 1
            block_sum, byte_sum = block_sum + blocks[begin], byte_sum + amounts[begin]
        if (block_sum, byte_sum) != wanted or not begin:
            self._compare(sums)
            return
        arenas = self._sum_of_arenas(begin)
        mapped = sum(amounts[:begin])
        if not stated["retained_bytes"]:
            self._note(
                "mmap-only", f"Only mmap and sbrk were recorded; {arenas} bytes of them are the allocator's own."
            )
            return
        self._note(
            "mmap-counted-twice",
            f"{stated['retained_bytes']} bytes are from malloc and {mapped} from mmap and sbrk; {arenas} of these are the "
            "allocator's own, which malloc's bytes lie in: they count twice.",
        )

    def _sum_of_arenas(self, end: int) -> int:
        """Bytes of the records before `end` that tcmalloc itself asked for."""
        offsets, flat = self._stacks.offsets, self._stacks.flat
        amounts = self._values["retained_bytes"]
        total = 0
        for index in range(end):
            if offsets[index + 1] > offsets[index]:
                module = self._stacks.frames[int(flat[offsets[index + 1] - 1])].module_name or ""
                total += int(amounts[index]) if module.startswith("libtcmalloc") else 0
        return total

    def _is_of_heap_checker(self) -> bool:
        if self._header.kind != "heapprofile" or self._header.has_allocated:
            return False
        match = _CHECKER_NAME.search(self._meta.source)
        if match is None:
            return False
        self._meta = replace(self._meta, pid=int(match[1]) if match[1] else None)
        self._note("heap-checker", "By its name this is a dump of the heap checker: all of it was unreachable.")
        return True
