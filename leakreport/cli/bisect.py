"""Exit codes that `git bisect run` understands.

A commit that cannot be judged is skipped; a command that is wrong in every commit ends the search.
Source: git-bisect(1), "Bisect run": 0 is good, 1 to 127 bad but for 125, which skips; any other code aborts.
"""

from __future__ import annotations

from collections.abc import Sequence

from leakreport.errors import EXIT_GATE_FAILED, EXIT_INCONCLUSIVE, EXIT_INPUT, EXIT_INTERRUPTED, EXIT_OK

OPTION = "--bisect"
SKIP = 125
ABORT = 128


def is_bisecting(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for these codes, whatever else is wrong with it."""
    return arguments[:1] == ["check"] and OPTION in arguments


def bisect_code(code: int) -> int:
    """The code for git in place of one of `docs/json.md`."""
    if code in {EXIT_OK, EXIT_GATE_FAILED, EXIT_INTERRUPTED}:
        return code
    return SKIP if code in {EXIT_INPUT, EXIT_INCONCLUSIVE} else ABORT
