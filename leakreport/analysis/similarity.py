"""How alike two sites are: an alignment of their chains, frame by frame, and their leaves.

Source: the weights are those of `docs/identity.md`; rare functions count more than those that everything goes through.
"""

from __future__ import annotations

from collections.abc import Sequence

from leakreport.analysis.callsites import CallMap, CallSites
from leakreport.analysis.learning import BASE, FILE, MODULE, SCOPE, TEMPLATE, Learned
from leakreport.analysis.leaves import Leaves
from leakreport.analysis.points import Point
from leakreport.analysis.sites import Site, Subject
from leakreport.analysis.vocabulary import Profile, Vocabulary
from leakreport.analysis.wording import likeness, without_scopes

_NAME, _POSITION = 0.75, 0.4
_LEAF = 0.45
_SAME_KIND = 0.02
_INNERMOST, _SECOND = 1.3, 1.1
_LEAST_POSITION_WEIGHT = 0.7
_MOST_OF_FRAME = _NAME + _POSITION * 0.7
_MOST_OF_LEAF = _LEAF * 1.1
_MOST_REMEMBERED = 1_000_000
_GAP, _GAP_ONE_SIDED, _GAP_NAMELESS = 0.42, 0.25, 0.2


class Similarity:
    """Scores pairs of sites under one state of knowledge."""

    def __init__(
        self,
        subject: Subject,
        calls: CallSites,
        leaves: Leaves,
        vocabularies: tuple[Vocabulary, Vocabulary],
    ) -> None:
        """Nothing is learned yet; `know` comes before the first score."""
        self._points = subject.points
        self._calls = calls
        self._leaves = leaves
        self._before, self._after = vocabularies
        self._by_address = subject.by_address
        self._frames: dict[tuple[int, int], tuple[float, float]] = {}
        self._profiles: dict[int, Profile] = {}
        self._learned = Learned()
        self._map = CallMap()

    def know(self, learned: Learned, call_map: CallMap) -> None:
        """Score from now on with these."""
        self._learned = learned
        self._map = call_map
        self._frames = {}
        self._profiles = {}

    def bound(self, before: Site, after: Site) -> float:
        """What the score of a pair surely is not above; costs far less than the score."""
        x, y = self._profile(before, is_before=True), self._profile(after, is_before=False)
        most = (x.most_with(y.names) + y.most_with(x.names)) / 2
        return (most + _MOST_OF_LEAF) / (0.9 * (x.weight + y.weight) / 2 + _LEAF) + _SAME_KIND

    def _profile(self, site: Site, *, is_before: bool) -> Profile:
        known = self._profiles.get(id(site))
        if known is None:
            mine, others = (self._before, self._after) if is_before else (self._after, self._before)
            weights = self.weights(site, mine)
            bases = [self._points[p].name.base for p in site.chain]
            values = [_MOST_OF_FRAME * max(weight, _LEAST_POSITION_WEIGHT) for weight in weights]
            # A name that lives on both sides stands for itself only, unless it was seen to be renamed.
            is_fixed = [base in others.bases and not self._learned.was_renamed(base or "") for base in bases]
            fixed = [
                (base, value)
                for base, value, fix in zip(bases, values, is_fixed, strict=True)
                if fix and base is not None
            ]
            free = sum(value for value, fix in zip(values, is_fixed, strict=True) if not fix)
            known = self._profiles[id(site)] = Profile(frozenset(bases), fixed, free, sum(weights))
        return known

    def of(self, before: Site, after: Site) -> float:
        """About -1 to 1."""
        score, weight, _ = self._align(before, after, wants_pairs=False)
        leaf = _LEAF * self._leaves.similarity(before, after)
        same_kind = _SAME_KIND * bool(before.kinds & after.kinds)
        return (score + leaf) / (0.9 * weight + _LEAF) + same_kind

    def aligned(self, before: Site, after: Site) -> list[tuple[int, int]]:
        """The points that stand for each other, innermost first."""
        return self._align(before, after, wants_pairs=True)[2]

    def weights(self, site: Site, vocabulary: Vocabulary) -> list[float]:
        """How much each point of a chain counts."""
        found = [0.3 + 0.7 * vocabulary.bases.get(self._points[p].name.base or "", 0.5) for p in site.chain]
        for position, factor in enumerate((_INNERMOST, _SECOND)[: len(found)]):
            found[position] *= factor
        return found

    def _gaps(self, site: Site, weights: Sequence[float], others: Vocabulary) -> list[float]:
        gaps = []
        for number, weight in zip(site.chain, weights, strict=True):
            base = self._points[number].name.base
            share = _GAP_NAMELESS if base is None else _GAP if base in others.bases else _GAP_ONE_SIDED
            gaps.append(share * weight)
        return gaps

    def _align(self, before: Site, after: Site, *, wants_pairs: bool) -> tuple[float, float, list[tuple[int, int]]]:
        """Score, weight of both chains, and where asked for the aligned pairs."""
        x, y = before.chain, after.chain
        wx, wy = self.weights(before, self._before), self.weights(after, self._after)
        gx, gy = self._gaps(before, wx, self._after), self._gaps(after, wy, self._before)
        head, tail, score = self._equal_ends(x, y, wx, wy)
        n, k = len(x) - tail, len(y) - tail
        row = [score]
        for j in range(head, k):
            row.append(row[-1] - gy[j])
        steps: list[list[int]] = []
        known = self._frames
        for i in range(head, n):
            a, wa, gap = x[i], wx[i], gx[i]
            above, row = row, [row[0] - gap]
            taken = []
            for j in range(head, k):
                name, position = known.get((a, y[j])) or self._frame(a, y[j])
                weight = (wa + wy[j]) / 2
                place = j - head
                both = above[place] + name * weight + position * max(weight, _LEAST_POSITION_WEIGHT)
                without = above[place + 1] - gap
                skipped = row[place] - gy[j]
                if both >= without and both >= skipped:
                    row.append(both)
                    taken.append(0)
                elif without >= skipped:
                    row.append(without)
                    taken.append(1)
                else:
                    row.append(skipped)
                    taken.append(2)
            if wants_pairs:
                steps.append(taken)
        weight = (sum(wx) + sum(wy)) / 2
        pairs = _pairs_of(x, y, head, tail, steps) if wants_pairs else []
        return row[-1], weight or 1.0, pairs

    def _equal_ends(
        self, x: Sequence[int], y: Sequence[int], wx: Sequence[float], wy: Sequence[float]
    ) -> tuple[int, int, float]:
        """How many points at the inner and the outer end surely stand for each other, and what they score."""
        shorter = min(len(x), len(y))
        score = 0.0
        head = 0
        while head < shorter and self._is_certain(x[head], y[head]):
            score += self._value(x[head], y[head], (wx[head] + wy[head]) / 2)
            head += 1
        tail = 0
        while tail < shorter - head and self._is_certain(x[-1 - tail], y[-1 - tail]):
            score += self._value(x[-1 - tail], y[-1 - tail], (wx[-1 - tail] + wy[-1 - tail]) / 2)
            tail += 1
        return head, tail, score

    def _value(self, a: int, b: int, weight: float) -> float:
        name, position = self._frame(a, b)
        return name * weight + position * max(weight, _LEAST_POSITION_WEIGHT)

    def _is_certain(self, a: int, b: int) -> bool:
        name, position = self._frame(a, b)
        return name >= 0.74 and position >= 0.27

    def _frame(self, a: int, b: int) -> tuple[float, float]:
        """The value of two points as one frame: by name and module, and by position."""
        found = self._frames.get((a, b))
        if found is None:
            x, y = self._points[a], self._points[b]
            name = self._name_value(x, y)
            found = _NAME * name + self._module_value(x, y), _POSITION * self._position_value(a, b)
            if len(self._frames) >= _MOST_REMEMBERED:
                self._frames.clear()
            self._frames[a, b] = found
        return found

    def _module_value(self, x: Point, y: Point) -> float:
        if x.module == y.module or "?" in {x.module, y.module}:
            return 0.0
        support = self._learned.support(MODULE, x.module, y.module)
        if x.module in self._after.modules and y.module in self._before.modules:
            return -0.7 * (1 - min(1.0, 1.5 * support))
        return -0.05 * (1 - support)

    def _name_value(self, x: Point, y: Point) -> float:
        if x.name.base is None or y.name.base is None:
            alike = self._learned.same_file(x.file, y.file)
            if x.name.base is y.name.base:
                return 0.5 if alike > 0.6 else 0.1
            if x.file is None or y.file is None:
                return 0.3
            return -0.6 if alike < 0.5 else 0.6
        if x.name.base == y.name.base:
            return self._same_base_value(x, y)
        return self._other_base_value(x.name.base, y.name.base)

    def _same_base_value(self, x: Point, y: Point) -> float:
        a, b = x.name, y.name
        value = 1.0
        if a.scope is not None and b.scope is not None and a.scope != b.scope:
            if a.scope[-1:] == b.scope[-1:] and len(a.scope) == len(b.scope):
                value -= 0.05
            else:
                value -= 0.3 * (1 - self._learned.support(SCOPE, a.scope, b.scope))
        if a.template_arguments and b.template_arguments:
            one, other = without_scopes(a.template_arguments), without_scopes(b.template_arguments)
            if one != other:
                support = self._learned.support(TEMPLATE, a.template_arguments, b.template_arguments)
                value -= 0.35 * (1 - support) * (1 - 0.6 * likeness(one, other))
        if x.file and y.file and x.file != y.file and x.file in self._after.files and y.file in self._before.files:
            value -= 0.7 * (1 - self._learned.support(FILE, x.file, y.file))
        if a.arguments and b.arguments and a.arguments != b.arguments:
            value -= 0.08
        one_name, other_name = a._replace(lambda_number=None), b._replace(lambda_number=None)
        if one_name != other_name and one_name in self._after.names and other_name in self._before.names:
            # A name that lives on both sides was not renamed.
            value = min(value, -0.6)
        if a.lambda_number and b.lambda_number and a.lambda_number != b.lambda_number:
            value -= 0.05
        return value

    def _other_base_value(self, one: str, other: str) -> float:
        lives, lived = one in self._after.bases, other in self._before.bases
        support = self._learned.support(BASE, one, other)
        if support > 0:
            value = 0.6 * support - 0.2 if lives or lived else 0.95 * support
        elif lives and lived:
            value = -0.9
        elif lives or lived:
            value = -0.7
        elif self._learned.has_seen(BASE, one, other):
            value = -0.6
        else:
            value = -0.35 + 0.95 * likeness(one, other)
        if not lives and not lived and self._learned.was_rewritten_elsewhere(one, other):
            value = max(value, 0.8)
        return value

    def _position_value(self, a: int, b: int) -> float:
        x, y = self._points[a], self._points[b]
        if not x.position or not y.position:
            return 0.0
        same_file = 1.0 if self._by_address else self._learned.same_file(x.file, y.file)
        if same_file < 0.1:
            return -0.6
        units = self._calls.unit(x), self._calls.unit(y)
        if x.name.base is None or y.name.base is None:
            if self._by_address:
                return 0.0
            is_near = x.position == y.position or self._map.fits_neighbours(units, x.position, y.position)
            return same_file * (0.5 if is_near else -0.5 * min(1.0, abs(y.position - x.position) / 6))
        forward = self._map.forward.get(self._calls.place[a])
        backward = self._map.backward.get(self._calls.place[b])
        if forward is not None and forward == self._calls.place[b]:
            return 0.7 * same_file
        if forward is not None or backward is not None:
            return (-0.7 if forward is not None and backward is not None else -0.5) * same_file
        if self._map.fits_neighbours(units, x.position, y.position):
            return 0.3 * same_file
        distance = 0.0 if self._by_address else min(1.0, abs(y.position - x.position) / 20)
        return same_file * (-0.25 - 0.25 * distance)


def _pairs_of(
    x: Sequence[int], y: Sequence[int], head: int, tail: int, steps: Sequence[Sequence[int]]
) -> list[tuple[int, int]]:
    """The aligned pairs of two chains, from the choices made on the way."""
    inner = []
    i, j = len(x) - tail - head, len(y) - tail - head
    while i and j:
        step = steps[i - 1][j - 1]
        if step == 0:
            inner.append((x[head + i - 1], y[head + j - 1]))
        i -= step != 2
        j -= step != 1
    ends = list(zip(x[len(x) - tail :], y[len(y) - tail :], strict=True)) if tail else []
    return [*zip(x[:head], y[:head], strict=True), *inner[::-1], *ends]
