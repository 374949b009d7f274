"""Is the dashboard whole: panels that do not overlap, one data source, and only metrics that exist?"""

import json
import re

import pytest
import yaml

from tests.support.prometheus import DEPLOY

GRAFANA = DEPLOY / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "qsubmit-hub.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ROWS = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
SOURCE = {"type": "prometheus", "uid": "qsubmit-prometheus"}
WORDS = {"Jobs", "Latency", "Money", "Devices", "Reliability"}

each = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])


def test_there_is_one_dashboard_and_it_is_provisioned():
    assert [path.name for path in (GRAFANA / "dashboards").iterdir()] == ["qsubmit-hub.json"]
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "qsubmit.yml").read_text())
    [only] = provider["providers"]
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())
    mounts = [volume.split(":") for volume in compose["services"]["grafana"]["volumes"]]
    assert ["./deploy/grafana/dashboards", only["options"]["path"], "ro"] in mounts
    assert (only["allowUiUpdates"], only["disableDeletion"]) == (False, True)


def test_the_data_source_is_the_one_that_panels_name():
    [source] = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == SOURCE
    assert source["access"] == "proxy"


def test_the_dashboard_has_a_name_that_lasts():
    assert (DASHBOARD["uid"], DASHBOARD["title"]) == ("qsubmit-hub", "qsubmit hub")
    assert DASHBOARD["schemaVersion"] >= 39
    assert "id" not in DASHBOARD  # Grafana gives it, and refuses another's


def test_every_question_of_an_operator_has_a_row():
    assert all(any(word in row for row in ROWS) for word in WORDS)


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@each
def test_a_panel_says_what_it_shows_and_in_which_unit(panel):
    assert panel["type"] in {"timeseries", "stat", "bargauge"}
    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None


@each
def test_a_panel_asks_our_data_source(panel):
    assert panel["datasource"] == SOURCE
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references) > 0
    assert all(target["datasource"] == SOURCE and target["expr"] for target in panel["targets"])
    assert all(target["instant"] != target["range"] for target in panel["targets"])


@each
def test_what_every_gateway_tells_alike_is_not_added_up(panel):
    """Two gateways over one store must not show twice the jobs."""
    for target in panel["targets"]:
        bare = re.sub(r"(?:max|min)(?: (?:by|without) \([\w, ]*\))? ?\((?:[^()]|\([^()]*\))*\)", "", target["expr"])
        assert not re.search(r"qsubmit_(?!auth_failures)\w+", bare), target["expr"]
