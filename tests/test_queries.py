"""Every question has an answer, or a stated reason, on every engine."""

import importlib
import pkgutil
import re
import types
import typing
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from conftest import Labs, migrated_database

import stockops
from stockops import queries
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import Unsupported
from stockops.queries import Query

QUERIES = sorted(
    {
        value
        for module in pkgutil.walk_packages(stockops.__path__, "stockops.")
        if not module.name.endswith("__main__")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, Query)
    },
    key=lambda query: query.name,
)

# The folders that hold questions; the files of others are read by name.
FOLDERS = sorted({query.name.partition("/")[0] for query in QUERIES if "/" in query.name})

# Some installations of MariaDB have it, and who asks looks first whether it is there.
PLUGIN = "INSTALL PLUGIN IF NOT EXISTS metadata_lock_info SONAME 'metadata_lock_info'"

# A value for each parameter that a question takes.
PARAMS: dict[str, object] = {
    "account_id": 1,
    "action_id": 1,
    "after": date(2025, 1, 2),
    "after_at": "2025-01-02",
    "after_id": 0,
    "at": "2025-01-03 01:00:00",
    "builder_id": 0,
    "channel": "email",
    "condition_id": 1,
    "conditions_at": "2025-01-03 01:00:00",
    "database": "trading",
    "day": date(2025, 1, 7),
    "days": 7,
    "days_before": 19,
    "divisor": 1,
    "event_id": 0,
    "from_id": 0,
    "from_symbol": "000010",
    "gap_percent": 3,
    "history_from": date(2025, 1, 2),
    "first_date": date(2024, 12, 30),
    "hours": 24,
    "indexes_max": 5,
    "iso_week": "2025-W01",
    "key_id": "k00000000",
    "keys": "1,2",
    "kind": "gap_up",
    "lock_key": 1,
    "lock_name": "none",
    "locks_max": 5,
    "market": "KOSPI",
    "method": "physical",
    "name": "orders",
    "names": ["orders_pk"],
    "on": date(2025, 1, 2),
    "order_id": 1,
    "order_ids": "1,2",
    "pages_min": 1,
    "part_name": "audit_log_2025",
    "part_schema": "public",
    "portfolio_id": 1,
    "prediction_keys": "[]",
    "proof_id": 1,
    "prefix": "day-%",
    "rebalance_id": 1,
    "rebalancing_at": "2025-01-03 01:00:00",
    "row_limit": 5,
    "schema_name": "public",
    "session_id": 0,
    "session_ids": "1,2",
    "simulation_id": 1,
    "simulation_key": "none",
    "since": date(2025, 1, 2),
    "since_at": "2024-12-29 15:00:00",
    "space": "public",
    "spike_times": 3,
    "sql": "SELECT 1",
    "stale_at": "2025-01-02 01:00:00",
    "status": "",
    "symbol": "",
    "symbols": "[]",
    "symbols_max": 5,
    "table_name": "audit_log",
    "tables_max": 5,
    "through": date(2025, 1, 2),
    "through_date": date(2025, 1, 3),
    "through_id": 0,
    "to_symbol": "000020",
    "token": "none",
    "top": 5,
    "tombstone": "erased-1@erased.invalid",
    "trade_id": 0,
    "until": "2025-01-03 15:00:00",
    "until_at": "2025-01-03",
    "user_id": 1,
    "user_ids": "[1, 2]",
    "waiting_id": 0,
}


@pytest.fixture(scope="module")
def servers(all_labs: Labs) -> Iterator[dict[str, Server]]:
    """One session per engine on a database with the schema, opened when it is asked for."""
    with ExitStack() as stack:

        class Opened(dict[str, Server]):
            def __missing__(self, engine: str) -> Server:
                target = stack.enter_context(migrated_database(all_labs.get(engine)))
                self[engine] = stack.enter_context(connect(target))
                if engine == "postgresql":
                    self[engine].execute("CREATE EXTENSION pg_stat_statements")
                else:
                    self[engine].execute(PLUGIN)
                return self[engine]

        yield Opened()


@pytest.fixture
def migrated(engine: str, servers: dict[str, Server]) -> Server:
    return servers[engine]


def params_of(sql: str) -> dict[str, object]:
    return {name: PARAMS[name] for name in re.findall(r"%\((\w+)\)s", sql)}


@pytest.mark.parametrize("engine", ENGINES)
def test_no_file_is_missing_and_none_is_orphaned(engine: str) -> None:
    folder = resources.files("stockops") / "sql" / engine
    on_disk = {
        f"{prefix}{file.name.split('.')[0]}"
        for prefix in ("", *(f"{name}/" for name in FOLDERS))
        for file in folder.joinpath(prefix).iterdir()
        if file.name.endswith(".sql")
    }
    assert on_disk == {query.name for query in QUERIES}


def test_a_name_belongs_to_one_question() -> None:
    names = [query.name for query in QUERIES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_the_server_accepts_the_sql_and_names_the_columns(
    migrated: Server, query: Query[Any]
) -> None:
    try:
        sql = queries.text(migrated.engine, query.name, migrated.version[0])
    except Unsupported as exc:
        pytest.skip(str(exc))
    assert columns(migrated, sql) == [field.name for field in fields(query.row)]
    for row in migrated.fetch(query, **params_of(sql)):
        check_types(row)


def columns(server: Server, sql: str) -> list[str]:
    """Return the names of the columns that `sql` answers with, though it gives no row."""
    with server._conn.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(sql.encode() if server.engine == "postgresql" else sql, params_of(sql))
        return [column[0] for column in cursor.description]


def check_types(row: object) -> None:
    """Fail where a value is not of the type its field declares."""
    for name, hint in typing.get_type_hints(type(row)).items():
        choices = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        allowed = tuple(
            type(typing.get_args(choice)[0])
            if typing.get_origin(choice) is typing.Literal
            else choice
            for choice in choices
        )
        assert isinstance(getattr(row, name), allowed), (name, getattr(row, name), hint)


def test_a_variant_is_for_its_version_and_later(tmp_path: Path) -> None:
    (tmp_path / "odd.sql").write_text("-- unsupported: it came with version 17\n")
    (tmp_path / "odd.17.sql").write_text("-- odd\nSELECT 17\n")
    (tmp_path / "odd.9.sql").write_text("-- odd\nSELECT 9\n")
    (tmp_path / "odder.18.sql").write_text("-- another question\n")
    folder = str(tmp_path)  # an absolute path stands for itself
    assert "SELECT 17" in queries.text(folder, "odd", 18)
    assert "SELECT 17" in queries.text(folder, "odd", 17)
    assert "SELECT 9" in queries.text(folder, "odd", 16)
    with pytest.raises(Unsupported, match="it came with version 17"):
        queries.text(folder, "odd", 8)
