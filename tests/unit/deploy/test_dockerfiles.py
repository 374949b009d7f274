"""Are the images built as they should be: two stages, pinned, without root, without secrets, without an address?"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "deploy" / "docker").glob("*.Dockerfile"))
ADDRESS = re.compile(r"\b(?:https?|ftp)://(?!127\.0\.0\.1)|index-url|trusted-host|find-links", re.IGNORECASE)
INSTRUCTIONS = {
    "ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD",
}  # fmt: skip


def instructions(path):
    """(instruction, arguments) in order; continued lines are one."""
    lines = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_there_is_one_for_each_kind_of_image():
    assert [path.stem for path in FILES] == ["gateway", "sandbox", "worker"]


@each
def test_only_known_instructions_are_used(path):
    assert {name for name, _ in instructions(path)} <= INSTRUCTIONS


@each
def test_the_image_that_runs_is_not_the_one_that_was_built_in(path):
    stages = [arguments for name, arguments in instructions(path) if name == "FROM"]
    assert [re.search(r"\bAS (\w+)$", stage)[1] for stage in stages] == ["build", path.stem]
    assert any("--from=build" in arguments for name, arguments in instructions(path) if name == "COPY")


@each
def test_the_base_has_a_version_and_may_be_replaced(path):
    [base] = [arguments for name, arguments in instructions(path) if name == "ARG" and arguments.startswith("PYTHON=")]
    assert re.fullmatch(r"PYTHON=python:3\.1\d-slim-\w+", base)
    assert all(arguments.startswith("${PYTHON} AS") for name, arguments in instructions(path) if name == "FROM")


@each
def test_it_does_not_run_as_root(path):
    found = instructions(path)
    last_from = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    users = [arguments for name, arguments in found[last_from:] if name == "USER"]
    assert users == ["10001:10001"]
    names = [name for name, _ in found[last_from:]]
    assert "RUN" not in names[names.index("USER") :]


@each
def test_every_package_is_pinned_by_hash(path):
    installs = [arguments for name, arguments in instructions(path) if name == "RUN" and "pip install" in arguments]
    assert installs
    for run in installs:
        for command in re.findall(r"pip install[^&]*", run):
            assert "--require-hashes -r requirements/" in command or "--no-deps --no-index" in command


@each
def test_pip_asks_whoever_builds_where_packages_come_from(path):
    text = path.read_text()
    assert not ADDRESS.search(text)
    installs = [
        arguments for name, arguments in instructions(path) if name == "RUN" and "--require-hashes" in arguments
    ]
    assert all("--mount=type=secret,id=pip,target=/etc/pip.conf" in run for run in installs)
    lines = (ROOT / "deploy" / "docker" / "pip.conf").read_text().splitlines()
    assert all(line.startswith("#") for line in lines)


@each
def test_no_secret_and_no_latest(path):
    text = path.read_text()
    assert "latest" not in text
    assert not re.search(r"(?i)(password|token|secret)\s*=", re.sub(r"type=secret", "", text))
    assert "ADD " not in text
    assert "sudo" not in text
    assert "apt-get" not in text


@each
def test_commands_are_lists_so_that_signals_arrive(path):
    for name, arguments in instructions(path):
        if name == "CMD":
            assert arguments.startswith("[")
        if name == "HEALTHCHECK":
            assert "--start-period=" in arguments
            assert "CMD [" in arguments


def test_the_gateway_has_its_own_lock_and_no_other():
    text = (ROOT / "deploy" / "docker" / "gateway.Dockerfile").read_text()
    assert set(re.findall(r"requirements/([\w-]+)\.lock", text)) == {"gateway", "build"}
    assert "/opt/qsubmit/bin/pip install --require-hashes -r requirements/gateway.lock" in text


@pytest.mark.parametrize("backend", ["local", "braket", "pasqal", "quandela"])
def test_every_backend_has_a_lock_for_its_worker(backend):
    assert (ROOT / "requirements" / f"worker-{backend}.lock").exists()
    assert "worker-${BACKEND}.lock" in (ROOT / "deploy" / "docker" / "worker.Dockerfile").read_text()


def copied():
    """What any image takes from the checkout."""
    found = set()
    for path in FILES:
        for name, arguments in instructions(path):
            if name == "COPY" and "--from=" not in arguments:
                found |= {part.split("/")[0] for part in arguments.split()[:-1]}
    return found


def test_the_build_context_holds_what_is_copied_and_no_secret():
    ignored = {
        line.rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] not in "#!"
    }
    assert not copied() & ignored
    assert "!README.md" in (ROOT / ".dockerignore").read_text()
    assert {".git", ".venv", "deploy", "tests", "docs", ".env", "qsubmit-data"} <= ignored
    assert all((ROOT / name).exists() for name in copied())
