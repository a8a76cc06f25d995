"""
Named SQL, one file per engine.

A question a DBA asks has one name, one row type, and one file for each engine:
``sql/postgresql/lab_settings.sql`` and ``sql/mariadb/lab_settings.sql`` return the same columns.
A file named ``lab_settings.17.sql`` replaces the plain one from major version 17 on. An engine
with no answer says so in its file: ``-- unsupported: MariaDB has no replication slots``.
"""

import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import Generic, TypeVar

from .errors import Unsupported

Row = TypeVar("Row")

_UNSUPPORTED = re.compile(r"^-- unsupported: (?P<reason>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query(Generic[Row]):
    """The name of a question and the type of one line of its answer."""

    name: str
    row: type[Row]


@functools.cache
def text(engine: str, name: str, major: int) -> str:
    """
    Return the SQL of question `name` for `engine` at version `major`.

    Raises `Unsupported`, with the file's own reason, where the engine has no answer.
    """
    *folders, plain = name.split("/")
    folder = resources.files("stockops").joinpath("sql", engine, *folders)
    best = folder / f"{plain}.sql"
    newest = 0
    for file in folder.iterdir():
        stem, _, rest = file.name.partition(".")
        since = rest.removesuffix(".sql").removesuffix("sql")
        if stem == plain and since.isdigit() and newest < int(since) <= major:
            newest, best = int(since), folder / file.name
    sql = best.read_text("utf-8")
    if match := _UNSUPPORTED.search(sql):
        raise Unsupported(match["reason"])
    return sql
