"""The series of the data tell the story that their README tells."""

from __future__ import annotations

import contextlib
import io
import json
from html import unescape
from pathlib import Path

import jsonschema
import pytest

from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.report import Status
from leakreport.analysis.trend import trend
from leakreport.api import load
from leakreport.cli import main
from leakreport.errors import UsageError
from tests.support import FIXTURES, fixture_path

SCHEMA = json.loads((FIXTURES.parent / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8"))
SVC = [fixture_path("memcheck-xml", f"svc-v{number}") for number in range(1, 7)]


def test_runs_of_rebuilt_programs_are_one_series_by_path() -> None:
    # svc.c.in: each revision leaks 10 sessions more; 3 adds journal_append, 4 drops legacy_table, lines drift.
    report = trend(load(SVC))
    words = {
        report.frames[row.path.frames[row.path.named_by]].function: (row.verdict.word, row.series)
        for row in report.rows
        if row.path.named_by is not None
    }
    assert words["session_open"] == (GrowthWord.GROWING, (640, 1280, 1920, 2560, 3200, 3840))
    assert words["name_dup"] == (GrowthWord.GROWING, (1000, 2000, 3000, 4000, 5000, 6000))
    assert words["journal_append"] == (GrowthWord.STEP, (0, 0, 100_000, 100_000, 100_000, 100_000))
    assert words["cache_warm"] == (GrowthWord.FLAT, (4096,) * 6)
    assert report.verdict.status is Status.GROWTH
    assert [row.verdict.word for row in report.rows[:2]] == [GrowthWord.GROWING] * 2


@pytest.mark.parametrize("case", ["wave-grow2", "wave-grow4", "svc-v3", "mapper-grow1"])
def test_each_value_is_that_of_its_snapshot(case: str) -> None:
    run = load(fixture_path("massif", case))
    report = trend(run)
    assert len(report.points) == len(run.snapshots)
    for number, snapshot in enumerate(run.snapshots):
        column = [row.series[number] for row in report.rows]
        if snapshot.is_detailed:
            held = sum(amount or 0 for amount in column)
            assert held + snapshot.unattributed()["retained_bytes"] == snapshot.totals["retained_bytes"]
        else:
            assert column == [None] * len(column)


def test_two_points_only_say_larger_by() -> None:
    report = trend(load(SVC[:2]))
    assert report.verdict.status is Status.INCONCLUSIVE
    assert "larger by 1.60 KiB" in report.verdict.sentence
    assert not [row for row in report.rows if row.verdict.word is GrowthWord.GROWING]
    with pytest.raises(UsageError, match="at least two"):
        trend(load(SVC[:1]))


@pytest.mark.parametrize("inputs", [SVC, [fixture_path("massif", "wave-grow4")]], ids=["runs", "massif"])
def test_the_outputs(inputs: list[Path], tmp_path: Path) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["trend", *map(str, inputs)]) == 0
    assert out.getvalue().startswith("GROWTH ")
    assert "nan" not in out.getvalue()
    target = tmp_path / "trend.json"
    assert main(["trend", *map(str, inputs), "--to", "json", "-o", str(target), "-q"]) == 0
    document = json.loads(target.read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert document["kind"] == "trend"
    assert len(document["snapshots"]) == len(document["paths"][0]["series"]["retained_bytes"])
    assert main(["trend", *map(str, inputs), "--to", "speedscope"]) == 2
    page = tmp_path / "trend.html"
    assert main(["trend", *map(str, inputs), "--to", "html", "-o", str(page), "-q"]) == 0
    assert document["verdict"]["sentence"] in unescape(page.read_text(encoding="utf-8"))
