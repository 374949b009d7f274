"""Whose money is held and spent, and do the books add up? Everything in KRW at the newest stored rate."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from broker.domain.money import MICRO
from broker.reads import books
from broker.store.counts import ENTRIES
from broker.store.people import budget_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.metrics_core import Metric

    from broker.store.unit_of_work import Work

HOME = "KRW"
TENANTS = 200  # more organisations than this share the label "other"
KEPT = timedelta(minutes=1)  # the sum over the whole journal is read no more often


class Books:
    """Rates, tenants and journal sums as of the last read."""

    def __init__(self) -> None:
        self.tenants: dict[str, str] = {}
        self._hubs: dict[str, str] = {}
        self._rates: dict[str, int] = {HOME: MICRO}
        self._ages: dict[tuple[str, str], float] = {}
        self._sums: tuple[datetime, float, float] | None = None

    def krw(self, amount: int, currency: str) -> float:
        """Won of micro-units; an amount whose currency has no rate counts as nothing."""
        return amount / MICRO * self._rates.get(currency, 0) / MICRO

    def read(self, work: Work, at: datetime) -> None:
        """Bring names, rates and, once in a while, sums up to date."""
        for rate in work.catalogue.rates(at):  # oldest first: the newest stays
            self._ages[rate.base, rate.quote] = (at - rate.as_of).total_seconds()
            if rate.quote == HOME:
                self._rates[rate.base] = rate.micros
        self._name(work)
        if self._sums is None or not timedelta(0) <= at - self._sums[0] < KEPT:
            self._sums = (at, *self._journal(work))

    def _name(self, work: Work) -> None:
        self._hubs = books.hub_slugs(work)
        self.tenants = {each.id: f"{self._hubs[each.hub]}/{each.slug}" for each in books.tenants(work, TENANTS)}

    def _journal(self, work: Work) -> tuple[float, float]:
        sums = Counter(work.counts.stored())
        sums.update(work.counts.journal(sums["position", ENTRIES]))  # adds, and unlike + keeps what is below zero
        unaccounted = loss = 0.0
        for key, micros in sums.items():
            if key[0] == "journal":
                # Without a rate an imbalance must still show: it counts one to one.
                unaccounted += self.krw(abs(micros), key[1]) or abs(micros) / MICRO
            elif key[0] == "loss":
                loss += self.krw(micros, key[1])
        return unaccounted, loss

    def families(self, work: Work, at: datetime) -> Iterator[Metric]:
        """Gauges of budgets, books, prices, rates and shares."""
        yield self._budgets(work)
        _, unaccounted, loss = self._sums or (at, 0.0, 0.0)
        yield GaugeMetricFamily("qsubmit_unaccounted_krw", "Imbalance of the journal; not 0 is an error", unaccounted)
        yield GaugeMetricFamily("qsubmit_platform_loss_krw", "What nobody could be charged for", loss)
        yield _price_ages(work, at)
        pairs = GaugeMetricFamily("qsubmit_fx_age_seconds", "Age of the newest exchange rate", labels=["pair"])
        for (base, quote), age in sorted(self._ages.items()):
            if base != quote:
                pairs.add_metric([f"{base}/{quote}"], age)
        yield pairs
        yield self._shares(work, at)

    def _budgets(self, work: Work) -> Metric:
        family = GaugeMetricFamily(
            "qsubmit_budget_krw", "Budgets of hubs and organisations by use", labels=["tenant", "bucket"]
        )
        names = {budget_id("hub", key): slug for key, slug in self._hubs.items()}
        names |= {budget_id("organisation", key): name for key, name in self.tenants.items()}
        for budget in books.upper_budgets(work):
            if budget.id not in names:
                continue
            buckets = {"held": budget.held, "spent": budget.spent, "available": budget.left}
            for bucket, amount in buckets.items():
                if amount is not None:
                    family.add_metric([names[budget.id], bucket], self.krw(amount, budget.currency))
        return family

    def _shares(self, work: Work, at: datetime) -> Metric:
        family = GaugeMetricFamily(
            "qsubmit_fairshare_ratio", "Decayed use of an organisation by its share; 1 is even", labels=["tenant"]
        )
        uses = books.used(work, at)
        all_used: dict[str, float] = defaultdict(float)
        all_shares: dict[str, int] = defaultdict(int)
        for use in uses:
            all_used[use.hub] += use.used
            all_shares[use.hub] += use.shares
        for use in uses:
            if use.organisation in self.tenants and all_used[use.hub] and use.shares:
                even = use.shares / all_shares[use.hub]
                family.add_metric([self.tenants[use.organisation]], use.used / all_used[use.hub] / even)
        return family


def _price_ages(work: Work, at: datetime) -> Metric:
    family = GaugeMetricFamily(
        "qsubmit_price_catalogue_age_seconds", "Age of a vendor's newest price row", labels=["vendor"]
    )
    newest: dict[str, datetime] = {}
    for price, _ in work.catalogue.prices(at):  # oldest first: the newest stays
        newest[price.device.partition("/")[0]] = price.as_of
    for vendor, as_of in sorted(newest.items()):
        family.add_metric([vendor], (at - as_of).total_seconds())
    return family
