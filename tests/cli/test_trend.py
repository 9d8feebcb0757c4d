"""`leakreport trend` as people and scripts call it: outputs, exit codes, options that make no sense."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leakreport.cli import main
from tests.support import FAMILIES, FIXTURES, cases, fixture_path

SCHEMA = json.loads((FIXTURES.parent / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8"))
SVC = [str(fixture_path("memcheck-xml", f"svc-v{number}")) for number in range(1, 7)]
DUMPS = str(FIXTURES / "series" / "gperftools-v2")
SOUND = str(FIXTURES / "series" / "jemalloc-v1")
AMOUNTS = ",".join(str(1000 * number) for number in range(1, 13))


def document(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["trend", *arguments, "--to", "json"]) in {0, 1, 5}
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    return found


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([DUMPS], 0),
        ([DUMPS, "--fail-on", "growth"], 1),
        ([DUMPS, "--fail-on", "any"], 1),
        ([DUMPS, "--max-growth", "1MiB"], 1),
        ([DUMPS, "--max-growth", "libthumbs.so=1MiB"], 1),
        ([DUMPS, "--max-growth", "libthumbs.so=64MiB"], 0),
        ([DUMPS, "--max-growth", "libnone.so=64MiB"], 5),
        ([SOUND, "--fail-on", "growth"], 0),
        ([*SVC[:2], "--fail-on", "growth"], 5),
        ([*SVC[:3], "--max-growth", "1GiB"], 5),
        (SVC[:2], 0),
        (SVC[:1], 2),
        ([*SVC, "--fail-on", "new"], 2),
        ([*SVC, "--fail-on", "definite"], 2),
        ([*SVC, "--fail-on", ""], 2),
        ([*SVC, "--max-growth", "much"], 2),
        ([*SVC, "--max-growth", "svc=much"], 2),
        ([*SVC, "--max-growth", "=1MiB"], 2),
        ([*SVC, "--max-growth", "1MiB", "--max-growth", "2MiB"], 2),
        ([*SVC, "--max-growth", "svc=1MiB", "--max-growth", "svc=2MiB"], 2),
        ([*SVC, "--metric", "nothing"], 2),
        ([*SVC, "--metric", "leaked_bytes"], 0),
        ([*SVC, "--as", "processes"], 2),
        ([*SVC, "--as", "series"], 0),
        ([*SVC, "--sort", "size"], 2),
        ([*SVC, "--sort", "time"], 2),
        ([*SVC, "--sort", "name"], 0),
        ([*SVC, "--limit", "soon"], 2),
        ([*SVC, "--color", "sometimes"], 2),
        ([*SVC, "missing.xml"], 3),
    ],
)
def test_exit_codes(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trend", *arguments]) == code
    told = capsys.readouterr()
    assert ("error[" in told.err) == (code in {2, 3})
    assert not re.search(r"\b(nan|inf)\b", told.out, re.IGNORECASE)
    if code == 2:
        assert not told.out


def test_an_incomplete_dump_fails_and_partial_makes_a_pass_inconclusive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in Path(SOUND).glob("*.heap.gz"):
        content = gzip.decompress(path.read_bytes())
        (tmp_path / path.name.removesuffix(".gz")).write_bytes(content[:3000] if "0005" in path.name else content)
    assert main(["trend", str(tmp_path), "--fail-on", "growth"]) == 3
    assert "demo.0005.heap" in capsys.readouterr().err
    assert main(["trend", str(tmp_path), "--fail-on", "growth", "--partial"]) == 5
    out = capsys.readouterr().out
    assert "GATE inconclusive --fail-on growth" in out
    assert "incomplete" in out


def test_files_of_every_format_are_written_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["trend.json", "trend.md", "trend.txt"]
    arguments = [item for name in names for item in ("-o", str(tmp_path / name))]
    assert main(["trend", DUMPS, *arguments, "-o", f"markdown:{tmp_path / 'comment'}", "-q"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")
    jsonschema.validate(json.loads((tmp_path / "trend.json").read_text(encoding="utf-8")), SCHEMA)
    assert (tmp_path / "trend.md").read_text(encoding="utf-8").startswith("**▲ GROWTH: 3 paths are growing")
    assert (tmp_path / "comment").read_bytes() == (tmp_path / "trend.md").read_bytes()
    assert (tmp_path / "trend.txt").read_text(encoding="utf-8").startswith("GROWTH 3 paths are growing")
    assert main(["trend", DUMPS, "-o", str(tmp_path / "trend.json"), "-o", str(tmp_path / "trend.json")]) == 2


def test_quiet_still_names_what_decided(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trend", DUMPS, "--fail-on", "growth", "-q"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("gate failed, --fail-on growth: 3 paths grew")


def test_the_document_has_what_the_contract_names(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(DUMPS, "--per", f"requests={AMOUNTS}", "--limit", "1GiB", "--fail-on", "growth", capsys=capsys)
    assert found["kind"] == "trend"
    assert found["verdict"]["status"] == "growth"
    assert found["verdict"]["gate"] == "failed"
    assert found["per"]["unit"] == "requests"
    assert found["per"]["work"] == [1000.0 * number for number in range(1, 13)]
    assert found["forecast"]["limit"] == 1 << 30
    assert found["forecast"]["when"] is None
    assert len(found["snapshots"]) == 12
    assert sum(found["words"].values()) == len(found["paths"])
    for path in found["paths"]:
        assert len(path["series"]["retained_bytes"]) == 12
    slope = found["paths"][0]["slope"]
    assert slope["per_work"]["low"] <= 196.608 <= slope["per_work"]["high"]
    # Per snapshot and per request say the same: there are 1,000 requests in each.
    assert slope["per_snapshot"] == pytest.approx(1000 * slope["per_work"]["slope"])
    assert [one["name"] for one in found["resources"]] == ["retained_bytes", "retained_blocks"]


def test_a_limit_that_is_coming_has_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = [str(fixture_path("dhat", f"wave-grow{number}")) for number in (2, 4, 6, 8)]
    forecast = document(*inputs, "--limit", str(146_640 + 36_000 * 10), capsys=capsys)["forecast"]
    assert forecast["when"] == pytest.approx(10)
    assert forecast["unit"] == "run"
    assert main(["trend", *inputs, "--limit", "1MiB"]) == 0
    assert "LIMIT 1048576 1.00 MiB is reached in about 25 runs" in capsys.readouterr().out


def test_fewer_paths_in_the_document_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    whole = document(DUMPS, capsys=capsys)
    cut = document(DUMPS, "--max-paths", "2", capsys=capsys)
    assert cut["paths"] == whole["paths"][:2]
    assert cut["hidden"]["paths"] == len(whole["paths"]) - 2


@pytest.mark.parametrize(
    ("name", "content", "option"),
    [
        ("work.txt", "\n".join(AMOUNTS.split(",")), "requests={path}"),
        ("work.csv", "phase,requests\n" + "".join(f"{n},{n}000\n" for n in range(1, 13)), "requests={path}:requests"),
        ("work.tsv", "phase\tdone\n" + "".join(f"{n}\t{n}e3\n" for n in range(1, 13)), "requests={path}:done"),
    ],
)
def test_work_can_stand_in_a_file(
    name: str, content: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    listed = document(DUMPS, "--per", f"requests={AMOUNTS}", capsys=capsys)
    assert document(DUMPS, "--per", option.format(path=path), capsys=capsys)["paths"] == listed["paths"]


def test_work_may_be_given_for_the_dump_that_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    listed = document(DUMPS, "--per", f"requests={AMOUNTS}", capsys=capsys)
    assert document(DUMPS, "--per", f"requests={AMOUNTS},12500", capsys=capsys)["per"] == listed["per"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("requests", "names no work"),
        ("=1,2,3", "names no work"),
        ("requests=", "names no work"),
        ("requests=1,2,3", "3 amounts for 12 snapshots (and 1 left out)"),
        (f"requests={AMOUNTS.replace('5000', '4000')}", "does not rise: 4,000 after 4,000 at snapshot 5"),
        (f"requests={AMOUNTS.replace('5000', 'nan')}", "no amount of work"),
        (f"requests={AMOUNTS.replace('5000', '-1')}", "no amount of work"),
        ("requests=nowhere.csv", "neither a list of numbers nor a file"),
        ("requests={path}", "more than one number a line"),
        ("requests={path}:nothing", "has no column 'nothing'"),
        ("requests={path}:word", "is no amount of work"),
    ],
)
def test_work_that_makes_no_sense(given: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "work.csv"
    path.write_text("done,word\n" + "".join(f"{n},x\n" for n in range(1, 13)), encoding="utf-8")
    assert main(["trend", DUMPS, "--per", given.format(path=path)]) == 2
    assert message in capsys.readouterr().err


def test_thresholds_can_stand_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "leakreport.toml"
    for text, code in [
        ('max-growth = "1MiB"', 1),
        ("max-growth = 1048576", 1),
        ('max-growth = ["64MiB", "libthumbs.so=1MiB"]', 1),
        ('max-growth = ["64MiB", "libthumbs.so=64MiB"]', 0),
        ('min-growth = "64MiB"\nfail-on = "growth"', 0),
        ("max-growth = true", 2),
    ]:
        settings.write_text(text, encoding="utf-8")
        assert main(["trend", DUMPS, "--config", str(settings)]) == code, text
    capsys.readouterr()


def test_runs_are_sorted_by_name_as_people_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (10, 9, 8, 11):
        content = fixture_path("memcheck-xml", f"svc-v{number - 6}").read_bytes()
        (tmp_path / f"run{number}.xml").write_bytes(content)
    given = [str(tmp_path / f"run{number}.xml") for number in (10, 9, 8, 11)]
    labels = [one["label"] for one in document(*given, capsys=capsys)["snapshots"]]
    assert labels == ["run10.xml", "run9.xml", "run8.xml", "run11.xml"]
    labels = [one["label"] for one in document(*given, "--sort", "name", capsys=capsys)["snapshots"]]
    assert labels == ["run8.xml", "run9.xml", "run10.xml", "run11.xml"]


@pytest.mark.parametrize("family", FAMILIES)
def test_any_recordings_make_a_document_or_a_clear_error(family: str, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(fixture_path(family, case)) for case in cases(family)]
    for start in range(0, len(paths), 4):
        arguments = [*paths[start : start + 4], "--unit", "bytes", "--partial", "--fail-on", "growth", "--to", "json"]
        code = main(["trend", *arguments])
        told = capsys.readouterr()
        assert code in {0, 1, 2, 3, 5}
        if code in {0, 1, 5}:
            jsonschema.validate(json.loads(told.out), SCHEMA)
        else:
            assert told.err.startswith("error[")


def test_totals_without_paths_are_judged_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shots = "".join(
        f"#-----------\nsnapshot={number}\n#-----------\ntime={number * 10}\nmem_heap_B={1000 * number}\n"
        "mem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=empty\n"
        for number in range(12)
    )
    path = tmp_path / "massif.out.1"
    path.write_text(f"desc: --detailed-freq=1000000\ncmd: ./app\ntime_unit: ms\n{shots}", encoding="ascii")
    found = document(str(path), "--fail-on", "growth", capsys=capsys)
    assert found["paths"] == []
    assert found["resources"][0]["verdict"] == "growing"
    assert found["verdict"]["gate"] == "failed"


def test_blocks_are_judged_where_nobody_counted_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for number in range(1, 9):
        path = tmp_path / f"run{number}.folded"
        path.write_text(f"main;serve;load {100 * number}\nmain;start 50\n", encoding="ascii")
        paths.append(str(path))
    found = document(*paths, "--unit", "blocks", capsys=capsys)
    assert found["metric"] == "retained_blocks"
    assert found["verdict"]["status"] == "growth"
    assert found["paths"][0]["series"]["retained_blocks"] == [100 * number for number in range(1, 9)]
