"""`leakreport suppress write|audit|explain`: rules that hide known leaks, made, checked and explained."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.baselines import coming_day, today
from leakreport.cli.options import READING, Given, Inputs, takes
from leakreport.cli.output import check_replaces_nothing, write_file, write_stdout
from leakreport.cli.settings import one_of
from leakreport.cli.shared import read_run, say, tell
from leakreport.errors import (
    EXIT_GATE_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_OK,
    InputError,
    TruncatedInput,
    UsageError,
    first_exit_code,
)

if TYPE_CHECKING:
    from leakreport.suppressions.audit import Audit, AuditedFile
    from leakreport.suppressions.leaks import LeakInput
    from leakreport.suppressions.rules import Dialect
    from leakreport.suppressions.write import WrittenRule

suppress = typer.Typer(
    help="Rules that hide known leaks: write small ones, find bad ones, see why one does not work.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

# Rules name functions, and are held against leaks that no rule has hidden.
_READING = tuple(
    flag for flag in READING if flag.name not in {"redact", "include_host", "suppressions", "metric", "as_"}
)
_FAULTS = ("dead", "broad", "duplicate", "shadowed", "never", "expired")

# fmt: off
Files = Annotated[list[str], typer.Argument(metavar="FILE... INPUT...", help="Files of rules and inputs, in any order; which is which is recognised by content.", show_default=False)]
Rules = Annotated[list[str] | None, typer.Option("--rules", metavar="FILE", help="A file of rules, whatever it looks like. Repeatable.", show_default=False)]
Ids = Annotated[list[str], typer.Option("--id", metavar="ID", help="A path id of a report, or its beginning. Repeatable.", show_default=False)]
Form = Annotated[str, typer.Option("--to", metavar="FORMAT", help="text or json.")]
# fmt: on


@suppress.command("write")
@takes(_READING)
def write(
    inputs: Inputs,
    given: Given,
    ids: Ids,
    dialect: Annotated[str | None, typer.Option("--dialect", metavar="NAME", help="valgrind, lsan or heaptrack; follows from the first input.", show_default=False)] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why the leak is hidden, for the comment.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="The day after which audit calls the rule expired: 2027-01-31.", show_default=False)] = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write a file; - is standard output.")] = "-",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No word on what the rules hide.")] = False,
) -> int:  # fmt: skip
    """Write the smallest rule that hides a leak, and say what else of the inputs it would hide."""
    from leakreport.api import write_rules
    from leakreport.suppressions.text import rules_text

    if output != "-":
        check_replaces_nothing([output], inputs)
        if not force:
            _check_is_new(output)
    expires = None if until is None else date.fromisoformat(coming_day(until, "--until"))
    found, errors = _read(inputs, given, is_quiet=quiet)
    written = write_rules(found, ids, dialect=_dialect(dialect, found)) if found else []
    if written:
        content = rules_text(written, found, reason=reason, expires=expires)
        if output == "-":
            write_stdout(content, sys.stdout)
        else:
            write_file(output, content)
            if not quiet:
                tell(f"wrote {output} ({len(written)} rule{'' if len(written) == 1 else 's'})")
        if not quiet:
            _tell_hidden(written)
    return _told(errors, EXIT_OK)


@suppress.command("audit")
@takes(_READING)
def audit(
    files: Files,
    given: Given,
    rules: Rules = None,
    fail_on: Annotated[list[str] | None, typer.Option("--fail-on", metavar="LIST", help="Exit 1 on some of these (comma list): dead, broad, duplicate, shadowed, never, expired, any.", show_default=False)] = None,
    to: Form = "text",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write a file; - is standard output.")] = "-",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
) -> int:  # fmt: skip
    """Find rules that are dead in the inputs, too broad, double, shadowed, expired, or cannot fit anything."""
    from leakreport.api import rule_matcher
    from leakreport.cli.suppresswords import audit_document, audit_lines
    from leakreport.suppressions.audit import audit as audited

    wanted = _faults(fail_on or [])
    one_of(to, ("text", "json"), "--to")
    rule_paths, inputs = _sorted_out(files, rules or [])
    if output != "-":
        check_replaces_nothing([output], [*rule_paths, *inputs])
    found, errors = _read(inputs, given, is_quiet=quiet) if inputs else ([], [])
    result = audited(_rule_files(rule_paths), found, rule_matcher(), date.fromisoformat(today()))
    _put(audit_document(result, found) if to == "json" else audit_lines(result, found), output)
    return _told(errors, _gate(result, wanted))


@suppress.command("explain")
@takes(_READING)
def explain(
    files: Files,
    given: Given,
    ids: Ids,
    rules: Rules = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="At most N of the nearest rules.")] = 3,
    to: Form = "text",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
) -> int:  # fmt: skip
    """Say which rule hides a leak, or which comes nearest and at which frame it stops."""
    from leakreport.api import rule_matcher
    from leakreport.cli.suppresswords import explain_document, explain_lines
    from leakreport.suppressions.nearest import nearest
    from leakreport.suppressions.write import chosen_leaks

    one_of(to, ("text", "json"), "--to")
    rule_paths, inputs = _sorted_out(files, rules or [])
    if not inputs:
        raise UsageError("no input is given", advice="Give the recording with the leak behind the files of rules.")
    read = _rule_files(rule_paths)
    for file in read:
        for refused in file.refused:
            say("warning", refused)
    found, errors = _read(inputs, given, is_quiet=quiet)
    if found:
        matcher, known = rule_matcher(), [rule for file in read for rule in file.rules]
        chosen = chosen_leaks([leak for one in found for leak in one.leaks], ids)
        results = [(leak, nearest(known, leak, matcher)) for leaks in chosen.values() for leak in leaks]
        _put(explain_document(results, top) if to == "json" else explain_lines(results, top), "-")
    return _told(errors, EXIT_OK)


def _check_is_new(path: str) -> None:
    """See that a file is not there, or empty: rules are kept by hand.

    Raises:
        UsageError: there is something in it.
    """
    if os.path.isfile(path) and os.path.getsize(path):
        raise UsageError(
            f"{path} exists and is not empty",
            advice=f"Leave -o out and append with >> {path}; --force replaces what is in it.",
        )


def _dialect(name: str | None, inputs: Sequence[LeakInput]) -> Dialect:
    """The dialect that is asked for, else that of the tool of the first input."""
    from leakreport.suppressions.rules import Dialect

    if name is not None:
        return Dialect(one_of(name, [dialect.value for dialect in Dialect], "--dialect"))
    return {"sanitizer": Dialect.LSAN, "heaptrack": Dialect.HEAPTRACK}.get(inputs[0].format, Dialect.VALGRIND)


def _faults(texts: Sequence[str]) -> frozenset[str]:
    words = [word for text in texts for word in text.replace(" ", "").split(",") if word]
    for word in words:
        one_of(word, (*_FAULTS, "any"), "--fail-on")
    return frozenset(_FAULTS if "any" in words else words)


def _sorted_out(files: Sequence[str], rules: Sequence[str]) -> tuple[list[str], list[str]]:
    """Files of rules, and inputs, each in the order given.

    Raises:
        UsageError: there are no rules among them.
    """
    from leakreport.suppressions.parse import looks_like_rules

    is_rules = {path: looks_like_rules(path) for path in files}
    found = [*rules, *(path for path in files if is_rules[path])]
    if not found:
        raise UsageError("no file of rules is given", advice="Give one, with --rules FILE if it is not recognised.")
    return found, [path for path in files if not is_rules[path]]


def _rule_files(paths: Sequence[str]) -> list[AuditedFile]:
    """The files with their rules.

    Raises:
        SuppressionError: one cannot be opened.
    """
    from leakreport.suppressions.audit import audited_file
    from leakreport.suppressions.parse import rules_content

    return [audited_file(rules_content(path), path) for path in paths]


def _read(inputs: Sequence[str], given: Given, *, is_quiet: bool) -> tuple[list[LeakInput], list[InputError]]:
    """The leaks of each input by itself, and what could not be read or is incomplete."""
    from leakreport.api import leaks_of

    chosen = given.chosen()
    options = chosen.analysis_options(at=None, metric=None, grouping=None)
    options = replace(options, top=None, group_by="path", fail_on=(), redact=False)
    found: list[LeakInput] = []
    errors: list[InputError] = []
    for path in inputs:
        run, problems = read_run([path], given, chosen.symbol_options(), is_quiet=is_quiet, is_suppressed=False)
        errors += problems
        if run is None:
            continue
        found.append(leaks_of(run, path, config=options))
        if not found[-1].is_complete and not problems and not chosen.flag("partial"):
            errors.append(TruncatedInput("the input is incomplete", where=path))
    return found, errors


def _tell_hidden(written: Sequence[WrittenRule]) -> None:
    """What the rules hide, on standard error: their leaks, and what else."""
    from leakreport.cli.suppresswords import hidden_lines

    for line in hidden_lines(written):
        tell(line)


def _put(content: str, output: str) -> None:
    if output == "-":
        write_stdout(content, sys.stdout)
    else:
        write_file(output, content)
        tell(f"wrote {output}")


def _told(errors: Sequence[InputError], code: int) -> int:
    for error in errors:
        say("error", error)
    return first_exit_code({code, *(error.exit_code for error in errors)})


def _gate(result: Audit, wanted: frozenset[str]) -> int:
    """1 where a fault was found that must not be; 5 where a rule may be dead or broad and the inputs do not tell."""
    from leakreport.cli.suppresswords import unjudged_words

    if any(finding.fault.value in wanted for finding in result.findings):
        return EXIT_GATE_FAILED
    if wanted & {"dead", "broad"} and result.unjudged_leak_rules:
        tell(f"inconclusive: {unjudged_words(result)}")
        return EXIT_INCONCLUSIVE
    return EXIT_OK
