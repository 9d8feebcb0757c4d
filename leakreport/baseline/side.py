"""A baseline as a run, so that it is compared by what compares runs; and what of a run a baseline keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leakreport.analysis.compare import ComparedSide
from leakreport.analysis.noise import noise_rule
from leakreport.analysis.report import PathRow, Report
from leakreport.baseline.entries import Amount, Amounts, Baseline, Leak, Recording
from leakreport.baseline.places import Places
from leakreport.model.builder import build_run
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import LeakSearch, Moment, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run

DECIDING_OPTIONS = ("--num-callers", "--leak-resolution", "--leak-check-heuristics")
MOST_SMALL_PATHS = 1_000
"""Of a heap profile with more paths, the smallest are summed up."""
_SMALL = 4
"""Small is what holds less than one part in so many of what counts as a change."""
_UNITS = ("bytes", "blocks")


def run_of(baseline: Baseline, source: str) -> Run:
    """The last recorded run, with the stacks and amounts of the leaks that are not fixed; records are called by id."""
    recording = baseline.recording
    live = [leak for leak in baseline.leaks.values() if leak.last]
    has_blocks = any(amount.blocks is not None for leak in live for amount in leak.last.values())
    units = _UNITS if has_blocks else _UNITS[:1]
    builder = SampleTableBuilder(tuple(f"retained_{unit}" for unit in units))
    for leak in live:
        stack = [builder.frames.index(frame) for frame in leak.stack]
        for kind, amount in leak.last.items():
            values = (amount.bytes, amount.blocks or 0)[: len(units)]
            variances = (
                () if recording.sampling is None else tuple((value * (leak.error or 0.0)) ** 2 for value in values)
            )
            builder.add_indexes(stack, values, leak_kind=kind, name=leak.id, variances=variances)
    meta = SnapshotMeta(
        source=source,
        format=recording.format,
        tool_options=recording.options,
        leak_search=LeakSearch.COMPLETE if recording.kinds else LeakSearch.NONE,
        kinds_recorded=recording.kinds,
        moment=Moment.EXIT if recording.kinds else Moment.DUMP,
        sampling=recording.sampling,
        is_exit_dump=recording.is_exit_dump,
        # A sum of whatever was recorded: no single run that others could be repeats of.
        process_count=max(sum(recording.programs.values()), 2),
    )
    return build_run([RawSnapshot(meta, _totals(baseline, live, units), builder.build())])


def _totals(baseline: Baseline, live: Iterable[Leak], units: Sequence[str]) -> dict[str, int]:
    kinds = baseline.recording.kinds or frozenset({LeakKind.NONE})
    of_kind = {kind: dict.fromkeys(units, 0) for kind in kinds}
    for amounts in (baseline.unattributed, *(leak.last for leak in live)):
        for kind, amount in amounts.items():
            found = of_kind.setdefault(kind, dict.fromkeys(units, 0))
            for unit, value in zip(units, amount, strict=False):
                found[unit] += value or 0
    totals: dict[str, int] = {}
    for unit in units:
        totals[f"retained_{unit}"] = sum(found[unit] for found in of_kind.values())
        for kind in of_kind:
            if kind is not LeakKind.NONE:
                totals[f"{kind.word}_{unit}"] = of_kind[kind][unit]
        if baseline.recording.kinds:
            totals[f"leaked_{unit}"] = sum(found[unit] for kind, found in of_kind.items() if kind in LOST_KINDS)
    return totals


def leaks_of(report: Report, places: Places) -> tuple[dict[str, Leak], int]:
    """The leaks of a run by id, and below how many bytes paths of a heap profile were left out."""
    rows = [row for row in report.paths if row.values.get("retained_bytes") or row.values.get("retained_blocks")]
    least = 0
    if len(rows) > MOST_SMALL_PATHS and all(row.leak_kind is LeakKind.NONE for row in rows):
        rule = noise_rule([], [report.totals.get("retained_bytes", 0)], None)
        least = rule.min_change_bytes // _SMALL
        rows = [row for row in rows if row.values.get("retained_bytes", 0) >= least]
    found: dict[str, Leak] = {}
    amounts: dict[str, dict[LeakKind, Amount]] = {}
    for row in rows:
        mine = amounts.setdefault(row.id, {})
        mine[row.leak_kind] = Amount(row.values.get("retained_bytes", 0), row.values.get("retained_blocks"))
        if row.id not in found:
            found[row.id] = _leak(report, row, mine, places)
    return found, least


def _leak(report: Report, row: PathRow, amounts: Amounts, places: Places) -> Leak:
    frame = told_frame(report, row)
    function, file, _ = (None, None, None) if frame is None else frame
    return Leak(
        id=row.id,
        last=amounts,
        anchor=amounts,
        stack=tuple(report.frames[index].actual for index in row.frames),
        function=function,
        file=places.told(file),
        module=row.module,
        owner=row.owner,
        error=None if row.errors is None else row.errors.get("retained_bytes"),
    )


def told_frame(report: Report, row: PathRow) -> tuple[str | None, str | None, int | None] | None:
    """Function, file and line of the frame that a person reads first; None where the stack is empty."""
    position = next((one for one in (row.named_by, row.responsible, row.site) if one is not None), None)
    if position is None:
        return None
    frame = report.frames[row.frames[position]]
    return frame.function, frame.path, frame.line


def unattributed_of(report: Report, leaks: Iterable[Leak]) -> dict[LeakKind, Amount]:
    """What the totals of a run say beyond some leaks, by kind."""
    found: dict[LeakKind, Amount] = {}
    leaks = list(leaks)
    kinds: list[LeakKind] = [kind for kind in LEAK_KINDS if kind.bytes_metric in report.totals]
    for kind in kinds or [LeakKind.NONE]:
        names = (
            ("retained_bytes", "retained_blocks") if kind is LeakKind.NONE else (kind.bytes_metric, kind.blocks_metric)
        )
        listed = [leak.last[kind] for leak in leaks if kind in leak.last]
        held = report.totals.get(names[0], 0) - sum(amount.bytes for amount in listed)
        blocks = report.totals.get(names[1])
        left = None if blocks is None else max(blocks - sum(amount.blocks or 0 for amount in listed), 0)
        if held > 0 or left:
            found[kind] = Amount(max(held, 0), left)
    return found


def recording_of(side: ComparedSide) -> Recording:
    """How a run was made."""
    metas = [meta.actual for meta in side.metas]
    kinds = frozenset.intersection(*(meta.kinds_recorded for meta in metas)) if metas else frozenset()
    samplings = {meta.sampling for meta in metas}
    named = [frame.actual.function is not None for frame in side.run.frames]
    return Recording(
        format=metas[0].format if metas else "",
        kinds=kinds,
        options=tuple(sorted({option for meta in metas for option in meta.tool_options if _decides(option)})),
        sampling=samplings.pop() if len(samplings) == 1 else None,
        programs=programs_of(metas),
        is_exit_dump=any(meta.is_exit_dump for meta in metas),
        has_names=not named or sum(named) * 2 >= len(named),
        has_user_frames=has_user_frames(side),
    )


def _decides(option: str) -> bool:
    return option.partition("=")[0] in DECIDING_OPTIONS


def has_user_frames(side: ComparedSide) -> bool:
    """Whether any stack has a frame of yours; true where there are no stacks."""
    rows = side.rows
    return not len(rows) or bool((rows.paths.responsible[rows.stack] >= 0).any())


def programs_of(metas: Iterable[SnapshotMeta]) -> dict[str, int]:
    """How many processes of each program were measured, by its base name."""
    found: dict[str, int] = {}
    for meta in metas:
        name = program_of(meta)
        if name is not None:
            found[name] = found.get(name, 0) + meta.process_count
    return found


def program_of(meta: SnapshotMeta) -> str | None:
    """The base name of a program, without what libtool puts in front; None where the input does not tell it."""
    path = meta.command[0] if meta.command else None
    if path is None:
        path = next((mapping.path for mapping in meta.mappings if mapping.path.startswith("/")), None)
    return None if path is None else path.rsplit("/", 1)[-1].removeprefix("lt-") or None
