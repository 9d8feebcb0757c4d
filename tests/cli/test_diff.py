"""`leakreport diff` with several runs a side and per unit of work: what each output says, and what it exits with."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest

from tests.analysis.runs_support import memcheck
from tests.analysis.test_compare import SCHEMA, called
from tests.analysis.test_runs_compare import noisy
from tests.support import fixture_path

OUTPUTS = ("terminal", "markdown", "html")


def written(folder: Path, runs: list[dict[str, int]]) -> str:
    """A glob of the inputs of some runs."""
    folder.mkdir()
    for number, amounts in enumerate(runs):
        (folder / f"run{number}.xml").write_bytes(memcheck(amounts, pid=100 + number))
    return f"{folder}/*.xml"


@pytest.fixture(params=[5, 3])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[int, str, str]:
    generator, count = Random(4), request.param
    before = [noisy(generator) for _ in range(count)]
    after = [noisy(generator, leak=9_000) for _ in range(count)]
    return count, written(tmp_path / "before", before), written(tmp_path / "after", after)


def document_of(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
    found, text, complaint = called(*arguments, "--to", "json")
    assert found == code, complaint
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, SCHEMA)
    return document


def test_the_gate_fails_with_five_runs_and_is_open_with_three(sides: tuple[int, str, str]) -> None:
    count, before, after = sides
    document = document_of(before, after, "--fail-on", "growth", code=1 if count == 5 else 5)
    assert document["runs"]["before"] == document["runs"]["after"] == count
    assert document["verdict"]["status"] == ("growth" if count == 5 else "inconclusive")
    for row in document["paths"]:
        assert len(row["runs"]["before"]) == len(row["runs"]["after"]) == count
    assert (document["runs"]["undecided"] > 0) == (count == 3)
    forced = document_of(before, after, "--fail-on", "growth", "--force-compare", code=1)
    assert forced["runs"]["undecided"] == 0


def test_every_output_tells_how_the_runs_lie(sides: tuple[int, str, str]) -> None:
    count, before, after = sides
    words = f"{count} of {count} runs after above all {count} before"
    for name in OUTPUTS:
        code, text, complaint = called(before, after, "--to", name)
        assert code == 0, complaint
        assert words in text
        assert f"means of {count} runs" in text
        assert "growing" not in text.partition("</style>")[2 if name == "html" else 0]


def test_a_run_that_cannot_be_read_is_no_pass(sides: tuple[int, str, str], tmp_path: Path) -> None:
    _, before, after = sides
    (tmp_path / "after" / "run9.xml").write_bytes(b"")
    assert called(before, after, "--fail-on", "growth")[0] == 3


@pytest.mark.parametrize("work", ["4000", "requests=4000", "requests=4000,4000", "requests=3,7.5", "hours=0.5"])
def test_rates_are_bytes_by_work(work: str) -> None:
    paths = fixture_path("memcheck-xml", "svc-v2"), fixture_path("memcheck-xml", "svc-v3")
    document = document_of(*paths, "--per", work)
    plain = document_of(*paths)
    assert plain["per"] is None
    amounts = [Fraction(amount) for amount in work.rpartition("=")[2].split(",")]
    first, second = amounts[0], amounts[-1]
    assert document["per"]["work"] == [float(first), float(second)]
    assert document["per"]["unit"] == (work.partition("=")[0] if "=" in work else "unit of work")
    assert [row["change"] for row in document["paths"]] == [row["change"] for row in plain["paths"]]
    rates = [(row["before"], row["after"], row["per_unit"], "retained_bytes") for row in document["paths"]]
    totals = document["before"]["totals"], document["after"]["totals"]
    rates += [(*totals, rate, metric) for metric, rate in document["per"]["rates"].items()]
    for before, after, rate, metric in rates:
        ends = Fraction(before.get(metric, 0)) / first, Fraction(after.get(metric, 0)) / second
        assert rate["before"] == pytest.approx(float(ends[0]))
        assert rate["after"] == pytest.approx(float(ends[1]))
        assert rate["change"] == pytest.approx(float(ends[1] - ends[0]))
        assert rate["estimate"] is False
    assert {metric.rpartition("_")[2] for metric in document["per"]["rates"]} == {"bytes"}


def test_rates_stand_beside_bytes_in_every_output() -> None:
    # svc: 10 sessions more of 64 bytes each, at 10 bytes of name_dup per request.
    paths = fixture_path("memcheck-xml", "svc-v1"), fixture_path("memcheck-xml", "svc-v2")
    for name in ("markdown", "html"):
        _, text, _ = called(*paths, "--per", "requests=100", "--to", name)
        assert "+10 B per request" in text
        assert "1,000 B" in text
        _, text, _ = called(*paths, "--per", "requests=100,200", "--to", name)
        assert "10 B → 10 B per request (rate 0 B per request)" in text
        assert "The work differs: 100 before, 200 after (requests)." in text
    _, text, _ = called(*paths, "--per", "requests=100,200")
    assert any(
        line.startswith("RATE p1-") and line.endswith(" 10 10 +0 B exact requests") for line in text.splitlines()
    )


def test_rates_of_samples_are_estimates() -> None:
    paths = fixture_path("pprof", "goheap-1"), fixture_path("pprof", "goheap-6")
    document = document_of(*paths, "--per", "rounds=1,6")
    assert all(rate["estimate"] for rate in document["per"]["rates"].values())
    for name in ("markdown", "html"):
        assert "per round, estimate)" in called(*paths, "--per", "rounds=1,6", "--to", name)[1]
    assert "Estimated per round" in called(*paths, "--per", "rounds=1,6")[1]


@pytest.mark.parametrize(
    "work", ["0", "-1", "nan", "inf", "1e999", "1e99", "1e-9", "", "requests", "requests=", "=5", "a=1,0", "a=1,2,3", "1,,2", "a=b=1"]
)  # fmt: skip
def test_no_work_is_a_usage_error(work: str) -> None:
    paths = fixture_path("memcheck-xml", "svc-v1"), fixture_path("memcheck-xml", "svc-v2")
    code, text, complaint = called(*paths, f"--per={work}")
    assert (code, text) == (2, "")
    assert complaint.startswith("error[usage]: --per")
    assert "requests=10000" in complaint


def test_work_can_stand_in_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = fixture_path("memcheck-xml", "svc-v1"), fixture_path("memcheck-xml", "svc-v2")
    (tmp_path / "leakreport.toml").write_text('per = "requests=100"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert document_of(*paths)["per"]["unit"] == "requests"
    assert document_of(*paths, "--per", "5")["per"]["work"] == [5, 5]
