"""The script reads the tree of a page as Python does, of all three kinds of report."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.trend import trend
from leakreport.api import analyze, load
from leakreport.model.packing import unpacked_tree
from leakreport.render.interface import RenderOptions
from leakreport.render.payload import AnyReport, payload_of
from tests.support import fixture_path

HERE = Path(__file__).resolve().parent
SCRIPT = """
const page = require("./load.js").load();
const payload = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const names = payload.tree.columns.map((column) => column.name);
const data = page.createData(payload);
const changes = payload.compare ? [page.wholeChange(data, 1), page.wholeChange(data, -1)] : [];
const own = names.map((name) => [name, Array.from(page.ownValues(data, name))]);
console.log(JSON.stringify({
  depth: Array.from(data.tree.depth), frame: Array.from(data.tree.frame), parent: Array.from(data.tree.parent),
  responsible: Array.from(data.responsible), changes, own: Object.fromEntries(own),
  roots: names.map((name) => page.sumsOf(data, data.tree, name)[0]),
}));
"""


def memcheck(*names: str) -> list[str]:
    return [str(fixture_path("memcheck-xml", name)) for name in names]


REPORTS: dict[str, Callable[[], AnyReport]] = {
    "run": lambda: analyze(load(memcheck("python3"))),
    "timeline": lambda: analyze(load(fixture_path("massif", "wave-ms"))),
    "diff": lambda: compare(load(memcheck("svc-v2")), load(memcheck("svc-v5"))),
    "diff-folded": lambda: compare(load(memcheck("python3")), load(memcheck("sqlite3")), AnalysisOptions(max_nodes=60)),
    "trend": lambda: trend(load(memcheck(*(f"svc-v{number}" for number in range(1, 7))))),
}


def parents(depth: Sequence[int]) -> list[int]:
    way: list[int] = []
    found = []
    for node, level in enumerate(depth):
        found.append(way[level - 1] if level else -1)
        way[level:] = [node]
    return found


@pytest.mark.parametrize("kind", REPORTS)
def test_the_script_reads_the_tree_as_python_does(tool: Callable[[str], str], kind: str) -> None:
    content = payload_of(REPORTS[kind](), RenderOptions(command=("leakreport",))).content
    done = subprocess.run([tool("node"), "-e", SCRIPT], cwd=HERE, input=content, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    payload = json.loads(content)
    pair = payload["compare"]
    tree: Any = unpacked_tree(payload["tree"], (pair["before"], pair["after"]) if pair else None)
    for column in ("depth", "frame", "responsible"):
        assert found[column] == tree[column]
    assert found["parent"] == parents(tree["depth"])
    columns = {column["name"]: column["values"] for column in tree["columns"]}
    assert found["own"] == columns
    assert found["roots"] == [sum(values) for values in columns.values()]
    assert bool(tree["folded"]) == (kind == "diff-folded")
    if pair:
        folded = {row[0]: row[2:] for row in tree["folded"]}
        both = zip(columns[pair["before"]], columns[pair["after"]], strict=True)
        each = [
            folded.get(node, [max(0, after - before), max(0, before - after)])
            for node, (before, after) in enumerate(both)
        ]
        assert found["changes"] == [sum(one) for one in zip(*each, strict=True)]
