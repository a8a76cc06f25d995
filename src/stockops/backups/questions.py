"""What backups ask of a server."""

from dataclasses import dataclass

from ..queries import Query


@dataclass(frozen=True, slots=True)
class Cluster:
    """One database cluster; `log_bytes` is how far its log is, counted from its first day."""

    system: str
    version: str
    size_bytes: int
    log_bytes: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the server, as it prints it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that the data directory only points at."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """
    A table that a physical backup does not bring back as it was, or that a dump does not.

    `dumped`: it is in the database that a dump holds.
    """

    name: str
    why: str
    dumped: bool


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Something that a backup of ours holds on the server."""

    name: str


@dataclass(frozen=True, slots=True)
class Tablespace:
    """A file of InnoDB, as the server names it."""

    path: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A file of the database, and what it is."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Owned:
    """A table in SQL, and the role that owns it."""

    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a table cannot be made here for the role that owned it."""

    why: str


@dataclass(frozen=True, slots=True)
class TableColumn:
    """
    A column of one table, `source` in SQL, that lies in the schema or the database `space`.

    `exact`: two values are the same if the server says so. `from_sequence`: its default counts on
    a sequence. `key_position` is its place in the primary key, from 1 (PostgreSQL: from 0) on.
    """

    source: str
    space: str
    name: str
    quoted: str
    exact: bool
    generated: bool
    from_sequence: bool
    key_position: int | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A table that the server can look into, its name as a statement can hold it."""

    name: str


@dataclass(frozen=True, slots=True)
class LedHere:
    """
    Something that leads to a table, and goes when that is dropped with CASCADE.

    `said` is the SQL that makes it; what is of a greater `depth` needs what is of a lesser.
    """

    depth: int
    name: str
    said: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """A right that the role lacks, and on what."""

    needed: str
    place: str


@dataclass(frozen=True, slots=True)
class PartOf:
    """A table or one of its partitions, in SQL."""

    source: str


@dataclass(frozen=True, slots=True)
class PlaceOfPart:
    """What a partition is one of, in SQL, and of which values."""

    parent: str
    bound: str


CLUSTER = Query("backup_cluster", Cluster)
SETTINGS = Query("backup_settings", Setting)
LINKS = Query("backup_links", Outside)
LEFT_OUT = Query("backup_left_out", LeftOut)
LEFT_BEHIND = Query("backup_left_behind", LeftBehind)
TABLESPACES = Query("backup_tablespaces", Tablespace)
RELATIONS = Query("backup_relations", Relation)
OWNERS = Query("backup_owners", Owned)
UNFIT = Query("backup_unfit", Unfit)
TABLE = Query("backup_table", TableColumn)
CHECKED = Query("backup_checked", Checked)
LED_HERE = Query("backup_led_here", LedHere)
LACKING = Query("backup_lacking", Lacking)
PARTS = Query("backup_parts", PartOf)
PLACE_OF_PART = Query("backup_place_of_part", PlaceOfPart)
RIGHTS = Query("backup_rights", Lacking)
