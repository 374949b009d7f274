"""When will it start and when should we look again? From our own history, the device's data and its opening hours."""

from __future__ import annotations

from datetime import UTC, timedelta
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING

from broker.domain.snapshot import Forecast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, time

    from broker.domain.device import Device, Window

# The device's own data weigh as much as this many jobs of ours.
PRIOR_JOBS = 5
# Without history, the cautious wait is this many times the expected one (P90/median of an exponential: 3.3).
PRIOR_SPREAD = 3.3

DAY_S = 86_400
WEEK_S = 7 * DAY_S

SOON = timedelta(seconds=10)
SELDOM = timedelta(minutes=10)
FRONT = 3


def forecast(waits: Sequence[float], runs: Sequence[float], *, device: Device, ahead: int) -> Forecast:
    """P50 and P90 of the seconds that our own recent jobs waited (open hours only) and ran (each vendor task).

    Thin history is blended with a prior: what stands in the vendor's queue and ``ahead`` of ours in our
    own, each for a typical run. A wait is never less than the work of ours that stands before it.
    """
    run_s = _blend(median(runs) if runs else 0.0, device.typical_run_ms / 1000, len(runs))
    prior_s = ((device.queue_depth or 0) + ahead) * run_s
    ours_s = ahead * run_s / max(device.concurrency, 1)
    seen = len(waits)
    wait_s = _blend(quantile(waits, 0.5), prior_s, seen)
    cautious_s = _blend(quantile(waits, 0.9), prior_s * PRIOR_SPREAD, seen)
    wait_s = max(wait_s, ours_s)
    return Forecast(
        wait_s=wait_s,
        wait_p90_s=max(wait_s, cautious_s),
        run_s=run_s,
        history=min(seen, len(runs)),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie, between neighbours in proportion; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _blend(seen: float, prior: float, count: int) -> float:
    return (seen * count + prior * PRIOR_JOBS) / (count + PRIOR_JOBS)


def next_open(windows: tuple[Window, ...], at: datetime) -> datetime:
    """``at`` if the device is open then, else its next opening; a device without windows never closes."""
    return at + timedelta(seconds=after_open(windows, at, 0.0))


def after_open(windows: tuple[Window, ...], at: datetime, wait_s: float) -> float:
    """Seconds from ``at`` until the device has been open for ``wait_s`` and is open."""
    if not windows:
        return wait_s
    hours, open_s = _week(windows)
    if open_s >= WEEK_S or open_s <= 0:  # always open, or windows without days, which say nothing
        return wait_s
    weeks, left = divmod(wait_s, open_s)
    return weeks * WEEK_S + _within_weeks(hours, _second_of_week(at), left)


def _within_weeks(hours: tuple[tuple[float, float], ...], now: float, left: float) -> float:
    # Three weeks: the rest of this one, and less than one week's open hours over the next two.
    for week in (0, WEEK_S, 2 * WEEK_S):
        for start, end in hours:
            begin = max(start + week, now)
            if begin >= end + week:
                continue
            if left < end + week - begin:
                return begin + left - now
            left -= end + week - begin
    raise AssertionError("less than a week's open time does not fit into three weeks")


def _second_of_week(at: datetime) -> float:
    utc = at.astimezone(UTC)
    return utc.weekday() * DAY_S + _second_of_day(utc)


@lru_cache(maxsize=256)
def _week(windows: tuple[Window, ...]) -> tuple[tuple[tuple[float, float], ...], float]:
    """Open spans in seconds since Monday 00:00 UTC, in order and without overlaps, and their sum."""
    spans: list[tuple[float, float]] = []
    for window in windows:
        start, end = _second_of_day(window.start), _second_of_day(window.end)
        length = end - start if end > start else end - start + DAY_S
        for day in window.days:
            begin = (day - 1) * DAY_S + start
            spans.append((begin, min(begin + length, WEEK_S)))
            if begin + length > WEEK_S:
                spans.append((0.0, begin + length - WEEK_S))
    hours = _merged(sorted(spans))
    return hours, sum(end - start for start, end in hours)


def _second_of_day(at: time | datetime) -> float:
    return at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6


def _merged(spans: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            continue
        merged.append((start, end))
    return tuple(merged)


def next_poll(age: timedelta, queue_position: int | None, floor: timedelta) -> timedelta:
    """Look often while young or near the front, at least once in ten minutes, but never sooner than ``floor``."""
    longest = SOON if queue_position is not None and queue_position <= FRONT else SELDOM
    return max(min(age / 10, longest), floor)
