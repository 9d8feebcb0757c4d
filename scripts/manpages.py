"""Writes the manual pages from what the commands say of themselves: docs/man/*.1.

scripts/manpages.py [FOLDER]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from leakreport import __version__
from leakreport.cli.described import Command, Option, described
from leakreport.config import SETTINGS, variable_of

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "man"
# As in docs/json.md.
EXIT_CODES = (
    (0, "done; the gate passed, or none was asked for"),
    (1, "done; the gate found growth or leaks"),
    (2, "usage or configuration error"),
    (
        3,
        "an input was unrecognised, unsupported, malformed, or incomplete without --partial; what could be read is reported",
    ),
    (4, "an output could not be written"),
    (5, "a gate was asked for and nothing measured allows a judgement"),
    (70, "a bug in leakreport"),
    (130, "interrupted"),
)
_NAMES = {
    "—": "\\(em",
    "–": "\\(en",
    "…": "\\&...",
    "→": "\\(->",
    "×": "\\(mu",
    "’": "\\(cq",
    "“": "\\(lq",
    "”": "\\(rq",
}


def roff(text: str) -> str:
    """A text that means itself in a manual page: no request, no escape, hyphens that can be copied.

    >>> print(roff(".so it's --to\\n"))
    \\&.so it\\(aqs \\-\\-to\\en
    """
    text = (
        " ".join(text.split(" ")).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    )
    text = text.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")
    text = "".join(_NAMES.get(sign, sign if sign.isascii() else f"\\[u{ord(sign):04X}]") for sign in text)
    return re.sub(r"^(?=[.'])", "\\\\&", text)


def page_of(command: Command, commands: Sequence[Command]) -> str:
    """The manual page of a command, or of the program itself."""
    title = "-".join(("leakreport", *command.words))
    called = " ".join(("leakreport", *command.words))
    lines = [
        '.\\" Made by make man: change the help of the command instead.',
        f'.TH {roff(title.upper())} 1 "" "leakreport {roff(__version__)}" "User Commands"',
        ".SH NAME",
        f"{roff(title)} \\- {roff(command.summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {roff(called)}",
    ]
    if command.parts:
        lines += [".I COMMAND", "[\\fIoptions\\fR]"]
    else:
        lines.append(
            " ".join(("[\\fIoptions\\fR]", *(_in_font("I", argument.metavar) for argument in command.arguments)))
        )
    lines += [".SH DESCRIPTION", *_paragraphs(command.help)]
    if command.parts:
        lines.append(".SH COMMANDS")
        below = {one.words: one for one in commands}
        for part in command.parts:
            words = (*command.words, part)
            lines += [".TP", f".BR {roff('-'.join(('leakreport', *words)))} (1)", roff(below[words].summary)]
    if command.arguments:
        lines.append(".SH ARGUMENTS")
        for argument in command.arguments:
            lines += [".TP", f".I {roff(argument.metavar)}", roff(argument.help)]
    lines.append(".SH OPTIONS")
    for option in command.options:
        lines.extend(_option(option))
    lines += [".SH EXIT STATUS"]
    for code, meaning in EXIT_CODES:
        lines += [".TP", f".B {code}", roff(meaning)]
    if not command.words:
        lines.extend(_settings())
    others = [one for one in commands if one.words != command.words and len(one.words) <= 1]
    names = [roff("-".join(("leakreport", *one.words))) for one in others]
    lines += [".SH SEE ALSO", *(f".BR {name} (1)," for name in names[:-1]), f".BR {names[-1]} (1)"]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ".PP"
        yield roff(" ".join(paragraph.split()))


def _in_font(font: str, text: str) -> str:
    return f"\\f{font}{roff(text)}\\fR"


def _option(option: Option) -> Iterator[str]:
    value = f" {_in_font('I', option.metavar)}" if option.metavar else ""
    yield ".TP"
    yield f"{', '.join(_in_font('B', name) for name in option.names)}{value}"
    yield roff(option.help)


def _settings() -> Iterator[str]:
    yield ".SH ENVIRONMENT"
    yield roff("Each setting has a variable. A flag wins over it, and it wins over the configuration file.")
    for setting in SETTINGS:
        yield ".TP"
        yield f".B {roff(variable_of(setting.name))}"
        yield roff(setting.help)
    yield ".SH FILES"
    yield ".TP"
    yield ".I leakreport.toml\\fR, \\fIpyproject.toml"
    yield roff(
        "Settings of a project, in the second below [tool.leakreport]: the nearest one above the working directory."
    )


def pages() -> dict[str, str]:
    """The pages by the names of their files."""
    commands = described()
    return {f"{'-'.join(('leakreport', *command.words))}.1": page_of(command, commands) for command in commands}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, and take away those of commands that are gone."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in folder.glob("*.1"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
