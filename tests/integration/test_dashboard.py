"""Does every panel show something? Its queries go to a real Prometheus that scrapes a real, working hub."""

import json
import math
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.hub import running, wait_all
from tests.support.prometheus import DEPLOY, scraping

DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "qsubmit-hub.json").read_text())
BELL = Path("seeds/programs/bell.qasm").read_text()
SPANS = {"$__rate_interval": "20s", "$__range": "5m"}
TOKEN = "a-token-for-metrics"
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
]
pytestmark = pytest.mark.xdist_group("dashboard")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    token = folder / "token"
    token.write_text(TOKEN)
    environ = {"QSUBMIT_METRICS_TOKEN_FILE": str(token)}
    with (
        running(folder / "hub", "--no-sandbox", "--no-redis", environ=environ) as hub,
        scraping(folder, f"127.0.0.1:{hub.port}", token) as server,
    ):
        _work(hub, server)
        yield server


def _work(hub, server):
    """Jobs now and again while the scrapes go on, until the rates have something to show."""
    with hub.client() as client:
        for _ in range(4):
            ids = [client.submit(BELL, format="openqasm2", shots=100, device="local/aer")["id"] for _ in range(3)]
            wait_all(client, ids)
            time.sleep(1.5)
    deadline = time.monotonic() + 60
    while not _shown(server.query("qsubmit_last_verified_timestamp_seconds and on() qsubmit_store_up == 1")):
        assert time.monotonic() < deadline, server.ask("targets")
        time.sleep(0.5)


def _shown(series):
    return [each for each in series if math.isfinite(float(each["value"][1]))]


@pytest.mark.parametrize("expression", QUERIES)
def test_every_query_of_a_panel_returns_series(prometheus, expression):
    for name, span in SPANS.items():
        expression = expression.replace(name, span)
    series = prometheus.query(expression)
    assert _shown(series), f"{expression} gives {series}"


def test_marks_on_the_time_axis_are_queries_that_prometheus_understands(prometheus):
    for mark in DASHBOARD["annotations"]["list"]:
        assert isinstance(prometheus.query(mark["expr"]), list)


def test_a_working_hub_raises_no_alarm(prometheus):
    firing = [
        alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"] if alert["state"] == "firing"
    ]
    assert firing == []
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}


def test_what_prometheus_counts_is_what_the_hub_did(prometheus):
    [accepted] = prometheus.query('qsubmit_job_transitions_total{from="none",vendor="local"}')
    [ended] = prometheus.query('sum(qsubmit_job_duration_seconds_count{vendor="local"})')
    assert float(accepted["value"][1]) == float(ended["value"][1]) == 12


def test_nobody_reads_the_metrics_without_the_token(prometheus):
    [target] = prometheus.ask("targets")["activeTargets"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(target["scrapeUrl"], timeout=10)
    assert refused.value.code == 401
