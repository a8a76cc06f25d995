"""The truth about indexes, read from a file for each engine; the file says how it is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

Found = dict[str, tuple[str, str | None]]
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """A case in words, its name in the database, what makes it, and what is found of it."""

    words: str
    table: str
    sql: tuple[str, ...]
    found: Found


def read(engine: str) -> list[Case]:
    text = yaml.safe_load((_HERE / f"index_cases_{engine}.yaml").read_text("utf-8"))
    cases = []
    for number, each in enumerate(text["cases"]):
        table = f"t{number:03}"
        statements = each.get("sql") or usual(engine, text["usual"], each["indexes"])
        cases.append(
            Case(
                words=each["words"],
                table=table,
                sql=tuple(statement.replace("@", table) for statement in statements),
                found={name: verdict(said) for name, said in each.get("found", {}).items()},
            )
        )
    return cases


def usual(engine: str, table: str, indexes: list[str]) -> Iterator[str]:
    """Yield what makes the usual table with `indexes`, each written as its engine writes it."""
    if engine == "mariadb":
        yield f"{table.removesuffix(')')}, {', '.join(indexes)})"
        return
    yield table
    for index in indexes:
        kind, name, rest = index.replace("UNIQUE INDEX", "UNIQUE_INDEX").split(" ", 2)
        yield f"CREATE {kind.replace('_', ' ')} @{name} ON @ {rest}"


def verdict(said: str) -> tuple[str, str | None]:
    kind, _, cover = said.partition(" ")
    return (kind, cover or None)
