"""From what a server or a log says to a `Plan`."""

import json
import re
from typing import Any

from ..errors import ConfigError
from . import mariadb, mariatable, pgtext, postgresql
from .tree import Plan

TEXT_CHARACTERS_MAX = 16_000_000
# MariaDB 10.11 writes a condition into its JSON as it is, with its quotes: one line for each.
_BARE = re.compile(r'^([ \t]*"[\w-]+": )"([^\n]*)"(,?)$', re.MULTILINE)


def parse(said: Any, *, limited: bool = False) -> Plan:
    """
    Return the plan that `said` tells: JSON of either engine (text or objects), the text of
    PostgreSQL, or the rows of MariaDB's slow log.

    `limited` says that the statement may stop early (LIMIT): MariaDB's plans do not show it.
    Raises `ConfigError` where it is no plan.
    """
    try:
        return _parsed(said, limited=limited)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as exc:
        raise _no_plan(exc) from exc


def loads(text: str) -> Any:
    """
    Return the objects of a plan in JSON, of MariaDB's too, which escapes nothing in a condition.

    Raises `ValueError` where it is none.
    """
    try:
        return json.loads(text)
    except ValueError:
        mended = _BARE.sub(lambda each: f"{each[1]}{json.dumps(each[2])}{each[3]}", text)
        return json.loads(mended)


def _parsed(said: Any, *, limited: bool) -> Plan:
    if isinstance(said, str):
        if len(said) > TEXT_CHARACTERS_MAX:
            raise ValueError("it is too long")
        start = said.lstrip()
        if start.startswith(mariatable.HEAD):
            return mariatable.plan(start, limited=limited)
        if not start.startswith(("{", "[")):
            return pgtext.plan(said)
        said = loads(start)
    if isinstance(said, list):
        [said] = said
    if "Plan" in said:
        return postgresql.plan(said)
    return mariadb.plan(said, limited=limited)


def _no_plan(exc: Exception) -> ConfigError:
    return ConfigError(
        f"this is no plan that is known: {type(exc).__name__}: {str(exc)[:80]}",
        hint="Known: EXPLAIN (FORMAT JSON) of PostgreSQL, its text, ANALYZE FORMAT=JSON of "
        "MariaDB.",
    )
