"""Are the Prometheus files right? promtool says so, and would notice an alert that never or always fires."""

import re
import subprocess

import pytest
import yaml

from tests.support.prometheus import DEPLOY, configuration, program

FOLDER = DEPLOY / "prometheus"
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}


def promtool(*arguments):
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, check=False)


def test_the_rules_are_valid():
    done = promtool("check", "rules", str(FOLDER / "alerts.yml"))
    assert done.returncode == 0, done.stderr


def test_the_configuration_is_valid(tmp_path):
    plain = promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus.yml"))
    assert plain.returncode == 0, plain.stderr
    (tmp_path / "token").write_text("t0ken")
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration("127.0.0.1:1", tmp_path / "token")))
    whole = promtool("check", "config", str(file))
    assert whole.returncode == 0, whole.stderr


def unit_tests(folder, rules):
    (folder / "alerts.yml").write_text(yaml.safe_dump(rules))
    (folder / "alerts_test.yml").write_text((FOLDER / "alerts_test.yml").read_text())
    return promtool("test", "rules", str(folder / "alerts_test.yml"))


def test_the_alerts_fire_when_they_must_and_only_then(tmp_path):
    done = unit_tests(tmp_path, RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("expression", ["vector(1) > 2", "vector(1)"], ids=["never fires", "always fires"])
def test_the_unit_tests_would_notice_it_of_every_alert(expression, tmp_path):
    groups = [
        {**group, "rules": [{**rule, "expr": expression} if "alert" in rule else rule for rule in group["rules"]]}
        for group in RULES["groups"]
    ]
    done = unit_tests(tmp_path, {"groups": groups})
    assert set(re.findall(r"alertname: (\w+)", done.stdout + done.stderr)) == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_urgent_it_is_and_what_has_happened(alert):
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("alert", ALERTS)
def test_the_operations_page_says_what_to_do(alert):
    page = (DEPLOY.parent / "docs" / "operations.md").read_text()
    [section] = re.findall(rf"^### {alert}\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert len(section.strip()) > 80


def test_the_operations_page_knows_no_alert_that_is_gone():
    page = (DEPLOY.parent / "docs" / "operations.md").read_text()
    assert set(re.findall(r"^### (Qsubmit\w+)$", page, re.MULTILINE)) == set(ALERTS)
