"""How well the matching recognises the same leak in two builds: rows for the scorer of the identity corpus.

    python bench/identity.py CORPUS OUT [--all]
    python CORPUS/score.py --rows OUT

CORPUS has data/<program>/truth.json, with builds and the pairs that are asked for; OUT gets <program>/<a>..<b>.json.
Prints, by the word for confidence, how many rows there are, how many join records of different leaks, their share, and
what that share is below with 95 % confidence. With --all, for every two builds of a program, by CORPUS/build.py and
CORPUS/score.py: recall, leaks merged, new and fixed leaks told, and rows that change where nothing did.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import sys
from collections import Counter
from itertools import combinations
from math import exp, factorial
from pathlib import Path
from typing import Any

from leakreport import api
from leakreport.analysis.matching import Matching, match
from leakreport.analysis.sites import Paths

Loaded = tuple[Paths, list[tuple[str, ...]]]
Rows = list[dict[str, Any]]
Truth = dict[str, Any]

WORDS = ("certain", "likely", "possible", "by-amounts", "undecided")


def load(path: Path) -> Loaded:
    report = api.analyze(api.load(path))
    return Paths.of(report), [row.records for row in report.paths]


def rows_of(found: Matching, before: Loaded, after: Loaded) -> Rows:
    sides = [(list(one.before), list(one.after), one.matched_as, one.confidence) for one in found.all_matches()]
    # A row without a partner says nothing of its identity, unless it is a tie.
    sides += [([one.row], [], None, None if one.tie is None else "undecided") for one in found.gone]
    sides += [([], [one.row], None, None if one.tie is None else "undecided") for one in found.new]
    return [
        {
            "before": [name for row in ours for name in before[1][row]],
            "after": [name for row in theirs for name in after[1][row]],
            "before_bytes": sum(before[0].row(row).bytes for row in ours),
            "after_bytes": sum(after[0].row(row).bytes for row in theirs),
            "matched_as": how,
            "confidence": confidence,
        }
        for ours, theirs, how, confidence in sides
    ]


class Words:
    """Rows by their word, and those of them that join different leaks."""

    def __init__(self) -> None:
        self.rows, self.wrong = Counter[str](), Counter[str]()

    def count(self, rows: Rows, pair: Truth) -> None:
        scored = [leak for leak in pair["leaks"] if not leak.get("ambiguous")]
        tag = {side: {name: leak["tag"] for leak in scored for name in leak[side]} for side in ("before", "after")}
        for row in rows:
            if row["confidence"] is not None:
                ours, theirs = ({tag[side][n] for n in row[side] if n in tag[side]} for side in ("before", "after"))
                self.rows[str(row["confidence"])] += 1
                self.wrong[str(row["confidence"])] += bool(ours and theirs and ours != theirs)

    def show(self) -> None:
        for word in WORDS:
            if count := self.rows[word]:
                wrong = self.wrong[word]
                print(
                    f"{word:<12}{count:>8} rows{wrong:>6} wrong{wrong / count:>10.3%}, below{min(1.0, upper(wrong) / count):>8.3%}"
                )


def upper(seen: int) -> float:
    """What the mean of a Poisson count is below with 95 % confidence, after so many were seen."""
    low, high = 0.0, 3.0 * seen + 10
    for _ in range(60):
        mean = (low + high) / 2
        more = sum(exp(-mean) * mean**k / factorial(k) for k in range(seen + 1)) > 0.05
        low, high = (mean, high) if more else (low, mean)
    return high


class Builds:
    """The builds of one program, loaded when they are asked for."""

    def __init__(self, corpus: Path, truth: Truth) -> None:
        self._corpus, self.truth = corpus, truth
        self._loaded: dict[str, Loaded] = {}

    def rows(self, pair: Truth) -> Rows:
        before, after = (self._load(pair[side]) for side in ("before", "after"))
        return rows_of(match(before[0], after[0]), before, after)

    def _load(self, name: str) -> Loaded:
        if name not in self._loaded:
            self._loaded[name] = load(self._corpus / self.truth["builds"][name]["file"])
        return self._loaded[name]


def all_pairs(corpus: Path, truth: Truth) -> list[Truth]:
    """The truth of every two builds, made by the corpus's own rules."""
    build = importlib.import_module("build")
    builds = {}
    for name, told in truth["builds"].items():
        records = build.records(gzip.decompress((corpus / told["file"]).read_bytes()))
        mixed: dict[str, object] = {}
        labels = []
        for record in told["records"]:
            amounts = record.get("mix") or {tag: [record["bytes"], record["blocks"]] for tag in record["tags"]}
            label = {tag: [*amount, {record["kind"]}] for tag, amount in amounts.items()}
            key = json.dumps(amounts, sort_keys=True)
            labels.append(label if len(record["tags"]) == 1 else mixed.setdefault(key, label))
        builds[name] = records, labels, told["records"]
    found = []
    for one, other in combinations(builds, 2):
        # The first of two is what is called base there.
        made = build.make_pairs({"base": builds[one], other: builds[other]})
        found.append({**next(pair for pair in made if pair["after"] == other), "before": one})
    return found


def score_all(corpus: Path) -> None:
    sys.path.insert(0, str(corpus))
    score = importlib.import_module("score")
    words, total = Words(), Counter[str]()
    for path in sorted(corpus.glob("data/*/truth.json")):
        builds = Builds(corpus, json.loads(path.read_text()))
        records = {name: told["records"] for name, told in builds.truth["builds"].items()}
        for pair in all_pairs(corpus, builds.truth):
            rows = builds.rows(pair)
            words.count(rows, pair)
            sides = [records[pair[side]] for side in ("after", "before")]
            found = score.score_pair(
                pair,
                rows,
                *({record["unique"]: record for record in side} for side in sides),
                *({record["unique"]: record["tags"] for record in side} for side in sides),
            )
            total.update({key: value or 0 for key, value in found.items() if isinstance(value, int | None)}, pairs=1)
    print(
        f"{total['pairs']} pairs: recall {total['kept'] / total['scored']:.3%} of {total['scored']}, merged "
        f"{total['merged'] / total['instances']:.3%}, new and fixed {total['newfixed_ok']}/{total['newfixed']}, "
        f"noise {total['noise']}, unexplained {total['unexplained']}"
    )
    words.show()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    words = Words()
    for path in sorted(options.corpus.glob("data/*/truth.json")):
        builds = Builds(options.corpus, json.loads(path.read_text()))
        folder = options.out / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        for pair in builds.truth["pairs"]:
            rows = builds.rows(pair)
            (folder / f"{pair['before']}..{pair['after']}.json").write_text(json.dumps({"rows": rows}))
            words.count(rows, pair)
    words.show()
    if options.all:
        score_all(options.corpus)


if __name__ == "__main__":
    main()
