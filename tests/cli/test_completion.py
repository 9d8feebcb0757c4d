"""Completion in the shells themselves: what Tab offers, for commands, options, formats and files."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from leakreport.cli import COMMANDS
from leakreport.cli.described import Command, described
from leakreport.config import SETTINGS
from leakreport.render import renderer_names
from tests.cli.test_cli import run

SHELLS = ("bash", "zsh", "fish")


def shell_of(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if name == "bash" and os.environ.get("LEAKREPORT_REQUIRE_TOOLS"):
            pytest.fail("bash is missing")
        pytest.skip(f"{name} is missing")
    return found


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    for shell, name in zip(SHELLS, ("leakreport.bash", "_leakreport", "leakreport.fish"), strict=True):
        (folder / name).write_text(run("completion", shell).stdout, encoding="utf-8")
    (folder / "files").mkdir()
    (folder / "files" / "report one.html").write_text("", encoding="utf-8")
    (folder / "files" / "run.xml").write_text("", encoding="utf-8")
    return folder


def bash(scripts: Path, line: str, breaks: str = " \t\n\"'><=;|&(:") -> set[str]:
    """What the function of the script offers for a line, with the signs that bash divides words at."""
    code = (
        f"source {scripts}/leakreport.bash; COMP_WORDBREAKS=$2; COMP_LINE=$1; COMP_POINT=${{#1}}; _leakreport leakreport; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [shell_of("bash"), "--norc", "-c", code, "bash", line, breaks],
        cwd=scripts / "files", capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return {word for word in done.stdout.split("\n") if word}


def fish(scripts: Path, line: str) -> set[str]:
    """What fish offers for a line."""
    code = f"source {scripts}/leakreport.fish; complete -C $argv[1]"
    done = subprocess.run(
        [shell_of("fish"), "--no-config", "-c", code, line],
        cwd=scripts / "files", capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "HOME": str(scripts), "XDG_CONFIG_HOME": str(scripts / "config")},
    )  # fmt: skip
    assert done.stderr == ""
    return {word.split("\t")[0] for word in done.stdout.splitlines()}


class Terminal:
    """A shell at a terminal of its own, to type in."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self._descriptor, inner = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(folder), "PS1": "$ "}
        self._process = subprocess.Popen(
            arguments, stdin=inner, stdout=inner, stderr=inner, cwd=folder, env=environment, start_new_session=True
        )
        os.close(inner)
        self.seen = ""

    def type(self, text: str, until: str) -> bool:
        """Type, and wait until something is there; not for ever."""
        self.seen = ""
        os.write(self._descriptor, text.encode())
        end = time.monotonic() + 60
        while until not in self.seen and time.monotonic() < end:
            if select.select([self._descriptor], [], [], 1)[0]:
                try:
                    self.seen += os.read(self._descriptor, 4096).decode(errors="replace")
                except OSError:
                    break
        return until in self.seen

    def close(self) -> None:
        os.close(self._descriptor)
        self._process.kill()
        self._process.wait()


@pytest.mark.parametrize("breaks", [" \t\n\"'><=;|&(:", " \t\n"])
def test_bash_offers_commands_options_words_and_files(scripts: Path, breaks: str) -> None:
    keeps_equals = "=" not in breaks
    keeps_colon = ":" not in breaks
    assert bash(scripts, "leakreport ", breaks) >= set(COMMANDS)
    assert bash(scripts, "leakreport di", breaks) >= {"diff"}
    assert bash(scripts, "leakreport --v", breaks) == {"--version"}
    assert bash(scripts, "leakreport analyze --group", breaks) == {"--group-by"}
    assert bash(scripts, "leakreport analyze x.xml --group-by m", breaks) == {"module"}
    assert bash(scripts, "leakreport convert --to ", breaks) == set(renderer_names())
    assert bash(scripts, "leakreport formats --to ", breaks) == {"text", "json"}
    assert bash(scripts, "leakreport trend --to=js", breaks) == {"--to=json" if keeps_equals else "json"}
    assert bash(scripts, "leakreport analyze --fail-on definite,po", breaks) == {"definite,possible"}
    assert bash(scripts, "leakreport analyze -o mark", breaks) == {"markdown:"}
    assert bash(scripts, "leakreport analyze -o re", breaks) == {"report one.html"}
    assert bash(scripts, "leakreport analyze -o html:re", breaks) == {
        "html:report one.html" if keeps_colon else "report one.html"
    }
    assert bash(scripts, "leakreport completion ", breaks) == set(SHELLS)
    # Nothing of ours: bash completes files.
    assert bash(scripts, "leakreport analyze ru", breaks) == set()
    assert bash(scripts, "leakreport analyze --codeowners ", breaks) == set()


