"""What the schema declares of its columns: which hold personal data, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from .. import resources
from ..errors import ConfigError
from .shapes import Kind

Mask = Literal["alike", "email", "phone", "opaque"]
NAME = "privacy.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """A column of personal data; `tombstone` None where its whole row goes."""

    table: str
    column: str
    kind: Kind
    mask: Mask
    tombstone: str | None

    @property
    def name(self) -> str:
        """The table and the column."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalTable:
    """A table with personal data; `owner` None where its rows are of no user."""

    name: str
    owner: str | None
    key: str
    erase_rows: bool
    columns: tuple[Personal, ...]

    def where(self) -> str:
        """Return the condition on rows of the user ``%(user_id)s``."""
        return (self.owner or "1 = 0").replace("{user}", "%(user_id)s")


@dataclass(frozen=True, slots=True)
class Excused:
    """A column that is not personal though it looks so: which kinds it may look like, and why."""

    looks: frozenset[str]
    why: str
    scrub: bool


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that is declared, and where."""

    path: Path
    tables: tuple[PersonalTable, ...]
    pseudonyms: frozenset[str]
    excused: Mapping[str, Excused] = field(default_factory=dict)

    @property
    def personal(self) -> dict[str, Personal]:
        """The columns of personal data, by table and column."""
        return {column.name: column for table in self.tables for column in table.columns}


def load(path: Path | None = None) -> Declarations:
    """Return the declarations in `path`, or those that come with the schema."""
    path = path or resources.folder("schema") / NAME
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError(
            f"cannot read the declarations {str(path)!r}: {exc.strerror}",
            hint="Name the file with --declarations.",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{str(path)!r} is not YAML: {exc}") from None
    try:
        return Declarations(
            path=path,
            tables=tuple(_table(name, each) for name, each in said["personal"].items()),
            pseudonyms=frozenset(said["pseudonyms"]),
            excused={
                name: Excused(frozenset(each["looks"]), each["why"], each.get("scrub", False))
                for name, each in said["not_personal"].items()
            },
        )
    except (AttributeError, KeyError, TypeError) as exc:
        why = f"{exc} is missing" if isinstance(exc, KeyError) else "a part is of a wrong type"
        raise ConfigError(
            f"{str(path)!r} is not a file of declarations: {why}",
            hint="See schema/privacy.yaml for the form.",
        ) from None


def _table(name: str, said: Mapping[str, Any]) -> PersonalTable:
    rows = bool(said.get("erase_rows", False))
    columns = []
    for column, each in said["columns"].items():
        for key, known in (("kind", get_args(Kind)), ("mask", get_args(Mask))):
            if each[key] not in known:
                raise ConfigError(
                    f"{name}.{column}: {key} {each[key]!r} is none of {', '.join(known)}"
                )
        if said.get("owner") and not rows and "erase" not in each:
            raise ConfigError(f"{name}.{column} has no tombstone", hint="Write erase: TEXT.")
        columns.append(
            Personal(
                table=name,
                column=column,
                kind=each["kind"],
                mask=each["mask"],
                tombstone=each.get("erase"),
            )
        )
    return PersonalTable(
        name=name,
        owner=said.get("owner"),
        key=said["key"],
        erase_rows=rows,
        columns=tuple(columns),
    )
