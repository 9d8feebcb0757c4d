"""The reader under the harness of leakreport's own readers, and the figures of one file."""

from pathlib import Path

from leakreport_toylog import ToylogReader

from leakreport.api import analyze, load, render
from leakreport.testing import assert_reader_ok

RUN = Path(__file__).parent / "run.toylog"


def test_the_reader_stands_what_all_readers_stand() -> None:
    content = RUN.read_bytes()
    assert_reader_ok(ToylogReader(), content, end=content.rindex(b"end"))


def test_the_report_has_its_figures() -> None:
    report = analyze(load(RUN))
    assert report.totals == {"retained_bytes": 5184, "retained_blocks": 3}
    assert render(report, to="topsites") == "4096\tread_file\n1024\tparse\n64\tgrow\n"
