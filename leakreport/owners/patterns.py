"""Patterns of paths as regular expressions: those of gitignore as GitHub reads them, and Ruby's as GitLab does.

Paths are relative to the root of the repository, with slashes.
"""

from __future__ import annotations

import re

_ANY_FOLDERS = "(?:[^/]+/)*"


def gitignore_pattern(pattern: str) -> re.Pattern[str]:
    """What a pattern of GitHub's CODEOWNERS matches, whole paths of files.

    Source: gitignore(5), "PATTERN FORMAT", of git 2.39, without `!` and `[ ]`, which GitHub does not know. One thing is
    GitHub's own: where `*` alone is the last part of a longer pattern, files of that folder are meant and none below.

    >>> bool(gitignore_pattern("apps/").fullmatch("x/apps/a.c")), bool(gitignore_pattern("/apps").fullmatch("apps/a.c"))
    (True, True)
    >>> bool(gitignore_pattern("docs/*").fullmatch("docs/a/b")), bool(gitignore_pattern("docs/**").fullmatch("docs/a/b"))
    (False, True)
    """
    is_folder = pattern.endswith("/")
    parts = pattern.strip("/").split("/") if pattern.strip("/") else []
    if not parts:
        # A slash alone matches nothing, as in git.
        return re.compile(r"(?!)")
    is_anchored = pattern.startswith("/") or len(parts) > 1
    expression = "" if is_anchored else _ANY_FOLDERS
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            expression += ("[^/].*" if number else ".*") if is_last else _ANY_FOLDERS
        else:
            expression += _part(part) + ("" if is_last else "/")
    # Everything below a folder is meant, too.
    ends_in_files = is_anchored and parts[-1] == "*" and not is_folder
    below = "/.*" if is_folder else "" if ends_in_files else "(?:/.*)?"
    return re.compile(expression + below, re.DOTALL)


def fnmatch_pattern(pattern: str) -> re.Pattern[str]:
    """What a pattern of GitLab's CODEOWNERS matches, whole paths of files.

    Source: `File.fnmatch` of Ruby with FNM_PATHNAME and FNM_DOTMATCH, after what GitLab does to the pattern first: one
    without a leading slash matches in any folder, one with a slash at its end all below that folder.

    >>> bool(fnmatch_pattern("docs/").fullmatch("x/docs/a.md")), bool(fnmatch_pattern("docs").fullmatch("docs/a.md"))
    (True, False)
    """
    if pattern == "*":
        pattern = "/**/*"
    if not pattern.startswith("/"):
        pattern = f"/**/{pattern}"
    if pattern.endswith("/"):
        pattern += "**/*"
    parts = pattern.removeprefix("/").split("/")
    expression = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        expression += _ANY_FOLDERS if part == "**" and not is_last else _part(part, has_sets=True)
        expression += "" if is_last or part == "**" else "/"
    return re.compile(expression, re.DOTALL)


_SET = re.compile(r"\[(?P<not>[!^]?)(?P<set>(?:\\.|[^\]\\/])+)\]")


def _part(part: str, *, has_sets: bool = False) -> str:
    """One part of a pattern, between slashes."""
    found = ""
    place = 0
    while place < len(part):
        sign = part[place]
        group = _SET.match(part, place) if has_sets and sign == "[" else None
        if group is not None:
            found += f"(?!/)[{'^' if group['not'] else ''}{_members(group['set'])}]"
            place = group.end()
            continue
        if sign == "*":
            found += "" if found.endswith("[^/]*") else "[^/]*"
        elif sign == "?":
            found += "[^/]"
        elif sign == "\\" and place + 1 < len(part):
            place += 1
            found += re.escape(part[place])
        else:
            found += re.escape(sign)
        place += 1
    # A name has at least one letter.
    return "[^/]+" if found == "[^/]*" else found


def _members(text: str) -> str:
    """The inside of a set: ranges stay, all else is itself; a range that runs backwards has no members."""
    found = ""
    for member in re.finditer(r"(\\?.)-(\\?.)|\\?.", text, re.DOTALL):
        if member[1] is None:
            found += re.escape(member[0][-1])
        elif member[1][-1] <= member[2][-1]:
            found += f"{re.escape(member[1][-1])}-{re.escape(member[2][-1])}"
    return found or "/"
