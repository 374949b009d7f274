"""Which offer is better? One number per offer, lower is better, from expected finish, expected price and success.

    score = wt·t + wc·c + wq·q        rounded to 9 digits

    t = T / (T + 1 h)    T = expected seconds from now to the end: closed hours, queue and run
    c = C / (C + C½)     C = expected cost in the hub's currency, C½ = 10,000 KRW or about as much
    q = 1 - P            P = estimated success probability

Each term lies in [0, 1) and grows with what it stands for, so no figure of one device depends on another
device, and adding a device never changes the order of the others.

    preset      wt      wc      wq
    fastest     1       0.001   0.001
    cheapest    0.001   1       0.001
    best        0.001   0.001   1
    balanced    1       4       1

The small weights decide between offers that are alike in what the preset is about: 0.001 is worth
3.6 s, 10 KRW or a tenth of a percent.

Why ``balanced`` does not send a small job to a dear QPU on its own: a free simulator scores t < 1 however
long its queue, while a QPU of expected cost C½/3 (3,333 KRW) or more scores at least 4·¼ = 1. A cheaper QPU
can win only if the simulator is so busy that the time saved is worth the money: at 2,000 KRW and P = 0.9, from
three hours of waiting on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.money import MICRO
from broker.domain.policy import Preference

if TYPE_CHECKING:
    from broker.domain.money import Money

HALF_TIME_S = 3600.0

HALF_COST = {"KRW": 10_000 * MICRO, "USD": 7 * MICRO, "EUR": 6 * MICRO, "CAD": 10 * MICRO}
HALF_COST_ELSEWHERE = 10 * MICRO

# Weight of time, of cost, of quality.
WEIGHTS: dict[Preference, tuple[float, float, float]] = {
    Preference.FASTEST: (1.0, 0.001, 0.001),
    Preference.CHEAPEST: (0.001, 1.0, 0.001),
    Preference.BEST: (0.001, 0.001, 1.0),
    Preference.BALANCED: (1.0, 4.0, 1.0),
}


def score(prefer: Preference, *, finish_s: float, cost: Money, success: float) -> float:
    """Lower is better; ``cost`` and ``finish_s`` are expectations, not worst cases."""
    time_weight, cost_weight, quality_weight = WEIGHTS[prefer]
    half = HALF_COST.get(cost.currency, HALF_COST_ELSEWHERE)
    return round(
        time_weight * (finish_s / (finish_s + HALF_TIME_S))
        + cost_weight * (cost.micros / (cost.micros + half))
        + quality_weight * (1.0 - success),
        9,
    )
