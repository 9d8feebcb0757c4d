"""The loop of a watch: a sample, its lines, and a wait; until the process ends or somebody wants the end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from enum import StrEnum

from leakreport.live.jcmd import NativeMemory
from leakreport.live.lines import end_line, head_line, sample_lines
from leakreport.live.process import ProcessState
from leakreport.live.sampler import Sample, Sampler
from leakreport.live.series import SeriesFile

_JITTER = 0.1
"""Each interval is up to so much longer or shorter, so that samples never fall in step with a collector or a timer."""


class End(StrEnum):
    """Why a watch is over."""

    ENDED = "ended"
    REUSED = "reused"
    INTERRUPTED = "interrupted"
    DURATION = "duration"


class Watcher:
    """One watch."""

    def __init__(
        self,
        sampler: Sampler,
        series: SeriesFile,
        *,
        interval: float,
        duration: float | None = None,
        native: NativeMemory | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Nothing is read yet.

        Args:
            sampler: of the process.
            series: where lines go.
            interval: seconds from one sample to the next, about.
            duration: seconds after which to stop; None for never.
            native: asks a JVM about its own memory.
            clock: seconds, by a clock that nobody sets.
            jitter: numbers from 0 to 1.
        """
        self._sampler = sampler
        self._series = series
        self._interval = interval
        self._duration = duration
        self._native = native
        self._clock = clock
        self._jitter = jitter

    def run(
        self, wait: Callable[[float], None], is_stopped: Callable[[], bool], on_sample: Callable[[Sample], None]
    ) -> End:
        """Take samples until the end; `on_sample` gets each after its line was written.

        Raises:
            OutputError: a line could not be written.
        """
        began = due = self._clock()
        has_head = False
        while True:
            is_last = is_stopped() or (self._duration is not None and self._clock() - began >= self._duration)
            sample = self._sampler.sample(wants_details=is_last)
            if not has_head:
                self._series.write(head_line(self._sampler.handle, interval=self._interval, at=sample.at))
            self._write(sample, is_first=not has_head)
            has_head = True
            if not sample.parts:
                return End.REUSED if sample.state is ProcessState.REUSED else End.ENDED
            on_sample(sample)
            if is_last:
                end = End.INTERRUPTED if is_stopped() else End.DURATION
                self._series.write(end_line(sample, end.value))
                return end
            # Late by more than an interval (a machine that slept): go on from now.
            due = max(due + self._interval * (1 + _JITTER * (2 * self._jitter() - 1)), self._clock())
            ends = due if self._duration is None else min(due, began + self._duration)
            wait(ends - self._clock())

    def _write(self, sample: Sample, *, is_first: bool) -> None:
        texts = {} if self._native is None or not sample.parts else self._native.take(sample.seconds)
        for line in sample_lines(sample, texts, is_first=is_first):
            self._series.write(line)
