"""Would the `reach` contract notice a forbidden import?"""

import pytest
from grimp import ImportGraph

from tests.support.reach import Reach


def graph(*imports: tuple[str, str]) -> ImportGraph:
    built = ImportGraph()
    for importer, imported in imports:
        built.add_import(importer=importer, imported=imported, line_number=1, line_contents="")
    return built


def breaches(*imports, **options):
    contract = Reach("a name", {}, {"modules": ["broker.domain"], **options})
    return contract.check(graph(*imports), verbose=False).metadata["breaches"]


ONLY_ITSELF = {"only": ["broker.domain"]}


@pytest.mark.parametrize("imported", ["json", "os.path", "broker.domain.money"])
def test_the_standard_library_and_the_named_are_allowed(imported):
    assert breaches(("broker.domain.job", imported), **ONLY_ITSELF) == []


@pytest.mark.parametrize("imported", ["numpy", "broker.store", "broker.domainlike"])
def test_anything_else_is_a_breach(imported):
    assert breaches(("broker.domain.job", imported), **ONLY_ITSELF) == [("broker.domain.job", imported, 1)]


def test_never_forbids_what_lies_below_too():
    found = breaches(("broker.domain.job", "braket.ir"), never=["braket"])
    assert found == [("broker.domain.job", "braket.ir", 1)]


def test_the_excepted_are_left_alone():
    assert breaches(("broker.domain.job", "numpy"), never=["numpy"], apart_from=["broker.domain.job"]) == []


def test_a_package_that_does_not_exist_yet_breaks_nothing():
    assert breaches(("broker.store", "numpy"), **ONLY_ITSELF) == []
