"""Everything leakreport can complain about, with a slug, an exit code and a message for a person.

Source: the exit codes are those of `docs/json.md`; each slug has a section in `docs/messages.md`.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_OK = 0
EXIT_GATE_FAILED = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_OUTPUT = 4
EXIT_INCONCLUSIVE = 5
EXIT_BUG = 70
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127
EXIT_INTERRUPTED = 130

# If several apply, the first of these is the exit code of the run.
EXIT_PRECEDENCE = (
    EXIT_INTERRUPTED,
    EXIT_BUG,
    EXIT_USAGE,
    EXIT_OUTPUT,
    EXIT_INPUT,
    EXIT_GATE_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_OK,
)


def first_exit_code(codes: set[int]) -> int:
    """The code that a run with all these outcomes ends with."""
    return next(code for code in EXIT_PRECEDENCE if code in codes or code == EXIT_OK)


class LeakreportError(Exception):
    """The root of all errors that are somebody's, not a bug.

    The text reads: what happened (where). What to do.
    """

    slug: ClassVar[str] = "error"
    exit_code: int = EXIT_BUG
    default_advice: ClassVar[str] = ""

    def __init__(self, what: str, *, where: str = "", advice: str = "") -> None:
        """Keep the three parts apart, so that tests and other callers can read them."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.advice = advice or self.default_advice

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f" {self.advice}" if self.advice else ""
        return f"{self.what.rstrip('.')}{place}.{advice}"


class UsageError(LeakreportError):
    """The command line does not make sense."""

    slug = "usage"
    exit_code = EXIT_USAGE
    default_advice = "See leakreport --help."


class PluginError(LeakreportError):
    """A plug-in that was found cannot be used."""

    slug = "plugin"
    exit_code = EXIT_USAGE
    default_advice = "Install another version of it, or none."


class ConfigError(LeakreportError):
    """A configuration file or environment variable does not make sense."""

    slug = "config"
    exit_code = EXIT_USAGE


class BaselineError(LeakreportError):
    """A baseline is missing, damaged, or does not know what was asked for."""

    slug = "baseline"
    exit_code = EXIT_USAGE


class LimitRefused(LeakreportError):
    """A limit was asked for that this machine does not let this user set."""

    slug = "limit-refused"
    exit_code = EXIT_USAGE


class LimitDoubt(LeakreportError):
    """A limit that is set will not do what it seems to. A warning."""

    slug = "limit-doubt"
    exit_code = EXIT_USAGE


class MissingTool(LeakreportError):
    """A recorder that was asked for is not installed, or cannot record this."""

    slug = "missing-tool"
    exit_code = EXIT_USAGE


class CommandNotStarted(LeakreportError):
    """A command that was to be watched could not be started.

    Source: 127 and 126 are those of the shell (POSIX.1-2017, XCU 2.8.2).
    """

    slug = "not-started"
    exit_code = EXIT_NOT_FOUND

    def __init__(self, what: str, *, is_found: bool, advice: str) -> None:
        """Tell what is missing from what cannot be executed."""
        super().__init__(what, advice=advice)
        if is_found:
            self.exit_code = EXIT_NOT_EXECUTABLE


class InconclusiveEvidence(LeakreportError):
    """A run says too little to make a baseline of it."""

    slug = "inconclusive"
    exit_code = EXIT_INCONCLUSIVE
    default_advice = "Nothing was written; --force writes it anyway."


class SuppressionError(LeakreportError):
    """A suppression file is missing, or the tool that it is written for would refuse it."""

    slug = "suppressions"
    exit_code = EXIT_USAGE
    default_advice = "Correct the file, or leave it out."


class InputError(LeakreportError):
    """An input could not be used, or only in part."""

    slug = "input"
    exit_code = EXIT_INPUT


class UnreadableInput(InputError):
    """The operating system refused a file: missing, no permission, vanished, a broken compression."""

    slug = "unreadable-input"
    default_advice = "Check the path and its permissions."


class EmptyInput(InputError):
    """The file has no bytes, or a folder or glob no profiles."""

    slug = "empty-input"
    default_advice = "Record again, and check that the tool could write its output."


class UnrecognisedInput(InputError):
    """No reader knows the content."""

    slug = "unrecognised-input"
    default_advice = "leakreport formats lists what can be read."


class AmbiguousInput(InputError):
    """Two readers are equally sure."""

    slug = "ambiguous-input"
    default_advice = "Choose one with --format NAME."


class UnsupportedInput(InputError):
    """The content is known by name, but holds nothing that leakreport can read."""

    slug = "unsupported-input"


class MalformedInput(InputError):
    """The content breaks its format in a way that leaves nothing to report."""

    slug = "malformed-input"
    default_advice = "Record again."


class TruncatedInput(InputError):
    """The content ends early; what is whole was read."""

    slug = "truncated-input"
    default_advice = "Record again, or accept what is there with --partial."


class LimitExceeded(InputError):
    """The content is larger or deeper than leakreport agrees to read."""

    slug = "limit-exceeded"


class PluginFailed(InputError):
    """A plug-in failed while it read."""

    slug = "plugin-failed"
    default_advice = "Tell its authors."


class OutputError(LeakreportError):
    """A result could not be written."""

    slug = "output"
    exit_code = EXIT_OUTPUT
    default_advice = "Check the folder, its permissions and the free space."


class LargeReport(OutputError):
    """The HTML report is larger than mail and trackers take, or than a browser opens."""

    slug = "large-report"
    default_advice = "Keep fewer nodes with --max-nodes; more than 20 MB need --force."


class BrokenInstall(LeakreportError):
    """Files of leakreport itself are missing."""

    slug = "broken-install"
    exit_code = EXIT_BUG
    default_advice = "Install leakreport again."
