"""Does the adapter read a listing with care, and load the vendor's client only when it needs it?"""

from __future__ import annotations

import subprocess
import sys
import uuid
from types import SimpleNamespace

import pytest

from backends.base import Phase
from backends.errors import Busy, Refused, UnknownJob, UnknownStatus
from backends.pasqal.adapter import PasqalBackend
from backends.pasqal.settings import sandbox_settings
from backends.pasqal.translate import FAMILY_TAG
from broker.domain.ids import RemoteId

TOKEN = f"qsub-{uuid.uuid4()}"
BATCH = str(uuid.uuid4())


def a_batch(*, tags=(TOKEN, FAMILY_TAG), status="DONE", jobs=(), counts=None):
    return SimpleNamespace(
        id=BATCH,
        tags=None if tags is None else list(tags),
        status=status,
        jobs_count_per_status=counts or {},
        ordered_jobs=list(jobs),
        device_type="EMU_FREE",
        sequence_builder=None,
    )


class Listing:
    """A cloud that lists these batches and remembers by which tag it was asked."""

    def __init__(self, *batches, whole=None):
        self.batches = batches
        self.whole = whole
        self.asked = []

    def by_tag(self, tag):
        self.asked.append(tag)
        return self.batches

    def by_ids(self, ids):
        self.asked.append(list(ids))
        return self.batches

    def batch(self, batch_id):
        return self.whole or self.batches[0]

    def cancel(self, batch_id):
        raise Refused("it is over")


def backend_over(listing):
    backend = PasqalBackend(sandbox_settings("http://127.0.0.1:1"))
    backend._cloud = listing
    return backend


def test_a_whole_token_is_asked_for_as_a_tag():
    listing = Listing(a_batch())
    assert backend_over(listing).find(TOKEN) == [BATCH]
    assert listing.asked == [TOKEN]


def test_the_start_of_a_token_is_looked_for_among_all_of_ours():
    listing = Listing(a_batch())
    assert backend_over(listing).find(TOKEN[:12]) == [BATCH]
    assert listing.asked == [FAMILY_TAG]


def test_a_listing_that_ignores_the_tag_proves_nothing():
    assert backend_over(Listing(a_batch(tags=["other"]))).find(TOKEN) == []


def test_a_listing_without_tags_does_not_hide_a_batch():
    assert backend_over(Listing(a_batch(tags=None), whole=a_batch())).find(TOKEN[:12]) == [BATCH]
    assert backend_over(Listing(a_batch(tags=None), whole=a_batch(tags=["x"]))).find(TOKEN[:12]) == []
    assert backend_over(Listing(a_batch(tags=None))).find(TOKEN) == [BATCH]


def test_a_batch_that_is_not_listed_is_lost_and_a_strange_id_is_not_asked_for():
    listing = Listing()
    looks = backend_over(listing).poll([RemoteId(BATCH), RemoteId("strange")])
    assert {look.phase for look in looks.values()} == {Phase.LOST}
    assert listing.asked == [[BATCH]]
    assert backend_over(Listing()).poll([]) == {}


def test_an_unknown_word_is_refused_in_a_look_and_in_a_fetch():
    backend = backend_over(Listing(a_batch(status="PERHAPS")))
    with pytest.raises(UnknownStatus):
        backend.poll([RemoteId(BATCH)])
    with pytest.raises(UnknownStatus):
        backend.fetch(RemoteId(BATCH))


def test_a_live_batch_has_no_result_yet():
    with pytest.raises(Busy):
        backend_over(Listing(a_batch(status="RUNNING"))).fetch(RemoteId(BATCH))


def test_a_batch_without_any_result_says_why():
    job = SimpleNamespace(status="ERROR", errors=["too hot"])
    with pytest.raises(Refused, match="too hot"):
        backend_over(Listing(a_batch(status="ERROR", jobs=[job]))).fetch(RemoteId(BATCH))


def test_what_is_no_batch_is_unknown_and_cancels_in_silence():
    backend = backend_over(Listing())
    with pytest.raises(UnknownJob):
        backend.fetch(RemoteId("strange"))
    backend.cancel(RemoteId("strange"))
    backend.cancel(RemoteId(BATCH))


def test_the_module_loads_no_vendor_library():
    heavy = "{'pulser', 'pasqal_cloud', 'requests', 'numpy'}"
    look = f"import sys, backends.pasqal.adapter; print(*{heavy} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""
