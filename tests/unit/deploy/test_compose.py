"""Is docker-compose.yml valid, and is every container as closed as it can be?"""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
SCHEMA = json.loads((files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json").read_text())
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("qsubmit-")}
PUBLISHED = {"gateway", "grafana"}


def each(services=SERVICES):
    return pytest.mark.parametrize("name", services)


def test_the_file_fits_the_compose_specification():
    validator = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(COMPOSE)] == []


def test_the_specification_would_notice_a_mistake():
    wrong = COMPOSE | {"services": {"gateway": {"image": "x", "helthcheck": {}}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_the_whole_hub_is_there():
    assert {"postgres", "redis", "setup", "gateway", "scan", "listen", "prometheus", "grafana"} <= set(SERVICES)
    assert SERVICES["postgres"]["image"].startswith("postgres:18")
    assert SERVICES["redis"]["command"][5:7] == ["--appendonly", "yes"]


@each()
def test_a_container_has_as_little_power_as_it_needs(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert "privileged" not in service
    assert "network_mode" not in service


@each()
def test_no_container_runs_as_root(name):
    service = SERVICES[name]
    if name in OURS:
        text = (ROOT / service["build"]["dockerfile"]).read_text()
        assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    else:
        assert int(service["user"].partition(":")[0]) > 0


@each()
def test_an_image_has_a_version_and_no_registry_host(name):
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert tag
    assert "latest" not in tag
    assert "." not in image.partition("/")[0]


@each([name for name in SERVICES if name != "setup"])
def test_a_service_says_when_it_is_healthy_and_has_time_to_start(name):
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert check["start_period"]
    assert check["timeout"]


@each()
def test_only_doors_for_people_are_published_and_only_to_this_machine(name):
    ports = SERVICES[name].get("ports", [])
    assert bool(ports) == (name in PUBLISHED)
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", ["postgres", "redis", "prometheus", "scan", "listen", "setup"])
def test_what_needs_no_way_out_has_none(name):
    assert SERVICES[name]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


@each()
def test_no_secret_stands_in_the_environment(name):
    secret = re.compile(r"pass|secret|token|pepper|key|credential|_url$", re.IGNORECASE)
    for variable, value in SERVICES[name].get("environment", {}).items():
        if secret.search(variable):
            in_a_file = re.search(r"_FILE$", variable) and str(value).startswith("/run/secrets/")
            assert in_a_file or variable.endswith("_SANDBOX_URL"), variable


def granted(service):
    return set(service.get("secrets", []))


@each()
def test_a_container_gets_the_secrets_that_it_reads_and_no_others(name):
    service = SERVICES[name]
    text = json.dumps([service.get(part) for part in ("environment", "command", "healthcheck")])
    if name == "prometheus":
        text += (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    assert set(re.findall(r"/run/secrets/(\w+)", text)) == granted(service)
    assert granted(service) <= set(COMPOSE["secrets"])


def test_every_secret_is_a_file_that_git_does_not_see():
    for name, secret in COMPOSE["secrets"].items():
        if name != "pip":
            assert secret == {"file": f"deploy/secrets/{name}"}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/deploy/secrets/" in ignored


def test_all_that_lasts_is_in_named_volumes():
    mounted = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    }
    assert mounted == set(COMPOSE["volumes"])
    own = [v for service in SERVICES.values() for v in service.get("volumes", []) if v.startswith("./")]
    assert all(volume.endswith(":ro") for volume in own)


@each()
def test_what_is_mounted_from_the_checkout_is_there(name):
    for volume in SERVICES[name].get("volumes", []):
        source = volume.partition(":")[0]
        if source.startswith("./") and "secrets" not in source:
            assert (ROOT / source).is_dir()


@each(OURS)
def test_the_commands_of_our_services_exist(name):
    for command in (SERVICES[name].get("command") or [], SERVICES[name].get("healthcheck", {}).get("test", [])):
        if "-m" in command:
            module = command[command.index("-m") + 1]
            assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


def test_a_vendor_worker_has_one_backend_and_nobody_elses_account():
    for vendor in ("braket", "pasqal", "quandela"):
        service = SERVICES[f"scan-{vendor}"]
        assert service["profiles"] == [vendor]
        assert (
            service["build"]["args"] == {"BACKEND": vendor} == {"BACKEND": service["environment"]["QSUBMIT_BACKENDS"]}
        )
        assert service["env_file"] == [{"path": f"deploy/secrets/vendors/{vendor}.env", "required": False}]


def test_secrets_are_made_once_and_are_nobody_elses(tmp_path):
    (tmp_path / "deploy").mkdir()
    script = tmp_path / "deploy" / "make-secrets"
    script.write_bytes((ROOT / "deploy" / "make-secrets").read_bytes())
    run = ["bash", str(script)]
    subprocess.run(run, check=True)
    made = {path.name: path.read_text() for path in script.with_name("secrets").iterdir() if path.is_file()}
    assert set(made) == set(COMPOSE["secrets"]) - {"pip"}
    assert made["postgres_password"] in made["database_url"]
    assert made["redis_password"] in made["broker_url"]
    assert made["redis_password"] not in made["redis_acl"]
    assert len({made[name] for name in ("pepper", "postgres_password", "redis_password", "metrics_token")}) == 4
    assert all(len(made[name]) >= 64 for name in ("pepper", "metrics_token"))
    assert script.with_name("secrets").stat().st_mode & 0o777 == 0o700
    subprocess.run(run, check=True)
    assert {name: (script.with_name("secrets") / name).read_text() for name in made} == made
