"""From what a server or a log says to a `Plan`."""

import json
from typing import Any

from ..errors import ConfigError
from . import mariadb, mariatable, pgtext, postgresql
from .tree import Plan

TEXT_CHARACTERS_MAX = 16_000_000


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


def _parsed(said: Any, *, limited: bool) -> Plan:
    if isinstance(said, str):
        if len(said) > TEXT_CHARACTERS_MAX:
            raise ValueError("it is too long")
        start = said.lstrip()
        if start.startswith(mariatable.HEAD):
            return mariatable.plan(start, limited=limited)
        if not start.startswith(("{", "[")):
            return pgtext.plan(said)
        said = json.loads(start)
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
