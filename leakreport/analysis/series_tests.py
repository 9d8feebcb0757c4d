"""Tails, quantiles and tables for judging many short series at once, in numpy alone.

Source: Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", 1959 (tail of t); Holm,
"A simple sequentially rejective multiple test procedure", 1979; the tables of detrended random walks were simulated with
10^6 walks a length (docs/verdict.md).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from leakreport.model.columns import BoolColumn, Float64Column

_NORMAL = NormalDist()
# Past this a double of erfc is 0, and no family is that large.
_MOST_Z = 37.0
_MOST_EXPONENT = 700.0

_WALK_LEVELS = np.array([0.05, 0.01, 1e-3, 1e-4, 1e-5])
_WALK_LENGTHS = np.array([5, 8, 10, 12, 15, 19, 23, 30, 45, 75, 150], dtype=np.float64)
# Per length, the lag-1 correlation below which only so large a share of detrended random walks falls.
_WALK_QUANTILES = np.array(
    [
        [-0.747, -0.834, -0.856, -0.858, -0.858],
        [-0.487, -0.665, -0.808, -0.879, -0.913],
        [-0.340, -0.534, -0.709, -0.810, -0.882],
        [-0.215, -0.417, -0.612, -0.737, -0.830],
        [-0.061, -0.262, -0.466, -0.613, -0.723],
        [0.095, -0.096, -0.302, -0.477, -0.573],
        [0.213, 0.032, -0.167, -0.323, -0.435],
        [0.358, 0.200, 0.013, -0.133, -0.266],
        [0.543, 0.420, 0.270, 0.141, 0.032],
        [0.710, 0.625, 0.512, 0.416, 0.333],
        [0.849, 0.802, 0.743, 0.677, 0.615],
    ]
)
_CENSUS_LENGTHS = np.array([5, 8, 9, 12, 15, 23, 30, 45, 75, 113, 150], dtype=np.float64)
# The median lag-1 correlation of what the best simple shape leaves of a walk, and the share of white noise above it.
_CENSUS_MEDIAN = np.array([-0.390, -0.147, -0.083, 0.077, 0.200, 0.410, 0.521, 0.661, 0.784, 0.853, 0.887])
_CENSUS_WHITE = np.array([0.475, 0.313, 0.265, 0.137, 0.058, 0.003, 0.0, 0.0, 0.0, 0.0, 0.0])
_LEAST_WALK_QUANTILE = -0.97


def upper_normal(share: float) -> float:
    """The normal deviate that so large a share lies above. Accurate for shares down to 1e-300."""
    return -_NORMAL.inv_cdf(share)


def normal_tail(deviates: Float64Column) -> Float64Column:
    """The share of a normal distribution above each deviate."""
    scaled = (np.clip(deviates, -_MOST_Z, _MOST_Z) / math.sqrt(2)).tolist()
    return np.fromiter(map(math.erfc, scaled), np.float64, len(scaled)) / 2


def _wallace(freedom: Float64Column) -> Float64Column:
    return (8 * freedom + 1) / (8 * freedom + 3)


def t_to_normal(t: Float64Column, freedom: Float64Column) -> Float64Column:
    """The normal deviate with about the tail of each t; never too small a tail: 1.2 times it at 10 degrees, p = 1e-8."""
    z = _wallace(freedom) * np.sqrt(freedom * np.log1p(t * t / freedom))
    return np.copysign(z, t)


def upper_t(share: float, freedom: Float64Column) -> Float64Column:
    """The t value that so large a share lies above, per number of degrees of freedom. Holds: `t_to_normal` undoes it."""
    exponent = (upper_normal(share) / _wallace(freedom)) ** 2 / freedom
    return np.sqrt(freedom * np.expm1(np.minimum(exponent, _MOST_EXPONENT)))


def holm(tails: Float64Column, alpha: float, family_size: int) -> BoolColumn:
    """Which tests of a family hold, so that the chance of any false one is at most alpha.

    Shape: one p-value per tested series; those of the family that are not in the column count as failed.
    """
    order = np.argsort(tails, kind="stable")
    bounds = alpha / np.maximum(1, family_size - np.arange(tails.size))
    failed = np.flatnonzero(tails[order] > bounds)
    holds = np.zeros(tails.size, dtype=np.bool_)
    holds[order[: failed[0] if failed.size else tails.size]] = True
    return holds


def _at_length(lengths: Float64Column, figures: Float64Column, length: int) -> float:
    # (1 - quantile) * length is nearly the same for all lengths, and what a longer walk tends to.
    scaled = np.interp(length, lengths, (1 - figures) * lengths)
    return float(1 - scaled / max(length, lengths[0]))


def walk_quantile(length: int, level: float) -> float:
    """The lag-1 correlation that a detrended random walk of a length falls below with a probability.

    Linear in the logarithm of the level, extrapolated below 1e-5.
    """
    row = [_at_length(_WALK_LENGTHS, _WALK_QUANTILES[:, i], length) for i in range(_WALK_LEVELS.size)]
    place = -math.log10(level)
    if place > 5:
        return max(_LEAST_WALK_QUANTILE, row[-1] + (row[-1] - row[-2]) * (place - 5))
    return float(np.interp(place, -np.log10(_WALK_LEVELS), row))


def census_bounds(length: int) -> tuple[float, float]:
    """The correlation that half of all random walks exceed, and the share of white noise that exceeds it."""
    return _at_length(_CENSUS_LENGTHS, _CENSUS_MEDIAN, length), float(np.interp(length, _CENSUS_LENGTHS, _CENSUS_WHITE))


def row_products(left: Float64Column, right: Float64Column) -> Float64Column:
    """Per row, the sum of the products of two matrices of one shape."""
    return np.asarray(np.einsum("ij,ij->i", left, right), dtype=np.float64)


def autoregressive_variance(centred: Float64Column, correlations: Float64Column) -> Float64Column:
    """The variance of a least-squares slope under AR(1) errors with innovations of variance 1, per correlation in [0, 1).

    `centred` is x minus its mean; any spacing, but the errors are taken to be correlated from one value to the next.
    """
    weights = centred / (centred @ centred)
    spectrum = np.fft.rfft(weights, 2 * weights.size)
    products = np.fft.irfft(np.abs(spectrum) ** 2, 2 * weights.size)[1 : weights.size]
    lags = np.arange(1, weights.size)
    # The weights sum to 0, so 1 may be taken from every correlation: near 1 nothing cancels then.
    with np.errstate(divide="ignore"):
        fall = np.expm1(lags * np.log(correlations)[:, None])
    return np.asarray(2 * fall @ products / (1 - correlations**2), dtype=np.float64)
