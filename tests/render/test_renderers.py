"""Choosing a renderer by name or suffix, and what writing loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from leakreport.errors import EXIT_USAGE, UsageError
from leakreport.render import BUILTIN, get_renderer, renderer_for_path, renderer_names
from leakreport.render.interface import RenderOptions
from tests.render.test_golden import leak_report

# Formats that have to be named, because their suffix is that of another one.
SHARED = {
    "sarif-full": "sarif",
    "speedscope": "json", "codequality": "json", "sonar": "json", "github": "terminal", "teamcity": "terminal",
    "github-summary": "markdown", "comment": "markdown",
}  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", BUILTIN)
def test_every_renderer_knows_its_name_and_suffix(name: str) -> None:
    renderer = get_renderer(name)
    assert renderer.name == name
    if renderer.suffix == ".xml":
        with pytest.raises(UsageError, match="junit:FILE"):
            renderer_for_path("x.xml")
    else:
        # `.json` is the JSON document whatever stands before it.
        assert renderer_for_path(f"x{renderer.suffix}") == SHARED.get(name, name)


@pytest.mark.parametrize("name", BUILTIN)
def test_the_same_report_gives_the_same_text(name: str) -> None:
    texts = {get_renderer(name).render(leak_report(), RenderOptions()) for _ in range(2)}
    assert len(texts) == 1


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        get_renderer("pdf")
    assert caught.value.exit_code == EXIT_USAGE
    assert all(name in str(caught.value) for name in renderer_names())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/report.html", "html"),
        ("r.htm", "html"),
        ("x.JSON", "json"),
        ("x.tar.md", "markdown"),
        ("x.txt", "terminal"),
        ("a.b/x.PB.gz", "pprof"),
        ("x.folded", "folded"),
        ("x.csv", "csv"),
        ("gl.sarif", "sarif"),
        ("node.prom", "prometheus"),
    ],
)
def test_the_suffix_chooses(path: str, name: str) -> None:
    assert renderer_for_path(path) == name


@pytest.mark.parametrize("path", ["report", "report.pdf", ".html", ""])
def test_a_path_without_a_known_suffix_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="suffix"):
        renderer_for_path(path)


def test_xml_stands_for_several_formats() -> None:
    with pytest.raises(UsageError, match="junit:FILE"):
        renderer_for_path("report.xml")


def test_rich_is_loaded_for_colour_only() -> None:
    program = """
import sys
from leakreport.render import get_renderer
from leakreport.render.interface import RenderOptions
from tests.render.test_golden import leak_report
for options in (RenderOptions(), RenderOptions(verbosity=2), RenderOptions(is_terminal=True)):
    for name in ("terminal", "json", "markdown"):
        get_renderer(name).render(leak_report(), options)
print("rich" in sys.modules)
get_renderer("terminal").render(leak_report(), RenderOptions(is_terminal=True, with_colour=True))
print("rich" in sys.modules)
"""
    # A plugin of pytest may have loaded rich here: ask a fresh interpreter.
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == ["False", "True"]
