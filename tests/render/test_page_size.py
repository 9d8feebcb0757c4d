"""What a report may weigh: tickets have limits, and a page that nobody can attach is no report."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.heap import write_heap
from leakreport.api import analyze, load
from leakreport.render.html import HtmlRenderer
from leakreport.render.interface import RenderOptions
from leakreport.render.resources import script_text, style_text

MOST_SCRIPT_AND_STYLE = 80_000


def test_script_and_style_are_small() -> None:
    assert len(script_text().encode()) + len(style_text().encode()) <= MOST_SCRIPT_AND_STYLE


@pytest.mark.parametrize(
    ("name_length", "most"), [(None, 400_000), (0, 900_000), (180, 900_000)], ids=["addresses", "names", "long names"]
)
def test_a_page_of_twenty_thousand_nodes_fits_into_a_ticket(tmp_path: Path, name_length: int | None, most: int) -> None:
    """The call tree of the profile has 200,000 nodes, of which the page keeps 20,000 or fewer."""
    path = tmp_path / "shopd.heap"
    write_heap(path, 20_000, name_length=name_length)
    report = analyze(load(path))
    assert 10_000 <= len(report.page.depth) <= 20_000
    assert len(HtmlRenderer().render(report, RenderOptions()).encode()) <= most
