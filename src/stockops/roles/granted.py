"""What the user of a session on MariaDB was granted: itself, and by the roles that are in force."""

import re
from collections.abc import Sequence

from ..engine.base import Server

_COMMAS = re.compile(r", (?![^(]*\))")  # between rights, not between the columns of one
_NAME = r"(?:`(?:[^`]|``)*`|[^`\s.]+)"
_GRANT = re.compile(
    rf"GRANT (?P<what>.+?) ON (?:PROCEDURE |FUNCTION )?(?P<where>{_NAME}(?:\.{_NAME})?) TO "
)
_ALL = "ALL PRIVILEGES"
_EVERYWHERE = "*.*"
_ALSO = {"BINLOG MONITOR": "SUPER"}  # what lets the same be done
_WILD = {"_": ".", "%": ".*"}


def names(grant: str) -> list[tuple[str, str]]:
    """Return what one GRANT gives, and on what: ``("SELECT", "mysql.innodb_index_stats")``."""
    match = _GRANT.match(grant)
    if match is None:
        return []
    where = match["where"].replace("``", "\0").replace("`", "").replace("\0", "`")
    return [(_ordered(what), where) for what in _COMMAS.split(match["what"])]


def lacking(
    server: Server, database: str, *, everywhere: Sequence[str] = (), here: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """
    Return the rights that were not granted: of `everywhere` on all databases, of `here` on one.

    SHOW GRANTS tells everybody of himself; information_schema leaves out what roles give.
    """
    said = [str(value) for row in server.rows("SHOW GRANTS") for value in row.values()]
    held = [name for line in said for name in names(line)]
    on_server = {what for what, where in held if where == _EVERYWHERE}
    on_database = on_server | {what for what, where in held if _is_all_of(where, database)}
    missing = [(right, "the server") for right in everywhere if not on_server & _any(right)]
    return missing + [(right, database) for right in here if not on_database & _any(right)]


def _any(right: str) -> set[str]:
    return {right, _ALL, _ALSO.get(right, right)}


def _is_all_of(where: str, database: str) -> bool:
    """Tell whether `where`, a pattern as LIKE has them, is all of `database`."""
    if not where.endswith(".*"):
        return False
    parts = re.findall(r"\\.|.", where[:-2], re.DOTALL)
    pattern = "".join(_WILD.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(pattern, database, re.DOTALL) is not None


def _ordered(what: str) -> str:
    """Return a right with the columns that it is of, which come in no order, in theirs."""
    name, _, columns = what.replace("`", "").rstrip(")").partition(" (")
    return f"{name} ({', '.join(sorted(columns.split(', ')))})" if columns else name
