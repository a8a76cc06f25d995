"""
The one place where EXPLAIN is put before a statement of a user.

The statement is whatever text the user has, so it cannot be a file of this program: who calls makes
sure that it is one statement. Nothing else of it is changed.
"""

import re
from collections.abc import Sequence
from typing import Literal

PREPARED = "stockops_explained"
MODE_SETTING = "plan_cache_mode"
Mode = Literal["custom", "generic"]
# A value as PostgreSQL writes it into DETAIL: NULL, or quoted with quotes doubled.
_VALUE = re.compile(r"\$(\d+) = (NULL|'((?:[^']|'')*)')(?:, |\Z)")
_STRING = re.compile(r"'(?:[^']|'')*'")
_PLACEHOLDER = re.compile(r"(?<![\w$])\$([1-9]\d{0,4})\b")


def explain(engine: str, sql: str, *, analyze: bool) -> str:
    """Return the statement that answers with the plan of `sql` as JSON, in one row of one cell."""
    if engine == "mariadb":
        return f"{'ANALYZE' if analyze else 'EXPLAIN'} FORMAT=JSON {sql}"
    return f"EXPLAIN ({_options(analyze=analyze)}) {sql}"


def prepare(sql: str) -> str:
    """Return the statement that prepares `sql`, which has placeholders (PostgreSQL)."""
    return f"PREPARE {PREPARED} AS {sql}"


def explain_prepared(values: Sequence[str | None], *, analyze: bool) -> str:
    """Return the statement that explains what `prepare` prepared, with `values` (PostgreSQL)."""
    return f"EXPLAIN ({_options(analyze=analyze)}) EXECUTE {PREPARED}{_arguments(values)}"


def plan_mode(mode: Mode) -> str:
    """Return the statement after which PostgreSQL makes such plans of prepared statements."""
    return f"SET LOCAL {MODE_SETTING} = force_{mode}_plan"


def placeholders(sql: str) -> int:
    """Return how many parameters `sql` has: the highest number behind a ``$`` (PostgreSQL)."""
    found = _PLACEHOLDER.findall(_STRING.sub("", sql))
    return max(map(int, found), default=0)


def parameters(detail: str) -> list[str | None] | None:
    """
    Return the values of a DETAIL of PostgreSQL, ``$1 = '5', $2 = NULL``, in the order of numbers.

    None where it is not whole, or where a value ends as one that was cut does: ``'abc...'``.
    """
    found = list(_VALUE.finditer(detail))
    whole = "".join(each[0] for each in found) == detail and bool(found)
    numbers = [int(each[1]) for each in found]
    if not whole or numbers != list(range(1, len(found) + 1)):
        return None
    if any((each[3] or "").endswith("...") for each in found):
        return None
    return [None if each[2] == "NULL" else each[3].replace("''", "'") for each in found]


def _options(*, analyze: bool) -> str:
    run = "ANALYZE, BUFFERS, " if analyze else ""
    return f"{run}SETTINGS, FORMAT JSON"


def _arguments(values: Sequence[str | None]) -> str:
    if not values:
        return ""
    return f"({', '.join('NULL' if value is None else _quoted(value) for value in values)})"


def _quoted(value: str) -> str:
    """Quote `value` as one literal that means the same whatever standard_conforming_strings is."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'" if "\\" not in doubled else "E'" + doubled.replace("\\", "\\\\") + "'"
