"""`leakreport completion SHELL`: a script that completes commands, options, formats and files.

The script knows all words itself: pressing Tab starts no Python. It is made anew with each version.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from leakreport.cli.output import write_stdout
from leakreport.errors import EXIT_OK, UsageError


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Which shell.", show_default=False)],
) -> int:
    """Write the completion script of a shell to standard output.

    bash: eval "$(leakreport completion bash)" in ~/.bashrc. zsh: leakreport completion zsh > a file _leakreport in a
    folder of $fpath. fish: leakreport completion fish > ~/.config/fish/completions/leakreport.fish.
    """
    from leakreport.cli.completion_scripts import SCRIPTS
    from leakreport.cli.described import described

    if shell not in SCRIPTS:
        raise UsageError(f"there is no completion for {shell!r}", advice=f"Choose {', '.join(SCRIPTS)}.")
    write_stdout(SCRIPTS[shell](described()), sys.stdout)
    return EXIT_OK
