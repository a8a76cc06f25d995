"""
What PostgreSQL's planner thinks of indexes that nobody built, by HypoPG.

A filter, and a lenient one. HypoPG takes an index for up to six times its size, so the planner
leaves useful ones aside; and with a partial one behind a view it takes the server down
(https://github.com/HypoPG/hypopg/issues/116), so it works on copies alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..engine.base import Server
from ..errors import ServerError
from ..indexes import candidates as thinking
from ..indexes.candidates import Shape
from ..indexes.tables import Table, TableName
from . import answering
from .answering import Asking

# Each says a cost of random pages, and whether a table may be read whole where an index will do.
_SETTINGS = (("4", "on"), ("1.1", "on"), ("1.1", "off"))
_EXTENSION = "hypopg"
_SAMPLES = 2
_PLAN_S = 60.0


def is_there(server: Server) -> bool:
    """Tell whether `server` can think of indexes; the extension is created where it can."""
    if server.engine != "postgresql":
        return False
    sql = "SELECT 1 AS x FROM pg_available_extensions WHERE name = %(name)s"
    if not server.rows(sql, {"name": _EXTENSION}):
        return False
    try:
        server.execute(f"CREATE EXTENSION IF NOT EXISTS {_EXTENSION}")
    except ServerError:
        return False
    return True


def wanted(
    server: Server, asking: Asking, shapes: Sequence[Shape], tables: Mapping[TableName, Table]
) -> set[Shape]:
    """Return those of `shapes` that some plan would read, each thought of alone and all at once."""
    found: set[Shape] = set()
    for group in [list(shapes), *([each] for each in shapes)]:
        with _thought_of(server, group, tables) as names, server.transaction():
            asking.begin(server, budget_s=_PLAN_S)
            for cost, whole in _SETTINGS:
                server.execute(f"SET LOCAL random_page_cost = {cost}")
                server.execute(f"SET LOCAL enable_seqscan = {whole}")
                for sample in asking.query.samples[:_SAMPLES]:
                    plan = asking.plan(server, sample)
                    found |= {s for s, name in names.items() if answering.uses(plan, [name])}
    return found


@contextmanager
def _thought_of(
    server: Server, shapes: Sequence[Shape], tables: Mapping[TableName, Table]
) -> Iterator[dict[Shape, str]]:
    names = {}
    try:
        for shape in shapes:
            sql = thinking.create(shape, tables[shape.table], "thought", engine=server.engine)
            row = server.rows(
                "SELECT indexname AS name FROM hypopg_create_index(%(sql)s)", {"sql": sql}
            )[0]
            names[shape] = str(row["name"])
        yield names
    finally:
        server.rows("SELECT hypopg_reset()")
