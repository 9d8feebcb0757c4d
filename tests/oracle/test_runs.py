"""Several runs of two builds under the installed valgrind: the one leak that was added is named, whatever the runs vary by.

The totals are what valgrind's text says of other runs with the same seeds.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.test_compare import called
from tests.oracle.test_valgrind import LOST, leak_summary

pytestmark = pytest.mark.valgrind

RUNS = 5


@pytest.fixture(scope="session")
def recorded(tool: Callable[[str], str], programs: Path, once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Folders `before`, `again` (the same build, other seeds) and `after` with XML, and the text of each run beside them."""
    valgrind = tool("valgrind")

    def record(folder: Path) -> None:
        for number, (name, build) in enumerate((("before", 0), ("again", 0), ("after", 1))):
            (folder / name).mkdir()
            for run in range(RUNS):
                for option in (f"--xml-file={name}/%p.{run}.xml", f"--log-file={name}-{run}.log"):
                    xml = ["--xml=yes"] if "xml" in option else []
                    command = [valgrind, "--leak-check=full", "--show-leak-kinds=all", *xml, f"{option}"]
                    subprocess.run(
                        [*command, str(programs / f"jitter_v{build}" / "jitter")],
                        cwd=folder,
                        env={"SEED": str(100 * number + run + 1)},
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        check=True,
                        timeout=120,
                    )

    return once("jitter-runs", record)


def document_of(*arguments: str | Path, exit_code: int) -> dict[str, Any]:
    code, text, complaint = called(*arguments, "--to", "json")
    assert code == exit_code, complaint
    found: dict[str, Any] = json.loads(text)
    return found


def summaries(folder: Path, name: str) -> list[int]:
    """Lost bytes of each run, as valgrind prints them."""
    texts = [(folder / f"{name}-{run}.log").read_text(encoding="utf-8") for run in range(RUNS)]
    return [sum(leak_summary(text)[f"{kind}_bytes"] for kind in LOST) for text in texts]


def functions(document: dict[str, Any], row: dict[str, Any]) -> set[str]:
    return {document["frames"][index]["function"] for index in row["frames"]}


def test_the_added_leak_is_the_one_row(recorded: Path) -> None:
    document = document_of(f"{recorded}/before/*.xml", f"{recorded}/after/*.xml", "--fail-on", "growth", exit_code=1)
    (row,) = [row for row in document["paths"] if row["significant"]]
    assert "request_log" in functions(document, row)
    assert row["change"]["leaked_bytes"] == 400
    assert row["runs"]["before"] == [0] * RUNS
    assert row["runs"]["after"] == [400] * RUNS
    assert row["presence"] == "new"
    varied = [row for row in document["paths"] if row["runs"]["p_value"] < 1 and row["change"]["retained_bytes"]]
    assert len(varied) >= 4


def test_totals_of_each_run_are_those_of_the_leak_summary(recorded: Path) -> None:
    document = document_of(f"{recorded}/before/*.xml", f"{recorded}/after/*.xml", exit_code=0)
    assert document["runs"]["metric"] == "leaked_bytes"
    for side in ("before", "after"):
        # Inputs come in the order of their pids, the texts in the order of their seeds.
        expected = summaries(recorded, side)
        assert sorted(document["runs"]["total"][side]) == sorted(expected)
        assert document[side]["totals"]["leaked_bytes"] == (2 * sum(expected) + RUNS) // (2 * RUNS)
    for run in range(RUNS):
        kept = [row["runs"]["before"][run] for row in document["paths"] if row["leak_kind"] != "reachable"]
        assert sum(kept) == document["runs"]["total"]["before"][run]
    for metric, change in document["change"].items():
        of_paths = sum(row["change"].get(metric, 0) for row in document["paths"])
        assert of_paths + document["unattributed"][metric] == change
    assert not document["unattributed"]["leaked_bytes"]


def test_the_same_build_with_other_seeds_passes(recorded: Path) -> None:
    document = document_of(f"{recorded}/before/*.xml", f"{recorded}/again/*.xml", "--fail-on", "growth", exit_code=0)
    assert document["verdict"]["status"] == "no-growth"
    assert any(row["change"]["retained_bytes"] for row in document["paths"])


def test_three_runs_a_side_are_no_pass(recorded: Path) -> None:
    sides = [f"{recorded}/{side}/*.[012].xml" for side in ("before", "after")]
    document = document_of(*sides, "--fail-on", "growth", exit_code=5)
    assert document["verdict"]["status"] == "inconclusive"
    assert document["runs"]["undecided"] > 0
