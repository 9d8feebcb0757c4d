"""`leakreport check` and `leakreport baseline` as they are typed: files, exit codes, what each output says."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leakreport.api.siblings import Candidate, like_read
from leakreport.cli.bisect import bisect_code
from tests.analysis.runs_support import memcheck
from tests.analysis.test_compare import SCHEMA
from tests.baseline.support import called, document

BASE = {"load": 4096, "parse": 64}
FILE = "leakreport-baseline.json"


def recording(amounts: dict[str, int], name: str = "run.xml", **more: Any) -> str:
    Path(name).write_bytes(memcheck(amounts, pid=100, **more))
    return name


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1793664000")  # 2026-11-03


@pytest.fixture
def known() -> str:
    assert called("baseline", "write", recording(BASE, "base.xml"))[0] == 0
    return "base.xml"


def test_adoption_in_three_commands(known: str) -> None:
    code, text, _ = called("check", known)
    assert code == 0
    assert "Nothing is new and nothing grew; 2 known" in text
    code, text, _ = called("check", recording(BASE | {"draw": 5}))
    assert code == 1
    (new,) = (line for line in text.splitlines() if line.startswith("STATE new "))
    assert "draw" in new
    code, _, complaint = called("baseline", "update", "run.xml")
    assert code == 0
    assert f"wrote {Path(FILE).absolute()}: 3 leaks known, 1 more" in complaint
    assert called("check", "run.xml")[0] == 0


def test_the_json_fits_the_schema_and_lists_each_state(known: str) -> None:
    found = document(recording({"load": 5000, "draw": 5}), code=1)
    jsonschema.validate(found, SCHEMA)
    check = found["check"]
    assert check["counts"] == {"new": 1, "grew": 1, "expired": 0, "known": 0, "fixed": 1}
    assert {leak["function"]: (leak["state"], leak["before"], leak["after"]) for leak in [*check["changed"], *check["fixed"]]} == {
        "draw": ("new", {}, {"bytes": 5, "blocks": 1}),
        "load": ("grew", {"bytes": 4096, "blocks": 1}, {"bytes": 5000, "blocks": 1}),
        "parse": ("fixed", {"bytes": 64, "blocks": 1}, {}),
    }  # fmt: skip
    assert sorted(row["state"] for row in found["paths"]) == ["grew", "new"]
    assert check["baseline"] == {"file": FILE, "found": True, "leaks": 2}
    assert known


@pytest.mark.parametrize("form", ["terminal", "markdown", "html", "json"])
def test_every_output_names_every_leak_that_is_not_as_before(form: str, known: str) -> None:
    recording({"load": 5000, "draw": 5})
    wanted = document("run.xml", code=1)["check"]
    _, text, _ = called("check", "run.xml", "--to", form)
    for leak in [*wanted["changed"], *wanted["fixed"]]:
        assert leak["id"] in text
    assert known


def test_check_never_writes(known: str) -> None:
    before = Path(FILE).read_bytes()
    for amounts in (BASE, {}, {"draw": 4}):
        called("check", recording(amounts), "--budget", "+5%")
    assert Path(FILE).read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == sorted([FILE, known, "run.xml"])


def test_a_baseline_that_is_named_and_missing_is_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    recording(BASE)
    code, _, complaint = called("check", "run.xml", "--baseline", "none.json")
    assert code == 2
    assert "error[baseline]: cannot read the baseline none.json" in complaint
    monkeypatch.setenv("LEAKREPORT_BASELINE", "none.json")
    assert called("check", "run.xml")[0] == 2
    assert called("baseline", "update", "run.xml")[0] == 2
    monkeypatch.delenv("LEAKREPORT_BASELINE")
    code, text, _ = called("check", "run.xml")
    assert code == 1
    assert "there is no baseline" in text
    assert "NEXT leakreport baseline write run.xml" in text


def test_a_damaged_baseline_is_exit_2(known: str) -> None:
    Path(FILE).write_text(Path(FILE).read_text()[:300])
    code, _, complaint = called("check", known)
    assert code == 2
    assert complaint.startswith("error[baseline]: ")


def test_write_does_not_replace_and_update_keeps(known: str) -> None:
    code, _, complaint = called("baseline", "write", known)
    assert code == 2
    assert "baseline update keeps" in complaint
    Path(FILE).chmod(0o640)
    text = Path(FILE).read_text()
    assert called("baseline", "update", known) == (0, "", f"{Path(FILE).absolute()} stays as it is\n")
    assert called("baseline", "update", recording({"load": 1}), "-q") == (0, "", "")
    assert Path(FILE).read_text() != text
    assert stat.S_IMODE(Path(FILE).stat().st_mode) == 0o640
    assert called("baseline", "write", known, "--force")[0] == 0
    assert Path(FILE).read_text() == text


def test_accept_needs_a_reason_a_day_to_come_and_a_leak_that_exists(known: str) -> None:
    name = next(key for key, leak in json.loads(Path(FILE).read_text())["leaks"].items() if leak)
    assert called("baseline", "accept", name)[0] == 2
    assert called("baseline", "accept", name, "--reason", "x", "--until", "soon")[0] == 2
    assert called("baseline", "accept", name, "--reason", "x", "--until", "2026-11-02")[0] == 2
    assert called("baseline", "accept", "p1-0000000000000000", "--reason", "x")[0] == 2
    assert called("baseline", "accept", name, "--reason", "caches", "--until", "2026-11-04")[0] == 0
    assert called("check", known)[0] == 0
    code, text, _ = called("baseline", "show")
    assert code == 0
    assert f"{name}  " in text
    assert "accepted until 2026-11-04: caches" in text


def test_accept_takes_the_beginning_of_an_id(known: str) -> None:
    names = [key for key, leak in json.loads(Path(FILE).read_text())["leaks"].items() if leak]
    assert called("baseline", "accept", names[0][:8], "--reason", "caches")[0] == 0
    assert json.loads(Path(FILE).read_text())["leaks"][names[0]]["reason"] == "caches"
    code, _, complaint = called("baseline", "accept", "p1-", "--reason", "x")
    assert (code, "Give at least 4 digits" in complaint) == (2, True)
    run = recording(BASE | {"draw": 5})
    _, text, _ = called("check", run)
    (fresh,) = re.findall(r"NEXT leakreport baseline accept (p1-[0-9a-f]+)", text)
    assert called("baseline", "accept", fresh[:8], run, "--reason", "later")[0] == 0
    assert json.loads(Path(FILE).read_text())["leaks"][fresh]["reason"] == "later"
    assert known


def test_the_command_that_accepts_is_printed_and_works(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text, _ = called("check", recording(BASE | {"draw": 5}))
    (command,) = (line for line in text.splitlines() if line.startswith("NEXT leakreport baseline accept"))
    arguments = command.removeprefix("NEXT leakreport ").replace("TEXT", "later").split()
    assert called(*arguments, "--until", "2026-12-31")[0] == 0
    assert called("check", "run.xml")[0] == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1830000000")
    code, text, _ = called("check", "run.xml")
    assert code == 1
    assert "STATE expired " in text
    assert known


def test_show_and_prune(known: str) -> None:
    called("baseline", "update", recording({"load": 4096}))
    assert "fixed: p1-" in called("baseline", "show")[1]
    code, _, complaint = called("baseline", "prune")
    assert code == 0
    assert complaint.count("took out p1-") == 1
    found = json.loads(called("baseline", "show", "--to", "json")[1])
    assert sum(leak is not None for leak in found["leaks"].values()) == 1
    assert called("baseline", "prune", recording({}))[2].count("took out p1-") == 1
    assert known


@pytest.mark.parametrize("command", ["write", "update", "accept", "prune"])
def test_no_baseline_is_made_of_a_run_that_is_no_evidence(command: str, known: str) -> None:
    before = Path(FILE).read_bytes()
    name = next(key for key, leak in json.loads(before)["leaks"].items() if leak)
    recording({}, command="ctest")
    arguments = {"accept": [name, "run.xml", "--reason", "x"]}.get(command, ["run.xml"])
    more = ["--baseline", "other.json"] if command == "write" else []
    code, _, complaint = called("baseline", command, *arguments, *more)
    assert code == 5
    assert "error[inconclusive]: ctest was measured" in complaint
    assert Path(FILE).read_bytes() == before
    assert not Path("other.json").exists()
    assert known


def test_an_unfinished_run_is_exit_3_and_5_with_partial(known: str) -> None:
    text = Path(known).read_text()
    Path("cut.xml").write_text(text[: text.index("<errorcounts>")])
    assert called("check", "cut.xml")[0] == 3
    code, text, _ = called("check", "cut.xml", "--partial")
    assert code == 5
    assert "GATE inconclusive evidence" in text
    assert "2 known; what is missing cannot be judged" in text
    worse = Path(recording(BASE | {"draw": 1})).read_text()
    Path("cut.xml").write_text(worse[: worse.index("<errorcounts>")])
    assert called("check", "cut.xml", "--partial")[0] == 1
    before = Path(FILE).read_bytes()
    for command in ("update", "prune"):
        assert called("baseline", command, "cut.xml")[0] == 3
        assert called("baseline", command, "cut.xml", "--partial")[0] == 5
    assert Path(FILE).read_bytes() == before


@pytest.mark.parametrize("file", [None, FILE])
def test_nothing_is_fixed_in_a_cut_recording_and_no_update_is_advised(file: str | None, known: str) -> None:
    text = Path(known).read_text()
    Path("cut.xml").write_text(text[: text.index("<fn>parse</fn>")])
    if file is None:
        Path(FILE).unlink()
    code, text, _ = called("check", "cut.xml", "--partial")
    assert code == (5 if file else 1)
    assert "fixed" not in text
    assert "what is missing cannot be judged" in text.splitlines()[0]
    assert "leakreport baseline" not in "".join(line for line in text.splitlines() if line.startswith("NEXT "))
    found = document("cut.xml", "--partial", code=code)
    assert found["check"]["counts"]["fixed"] == 0 and found["check"]["fixed"] == []


def test_the_input_that_could_not_be_read_is_the_one_that_is_named(known: str) -> None:
    Path("runs").mkdir()
    Path(known).rename("runs/memcheck.1.xml")
    Path("runs/memcheck.2.xml").touch()
    code, _, complaint = called("check", "runs", "-q")
    assert code == 3
    (line,) = (line for line in complaint.splitlines() if line.startswith("gate inconclusive, evidence: "))
    assert "1 input could not be read, first: runs/memcheck.2.xml is empty" in line
    assert "memcheck.1.xml" not in line


BROKEN: dict[str, Callable[[Path, bytes], object]] = {
    "garbage": lambda path, _: path.write_text("garbage\n"),
    "beginning": lambda path, whole: path.write_bytes(whole[:30]),
    "zeros": lambda path, _: path.write_bytes(bytes(2000)),
    "link": lambda path, _: path.symlink_to("nowhere"),
}


@pytest.fixture
def runs(known: str) -> Path:
    folder = Path("runs")
    folder.mkdir()
    Path(known).rename(folder / "memcheck.1.xml")
    return folder


@pytest.mark.parametrize("given", ["runs", "runs/*.xml"])
@pytest.mark.parametrize("damage", BROKEN)
def test_what_is_named_like_a_recording_and_is_none_is_no_pass(damage: str, given: str, runs: Path) -> None:
    assert called("check", given)[0] == 0
    BROKEN[damage](runs / "memcheck.2.xml", (runs / "memcheck.1.xml").read_bytes())
    code, _, complaint = called("check", given, "-q")
    assert code == 5
    assert "gate inconclusive, evidence: " in complaint
    assert "runs/memcheck.2.xml" in complaint
    found = document(given, code=5)
    assert [doubt["slug"] for doubt in found["check"]["doubts"]] == ["unread-siblings"]
    jsonschema.validate(found, SCHEMA)
    assert called("baseline", "write", given, "--baseline", "new.json")[0] == 5
    # Nobody asked for a judgement: a note, as for any other file.
    code, text, _ = called("analyze", given)
    assert code == 0
    assert "1 file was passed over, first: runs/memcheck.2.xml" in text
    assert called("analyze", given, "--max-leaked", "1GiB")[0] == 5
    assert called("analyze", given, "--fail-on", "definite")[0] == 1
    assert called("diff", "runs/memcheck.1.xml", given, "--fail-on", "growth")[0] == 5


@pytest.mark.parametrize("other", ["README.txt", "junit.xml", "memcheck.log.html", "core", "memcheck"])
def test_other_files_beside_recordings_are_no_harm(other: str, runs: Path) -> None:
    (runs / other).write_text("<testsuites/>\n")
    assert called("check", "runs")[0] == 0
    code, text, _ = called("analyze", "runs", "--max-leaked", "1GiB")
    assert code == 0
    assert f"1 file was passed over, first: runs/{other}" in text


@pytest.mark.parametrize(
    ("read", "other", "is_alike"),
    [
        ("memcheck.1.xml.gz", "memcheck.2.xml", True),
        ("massif.out.12", "massif.out.7", True),
        ("massif.out.12", "callgrind.out.7", False),
        ("1.xml", "2.xml", True),
        ("svc.1.log", "svc.1.xml", False),
    ],
)
def test_names_that_are_alike(read: str, other: str, is_alike: bool) -> None:
    assert like_read([Candidate(f"runs/{other}", is_named=False)], [f"runs/{read}"]) == [f"runs/{other}"] * is_alike


def test_every_cut_of_a_recording_without_new_leaks_is_no_pass(known: str) -> None:
    content = Path(known).read_bytes()
    whole = len(content.rstrip()) - len(b"</valgrindoutput>")
    for end in range(0, whole, 37):
        Path("cut.xml").write_bytes(content[:end])
        assert called("check", "cut.xml", "-q")[0] in {3, 5}, end
        assert called("check", "cut.xml", "-q", "--partial")[0] in {3, 5}, end


def test_an_acceptance_of_ratchet_and_budgets_from_the_settings(known: str) -> None:
    Path("leakreport.toml").write_text('ratchet = true\nbudget = ["total=1MiB", "+5%"]\n')
    assert called("check", recording(BASE | {"load": 4100}))[0] == 0
    assert called("baseline", "update", "run.xml")[0] == 0
    assert json.loads(Path(FILE).read_text())["budgets"] == {"total": 4164}
    assert known


@pytest.mark.parametrize("epoch", ["x", "-1", "9999999999999"])
def test_a_date_that_is_none_is_exit_2(epoch: str, known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    code, _, complaint = called("check", known)
    assert code == 2
    assert "SOURCE_DATE_EPOCH" in complaint


def test_errors_are_looked_at_when_they_are_asked_for(known: str) -> None:
    assert called("check", known, "--fail-on", "errors")[0] == 0
    text = Path(known).read_text()
    error = "<error><unique>0x99</unique><tid>1</tid><kind>InvalidRead</kind><what>Invalid read</what><stack></stack></error>"
    Path("run.xml").write_text(text.replace("<status><state>FINISHED", f"{error}<status><state>FINISHED"))
    assert called("check", "run.xml")[0] == 0
    assert called("check", "run.xml", "--fail-on", "errors")[0] == 1


def test_what_suppressions_hide_is_neither_new_nor_fixed(known: str) -> None:
    Path("known.supp").write_text("{\n  a\n  Memcheck:Leak\n  ...\n  fun:parse\n  ...\n}\n")
    before = Path(FILE).read_text()
    found = document(known, "--suppressions", "known.supp", "--budget", "total=+0%", code=0)
    assert found["check"]["counts"] == {"new": 0, "grew": 0, "expired": 0, "known": 1, "fixed": 0}
    assert found["check"]["budgets"][0]["last"] == found["check"]["budgets"][0]["now"] == 4096
    assert called("check", recording({"load": 4096, "parse": 999}), "--suppressions", "known.supp")[0] == 0
    assert called("baseline", "update", known, "--suppressions", "known.supp")[0] == 0
    assert Path(FILE).read_text() == before


def test_redacted_output_names_nobody() -> None:
    called("baseline", "write", recording({"zq_gone": 3, "zq_cache": 5}))
    recording({"zq_new": 5, "zq_cache": 4097})
    for form in ("terminal", "markdown", "html", "json"):
        code, text, _ = called("check", "run.xml", "--redact", "--to", form, "--budget", "lib:svc=+5%")
        assert code == 1
        assert text.count("p1-") >= 3
        assert not re.search(r"zq_|svc|run\.xml|baseline\.json", text), form


@pytest.mark.parametrize(
    ("code", "found"), [(0, 0), (1, 1), (2, 128), (3, 125), (4, 128), (5, 125), (70, 128), (130, 130)]
)
def test_codes_of_bisect(code: int, found: int) -> None:
    assert bisect_code(code) == found


def test_bisect_skips_what_cannot_be_judged_and_stops_at_a_mistake(known: str) -> None:
    assert called("check", known, "--bisect")[0] == 0
    assert called("check", recording(BASE | {"draw": 3}), "--bisect")[0] == 1
    assert called("check", "--bisect", "missing.xml")[0] == 125
    assert called("check", recording({}, command="ctest"), "--bisect")[0] == 125
    assert called("check", known, "--bisect", "--baseline", "none.json")[0] == 128
    assert called("check", known, "--bisect", "--no-such-option")[0] == 128
    assert called("check", "--bisect")[0] == 128


def test_a_budget_that_matches_nothing_is_told(known: str) -> None:
    code, text, complaint = called("check", known, "--budget", "lib:zzz=0")
    assert code == 0
    assert "warning: --budget lib:zzz=0 matches nothing here" in complaint
    assert "lib:zzz=0 (matches nothing here)" in text
    found = document(known, "--budget", "lib:zzz=0", code=0)
    jsonschema.validate(found, SCHEMA)
    assert [line["matched"] for line in found["check"]["budgets"]] == [False]
    assert called("check", known, "--budget", "path:p1-nope=1")[0] == 2


def test_all_that_is_lost_can_be_limited(known: str) -> None:
    lost = sum(BASE.values())
    assert called("check", known, "--max-leaked", f"{lost}B")[0] == 0
    code, text, _ = called("check", known, "--max-leaked", f"{lost - 1}B")
    assert code == 1
    assert f"GATE failed --max-leaked {lost - 1}B" in text
