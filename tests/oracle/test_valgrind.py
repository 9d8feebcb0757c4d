"""Our totals against the tool's own words: each program runs twice, and the text's LEAK SUMMARY is the answer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.valgrind

_LINE = re.compile(
    r"^==\d+==\s+(definitely lost|indirectly lost|possibly lost|still reachable|suppressed):"
    r" ([\d,]+) bytes in ([\d,]+) blocks",
    re.MULTILINE,
)
_METRIC = {
    "definitely lost": "definite",
    "indirectly lost": "indirect",
    "possibly lost": "possible",
    "still reachable": "reachable",
    "suppressed": "suppressed",
}


class Case(NamedTuple):
    """A program, its arguments and options of Valgrind."""

    name: str
    command: tuple[str, ...]
    options: tuple[str, ...] = ()


CASES = (
    Case("kinds", ("./kinds",)),
    Case("kinds-suppressed", ("./kinds",), ("--suppressions=demo.supp",)),
    Case("svc", ("./svc_v3/svc",)),
    Case("threads", ("./threads",)),
    Case("errors", ("./errors",), ("--track-origins=yes",)),
    Case("crash-segv", ("./crash", "segv")),
    Case("checks", ("./checks",)),
    Case("deep", ("./deep",), ("--num-callers=40",)),
    Case("pool", ("./pool",)),
    Case("inl", ("./inl",)),
)


def _summary(text: str) -> dict[str, int]:
    """The last LEAK SUMMARY, as metrics; all 0 where every block was freed."""
    if "All heap blocks were freed" in text:
        return {f"{name}_{unit}": 0 for name in _METRIC.values() for unit in ("bytes", "blocks")}
    found: dict[str, int] = {}
    for label, amount, blocks in _LINE.findall(text.rpartition("LEAK SUMMARY:")[2]):
        found[f"{_METRIC[label]}_bytes"] = int(amount.replace(",", ""))
        found[f"{_METRIC[label]}_blocks"] = int(blocks.replace(",", ""))
    return found


def _analysed(path: Path) -> dict[str, int]:
    command = [sys.executable, "-m", "leakreport", "analyze", str(path), "--to", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    totals: Mapping[str, int] = json.loads(done.stdout)["totals"]
    return dict(totals)


def _record(valgrind: str, case: Case, folder: Path, *extra: str) -> None:
    command = [valgrind, "--leak-check=full", "--show-leak-kinds=all", *case.options, *extra, *case.command]
    # The exit code is the program's own: some of these die on purpose.
    subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_totals_are_those_of_the_leak_summary(
    case: Case, tool: Callable[[str], str], programs: Path, tmp_path: Path
) -> None:
    valgrind = tool("valgrind")
    xml, log = tmp_path / "run.xml", tmp_path / "run.log"
    _record(valgrind, case, programs, "--xml=yes", f"--xml-file={xml}")
    _record(valgrind, case, programs, f"--log-file={log}")
    expected = _summary(log.read_text(encoding="utf-8", errors="replace"))
    assert len(expected) == 2 * len(_METRIC)
    # XML before protocol 6 has no LEAK SUMMARY, so what was suppressed is known only from the counts of suppressions.
    measured_by_records = {metric: value for metric, value in expected.items() if not metric.startswith("suppressed")}
    from_xml = _analysed(xml)
    assert {metric: from_xml.get(metric, 0) for metric in measured_by_records} == measured_by_records
    lost = sum(expected[f"{kind}_bytes"] for kind in ("definite", "indirect", "possible"))
    assert from_xml["leaked_bytes"] == lost
    assert from_xml["retained_bytes"] == lost + expected["reachable_bytes"]
    from_text = _analysed(log)
    assert {metric: from_text.get(metric) for metric in expected} == expected
