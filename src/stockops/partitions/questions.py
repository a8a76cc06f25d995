"""What is asked of a server about its partitions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ..engine.base import Server
from ..errors import ConfigError, Unsupported
from ..queries import Query


@dataclass(frozen=True, slots=True)
class Part:
    """
    One partition of a table.

    `ends_on` is the first date that is no longer in it, None for one without end; `is_open`: it
    takes all that comes after the others. `kind` is how the bound is written.
    """

    schema_name: str
    table_name: str
    column_name: str
    kind: str
    part_schema: str
    part_name: str
    ends_on: date | None
    is_open: bool
    is_default: bool
    owner_name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may do with a partition."""

    privileges: str
    grantee: str


@dataclass(frozen=True, slots=True)
class Start:
    """Where a partition begins; `starts_on` is None for one without a lower bound."""

    part_schema: str
    part_name: str
    starts_on: date | None


@dataclass(frozen=True, slots=True)
class Build:
    """
    How a partition is built; `refused` says why it is not split, empty where nothing is against it.

    `starts_on` is None for one without a lower bound. `stored_columns`, `options` (how it is
    stored) and `refers_to` (other tables) stand in statements as they are, and are empty on
    MariaDB, which needs none of them.
    """

    part_schema: str
    part_name: str
    starts_on: date | None
    stored_columns: str
    options: str
    refers_to: str
    refused: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A name that a new partition cannot have."""

    name: str


STARTS = Query("partitions/starts", Start)
PARTS = Query("partitions/parts", Part)
GRANTS = Query("partitions/grants", Grant)
BUILDS = Query("partitions/builds", Build)
TAKEN = Query("partitions/taken", Taken)


def parts_of(parts: Iterable[Part], name: str) -> list[Part]:
    """Return those of `parts` that are of the table `name`; `ConfigError` for none."""
    found = [each for each in parts if each.table_name == name]
    if not found:
        raise ConfigError(
            f"no table {name!r} is partitioned by date",
            hint="Those that are: stockops partitions plan",
        )
    return found


def grants_of(server: Server, part: Part) -> list[Grant]:
    """Return who may do what with a partition; nobody where the engine grants nothing on one."""
    try:
        return server.fetch(GRANTS, part_schema=part.part_schema, part_name=part.part_name)
    except Unsupported:
        return []


def held(server: Server, source: str) -> int:
    """Return how many rows `source`, as it stands after FROM, has."""
    return int(server.rows(f"SELECT count(*) AS held FROM {source}")[0]["held"])  # noqa: S608


def has_rows(server: Server, source: str) -> bool:
    """Tell whether `source`, as it stands after FROM, has any row."""
    sql = f"SELECT EXISTS (SELECT 1 FROM {source}) AS there"  # noqa: S608
    return bool(server.rows(sql)[0]["there"])


def builds_of(server: Server, part: Part) -> list[Build]:
    """Return how each partition of the table of `part` is built."""
    return server.fetch(BUILDS, schema_name=part.schema_name, table_name=part.table_name)


def is_plain(builds: Iterable[Build]) -> bool:
    """Tell whether all partitions of a table can be named again as they are."""
    return not any(each.refused for each in builds)
