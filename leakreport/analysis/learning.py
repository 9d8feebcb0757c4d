"""What pairs that are already accepted tell about all others: renamed functions, files, namespaces and modules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence

from leakreport.analysis.points import Point
from leakreport.analysis.wording import rewrite

BASE, SCOPE, FILE, MODULE, TEMPLATE = "base", "scope", "file", "module", "template"
PARTS = (BASE, SCOPE, FILE, MODULE, TEMPLATE)


class Learned:
    """Votes of aligned frames: which name of one side stands where which name of the other stood."""

    def __init__(self, points: Sequence[Point] = (), aligned: Iterable[tuple[tuple[int, int], int]] = ()) -> None:
        """Count votes.

        Args:
            points: what the numbers of `aligned` mean.
            aligned: pairs of points with how often they were aligned.
        """
        self._votes: dict[str, Counter[tuple[Hashable, Hashable]]] = {part: Counter() for part in PARTS}
        self._before: dict[str, Counter[Hashable]] = {part: Counter() for part in PARTS}
        self._after: dict[str, Counter[Hashable]] = {part: Counter() for part in PARTS}
        self._rewrites: defaultdict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for (before, after), count in aligned:
            self._learn(points[before], points[after], count)
        self._renamed: set[Hashable] = set()
        self._images: defaultdict[Hashable, list[tuple[int, Hashable]]] = defaultdict(list)
        for (before_base, after_base), count in self._votes[BASE].items():
            if before_base == after_base:
                continue
            self._images[before_base].append((-count, after_base))
            self._renamed.update((before_base, after_base))
        for images in self._images.values():
            images.sort(key=lambda image: (image[0], str(image[1])))

    def _learn(self, before: Point, after: Point, count: int) -> None:
        a, b = before.name, after.name
        for part, one, other in (
            (BASE, a.base, b.base),
            (SCOPE, a.scope, b.scope),
            (FILE, before.file, after.file),
            (MODULE, before.module, after.module),
            (TEMPLATE, a.template_arguments or None, b.template_arguments or None),
        ):
            if one is not None and other is not None:
                self._votes[part][one, other] += count
                self._before[part][one] += count
                self._after[part][other] += count
        if a.base is not None and b.base is not None and a.base != b.base and (change := rewrite(a.base, b.base)):
            self._rewrites[change].add((a.base, b.base))

    def support(self, part: str, before: Hashable, after: Hashable) -> float:
        """From 0 to 1: how much of all that was aligned with either was aligned with the other."""
        votes = self._votes[part].get((before, after), 0)
        return votes / (self._before[part][before] + self._after[part][after] - votes) if votes else 0.0

    def has_seen(self, part: str, before: Hashable, after: Hashable) -> bool:
        """Whether anything is known of one of the two."""
        return before in self._before[part] or after in self._after[part]

    def was_renamed(self, base: str) -> bool:
        """Whether a name of either side was ever aligned with another name."""
        return base in self._renamed

    def images(self, base: str | None) -> list[str]:
        """Other names of the after side that stood for a name of the before side, the most frequent first."""
        return [str(image) for _, image in self._images.get(base, ())]

    def with_images(self, names: Collection[str]) -> Collection[str]:
        """Some names of the before side, and what each most likely became."""
        if not self._images:
            return names
        return [image for name in names for image in (name, *self.images(name)[:1])]

    def was_rewritten_elsewhere(self, before: str, after: str) -> bool:
        """Whether another pair of names was changed in the same words: `log_` → `lf_`."""
        change = rewrite(before, after)
        if change is None or not any(change):
            return False
        return bool(self._rewrites.get(change, set()) - {(before, after)})

    def best_image(self, part: str, least: float) -> dict[Hashable, Hashable]:
        """Per value of the before side its image of the after side, where support is at least so much."""
        return {
            before: after
            for before, after in self._votes[part]
            if before != after and self.support(part, before, after) >= least
        }

    def same_file(self, before: str | None, after: str | None) -> float:
        """From 0 to 1: whether two file names mean one file."""
        if before == after:
            return 1.0
        if before is None or after is None:
            return 0.5
        if self.support(FILE, before, after) > 0.3:
            return 1.0
        return 0.0 if self.has_seen(FILE, before, after) else 0.4
