"""Both engines hold the same tables: one schema, written down twice."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from stockops import catalog, erd, lab, migrations, resources
from stockops.catalog import Catalog
from stockops.engine import connect

PAGE = Path(__file__).parent.parent / "docs" / "erd.md"
# MariaDB has no foreign keys on partitioned tables, and on PostgreSQL one would make a hot row;
# each file says which ones, and why.
_WITHOUT = re.compile(
    r"^-- no foreign key: (?P<table>\w+)\.(?P<columns>[\w,]+) -> (?P<to>\w+) \((?P<why>.+?)\)",
    re.MULTILINE,
)


def catalog_of(engine: str) -> Catalog:
    with lab.temporary(engine) as server_of_its_own:
        migrations.up(server_of_its_own.url())
        with connect(server_of_its_own.url()) as server:
            return catalog.read(server)


@pytest.fixture(scope="module")
def catalogs() -> tuple[Catalog, Catalog]:
    return catalog_of("postgresql"), catalog_of("mariadb")


def excused(engine: str) -> set[tuple[str, str, str]]:
    """Return the foreign keys that the files of an engine say it has not."""
    found = set()
    for path in (resources.folder("schema") / engine).glob("V*.sql"):
        for match in _WITHOUT.finditer(path.read_text("utf-8")):
            found.add((match["table"], match["columns"], match["to"]))
    return found


def test_there_is_something_to_compare(catalogs: tuple[Catalog, Catalog]) -> None:
    for one in catalogs:
        assert {"orders", "trades", "journal_entries", "stockops_migrations"} <= {
            table.table_name for table in one.tables
        }


def test_tables_and_their_comments_are_the_same(catalogs: tuple[Catalog, Catalog]) -> None:
    assert catalogs[0].tables == catalogs[1].tables


def test_columns_are_the_same(catalogs: tuple[Catalog, Catalog]) -> None:
    """Order, type family, nullability, generation and comment."""
    first, second = (
        # MariaDB (seen on 10.11) takes no NOT NULL on a generated column.
        [replace(c, nullable=c.nullable or c.generated) for c in one.columns]
        for one in catalogs
    )
    assert first == second


def test_every_table_and_column_has_a_comment(catalogs: tuple[Catalog, Catalog]) -> None:
    for one in catalogs:
        assert [table.table_name for table in one.tables if not table.comment] == []
        assert [(c.table_name, c.column_name) for c in one.columns if not c.comment] == []


def test_primary_and_unique_keys_are_the_same(catalogs: tuple[Catalog, Catalog]) -> None:
    first, second = (
        {(i.table_name, i.columns, i.is_primary) for i in one.indexes if i.is_unique}
        for one in catalogs
    )
    assert first == second


def test_every_table_has_a_primary_key(catalogs: tuple[Catalog, Catalog]) -> None:
    for one in catalogs:
        keyed = {index.table_name for index in one.indexes if index.is_primary}
        assert {table.table_name for table in one.tables} == keyed


def test_foreign_keys_are_the_same_save_for_the_excused(
    catalogs: tuple[Catalog, Catalog],
) -> None:
    first, second = (
        {(key.table_name, key.columns, key.to_table) for key in one.foreign_keys}
        for one in catalogs
    )
    on_first, on_second = excused("postgresql"), excused("mariadb")
    assert first | on_first == second | on_second
    assert not first & on_first
    assert not second & on_second
    partitioned = {table.table_name for table in catalogs[1].tables if table.partitioned}
    assert {table for table, _, _ in on_second} <= partitioned


def leading(one: Catalog) -> set[tuple[str, str]]:
    """Every list of columns that some index begins with."""
    return {
        (index.table_name, ",".join(index.columns.split(",")[:length]))
        for index in one.indexes
        for length in range(1, index.columns.count(",") + 2)
    }


def test_indexes_begin_with_the_same_columns(catalogs: tuple[Catalog, Catalog]) -> None:
    assert leading(catalogs[0]) == leading(catalogs[1])


def test_every_foreign_key_has_an_index(catalogs: tuple[Catalog, Catalog]) -> None:
    wanted = {(key.table_name, key.columns) for key in catalogs[0].foreign_keys}
    wanted |= {(table, columns) for table, columns, _ in excused("mariadb")}
    for one in catalogs:
        assert wanted <= leading(one)


def test_the_page_of_tables_is_current(catalogs: tuple[Catalog, Catalog]) -> None:
    assert PAGE.read_text("utf-8") == erd.render(catalogs[0]), "run: make docs"
