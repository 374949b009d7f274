"""Does the protocol hold against the real adapters, by what the sandboxes' own ledgers say?"""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

import pytest

from broker.crash import POINTS
from tests.simulation.sandbox_plan import LOCAL_NETWORK, NETWORK, UNSEEN, VENDORS, at_random, exhaustive
from tests.simulation.sandbox_run import SLOWEST_FIRST, examine

RANDOM = {"pasqal": 24, "braket": 40, "quandela": 60, "local": 60}
SENT = "14: .* is sent (although it was cancelled|after its deadline)"
UNBOOKED = "13: unaccounted: the ledger has charged"
# Mistake, where to look for it, and what the vendor's own ledger shows then.
MISTAKES = {
    "braket": (
        ("token_is_fresh_on_resend", "[^/]+/(reset_before|late_in)/.*", "4: qsub-.*-again"),
        ("token_class_is_requeued_instead_of_resent", "[^/]+/late_in/.*", "3: double"),
        ("refused_look_is_taken_for_a_refused_create", "[^/]+/unlisted/.*", "3: double"),
        ("cancel_only_flips_the_row", "[^/]+/ok/[^/]+/cancel.*", UNBOOKED),
        ("what_nobody_wants_is_sent_again", "[^/]+/unwanted/.*", SENT),
    ),
    "pasqal": (
        ("list_is_skipped_before_requeue", "[^/]+/lost/.*", "3: double"),
        ("quiescence_is_too_short", "[^/]+/late_in/.*", "3: double"),
        ("nobody_sweeps", "[^/]+/late_out/.*", f"{UNBOOKED}|unaccounted: .* no sweep found it"),
        ("orphans_cost_nobody_anything", "[^/]+/late_out/.*", UNBOOKED),
        ("deadline_counts_only_in_the_queue", "[^/]+/unwanted/.*", SENT),
    ),
    "quandela": (
        ("blind_is_requeued", "[^/]+/lost/.*", "3: double"),
        ("timeout_is_taken_for_unsent", "[^/]+/lost/.*", "3: double"),
        ("create_trusts_the_claim", "[^/]+/unwanted/.*", SENT),
        ("server_error_is_taken_for_a_refusal", "[^/]+/error_after/.*", f"3: double|{UNBOOKED}"),
    ),
    "local": (("lost_local_run_fails_the_job", "[^/]+/gone/twice/.*", "lost: .* without a cause"),),
}

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("sandboxes")]


def first_round(vendor):
    listed = list(exhaustive(vendor))
    return listed[: len(listed) // 3]


def schedules(vendor):
    return [*first_round(vendor), *islice(at_random(vendor), RANDOM[vendor])]


@pytest.fixture(scope="module")
def examined(request):
    """The vendors that are asked for, on two processes, whichever test is first; by vendor, what is to come."""
    wanted = {item.callspec.params.get("vendor") for item in request.session.items if hasattr(item, "callspec")}
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        yield {
            vendor: pool.submit(examine, vendor, schedules(vendor), {name: at for name, at, _ in MISTAKES[vendor]})
            for vendor in SLOWEST_FIRST
            if vendor in wanted
        }


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_vendors_own_ledger_shows_nothing_lost_double_or_unaccounted(examined, vendor):
    total, _ = examined[vendor].result()
    assert total.schedules == len(schedules(vendor))
    assert not total.failures, "\n".join(
        f"{failure.splitlines()[-1]}: python -m tests.simulation.run --replay {name}"
        for name, failure in total.failures
    )
    met = {point for point in POINTS if total.crashes[point, VENDORS[vendor].value]}
    missed = set(POINTS) - met - set(UNSEEN)
    assert not missed, f"the schedules never crash at {sorted(missed)}"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_broken_protocol_shows_in_the_vendors_own_ledger(examined, vendor):
    _, caught = examined[vendor].result()
    for name, _, words in MISTAKES[vendor]:
        assert caught[name] is not None, f"{name} survives: the ledger proves nothing about it"
        assert re.match(words, caught[name][1]), caught[name]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_first_round_meets_each_fault_at_each_point(vendor):
    listed = list(exhaustive(vendor))
    assert len(set(listed)) == len(listed)
    network = set(LOCAL_NETWORK if vendor == "local" else NETWORK) - {"gone"}
    met = {tuple(name.split("/")[2::2]) for name in first_round(vendor)}
    points = {point for _, point in met}
    assert {"none", *POINTS} - points <= set(UNSEEN)
    assert {(fault, point) for fault in network for point in points} <= met
