"""Do the pages say what the code does? Variables, routes, error codes, links, and the checks that decisions name."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from broker.api import errors, grafana, jobs, keys, offers, ops, stream, walls
from broker.api.app import build
from broker.api.room import Room
from broker.settings import Settings
from qsubmit.cli.serving import HINT

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted((*ROOT.glob("*.md"), *DOCS.rglob("*.md")))
DECISIONS = sorted((DOCS / "adr").glob("*.md"))
VENDORS = sorted((ROOT / "backends").glob("*/settings.py"))
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)")
PATH = re.compile(
    r"`((?:tests|broker|backends|workers|qsubmit|seeds|docs|deploy)/[\w./-]+?|Makefile|pyproject\.toml)(?:::(\w+))?`"
)


def table(page: str) -> dict[str, str]:
    """Variable -> default, from the rows of the page."""
    rows = re.findall(r"^\| `(QSUBMIT_\w+)`(?: \(\*file\*\))? \| (.+?) \|", page, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a variable stands twice"
    return {name: default.strip("`") for name, default in rows}


def vendor_variables(path: Path) -> set[str]:
    """Names that a vendor's settings look up: arguments of its readers, and what is added to its prefix."""
    prefix = f"QSUBMIT_{path.parent.name.upper()}_"
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") != "Secret":
            found |= {part.value for part in node.args if isinstance(part, ast.Constant)}
        elif isinstance(node, ast.BinOp):
            found |= {part.value for part in (node.left, node.right) if isinstance(part, ast.Constant)}
    return {prefix + name for name in found if isinstance(name, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}


def read_by_name() -> set[str]:
    """Variables that stand in the code with their whole name."""
    text = "\n".join(
        path.read_text()
        for package in ("broker", "backends", "workers", "qsubmit")
        for path in (ROOT / package).rglob("*.py")
    )
    # Not one that a sentence wraps in dots or stars: those are a family's prefix.
    return set(re.findall(r"\bQSUBMIT_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])", text))


def written(value: object) -> str:
    """A default as the page writes it."""
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_page_of_variables_holds_every_setting_with_its_default():
    documented = table((DOCS / "configuration.md").read_text())
    for name, field in Settings.model_fields.items():
        assert documented[f"QSUBMIT_{name.upper()}"] == written(field.default)


@pytest.mark.parametrize("path", VENDORS, ids=lambda path: path.parent.name)
def test_the_page_of_variables_holds_every_setting_of_a_vendor(path):
    assert vendor_variables(path)
    assert vendor_variables(path) <= table((DOCS / "configuration.md").read_text()).keys()


def test_the_page_of_variables_holds_what_the_code_reads_and_nothing_else():
    settings = {f"QSUBMIT_{name.upper()}" for name in Settings.model_fields}
    known = settings.union(*map(vendor_variables, VENDORS)) | read_by_name()
    assert table((DOCS / "configuration.md").read_text()).keys() == known


def test_the_front_page_names_every_variable():
    front = (ROOT / "README.md").read_text()
    assert {name for name in table((DOCS / "configuration.md").read_text()) if f"`{name}`" not in front} == set()


def app_routes() -> set[str]:
    """METHOD PATH of every operation of the published interface."""
    room = Room(**dict.fromkeys(Room.__dataclass_fields__) | {"settings": Settings()})
    paths = build(room).openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_the_page_of_the_interface_has_every_route_and_no_other():
    page = (DOCS / "api.md").read_text()
    headings = re.findall(r"^### `([A-Z]+ /\S*)`$", page, re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == app_routes()


def test_every_route_has_an_example():
    parts = re.split(r"^### `", (DOCS / "api.md").read_text(), flags=re.MULTILINE)[1:]
    assert [part.splitlines()[0] for part in parts if "```\ncurl" not in part] == []


def test_the_scope_of_a_route_is_the_one_that_it_asks_for():
    page = (DOCS / "api.md").read_text()
    for door in (jobs, offers, keys, stream, grafana, walls, ops):
        for route in door.router.routes:
            needed = scope_of(route) if isinstance(route, APIRoute) and route.include_in_schema else None
            if needed and not route.path.startswith("/grafana"):
                (method,) = route.methods
                part = page.split(f"### `{method} {route.path_format}`")[1]
                assert part.lstrip().startswith(f"Scope `{needed}`"), route.path


def scope_of(route: APIRoute) -> str | None:
    """What the closure of ``needs`` asks for."""
    for each in route.dependant.dependencies:
        cells = dict(zip(each.call.__code__.co_freevars, each.call.__closure__ or (), strict=True))
        if "scope" in cells:
            return cells["scope"].cell_contents
    return None


def test_the_table_of_errors_is_that_of_the_code():
    page = (DOCS / "api.md").read_text()
    listed = {code: int(status) for code, status in re.findall(r"^\| `([a-z_*]+)` \| (\d{3}) \|", page, re.MULTILINE)}
    domain = {kind.code: status for kind, status in errors.STATUS.items() if kind is not errors.errors.ProgramInvalid}
    edge = {code: status for status, code in errors.CODES.items()}
    program = {"program_*": errors.STATUS[errors.errors.ProgramInvalid]}
    assert listed == domain | edge | program | {"unavailable": 503, "internal": 500}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = page.read_text()
    for target, anchor in LINK.findall(text):
        found = page if not target else page.parent / target
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor[1:] in anchors(found), f"{target}{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the web."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*DECISIONS, DOCS / "architecture.md", ROOT / "README.md"], ids=lambda page: page.stem)
def test_every_file_and_test_that_is_named_exists(page):
    for name, test in PATH.findall(page.read_text().replace("NNNN-what-was-decided", page.stem)):
        path = ROOT / name
        assert path.exists(), name
        if test:
            assert f"def {test}(" in path.read_text(), f"{name}::{test}"


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_one_page_and_says_what_holds_it(page):
    text = page.read_text()
    assert len(text.splitlines()) <= 60
    assert re.match(r"# \d+\. ", text)
    assert int(re.match(r"# (\d+)", text)[1]) == int(page.name[:4])
    for part in ("## Context", "## Decision", "## Held by"):
        assert part in text


def test_the_front_page_fits():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 250


def test_the_extras_that_the_client_asks_for_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.search(r"qsubmit\[(.+)\]", HINT)[1].split(",")) <= extras.keys()
