"""Do two histograms come from one distribution? A two-sample chi-square with rare outcomes pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.stats import chi2_contingency

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST = 10


def same(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """The p-value that both were drawn from one distribution; 1.0 when both have a single outcome, the same."""
    keys = sorted(set(first) | set(second))
    rows = [(first.get(key, 0), second.get(key, 0)) for key in keys]
    common = [row for row in rows if sum(row) >= 2 * LEAST]
    rare = [row for row in rows if sum(row) < 2 * LEAST]
    if rare:
        pooled = (sum(a for a, _ in rare), sum(b for _, b in rare))
        if sum(pooled) >= 2 * LEAST or not common:
            common.append(pooled)
    if len(common) < 2:
        return 1.0
    return float(chi2_contingency([[a for a, _ in common], [b for _, b in common]]).pvalue)
