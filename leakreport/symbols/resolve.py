"""The one entry: a run with addresses becomes the same run with names, where binaries that fit are at hand.

Every distinct address of the whole run is looked up once, in one pass per object. What cannot be named stays
`object+0xoffset`, and a note says why and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.model.raw import Frame, FrameKind, Mapping, Note
from leakreport.model.rewrite import with_frames
from leakreport.model.snapshot import Run
from leakreport.symbols.binaries import DELETED, Binary, ObjectUse, Refused, find_binary, is_label
from leakreport.symbols.demangle import demangle, has_rust, is_mangled
from leakreport.symbols.elf import ElfHeaders
from leakreport.symbols.engines import locate, usable_engine
from leakreport.symbols.options import Engine, SymbolOptions
from leakreport.symbols.places import Located, Place, keep_places, places_path, read_places
from leakreport.symbols.symtab import names_at

_NAMED_OBJECTS = 5
_DEFAULT_OPTIONS = SymbolOptions()


@dataclass(slots=True)
class _Outcome:
    """What happened to the objects of a run."""

    replacements: dict[Frame, tuple[Frame, ...]] = field(default_factory=dict)
    unverified: list[str] = field(default_factory=list)
    other_builds: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    unnamed_addresses: int = 0
    without_lines: list[str] = field(default_factory=list)


def resolve(run: Run, options: SymbolOptions = _DEFAULT_OPTIONS, limits: Limits = DEFAULT_LIMITS) -> Run:
    """The run with names for addresses in files; the same run where no frame lacks one.

    Holds: totals, records and the sums of all columns stay. Notes about it stand in the first snapshot.

    Raises:
        LimitExceeded: stacks become too deep with the inlined functions.
    """
    outcome = _Outcome()
    for use, frames in _uses(run, options):
        _name(use, frames, outcome, options, limits)
    notes = _notes(outcome)
    if not notes and not outcome.replacements:
        return run
    named = with_frames(run, outcome.replacements, limits)
    first, *others = named.snapshots
    first = replace(first, meta=replace(first.meta, notes=(*first.meta.notes, *notes)))
    return replace(named, snapshots=(first, *others))


def _uses(run: Run, options: SymbolOptions) -> list[tuple[ObjectUse, list[Frame]]]:
    """The objects with unnamed addresses, each with its frames in the order of their offsets."""
    by_module: dict[str, dict[int, Frame]] = {}
    for frame in run.frames:
        is_unnamed = frame.kind is FrameKind.ADDRESS and frame.function is None
        if is_unnamed and frame.module is not None and frame.offset is not None and 0 <= frame.offset < 1 << 62:
            by_module.setdefault(frame.module, {})[frame.offset] = frame
    mappings: dict[str, dict[Mapping, None]] = {}
    # Snapshots of one process share their mappings: the same objects are looked at once.
    for listed in {id(found.meta.mappings): found.meta.mappings for found in run.snapshots}.values():
        for mapping in listed:
            if mapping.path in by_module:
                mappings.setdefault(mapping.path, {})[mapping] = None
    named_builds: dict[str, set[str]] = {}
    for module, build_id in {pair for found in run.snapshots for pair in found.meta.build_ids}:
        named_builds.setdefault(module, set()).add(build_id.lower())
    uses = []
    for module in sorted(by_module):
        if is_label(module):
            continue
        known = tuple(mappings.get(module, ()))
        pinned = options.pinned_build(module)
        build_ids = {found.build_id.lower() for found in known if found.build_id} | named_builds.get(module, set())
        frames = [frame for _, frame in sorted(by_module[module].items())]
        offsets = np.array([frame.offset for frame in frames], dtype=np.int64)
        uses.append((ObjectUse(module, offsets, known, frozenset({pinned} if pinned else build_ids)), frames))
    return uses


def _name(use: ObjectUse, frames: list[Frame], outcome: _Outcome, options: SymbolOptions, limits: Limits) -> None:
    title = use.module.removesuffix(DELETED).rsplit("/", 1)[-1]
    try:
        binary = find_binary(use, options)
    except Refused as refusal:
        if refusal.is_other_build:
            outcome.other_builds.append(f"{title}: {refusal}")
        else:
            outcome.unnamed.append(f"{title}: {refusal}")
            outcome.unnamed_addresses += len(frames)
        return
    places = _places(binary, options)
    outer = {
        place: _frame(use.module, place, limits, is_inlined=False) for place in {found[0] for found in places if found}
    }
    inner = {
        place: _frame(use.module, place, limits, is_inlined=True)
        for place in {place for found in places if found for place in found[1:]}
    }
    named = {
        frame: (outer[found[0]], *(inner[place] for place in found[1:]))
        for frame, found in zip(frames, places, strict=True)
        if found is not None
    }
    outcome.replacements.update(named)
    if named and not binary.is_verified:
        outcome.unverified.append(title)
    if len(named) < len(frames):
        outcome.unnamed.append(f"{title}: no symbol there")
        outcome.unnamed_addresses += len(frames) - len(named)
    if _debug_holder(binary).has_debug_info and usable_engine(options) is Engine.NONE:
        outcome.without_lines.append(title)


def _debug_holder(binary: Binary) -> ElfHeaders:
    return binary.debug or binary.elf


def _places(binary: Binary, options: SymbolOptions) -> list[tuple[Place, ...] | None]:
    """Per address the functions there, outermost first, with readable names."""
    holder = _debug_holder(binary)
    reader = f"{usable_engine(options)}-{'rust' if has_rust() else 'no-rust'}"
    path = places_path(options.cache_folder, holder, reader)
    known = read_places(path)
    wanted = set(binary.addresses[binary.addresses >= 0].tolist())
    new, guessed = _new_places(binary, sorted(wanted - known.keys()), options)
    keep_places(path, known, new)
    return [known.get(address) or new.get(address) or guessed.get(address) for address in binary.addresses.tolist()]


def _new_places(binary: Binary, wanted: list[int], options: SymbolOptions) -> tuple[Located, Located]:
    """By address, what debug information says, and what else only symbol tables say.

    The name of the outermost function is from a symbol table where one has it: engines choose differently among several
    names of one function, and can give the name of its cold part to all of it.
    """
    holder = _debug_holder(binary)
    located = locate(holder, wanted, options)
    addresses = np.array(wanted, dtype=np.int64)
    names: list[str | None] = [None] * len(wanted)
    for elf in (binary.debug, binary.elf):
        missing = [index for index, name in enumerate(names) if name is None]
        if elf is not None and missing:
            for index, name in zip(missing, names_at(elf, addresses[missing]), strict=True):
                names[index] = None if name is None else demangle(name)
    distinct = {place for places in located.values() for place in places}
    readable = {place: place._replace(function=demangle(place.function)) for place in distinct}
    found: Located = {}
    named: Located = {}
    for address, name in zip(wanted, names, strict=True):
        places = located.get(address, ())
        # Code can have lines and be in no function, as assembly; engines then name the nearest symbol.
        is_nearest = name is None and len(places) == 1 and any(section.is_full for section in holder.symbol_sections)
        if places and not is_nearest:
            outer = readable[places[0]]
            if name is not None and name != outer.function and not is_mangled(name):
                outer = outer._replace(function=name)
            found[address] = (outer, *(readable[place] for place in places[1:]))
        elif name is not None:
            named[address] = (Place(name, None, None),)
    return found, named


def _frame(module: str | None, place: Place, limits: Limits, *, is_inlined: bool) -> Frame:
    directory, _, file = (place.path or "").rpartition("/")
    return Frame(
        function=place.function[: limits.name_characters],
        module=module,
        directory=directory[: limits.name_characters] or None,
        file=file[: limits.name_characters] or None,
        line=place.line,
        is_inlined=is_inlined,
    )


def _notes(outcome: _Outcome) -> list[Note]:
    notes = []
    if outcome.unverified:
        notes.append(
            Note(
                "build-unverified",
                f"The profile names no build id for {_listed(outcome.unverified)}: names are from files whose size and "
                "calls fit. A build id given with --build-id OBJECT=HEX makes it certain.",
            )
        )
    if outcome.other_builds:
        notes.append(
            Note(
                "wrong-binary",
                f"Not the build that was profiled, and not used: {_listed(outcome.other_builds, '; ')}. "
                "Give the folder of the right one with --symbol-path DIR.",
            )
        )
    if outcome.unnamed:
        notes.append(
            Note(
                "no-symbols",
                f"{outcome.unnamed_addresses:,} addresses have no name: {_listed(outcome.unnamed, '; ')}. "
                "Give the folder of the binaries or of their debug files with --symbol-path DIR or --sysroot DIR.",
            )
        )
    if outcome.without_lines:
        notes.append(
            Note(
                "no-lines",
                f"Names in {_listed(outcome.without_lines)} are from symbol tables only. For lines and inlined functions "
                "install leakreport[symbols], addr2line (binutils) or llvm-symbolizer.",
            )
        )
    return notes


def _listed(texts: Sequence[str], separator: str = ", ") -> str:
    more = len(texts) - _NAMED_OBJECTS
    return separator.join([*texts[:_NAMED_OBJECTS], *([f"{more:,} more"] if more > 0 else [])])
