"""The lines of a watch: one per sample, and on a terminal a last line that is drawn anew, with the latest samples as blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from leakreport.live.figures import Figures
from leakreport.render.phrases import printable
from leakreport.render.screen import fit
from leakreport.render.trend_text import sparkline
from leakreport.units import format_bytes, format_change, format_rate_change

_COLUMNS = (("time", 10), ("RSS", 10), ("retained", 11), ("change", 11), ("per hour", 11), ("fds", 6), ("thr", 5))
_GROUP_CELLS = 28
_HEAD_EVERY = 30


class TickLines:
    """Where the lines go."""

    def __init__(self, stream: TextIO, *, width: int, is_live: bool, is_fast: bool) -> None:
        """Nothing is printed yet.

        Args:
            stream: for the lines.
            width: of the terminal, in cells.
            is_live: it is a terminal that a line can be drawn anew on.
            is_fast: several samples fall into one second.
        """
        self._stream = stream
        self._width = width
        self._is_live = is_live
        self._is_fast = is_fast
        self._count = 0
        self._is_closed = False

    def tell(self, text: str) -> None:
        """A line of words."""
        self._write(f"{printable(text)}\n")

    def tick(self, figures: Figures, recent: Sequence[int], so_far: str) -> None:
        """A sample; the head of the columns stands before the first, and on a terminal again and again."""
        if self._count % _HEAD_EVERY == 0 and (self._is_live or not self._count):
            head = "".join(f"{name:>{cells}}" for name, cells in _COLUMNS)
            self._write(f"{head}  {'growing most':<{_GROUP_CELLS}}  so far\n")
        self._count += 1
        self._write(f"{self._line(figures, so_far)}\n")
        if self._is_live and recent:
            low, high = format_bytes(min(recent)), format_bytes(max(recent))
            # From the smallest on: what a service holds all the time would hide what it gains.
            base = min(recent)
            drawn = sparkline([amount - base for amount in recent], len(recent))
            self._put(fit(f"  retained {drawn} {low} to {high}; Ctrl-C ends and judges", self._width - 1))

    def close(self) -> None:
        """Take the line away that is drawn anew."""
        if self._is_live:
            self._put("")

    def _line(self, figures: Figures, so_far: str) -> str:
        retained = _bytes(figures.retained)
        cells = (
            _clock(figures.at, is_fast=self._is_fast),
            _bytes(figures.resident),
            f"~{retained}" if figures.is_estimate and figures.retained is not None else retained,
            "-" if figures.change is None else format_change(figures.change),
            "-" if figures.per_hour is None else format_rate_change(figures.per_hour),
            "-" if figures.fds is None else str(figures.fds),
            "-" if figures.threads is None else str(figures.threads),
        )
        group = "-" if figures.top is None else f"{figures.top[0]} {format_change(figures.top[1])}"
        fixed = "".join(f"{text:>{wide}}" for text, (_, wide) in zip(cells, _COLUMNS, strict=True))
        return f"{fixed}  {fit(printable(group), _GROUP_CELLS, keep_end=True):<{_GROUP_CELLS}}  {printable(so_far)}"

    def _put(self, text: str) -> None:
        """Draw the last line anew."""
        self._out(f"\r\x1b[K{text}")

    def _write(self, text: str) -> None:
        self._out(f"\r\x1b[K{text}" if self._is_live else text)

    def _out(self, text: str) -> None:
        """A reader that has gone (`| head`), or a terminal that was closed, does not end a watch."""
        if self._is_closed:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
        except OSError:
            self._is_closed = True


def _bytes(amount: int | None) -> str:
    return "-" if amount is None else format_bytes(amount)


def _clock(at: str, *, is_fast: bool) -> str:
    """The time of day where the watch runs."""
    moment = datetime.fromisoformat(at).astimezone()
    return moment.strftime("%H:%M:%S") + (f".{moment.microsecond // 100_000}" if is_fast else "")
