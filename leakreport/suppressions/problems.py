"""Rules for errors (`Cond`, `Addr4`, `Param` …) held against what the tool complained about beside leaks.

Source: Valgrind `memcheck/mc_errors.c`, which rule is for which error, and `coregrind/m_libcfile.c` for descriptors.
"""

from __future__ import annotations

import re

from leakreport.model.raw import RawProblem
from leakreport.suppressions.match import Matcher, Recorded
from leakreport.suppressions.names import Answer
from leakreport.suppressions.parse import CORE_KINDS
from leakreport.suppressions.rules import LEAK, Dialect, Rule

_KINDS = {
    "UninitCondition": frozenset({"Cond", "Value0"}),
    "InvalidJump": frozenset({"Jump"}),
    "ClientCheck": frozenset({"User"}),
    "CoreMemError": frozenset({"CoreMem"}),
    "InvalidFree": frozenset({"Free"}),
    "MismatchedFree": frozenset({"Free"}),
    "MismatchedAllocateDeallocateSize": frozenset({"BadSize"}),
    "MismatchedAllocateDeallocateAlignment": frozenset({"BadAlign"}),
    "InvalidAlignment": frozenset({"BadAlign"}),
    "InvalidSize": frozenset({"BadSize"}),
    "Overlap": frozenset({"Overlap"}),
    "InvalidMemPool": frozenset({"Mempool"}),
    "FishyValue": frozenset({"FishyValue"}),
    "SyscallParam": frozenset({"Param"}),
    "ReallocSizeZero": frozenset({"ReallocZero"}),
}
_SIZED = {"UninitValue": "Value", "InvalidRead": "Addr", "InvalidWrite": "Addr"}
_SIZE = re.compile(r"of size (\d{1,3})\b")
_PARAMETER = re.compile(r"Syscall param (.+) (?:points|contains)\b")
_ARGUMENT = re.compile(r"Argument '(.+)' of function (\S+) has a fishy")


def problem_answer(rule: Rule, problem: RawProblem, matcher: Matcher, recorded: Recorded) -> Answer:
    """Whether a rule hides an error or an open descriptor."""
    if rule.dialect is not Dialect.VALGRIND or not rule.is_for_memcheck or rule.kind == LEAK or not problem.stacks:
        return Answer.NO
    if "CoreError" in rule.tools:
        is_of_kind = problem.kind == rule.kind and rule.kind in CORE_KINDS
    else:
        is_of_kind = rule.kind in _kinds_of(problem) and _extra_fits(rule, problem)
    return matcher.stack(rule, problem.stacks[0].frames, recorded) if is_of_kind else Answer.NO


def _kinds_of(problem: RawProblem) -> frozenset[str]:
    sized = _SIZED.get(problem.kind)
    if sized is None:
        return _KINDS.get(problem.kind, frozenset())
    match = _SIZE.search(problem.message)
    return frozenset() if match is None else frozenset({f"{sized}{match[1]}"})


def _extra_fits(rule: Rule, problem: RawProblem) -> bool:
    """Whether the line that some kinds have names the same as the error."""
    if rule.kind == "Param":
        match = _PARAMETER.search(problem.message)
        return match is not None and match[1] == rule.extra
    if rule.kind == "FishyValue":
        match = _ARGUMENT.search(problem.message)
        return match is not None and rule.extra is not None and rule.extra.startswith(f"{match[2]}({match[1]})")
    return True
