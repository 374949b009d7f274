"""Who knows a column? Store and reads alone; and what a view reads is there, and its answer cannot be changed."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from sqlalchemy import inspect as inspect_database

from broker import reads
from broker.store import tables
from broker.store.tables import metadata

ROOT = Path(__file__).parents[3]
# Says what went wrong. The schema and the engine are opened by the composition root, through the store.
NO_COLUMNS = {"sqlalchemy.exc"}
VIEWS = [importlib.import_module(f"broker.reads.{each.name}") for each in pkgutil.iter_modules(reads.__path__)]


def elsewhere():
    return [
        path
        for package in ("broker", "backends", "workers")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.relative_to(ROOT).parts[:2] not in {("broker", "store"), ("broker", "reads")}
        and not {"sandbox", "sandboxing"}.intersection(path.parts)  # each has a ledger of its own, in its own file
    ]


def sql_of(source):
    """Lines that import SQL, or that ask a connection by themselves."""
    tree = ast.parse(source)
    only_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in only_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module not in NO_COLUMNS:
            if node.module.partition(".")[0] == "sqlalchemy" or node.module == "broker.store.tables":
                yield node.lineno
            if node.module == "broker.store" and any(alias.name == "tables" for alias in node.names):
                yield node.lineno
        if isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == "sqlalchemy" for alias in node.names):
            yield node.lineno
        if isinstance(node, ast.Attribute) and node.attr == "execute" and _names_a_connection(node.value):
            yield node.lineno


def _names_a_connection(node):
    return getattr(node, "attr", getattr(node, "id", "")) == "connection"


@pytest.mark.parametrize(
    "source",
    [
        "from sqlalchemy import select",
        "import sqlalchemy as sa",
        "from broker.store import tables",
        "from broker.store.tables import jobs",
        "work.connection.execute(query)",
        "connection.execute(query)",
    ],
)
def test_the_search_sees_sql(source):
    assert list(sql_of(source)) == [1]


def test_only_the_store_and_the_reads_speak_sql():
    found = {str(path.relative_to(ROOT)): list(sql_of(path.read_text())) for path in elsewhere()}
    assert len(found) > 200
    assert {path: lines for path, lines in found.items() if lines} == {}


def tables_of(view):
    """The tables that a view's source names."""
    tree = ast.parse(inspect.getsource(view))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "broker.store.tables":
            yield from (getattr(tables, alias.name).name for alias in node.names)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "tables":
            yield getattr(tables, node.attr).name


def test_every_table_that_a_view_reads_is_in_the_migrated_database(store):
    there = set(inspect_database(store.engine).get_table_names())
    named = {table for view in VIEWS for table in tables_of(view)}
    assert len(named) > 8
    assert named <= there
    assert set(metadata.tables) <= there


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__.rpartition(".")[2])
def test_an_answer_is_a_frozen_value(view):
    own = [kind for _, kind in inspect.getmembers(view, inspect.isclass) if kind.__module__ == view.__name__]
    for kind in own:
        assert dataclasses.is_dataclass(kind), kind
        assert kind.__dataclass_params__.frozen, kind


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__.rpartition(".")[2])
def test_a_view_never_writes(view):
    tree = ast.parse(inspect.getsource(view))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert called.isdisjoint({"write", "insert", "delete", "with_for_update", "begin_nested"})
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names.isdisjoint({"insert", "update", "delete"})
