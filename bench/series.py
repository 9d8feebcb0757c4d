"""Series of known truth for the growth verdict: noise, shapes that rise without leaking, and leaks.

One standard deviation of noise is 100 KiB on a level of 40 MiB; all values are whole allocations of 16 bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIGMA = 100 * 1024
LEVEL = 40 << 20
QUANTUM = 16
Matrix = NDArray[np.float64]
Generator = np.random.Generator


class Kind(NamedTuple):
    """How to make series of one kind, in standard deviations, and which verdicts are right."""

    shape: Callable[[Generator, int, int, Matrix], Matrix]
    words: frozenset[str]
    is_leak: bool = False
    has_rate: bool = False
    """The true slope is constant, so that intervals can be checked."""


def noise(random: Generator, rows: int, n: int, correlation: float = 0.0) -> Matrix:
    """AR(1) of variance 1; a random walk with unit steps for 1."""
    fresh = random.standard_normal((rows, n))
    if correlation >= 1:
        return np.cumsum(fresh, axis=1)
    found = fresh.copy()
    for i in range(1, n):
        found[:, i] = correlation * found[:, i - 1] + np.sqrt(1 - correlation**2) * fresh[:, i]
    return found


def spread(random: Generator, rows: int, low: float, high: float) -> Matrix:
    """Log-uniform, one per row."""
    return np.exp(random.uniform(np.log(low), np.log(high), (rows, 1)))


def teeth(random: Generator, rows: int, n: int, jitter: float) -> Matrix:
    """A sawtooth of height 1, its periods from 3.5 snapshots to a quarter of the series."""
    period = random.uniform(3.5, max(4.0, n / 4), rows)
    found, now = np.empty((rows, n)), random.uniform(0, 1, rows)
    for i in range(n):
        found[:, i] = now
        now = now + random.uniform(1 - jitter, 1 + jitter, rows) / period
        is_full = now >= 1 + jitter * random.uniform(-0.6, 0.6, rows)
        now = np.where(is_full, random.uniform(0, 0.3, rows) * jitter if jitter else now - 1, now)
    return found


def _until(random: Generator, rows: int, n: int, low: float, high: float) -> Matrix:
    return np.minimum(1, np.arange(n) / (n * random.uniform(low, high, (rows, 1))))


def _warm(random: Generator, rows: int, n: int, low: float, high: float) -> Matrix:
    return 1 - np.exp(-np.arange(n) / (n * random.uniform(low, high, (rows, 1))))


def _step(random: Generator, rows: int, n: int) -> Matrix:
    return 1.0 * (np.arange(n) >= np.ceil(n * random.uniform(0.1, 0.9, (rows, 1))))


def _doubling(random: Generator, rows: int, n: int) -> Matrix:
    return 2 ** np.ceil(np.log2(np.maximum(1, np.arange(n) + random.uniform(0, 4, (rows, 1))))) / n


def _words(*words: str) -> frozenset[str]:
    return frozenset(words)


ANY = _words("flat", "unclear", "step", "plateau", "slowing", "sawtooth", "shrinking")
STOPPED = _words("plateau", "slowing")
GROWING = _words("growing")
KINDS = {
    "constant": Kind(lambda _r, m, n, _: np.zeros((m, n)), _words("flat")),
    "white noise": Kind(lambda r, m, n, _: noise(r, m, n), _words("flat")),
    "heavy tails": Kind(lambda r, m, n, _: r.standard_t(3, (m, n)) / np.sqrt(3), _words("flat")),
    "AR(0.5)": Kind(lambda r, m, n, _: noise(r, m, n, 0.5), _words("flat")),
    "AR(0.8)": Kind(lambda r, m, n, _: noise(r, m, n, 0.8), _words("flat", "unclear")),
    "random walk": Kind(lambda r, m, n, _: noise(r, m, n, 1.0), ANY),
    "warm-up": Kind(
        lambda r, m, n, _: spread(r, m, 10, 300) * _warm(r, m, n, 1 / 30, 1 / 10) + noise(r, m, n), STOPPED
    ),
    "slow warm-up": Kind(
        lambda r, m, n, _: spread(r, m, 30, 300) * _warm(r, m, n, 1 / 6, 1 / 3) + noise(r, m, n), STOPPED
    ),
    "cache fills": Kind(
        lambda r, m, n, _: spread(r, m, 10, 300) * _until(r, m, n, 0.2, 0.65) + noise(r, m, n), STOPPED
    ),
    "step": Kind(lambda r, m, n, _: spread(r, m, 8, 200) * _step(r, m, n) + noise(r, m, n), _words("step")),
    "exact step": Kind(lambda r, m, n, _: spread(r, m, 1, 200) * _step(r, m, n), _words("step")),
    "sawtooth": Kind(
        lambda r, m, n, _: spread(r, m, 10, 100) * teeth(r, m, n, 0) + 0.3 * noise(r, m, n), _words("sawtooth")
    ),
    "uneven cycles": Kind(
        lambda r, m, n, _: spread(r, m, 10, 100) * teeth(r, m, n, 0.4) + 0.3 * noise(r, m, n), _words("sawtooth")
    ),
    "retention": Kind(lambda r, m, n, _: 3 * np.maximum.accumulate(noise(r, m, n, 0.5), axis=1), ANY),
    "falling": Kind(lambda r, m, n, _: -spread(r, m, 20, 300) * np.arange(n) / n + noise(r, m, n), _words("shrinking")),
    "leak, exact": Kind(lambda _r, _m, n, rise: rise * np.arange(n) / (n - 1), GROWING, True, True),
    "leak, white noise": Kind(
        lambda r, m, n, rise: rise * np.arange(n) / (n - 1) + noise(r, m, n), GROWING, True, True
    ),
    "leak, AR(0.5)": Kind(
        lambda r, m, n, rise: rise * np.arange(n) / (n - 1) + noise(r, m, n, 0.5), GROWING, True, True
    ),
    "leak, AR(0.8)": Kind(
        lambda r, m, n, rise: rise * np.arange(n) / (n - 1) + noise(r, m, n, 0.8), GROWING, True, True
    ),
    "leak after warm-up": Kind(
        lambda r, m, n, rise: (
            rise * np.arange(n) / (n - 1) + spread(r, m, 5, 100) * _warm(r, m, n, 0.02, 0.06) + noise(r, m, n)
        ),
        GROWING,
        True,
        True,
    ),
    "leak in uneven cycles": Kind(
        lambda r, m, n, rise: rise * (np.arange(n) / (n - 1) + teeth(r, m, n, 0.4)) + 0.3 * noise(r, m, n),
        GROWING,
        True,
        True,
    ),
    "leak, 4 × its sawtooth": Kind(
        lambda r, m, n, rise: rise * (np.arange(n) / (n - 1) + 4 * teeth(r, m, n, 0)) + 0.3 * noise(r, m, n),
        _words("growing", "sawtooth"),
        True,
        True,
    ),
    "vector that doubles": Kind(lambda r, m, n, rise: rise * _doubling(r, m, n), GROWING, True),
}
NULLS = tuple(name for name, kind in KINDS.items() if not kind.is_leak)
LEAKS = tuple(name for name, kind in KINDS.items() if kind.is_leak)


def make(name: str, rows: int, n: int, seed: int) -> tuple[NDArray[np.int64], Matrix]:
    """Series of one kind, rows × n in bytes, and their true slopes in bytes per snapshot (0 where nothing leaks)."""
    random = np.random.default_rng([seed, n, sorted(KINDS).index(name)])
    kind = KINDS[name]
    rise = spread(random, rows, 10, 500) if kind.is_leak else np.zeros((rows, 1))
    values = LEVEL + SIGMA * kind.shape(random, rows, n, rise)
    return np.rint(np.maximum(values, 0) / QUANTUM).astype(np.int64) * QUANTUM, rise[:, 0] * SIGMA / (n - 1)


def mixed(rows: int, n: int, seed: int) -> NDArray[np.int64]:
    """A report without a leak: seven rows of ten are constant, the rest is of all kinds."""
    names = [name for name in NULLS if name != "constant"]
    noisy = rows * 3 // 10 // len(names)
    parts = [make(name, noisy, n, seed)[0] for name in names]
    parts.append(np.full((rows - noisy * len(names), n), LEVEL))
    return np.random.default_rng([seed, n]).permutation(np.concatenate(parts))