def test_bash_completes_at_a_terminal(scripts: Path) -> None:
    terminal = Terminal([shell_of("bash"), "--norc", "--noprofile", "-i"], scripts / "files")
    try:
        assert terminal.type(f"source {scripts}/leakreport.bash; echo rea''dy\n", "ready")
        assert terminal.type("leakreport ana\t", "leakreport analyze ")
        assert terminal.type("--group-by mod\t", "--group-by module ")
        assert terminal.type("-o markdown:repo\t", "markdown:report\\ one.html ")
        assert terminal.type("ru\t", "run.xml ")
    finally:
        terminal.close()


def test_zsh_completes_at_a_terminal(scripts: Path) -> None:
    terminal = Terminal([shell_of("zsh"), "-f", "-i"], scripts / "files")
    try:
        assert terminal.type(f"fpath=({scripts} $fpath); autoload -U compinit; compinit -u -D; echo rea''dy\n", "ready")
        assert terminal.type("leakreport ana\t", "leakreport analyze")
        assert terminal.type("--group-by mod\t", "--group-by module")
        assert terminal.type("-o mark\t", "markdown:")
        assert terminal.type("repo\t", "report\\ one.html")
        assert terminal.type("--fail-on definite,poss\t", "definite,possible")
        assert terminal.type(" ru\t", "run.xml")
    finally:
        terminal.close()


def test_fish_offers_commands_options_words_and_files(scripts: Path) -> None:
    assert fish(scripts, "leakreport ") >= set(COMMANDS)
    assert fish(scripts, "leakreport analyze --group") == {"--group-by"}
    assert fish(scripts, "leakreport analyze --group-by m") == {"module"}
    assert fish(scripts, "leakreport convert --to ") == set(renderer_names())
    assert fish(scripts, "leakreport formats --to ") == {"text", "json"}
    assert fish(scripts, "leakreport trend --to=js") == {"--to=json"}
    assert fish(scripts, "leakreport analyze -o markd") == {"markdown:"}
    assert "html:report one.html" in fish(scripts, "leakreport analyze -o html:re")
    assert fish(scripts, "leakreport completion ") >= set(SHELLS)
    assert "run.xml" in fish(scripts, "leakreport analyze ru")
    assert not {"diff", "trend"} & fish(scripts, "leakreport analyze ")


def test_every_option_of_every_command_is_offered(scripts: Path) -> None:
    for command in described():
        line = " ".join(("leakreport", *command.words, "-"))
        names = {name for option in command.options for name in option.names}
        assert bash(scripts, line) == names
        assert "--help" in names


def test_a_shell_that_is_not_known_is_an_error() -> None:
    found = run("completion", "tcsh")
    assert (found.returncode, found.stdout) == (2, "")
    assert "bash, zsh, fish" in found.stderr


def test_pressing_tab_starts_no_program(scripts: Path) -> None:
    for name in ("leakreport.bash", "_leakreport", "leakreport.fish"):
        text = (scripts / name).read_text(encoding="utf-8")
        calls = [
            line for line in text.splitlines() if re.search(r"[$(`] *leakreport ", line) and not line.startswith("#")
        ]
        assert calls == [], name


def test_words_of_settings_are_those_that_are_taken() -> None:
    from leakreport.analysis.options import FAIL_ON, GROUP_BY, SORTS
    from leakreport.analysis.processes import Grouping
    from leakreport.render.source_links import EDITORS

    choices = {setting.name: setting.choices for setting in SETTINGS if setting.choices}
    assert choices["group-by"] == GROUP_BY
    assert choices["fail-on"] == FAIL_ON
    assert choices["sort"] == SORTS
    assert set(choices["as"]) == {str(grouping) for grouping in Grouping}
    assert choices["editor"] == tuple(EDITORS)


def test_commands_describe_themselves() -> None:
    commands = described()
    assert commands[0].words == ()
    assert set(commands[0].parts) == set(COMMANDS)
    by_words: dict[tuple[str, ...], Command] = {command.words: command for command in commands}
    assert all(command.summary.endswith(".") for command in commands), [command.summary for command in commands]
    (output,) = (option for option in by_words[("analyze",)].options if "-o" in option.names)
    assert output.takes_target
    assert output.is_repeatable
