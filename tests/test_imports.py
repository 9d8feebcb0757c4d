"""What is loaded at the start. Heavy packages wait until they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("numpy", "lxml", "networkx", "jinja2", "rich")


def _loaded_after(code: str) -> set[str]:
    """Which packages a fresh interpreter has loaded after running the code."""
    script = f"{code}\nimport sys\nprint('\\nLOADED', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "LOADED"
    return set(last[1:])


def test_importing_the_package_loads_the_standard_library_only() -> None:
    loaded = _loaded_after("import leakreport")
    assert "leakreport" in loaded
    assert not loaded & {*HEAVY, "typer", "click", "zstandard"}


def test_help_loads_none_of_the_heavy_packages() -> None:
    loaded = _loaded_after("from leakreport.cli import main\nassert main(['--help']) == 0")
    assert "typer" in loaded
    assert not loaded & set(HEAVY)


def test_version_loads_none_of_the_heavy_packages() -> None:
    loaded = _loaded_after("from leakreport.cli import main\nassert main(['--version']) == 0")
    assert not loaded & set(HEAVY)


def test_a_comparison_in_which_nothing_grew_loads_no_graphs() -> None:
    path = Path(__file__).resolve().parent.parent / "fixtures" / "demo" / "memcheck.xml"
    loaded = _loaded_after(f"from leakreport.cli import main\nassert main(['diff', {str(path)!r}, {str(path)!r}]) == 0")
    assert "numpy" in loaded
    assert "networkx" not in loaded
