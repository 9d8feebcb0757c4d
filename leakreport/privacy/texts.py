"""Home folders and secrets taken out of texts. Heuristics by spelling; nothing here knows who the user is."""

from __future__ import annotations

import re
from collections.abc import Sequence

REDACTED = "‹redacted›"

# What may stand in front of a home folder: an option (-I/home/ann), an address (file:///home/ann), or nothing that goes
# on with a path: /srv/home/x.c is nobody's home.
_BEFORE = r"(?P<before>(?<![\w.~/-])(?:--?[A-Za-z]{1,2}(?=/)|[a-z][a-z0-9+.-]{1,20}://)?)(?:(?<=://)[\w.-]{1,100})?"
_MOUNTED = r"(?:/var|/usr|/export|/host|/hostfs|/rootfs|/mnt|/nfs|/proc/(?:\d+|self)/(?:root)|/System/Volumes/Data)?"
_HOME = re.compile(
    rf"{_BEFORE}(?:{_MOUNTED}/(?:home|Users)/[^/\s:;,'\"<>()\[\]{{}}]+"
    r"|/root(?![\w-]|\.\w)"
    r"|[A-Za-z]:[\\/]Users[\\/](?:[^\\/:*?\"<>|\n]{1,64}(?=[\\/])|[^\\/\s:;,'\"<>()]+))"
)
_WORD = r"(?:password|passwd|pwd|passphrase|secret|token|apikey|key|credentials?)"
_NAME = rf"(?<![^\W_])(?:[\w-]{{0,40}}[-_])?{_WORD}(?:[-_][\w-]{{0,40}})?"
_VALUE = r"(?:'[^']*'|\"[^\"]*\"|[^\s&;,'\"]+)"
_OTHERS = (
    # An option and its value in one text.
    rf"|(?P<option>(?<![\w-])--?(?:[\w-]{{0,40}}[-_])?{_WORD}\s+)(?!-){_VALUE}"
    r"|(?P<scheme>\b(?:authorization:\s?(?:bearer|basic)?|bearer)\s)\S+"
    r"|(?P<address>\b[a-z][a-z0-9+.-]{0,20}://)[^\s/@]+@"
)
_SECRET = re.compile(rf"(?P<name>{_NAME}\s?[=:]\s?){_VALUE}{_OTHERS}", re.IGNORECASE)
# In a sentence a colon follows many a word that is no setting.
_SECRET_IN_PROSE = re.compile(rf"(?P<name>{_NAME}=){_VALUE}{_OTHERS}", re.IGNORECASE)
_SECRET_OPTION = re.compile(rf"--?(?:[\w-]{{0,40}}[-_])?{_WORD}\Z", re.IGNORECASE)
_OWN_OPTION = re.compile(r"--[a-z][a-z-]*\Z|-v+\Z|-[a-z]\Z")
_AMOUNT = re.compile(r"[+-]?\d[\d.,]*(?:[KMG]i?B?|[kMG]?B)?\Z")
_OWN_WORDS = frozenset(
    "leakreport analyze diff trend convert terminal json html markdown csv pprof folded speedscope last peak series "
    "processes runs time name path function file module kind owner definite indirect possible reachable any errors fds "
    "growth new auto always never bytes blocks retained_bytes retained_blocks allocated_bytes allocated_blocks leaked_bytes "
    "peak_bytes".split()
)
_USER_AND_HOST = r"(?<![\w@.])[\w.+-]{1,64}@[\w.-]{1,255}(?=:[^\s:]|/"
_REMOTE_IN_PROSE = re.compile(rf"{_USER_AND_HOST})")
_REMOTE = re.compile(rf"{_USER_AND_HOST}|\Z)")


def without_home(text: str) -> str:
    """The text with home folders written as `~`, so that it names nobody.

    >>> without_home("/home/ann/src/x.c"), without_home("--log=/Users/ann/x"), without_home("/srv/home/x.c")
    ('~/src/x.c', '--log=~/x', '/srv/home/x.c')
    >>> without_home("-I/home/ann/include"), without_home("file:///Users/ann/x"), without_home("/rootfs/x")
    ('-I~/include', 'file://~/x', '/rootfs/x')
    """
    if "/home" in text or "/root" in text or "Users" in text:
        return _HOME.sub(r"\g<before>~", text)
    return text


def without_secrets(arguments: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """The arguments with what looks like a password, token or key replaced, and how many were.

    Heuristic: by the name in front. It errs on `--sort-key=name`, which is hidden, and on secrets without a name.

    >>> without_secrets(("./svc", "--api-token=abc", "--password", "hunter2", "http://ann:pw@host/"))
    (('./svc', '--api-token=‹redacted›', '--password', '‹redacted›', 'http://‹redacted›@host/'), 3)
    >>> without_secrets(("sh", "-c", "./svc --token abc -v"))
    (('sh', '-c', './svc --token ‹redacted› -v'), 1)
    """
    found: list[str] = []
    count = 0
    is_value = False
    for argument in arguments:
        if is_value and not argument.startswith("-"):
            found.append(REDACTED)
            count += 1
            is_value = False
            continue
        text, changes = _SECRET.subn(_redacted, argument)
        found.append(text)
        count += changes
        is_value = _SECRET_OPTION.match(argument) is not None
    return tuple(found), count


def prose_without_secrets(text: str) -> str:
    """A sentence without the secrets of a command line that stands in it, and without the user and host of a source.

    >>> prose_without_secrets("The command differs: ./svc --token abc before, ./svc KEY=1 after; load_key: lost.")
    'The command differs: ./svc --token ‹redacted› before, ./svc KEY=‹redacted› after; load_key: lost.'
    """
    if "@" in text:
        text = _REMOTE_IN_PROSE.sub("‹host›", text)
    if "=" in text or "-" in text or "://" in text or "earer" in text:
        return _SECRET_IN_PROSE.sub(_redacted, text)
    return text


def source_without_host(source: str) -> str:
    """The name of an input without the user and the machine that it may name, and without a home folder.

    >>> source_without_host("ann@build7:/home/ann/run.xml"), source_without_host("runs/412.xml")
    ('‹host›:~/run.xml', 'runs/412.xml')
    """
    return without_home(prose_without_secrets(_REMOTE.sub("‹host›", source) if "@" in source else source))


def told_command(arguments: Sequence[str]) -> tuple[str, ...]:
    """Leakreport's own command line where names must not be told: options, numbers and its own words stay.

    >>> told_command(("leakreport", "analyze", "tiles.xml", "--own=src/**", "--max-leaked", "64KiB", "-o", "x.html"))
    ('leakreport', 'analyze', '‹redacted›', '--own=‹redacted›', '--max-leaked', '64KiB', '-o', '‹redacted›')
    """
    found = []
    for argument in arguments:
        name, sign, value = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        shown = name if name in _OWN_WORDS or _OWN_OPTION.match(name) or _AMOUNT.match(name) else REDACTED
        kept = value if value in _OWN_WORDS or _AMOUNT.match(value) else REDACTED
        found.append(f"{shown}={kept}" if sign else shown)
    return tuple(found)


def _redacted(match: re.Match[str]) -> str:
    parts = match.groupdict()
    if parts["address"] is not None:
        return f"{parts['address']}{REDACTED}@"
    return f"{parts['name'] or parts['option'] or parts['scheme']}{REDACTED}"
