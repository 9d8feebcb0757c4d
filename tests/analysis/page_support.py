"""Trees of pages read slowly: node by node, as paths, beside sums that are made one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from random import Random

from leakreport.analysis.pagetree import FOLDED, LEFT_OUT, PageTree
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run

Path = tuple[int, ...]
Amounts = Mapping[str, int]
OUTER, INNER = 64, 192


def bent(frames: Sequence[int]) -> Path:
    """A stack as it is drawn: direct recursion once, the middle of a very deep one as `LEFT_OUT`."""
    path = [frame for frame, _ in groupby(frames)]
    if len(path) > OUTER + 1 + INNER:
        path = [*path[:OUTER], LEFT_OUT, *path[-INNER:]]
    return tuple(path)


def random_run(seed: int, *, snapshots: int = 1, kinds: bool = False, deep: bool = False) -> Run:
    """A program with few functions, recursion, stacks that end inside others, and blocks without bytes."""
    random = Random(seed)
    frames = [Frame(name, "/srv/app", "/src", "m.c", line) for name in "abc" for line in (1, 2)] + [
        Frame("d", "libd.so")
    ]
    known: list[list[Frame]] = [[]]
    raws = []
    for number in range(snapshots):
        builder = SampleTableBuilder(("retained_bytes", "retained_blocks", "allocated_bytes"))
        for _ in range(random.choice((0, 3, 40, 90))):
            stack = [*random.choice(known), *random.choices(frames, k=random.randint(0, 5))]
            if deep and random.random() < 0.1:
                stack = stack + random.choices(frames, k=random.randint(250, 400))
            known.append(stack)
            amounts = (
                random.choice((0, 1, 100, random.randint(0, 10**6))),
                random.randint(0, 3),
                random.randint(0, 999),
            )
            kind = LeakKind(random.randint(1, 4)) if kinds else LeakKind.NONE
            builder.add(stack, amounts, leak_kind=kind)
        samples = builder.build()
        totals = {name: int(column.sum()) + number for name, column in samples.values.items()}
        raws.append(
            RawSnapshot(SnapshotMeta(f"app.{number:03}.heap", "test", pid=7, time=float(number)), totals, samples)
        )
    return build_run(raws)


class SlowTree:
    """All paths and what they hold, with sums that are made one by one."""

    def __init__(self, paths: Iterable[tuple[Sequence[int], Amounts]]) -> None:
        self.own: dict[Path, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.count: dict[Path, int] = defaultdict(int)
        for frames, amounts in paths:
            path = bent(frames)
            self.count[path] += 1
            for name, amount in amounts.items():
                self.own[path][name] += amount
        self.nodes = {path[:length] for path in self.own for length in range(len(path) + 1)} | {()}

    def below(self, node: Path, name: str) -> int:
        return sum(amounts[name] for path, amounts in self.own.items() if path[: len(node)] == node)


def paths_of(page: PageTree) -> list[Path]:
    """The path of each node; of a folded one with `FOLDED` at its end."""
    found: list[Path] = []
    path: list[int] = []
    for depth, frame in zip(page.depth.tolist(), page.frame.tolist(), strict=True):
        assert 0 < depth <= len(path) + 1 if found else (depth, frame) == (0, -1), "pre-order"
        path = [*path[: depth - 1], frame] if depth else []
        found.append(tuple(path))
    return found


def assert_draws(page: PageTree, slow: SlowTree, rows: Sequence[Sequence[int]]) -> set[Path]:
    """Every node has what its path has, every folded one what is not there; the kept paths."""
    paths = paths_of(page)
    assert len(set(paths)) == len(paths), "siblings differ"
    kept = {path for path in paths if path[-1:] != (FOLDED,)}
    assert kept <= slow.nodes
    for node, path in enumerate(paths):
        here = [path] if path in kept else [
            other
            for other in slow.own
            if other[: len(path) - 1] == path[:-1] and len(other) >= len(path) and other[: len(path)] not in kept
        ]  # fmt: skip
        assert path in kept or here, "nothing is folded"
        for name, column in page.columns.items():
            assert column[node] == sum(slow.own[one][name] for one in here if one in slow.own), (path, name)
        assert page.path_count[node] == sum(slow.count[one] for one in here if one in slow.count)
    assert_folded(page, slow, paths, kept)
    assert_listed(page, paths, rows)
    return kept


def assert_folded(page: PageTree, slow: SlowTree, paths: Sequence[Path], kept: set[Path]) -> None:
    fold = [node for node, path in enumerate(paths) if path not in kept]
    assert [row[0] for row in page.folded.tolist()] == fold
    for node, count, growth, shrinkage in page.folded.tolist():
        assert count == page.path_count[node]
        if page.meaning.compare is None:
            assert growth == shrinkage == 0
            continue
        before, after = page.meaning.compare
        changes = [
            amounts[after] - amounts[before]
            for path, amounts in slow.own.items()
            if path[: len(paths[node]) - 1] == paths[node][:-1]
            and len(path) >= len(paths[node])
            and path[: len(paths[node])] not in kept
        ]
        assert growth == sum(change for change in changes if change > 0)
        assert shrinkage == -sum(change for change in changes if change < 0)


def assert_listed(page: PageTree, paths: Sequence[Path], rows: Sequence[Sequence[int]]) -> None:
    """The first rows end where their stacks do, and say where these cannot be read off."""
    for node, is_bent, frames in zip(page.row_node.tolist(), page.is_bent.tolist(), rows, strict=False):
        assert paths[node] == bent(frames)
        assert is_bent == (paths[node] != tuple(frames))
