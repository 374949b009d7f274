"""Does docs/metrics.md name every metric that is exposed, with its type and labels, and no other?"""

import re
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from broker.domain.device import Calibration, Window
from broker.domain.retention import Stored
from broker.domain.wall import Wall
from broker.metrics import Metrics
from broker.services.invariants import verify_and_keep
from tests.support.books import AT, DEVICE, day

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "metrics.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (gauge|counter|histogram) \| ([\w, ]*)\| ", re.MULTILINE)
SUFFIXES = ("_bucket", "_sum", "_count", "_created")


@pytest.fixture(scope="module")
def exposed(tmp_path_factory):
    """Metric -> (type, labels), from a store in which everything has happened once."""
    metrics = Metrics()
    with day(tmp_path_factory.mktemp("day")) as books:
        books.work()
        verify_and_keep(books.store, books.clock())
        hours = Window(days=frozenset(range(1, 6)), start=time(8), end=time(9))
        seen = replace(DEVICE, windows=(hours,), calibration=Calibration(as_of=AT - timedelta(hours=3)))
        with books.store.write() as work:
            work.catalogue.put_devices("braket", "token", [seen], books.clock())
            work.leases.take("scan", "a test", AT, timedelta(minutes=1))
            work.leases.succeed("scan", AT)
            wall = Wall(machine="hub1", name="files", stands=True, means="", seen_at=books.clock())
            work.walls.replace("hub1", [wall])
            work.retention.put_rules(books.member().hub, {Stored.RESULTS: 30})
        metrics.requests.labels("/v1/jobs", "POST", "202").observe(0.1)
        text = metrics.expose(books.store, books.clock()).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {frozenset(s.labels) - {"le"} for s in family.samples if not s.name.endswith("_created")}
        if labels:
            assert len(labels) == 1, name
            found[name] = (family.type, *labels)
        else:
            assert name.endswith("_created"), f"{name} has no sample in this test"
    return found


def documented():
    rows = {
        name: (kind, frozenset(filter(None, map(str.strip, labels.split(",")))))
        for name, kind, labels in ROW.findall(PAGE)
    }
    assert len(rows) == len(ROW.findall(PAGE))
    return rows


def test_the_page_is_what_is_exposed(exposed):
    exposed = {name: found for name, found in exposed.items() if not name.endswith("_created")}
    assert documented() == exposed


def test_every_metric_begins_with_our_name_or_is_the_http_convention(exposed):
    assert all(name.startswith(("qsubmit_", "http_server_")) for name in exposed)


def test_what_is_said_to_be_left_out_is_left_out(exposed):
    absent = set(re.findall(r"^\| `(qsubmit_\w+)` \| (?!gauge|counter|histogram)", PAGE, re.MULTILINE))
    assert absent
    assert not absent & set(exposed)


@pytest.mark.parametrize(
    "page", sorted({*DOCS.rglob("*.md"), *DOCS.parent.glob("deploy/**/*.*")}), ids=lambda page: page.name
)
def test_nobody_names_a_metric_that_is_not_there(page):
    if page.name == "metrics.md":
        return
    known = set(documented())
    known |= {name + suffix for name, (kind, _) in documented().items() if kind == "histogram" for suffix in SUFFIXES}
    named = set(re.findall(r"\bqsubmit_[a-z_]+\b", page.read_text()))
    named = {name for name in named if not re.fullmatch(r"qsubmit_(data|home|write)", name)}
    assert named <= known, page
