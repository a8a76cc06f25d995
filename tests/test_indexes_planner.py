"""Chance's own indexes: where one is said to cover another, the planner agrees, and only there."""

import random
from dataclasses import dataclass

import pytest

from stockops.engine.base import Server
from stockops.indexes import catalogue
from stockops.indexes.covering import covers

PAIRS = 100


@dataclass(frozen=True, slots=True)
class Key:
    column: str
    is_descending: bool
    nulls: str  # FIRST, LAST or what the engine does

    def turned(self) -> "Key":
        default = "FIRST" if self.is_descending else "LAST"
        other = {"FIRST": "LAST", "LAST": "FIRST"}[self.nulls or default] if self.nulls else ""
        return Key(self.column, not self.is_descending, other)

    def sql(self) -> str:
        nulls = f" NULLS {self.nulls}" if self.nulls else ""
        return f"{self.column}{' DESC' if self.is_descending else ''}{nulls}"


def drawn(draw: random.Random, engine: str) -> list[Key]:
    places = ["", "", "FIRST", "LAST"] if engine == "postgresql" else [""]
    columns = draw.sample("abc", draw.randint(1, 3))
    return [Key(each, draw.random() < 0.4, draw.choice(places)) for each in columns]


def near(draw: random.Random, keys: list[Key], engine: str) -> list[Key]:
    """Return keys that begin much like `keys`, and may go on."""
    turned = [key.turned() if draw.random() < 0.3 else key for key in keys]
    held = {key.column for key in turned}
    return turned + [key for key in drawn(draw, engine) if key.column not in held]


def listed(keys: list[Key]) -> str:
    return ", ".join(key.sql() for key in keys)


def serves(server: Server, keys: list[Key]) -> bool:
    """Tell whether the planner sorts nothing with the index `other` alone, from either end."""
    hint = "" if server.engine == "postgresql" else " FORCE INDEX (other)"
    plans = []
    for order in (keys, [key.turned() for key in keys]):
        sql = f"EXPLAIN SELECT id FROM q{hint} ORDER BY {listed(order)} LIMIT 5"
        plans.append(" ".join(str(v) for row in server.rows(sql) for v in row.values()))
    return all("other" in p and "Sort" not in p and "filesort" not in p for p in plans)


@pytest.mark.soak
def test_the_planner_agrees_with_what_covers_what(server: Server) -> None:
    on = " ON q" if server.engine == "mariadb" else ""
    numbers = "seq_1_to_1500" if on else "generate_series(1, 1500) AS s(seq)"
    server.execute("CREATE TABLE q (id int PRIMARY KEY, a int, b int, c int)")
    server.execute(
        f"INSERT INTO q SELECT seq, seq % 17, seq % 13, nullif(seq % 11, 0) FROM {numbers}"
    )
    server.execute("ANALYZE TABLE q" if on else "ANALYZE q")
    for setting in () if on else ("seqscan", "bitmapscan", "incremental_sort"):
        server.execute(f"SET enable_{setting} = off")
    draw, said = random.Random(7), []
    for _ in range(PAIRS):
        one = drawn(draw, server.engine)
        other = near(draw, one, server.engine)
        server.execute(f"CREATE INDEX one ON q ({listed(one)})")
        server.execute(f"CREATE INDEX other ON q ({listed(other)})")
        found = {index.row.index_name: index for index in catalogue.read(server).indexes}
        said.append(covers(found["other"], found["one"]))
        server.execute(f"DROP INDEX one{on}")
        assert serves(server, one) == said[-1], (listed(one), listed(other))
        server.execute(f"DROP INDEX other{on}")
    assert PAIRS / 5 < sum(said) < PAIRS * 4 / 5
