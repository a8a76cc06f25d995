"""The largest tables of all databases."""

from collections.abc import Iterable

from ...engine.base import Server
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family, Labels, Sample
from ..naming import named

NAME = "tables"
LANE: Lane = "slow"
TABLES = Query("exporter/tables", Document)
TABLES_MAX = 200
PAGES_MIN = 1
OTHER = "other"

_COMPONENTS = (("data", "data_length"), ("index", "index_length"))


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the sizes and rows of the largest tables, and of all others as one called `OTHER`."""
    said = ask(server, TABLES, tables_max=TABLES_MAX, pages_min=PAGES_MIN)
    tables = rows(said, "tables")
    rest = {name: int(value or 0) for name, value in said["everything"].items()}
    sizes: list[Sample] = []
    counts: list[Sample] = []
    for table in tables:
        where: Labels = (("schema", table["schema"]), ("table", table["table"]))
        sizes += [((*where, ("component", part)), int(table[key])) for key, part in _COMPONENTS]
        counts.append((where, int(table["rows"])))
        rest = {name: value - int(table[name]) for name, value in rest.items()}
    if rest["data"]:
        where = (("schema", OTHER), ("table", OTHER))
        sizes += [((*where, ("component", part)), rest[key]) for key, part in _COMPONENTS]
        counts.append((where, rest["rows"]))
    return named(
        [
            Family(
                "mysql_info_schema_table_size",
                "gauge",
                "Bytes of the table, as InnoDB's statistics have it.",
                tuple(sizes),
            ),
            Family(
                "mysql_info_schema_table_rows",
                "gauge",
                "Rows of the table, as InnoDB's statistics have it.",
                tuple(counts),
            ),
        ],
        context.names,
    )
