"""Does the wheel hold what we say, and do the lock files hold all that we name?"""

import ast
import re
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = {"qsubmit", "broker", "workers", "backends"}
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==[^ ;\\]+", re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    [path] = WheelBuilder(str(ROOT)).build(directory=str(target), versions=["standard"])
    return zipfile.ZipFile(path)


def pinned(lock: Path) -> set[str]:
    return {canonicalize_name(name) for name in PIN.findall(lock.read_text())}


def versions(lock: Path) -> set[str]:
    return {match.group(0) for match in PIN.finditer(lock.read_text())}


def named_in_pyproject() -> set[str]:
    project = PROJECT["project"]
    groups = [
        PROJECT["build-system"]["requires"],
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    names = {canonicalize_name(Requirement(line).name) for group in groups for line in group}
    return names - {"qsubmit"}


def test_the_wheel_holds_exactly_the_four_packages(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_the_wheel_carries_the_data_files_that_the_packages_read(wheel):
    kept = {".toml", ".sql", ".mako", ".html", ".css", ".js", ".json", ".typed"}
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in kept and "__pycache__" not in path.parts
    }
    assert on_disk <= set(wheel.namelist())


def test_the_base_install_is_the_client_alone():
    assert PROJECT["project"]["dependencies"] == []


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_no_other_distribution_owns_our_names(package):
    assert set(packages_distributions().get(package, [])) <= {"qsubmit"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_index_and_no_path(lock):
    strays = [
        line
        for line in lock.read_text().splitlines()
        if not re.match(r"[A-Za-z0-9._-]+(\[.*\])?==|    --hash=sha256:[0-9a-f]{64}", line)
    ]
    assert strays == []
    assert not re.search(r"https?:|file:", lock.read_text())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_of_a_lock_has_a_hash(lock):
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_all_lock_pins_every_dependency_that_pyproject_names():
    assert named_in_pyproject() - pinned(ROOT / "requirements" / "all.lock") == set()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_an_image_runs_the_versions_that_the_tests_run(lock):
    assert versions(lock) <= versions(ROOT / "requirements" / "all.lock")


def test_the_gateway_image_holds_no_vendor_sdk():
    sdks = {"boto3", "cirq-core", "pasqal-cloud", "perceval-quandela", "pulser", "qiskit"}
    assert pinned(ROOT / "requirements" / "gateway.lock") & sdks == set()


def imported_tops(package: str) -> set[str]:
    tops = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                tops |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                tops.add(node.module.partition(".")[0])
    return tops - PACKAGES - set(sys.stdlib_module_names)


def within_reach_of_the_extras() -> set[str]:
    """The distributions that an extra names, and those that come with them by their own word."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    named = {Requirement(line).name for extra in extras for line in extra} - {"qsubmit"}
    theirs = {Requirement(line) for name in named for line in requires(name) or []}
    brought = {need.name for need in theirs if not need.marker or need.marker.evaluate()}
    return {canonicalize_name(name) for name in named | brought}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_library_that_we_import_comes_with_an_extra(package):
    owners = packages_distributions()
    reached = within_reach_of_the_extras()
    strangers = {
        top
        for top in imported_tops(package)
        if not reached & {canonicalize_name(owner) for owner in owners.get(top, [])}
    }
    assert strangers == set()
