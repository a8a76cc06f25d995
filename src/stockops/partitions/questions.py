"""What is asked of a server about its partitions."""

from dataclasses import dataclass
from datetime import date

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


STARTS = Query("partitions/starts", Start)
PARTS = Query("partitions/parts", Part)
GRANTS = Query("partitions/grants", Grant)
