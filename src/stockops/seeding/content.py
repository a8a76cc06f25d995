"""
The logical content of a seeded database, and its SHA-256: the same on both engines.

The server writes each row as text and joins a page of them; only whole pages travel. What a
server's clock or session fills (`audit_log.logged_at`, `actor`) is not content.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import queries
from ..engine.base import Server
from .opening import FIRST_ID
from .plan import Material
from .tables import BY_NAME, TABLES

_PAGE = 4_000  # a page of journals is about a megabyte
_GROUP_BYTES = 256 * 1024 * 1024
INVENTORY = "stock_inventory"


@dataclass(frozen=True, slots=True)
class TableContent:
    """The rows of one table and the hash of their text, in the order of the primary key."""

    table: str
    rows: int
    sha256: str


def read(
    server: Server, made_of: Material, seen: Callable[[str], None] = lambda _: None
) -> list[TableContent]:
    """Read every table of the seed, in one snapshot; memory holds one page of it."""
    if server.engine == "mariadb":
        server.execute(f"SET SESSION group_concat_max_len = {_GROUP_BYTES}")  # the usual is 1 MiB
    names = [*(table.name for table in TABLES), INVENTORY]
    with server.transaction(isolation="repeatable read", read_only=True):
        found = []
        for name in names:
            seen(name)
            found.append(_table(server, made_of, name))
        return found


def total(tables: list[TableContent]) -> str:
    """Return the one hash that stands for all the tables."""
    text = "".join(f"{table.table} {table.rows} {table.sha256}\n" for table in tables)
    return hashlib.sha256(text.encode()).hexdigest()


def _table(server: Server, made_of: Material, name: str) -> TableContent:
    digest = hashlib.sha256()
    rows = 0
    for block, count in _blocks(server, made_of, name):
        digest.update(block.encode())
        digest.update(b"\n")
        rows += count
    return TableContent(name, rows, digest.hexdigest())


def _blocks(server: Server, made_of: Material, name: str) -> Iterator[tuple[str, int]]:
    sql = queries.text(server.engine, f"seeding/content/{name}", server.version[0])
    highest = _highest(made_of, name)
    if highest is None:
        for batch in server.stream(sql, batch=100):
            yield from ((str(block), int(count)) for block, count in batch)
        return
    for first in range(0, highest + 1, _PAGE):
        page = {"first": first, "last": min(first + _PAGE - 1, highest)}
        row = server.rows(sql, page)[0]
        if row["line_count"]:
            yield row["block"], row["line_count"]


def _highest(made_of: Material, name: str) -> int | None:
    """Return the highest number in the table's key; None where it is read by symbol."""
    match name:
        case "stocks" | "stock_prices" | "stock_inventory":
            return None
        case "users":
            return FIRST_ID - 1 + made_of.plan.users
        case "accounts" | "positions":
            return FIRST_ID - 1 + made_of.plan.accounts
        case "journal_entries" | "audit_log":
            return made_of.next_event_id - 1
        case _:
            return BY_NAME[name].units(made_of)
