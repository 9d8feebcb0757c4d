"""Short names: the table that the script in the report is held to, too, and the two against each other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from leakreport.render.names import shorten_name

TESTS = Path(__file__).resolve().parent.parent
CASES = json.loads((TESTS / "data" / "name_cases.json").read_text(encoding="utf-8"))
PIECES = "shop std::vector std::allocator std::less std::basic_string char int :: :: < < > > ( ) , { } operator operator< operator() lambda {lambda(int)#2} {{closure}} ::h0123456789abcdef [abi:cxx11] __1:: const & * ~ -> 'a' (anonymous".split()


@pytest.mark.parametrize(("name", "characters", "shown"), CASES)
def test_the_table_of_names(name: str, characters: int, shown: str) -> None:
    assert shorten_name(name, characters) == shown
    assert len(shown) <= max(characters, 0) or not name


def test_the_script_shortens_as_python_does(tool: Callable[[str], str]) -> None:
    random = Random(5)
    names = ["".join(random.choices([*PIECES, " "], k=random.randint(1, 24))) for _ in range(3000)]
    wanted = [[name, room, shorten_name(name, room)] for name in names for room in (3, 12, 25, 60)]
    script = (
        "const { shortenName } = require('./load.js').load();"
        "const rows = JSON.parse(require('fs').readFileSync(0, 'utf-8'));"
        "console.log(JSON.stringify(rows.filter(([name, room, shown]) => shortenName(name, room) !== shown)))"
    )
    done = subprocess.run(
        [tool("node"), "-e", script],
        cwd=TESTS / "js",
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
