"""How far the estimates of a sampled profile may be off."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from leakreport.model.columns import Float64Column, Int64Column, freeze


def sampling_variances(values: Mapping[str, Int64Column], period: int) -> dict[str, Float64Column] | None:
    """By metric the variance of each estimate; None where a metric lacks its bytes or blocks.

    An object of s bytes is sampled with p = 1 - exp(-s / period). An estimate of c objects stands for n = c p sampled
    ones: the variance of the count is n (1 - p) / p^2 = c (1 - p) / p, and of the bytes s^2 times that.
    """
    found: dict[str, Float64Column] = {}
    for kind in ("retained", "allocated"):
        sizes, counts = values.get(f"{kind}_bytes"), values.get(f"{kind}_blocks")
        if sizes is None or counts is None:
            if sizes is not None or counts is not None:
                return None
            continue
        is_known = (counts > 0) & (sizes > 0)
        blocks = np.where(is_known, counts, 1).astype(np.float64)
        object_size = np.where(is_known, sizes, period) / blocks
        # (1 - p) / p = 1 / (exp(s / period) - 1); beyond 700 it is 0 and would overflow.
        ratio = 1 / np.expm1(np.minimum(object_size / period, 700))
        variance = np.where(is_known, blocks * ratio, 0)
        found[f"{kind}_blocks"] = freeze(variance)
        found[f"{kind}_bytes"] = freeze(variance * object_size**2)
    return found
