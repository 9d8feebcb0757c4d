"""A check in which no name stands: the same tokens as in the rest of a redacted report."""

from __future__ import annotations

from dataclasses import replace

from leakreport.analysis.checkreport import CheckedLeak
from leakreport.analysis.report import Report
from leakreport.analysis.tokens import file_token, function_token, module_token, prose_tokens


def told_check(report: Report) -> Report:
    """The report with tokens in place of the names that the check brought with it."""
    assert report.check is not None
    check = report.check
    told = replace(
        check,
        baseline=None if check.baseline is None else replace(check.baseline, file="baseline"),
        leaks=tuple(map(_leak, check.leaks)),
        budgets=tuple(replace(line, budget=prose_tokens(line.budget)) for line in check.budgets),
        doubts=tuple(
            replace(doubt, what=prose_tokens(doubt.what), advice=prose_tokens(doubt.advice)) for doubt in check.doubts
        ),
    )
    verdict = report.verdict
    lines = tuple(
        line._replace(gate=prose_tokens(line.gate), text=prose_tokens(line.text)) for line in verdict.gate_lines
    )
    reasons = tuple(map(prose_tokens, verdict.reasons))
    # Only the headline of a run that is not judged has names in it: those of a doubt.
    is_named = any(not doubt.is_comparable for doubt in check.doubts)
    sentence = prose_tokens(verdict.sentence) if is_named else verdict.sentence
    return replace(report, check=told, verdict=replace(verdict, sentence=sentence, gate_lines=lines, reasons=reasons))


def _leak(leak: CheckedLeak) -> CheckedLeak:
    return replace(
        leak,
        function=None if leak.function is None else function_token(leak.function),
        file=None if leak.file is None else file_token(leak.file),
        module=None if leak.module is None else module_token(leak.module),
        reason=None if leak.reason is None else prose_tokens(leak.reason),
    )
