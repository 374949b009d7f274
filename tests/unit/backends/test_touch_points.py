"""How many places does a vendor touch? Its folder, an entry point, an extra, and rows: then the interface is right."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backends.registry import GROUP
from backends.sandbox import GROUP as SANDBOXES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VENDORS = sorted(PROJECT["entry-points"][GROUP])
ELSEWHERE = {"tests", "docs", "requirements", "dist", "build", "__pycache__"}
TEXT = {".py", ".toml", ".yml", ".yaml", ".json", ".md", ".Dockerfile", ""}

# Where every vendor may be named: the entry point and the extra, rows, prose, and what puts it into an image.
DECLARED = re.compile(
    r"pyproject\.toml|seeds/.*|[A-Z]+\.md"  # entry point and extra, rows with the demo's programs, pages
    r"|deploy/.*|docker-compose\.yml|Makefile"  # an image per backend, from a lock file of its own
)
# (file, vendor): why it names a vendor all the same. Whoever adds a vendor does not come here.
REASONS = {
    ("workers/up.py", "local"): "ends the simulation host, which outlives the workers that share it",
    ("broker/queue.py", "local"): "Celery asks for a default queue, which is never used",
    ("broker/intake/schemas/ahs.json", "local"): "local detuning is a word of the format, and no vendor",
}


def named(vendor: str) -> re.Pattern[str]:
    """A vendor as code names it: its bare name, a device of it, its package, its variables. Prose is no touch."""
    return re.compile(rf"^{vendor}$|^{vendor}/|\bbackends[./]{vendor}\b|QSUBMIT_{vendor.upper()}_")


@cache
def files() -> tuple[Path, ...]:
    """Everything but hidden folders, tests, pages and locks."""
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in ELSEWHERE and not name.startswith(".")]
        found += [Path(folder, name) for name in names if Path(name).suffix in TEXT and not name.startswith(".")]
    return tuple(sorted(found))


@cache
def words(path: Path) -> tuple[str, ...]:
    """What a file says: of Python its imports and strings without docstrings, of others whatever stands in quotes."""
    text = path.read_text()
    return tuple(python_words(text)) if path.suffix == ".py" else tuple(re.findall(r"[\"'`]([^\"'`\n]+)[\"'`]", text))


def python_words(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def touched(vendor: str) -> frozenset[str]:
    """Files outside the vendor's folder that name it and are not declared for that."""
    pattern = named(vendor)
    inside = ROOT / "backends" / vendor
    return frozenset(
        path.relative_to(ROOT).as_posix()
        for path in files()
        if not path.is_relative_to(inside)
        and not DECLARED.fullmatch(path.relative_to(ROOT).as_posix())
        and any(pattern.search(word) for word in words(path))
    )


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_outside_its_folder_names_a_vendor_without_a_reason(vendor):
    assert touched(vendor) - {file for file, whose in REASONS if whose == vendor} == set()


@pytest.mark.parametrize(("file", "vendor"), REASONS)
def test_a_reason_that_nobody_needs_is_taken_away(file, vendor):
    assert file in touched(vendor)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_is_a_folder_an_entry_point_and_an_extra(vendor):
    assert PROJECT["entry-points"][GROUP][vendor] == f"backends.{vendor}.adapter:backend"
    assert (ROOT / "backends" / vendor / "adapter.py").is_file()
    assert vendor in PROJECT["optional-dependencies"]


@pytest.mark.parametrize("vendor", sorted(PROJECT["entry-points"][SANDBOXES]))
def test_a_sandbox_is_a_room_of_its_vendors_folder_and_an_entry_point(vendor):
    assert PROJECT["entry-points"][SANDBOXES][vendor] == f"backends.{vendor}.sandbox.serve:serve"
    assert (ROOT / "backends" / vendor / "wire" / "routes.py").is_file()


def test_the_vendor_that_was_added_by_the_book_needed_no_reason():
    assert touched("peer") == set()


def test_a_file_that_names_a_vendor_would_be_seen():
    seen = list(python_words('"""Pasqal and pasqal."""\nfrom backends import peer\nif name == "pasqal": pass\n'))
    assert any(named("peer").search(word) for word in seen)
    assert [word for word in seen if named("pasqal").search(word)] == ["pasqal"]
