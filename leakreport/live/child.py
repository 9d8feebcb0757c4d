"""A command that is started, given what it needs, looked at while it runs, and waited for.

Signals are not handled but waited for (sigtimedwait(2)), so that nothing is interrupted and none is lost. Whoever sits at the
terminal talks to the command itself: it stays in the foreground group, and what the terminal sends it gets from the terminal.
Elsewhere it gets a group of its own, to which signals are passed on.

Source: fork(2), setrlimit(2), credentials(7), sigaction(2) (si_code SI_KERNEL).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from leakreport.errors import CommandNotStarted, OutputError
from leakreport.live.cgroup import Group
from leakreport.live.limits import Limit, set_limits
from leakreport.live.listener import Listener

FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
_WAITED_FOR = frozenset((*FORWARDED, signal.SIGCHLD))
_SI_KERNEL = 0x80
_UNSEEN_SECONDS = 60.0
"""From one wake-up to the next where nothing is looked at any more; signals and the end wake up at once."""
"""Linux: sent by the kernel itself, as the keys of a terminal are."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    pid: int
    exit_code: int | None
    """None where a signal ended it."""
    signal: int | None
    elapsed_seconds: float
    forwarded: frozenset[int]
    """Signals that leakreport was sent and passed on."""
    said: frozenset[str]
    """What of a lack was read in its output."""

    @property
    def status(self) -> int:
        """As a shell has it: 128 + signal."""
        return self.exit_code if self.exit_code is not None else 128 + (self.signal or 0)


@dataclass(frozen=True, slots=True)
class Launch:
    """What a command is started with."""

    command: Sequence[str]
    environment: Mapping[str, str]
    limits: Sequence[Limit] = ()
    group: Group | None = None
    listens: bool = False
    """Whether its output is read on its way, for what it says of a lack."""


def find_command(command: Sequence[str]) -> str:
    """The file of a command, as the shell finds it.

    Raises:
        CommandNotStarted: there is none, or it cannot be executed.
    """
    name = command[0]
    folders = [""] if "/" in name else os.get_exec_path()
    seen = ""
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
        if os.path.exists(path):
            seen = seen or path
    if seen:
        what = "is a folder" if os.path.isdir(seen) else "is not executable"
        raise CommandNotStarted(f"{seen} {what}", is_found=True, advice="Check the path, or chmod +x it.")
    raise CommandNotStarted(f"there is no command {name!r}", is_found=False, advice="Check its name and PATH.")


def run_child(launch: Launch, tick: Callable[[int], float]) -> Ended:
    """Start a command and wait for its end.

    Args:
        launch: what it is started with.
        tick: called with its pid once it runs, and again after as many seconds as it gives.

    Raises:
        CommandNotStarted: the system refused it.
        OutputError: a look could not be written.
    """
    # An ignored SIGCHLD would take the status away with the child.
    before_child = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    listeners = _listeners() if launch.listens else {}
    try:
        has_own_group = not _is_at_terminal()
        started = time.monotonic()
        child = _started(launch, before, listeners, has_own_group=has_own_group)
        for listener in listeners.values():
            listener.start()
        forwarded = _waited(child, tick, has_own_group=has_own_group)
        elapsed = time.monotonic() - started
        said = frozenset(phrase for listener in listeners.values() for phrase in listener.finish())
    finally:
        for listener in listeners.values():
            listener.close()
        # One that came too late to be passed on has nothing left to end.
        while signal.sigtimedwait(_WAITED_FOR, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, before_child)
    code = child.returncode
    return Ended(
        pid=child.pid,
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        elapsed_seconds=elapsed,
        forwarded=frozenset(forwarded),
        said=said,
    )


def _listeners() -> dict[int, Listener]:
    """By descriptor. A terminal for output stays itself: programs that draw on it ask it for more than its size."""
    return {number: Listener(number) for number in (1, 2) if number == 2 or not os.isatty(1)}


def _started(
    launch: Launch, mask: set[signal.Signals | int], listeners: Mapping[int, Listener], *, has_own_group: bool
) -> subprocess.Popen[bytes]:
    def prepare() -> None:
        # In the child, which becomes the command right after.
        if launch.group is not None:
            launch.group.enter()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        set_limits(launch.limits)

    try:
        return subprocess.Popen(  # noqa: S603 - what the user asked to start
            launch.command,
            env=launch.environment,
            stdout=listeners[1].child_end if 1 in listeners else None,
            stderr=listeners[2].child_end if 2 in listeners else None,
            preexec_fn=prepare,  # noqa: PLW1509 - no thread has been started yet
            process_group=0 if has_own_group else None,
            close_fds=False,
        )
    except FileNotFoundError as error:
        # find_command saw it: what is missing is the interpreter that its first line names.
        raise CommandNotStarted(
            f"{launch.command[0]} names an interpreter that is not there",
            is_found=True,
            advice="Check its first line, or the loader it was linked for.",
        ) from error
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        under = " under these limits" if launch.limits else ""
        raise CommandNotStarted(
            f"{launch.command[0]} could not be started{under}: {reason}",
            is_found=True,
            advice="Give higher limits." if launch.limits else "Check that it is a program for this machine.",
        ) from error


def _waited(child: subprocess.Popen[bytes], tick: Callable[[int], float], *, has_own_group: bool) -> set[int]:
    """Wait for the end; the signals that were passed on.

    Raises:
        OutputError: a look could not be written. The command is not disturbed by that: it is raised once it has ended.
    """
    forwarded: set[int] = set()
    failure: OutputError | None = None
    due = time.monotonic()
    while child.poll() is None:
        now = time.monotonic()
        if now >= due:
            try:
                due = now + (_UNSEEN_SECONDS if failure else max(0.01, tick(child.pid)))
            except OutputError as error:
                failure = error
        received = signal.sigtimedwait(_WAITED_FOR, max(0.0, due - time.monotonic()))
        if received is None or received.si_signo == signal.SIGCHLD:
            continue
        if not has_own_group and received.si_code == _SI_KERNEL:
            continue
        forwarded.add(received.si_signo)
        _pass_on(child, received.si_signo, to_group=has_own_group)
    if failure is not None:
        raise failure
    return forwarded


def _pass_on(child: subprocess.Popen[bytes], number: int, *, to_group: bool) -> None:
    try:
        if to_group:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
    except OSError:
        # It ended just now, or has become another user.
        return


def _is_at_terminal() -> bool:
    """Whether leakreport is what the terminal talks to."""
    for descriptor in (0, 1, 2):
        try:
            if os.tcgetpgrp(descriptor) == os.getpgrp():
                return True
        except OSError:
            continue
    return False
