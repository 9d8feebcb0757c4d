"""How well the matching recognises the same leak in two builds: rows for the scorer of the identity corpus.

    python bench/identity.py CORPUS OUT
    python CORPUS/score.py --rows OUT

CORPUS has data/<program>/truth.json, with builds and the pairs that are asked for; OUT gets <program>/<a>..<b>.json.
Prints, by the word for confidence, how many rows there are and how many join records of different leaks.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from leakreport import api
from leakreport.analysis.matching import Matching, match
from leakreport.analysis.sites import Paths

Loaded = tuple[Paths, list[tuple[str, ...]]]


def load(path: Path) -> Loaded:
    report = api.analyze(api.load(path))
    return Paths.of(report), [row.records for row in report.paths]


def rows_of(found: Matching, before: Loaded, after: Loaded) -> list[dict[str, object]]:
    sides = [(list(one.before), list(one.after), one.matched_as, one.confidence) for one in found.all_matches()]
    sides += [([one.row], [], None, None) for one in found.gone]
    sides += [([], [one.row], None, None) for one in found.new]
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


def main(corpus: Path, out: Path) -> None:
    rows_by, wrong_by = Counter[str](), Counter[str]()
    for path in sorted(corpus.glob("data/*/truth.json")):
        truth = json.loads(path.read_text())
        loaded: dict[str, Loaded] = {}
        folder = out / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        for pair in truth["pairs"]:
            before, after = (
                loaded.setdefault(name, loaded.get(name) or load(corpus / truth["builds"][name]["file"]))
                for name in (pair["before"], pair["after"])
            )
            rows = rows_of(match(before[0], after[0]), before, after)
            (folder / f"{pair['before']}..{pair['after']}.json").write_text(json.dumps({"rows": rows}))
            scored = [leak for leak in pair["leaks"] if not leak.get("ambiguous")]
            tags = [{name: leak["tag"] for leak in scored for name in leak[side]} for side in ("before", "after")]
            for row in rows:
                if row["confidence"] is not None:
                    ours, theirs = (
                        {tag[n] for n in row[side] if n in tag}
                        for tag, side in zip(tags, ("before", "after"), strict=True)
                    )  # type: ignore[attr-defined]
                    rows_by[str(row["confidence"])] += 1
                    wrong_by[str(row["confidence"])] += bool(ours and theirs and ours != theirs)
    for word, count in rows_by.most_common():
        print(f"{word:<12}{count:>8} rows{wrong_by[word]:>6} wrong")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
