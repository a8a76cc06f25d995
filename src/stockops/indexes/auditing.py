"""The audit itself: read, count, judge, and add what makes each index again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from .. import queries
from ..engine.base import Server
from ..errors import ConfigError, Finding, ServerError
from . import catalogue, questions, statements
from .catalogue import Catalogue, Unknown
from .judging import Limits, Verdict, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was found, and in how much; `counted_s` is the age of the counters of use, if known."""

    verdicts: list[Verdict]
    indexes: int
    tables: int
    counted_s: int | None


def audit(
    servers: Sequence[Server],
    *,
    limits: Limits | None = None,
    only: Collection[str] = (),
    measure: bool = False,
) -> Audit:
    """
    Judge the indexes of the first of `servers`; uses are added up over all of them.

    The others are replicas of the first, or whatever else runs queries on the same tables. Nothing
    is written. `only` names kinds of findings. `measure` reads each index whole that looks
    bloated, where pgstattuple is there. Raises `Finding` where there is no index at all, and
    `ConfigError` where a server holds another database.
    """
    first, limits = servers[0], limits or Limits()
    found = catalogue.read(first)
    if not found.indexes:
        raise Finding(
            "nothing was audited: there is no index that this role may see",
            hint="Check the database and the user in the target's URL.",
        )
    for number, server in enumerate(servers[1:], 2):
        _same(found, server, number)
    catalogue.count(servers, found)
    verdicts = [each for each in judge(found, limits) if not only or each.kind in only]
    if measure:
        verdicts = [seen for each in verdicts if (seen := _measured(first, each, found, limits))]
    by_name = {index.name: index for index in found.indexes}
    return Audit(
        verdicts=[
            replace(
                verdict,
                restore=statements.restoring(by_name[verdict.name], found.indexes, server=first),
            )
            if verdict.name and verdict.kind != "bloated"
            else verdict
            for verdict in verdicts
        ],
        indexes=len(found.indexes),
        tables=len({index.table for index in found.indexes}),
        counted_s=found.counted_s,
    )


def _same(found: Catalogue, server: Server, number: int) -> None:
    """Note where `server` has other indexes; refuse it where it has none of them."""
    if server.engine != found.engine:
        raise ConfigError(
            f"target {number} is {server.engine}, and the first one {found.engine}",
            hint="Name a primary and its replicas: stockops index audit -t PRIMARY -t REPLICA",
        )
    there = {
        (row.schema_name, row.table_name, row.index_name) for row in server.fetch(questions.LIST)
    }
    lacking = sorted({index.name for index in found.indexes} - there)
    if len(lacking) == len(found.indexes):
        raise ConfigError(
            f"target {number} has none of the indexes of the first one",
            hint="Name a primary and its replicas: stockops index audit -t PRIMARY -t REPLICA",
        )
    if lacking:
        found.unknown.append(
            Unknown(
                about="use",
                why=f"target {number} lacks {len(lacking)} of the indexes, "
                f"{'.'.join(lacking[0])} among them",
                remedy="Name replicas that have caught up with the first target",
            )
        )


def _measured(server: Server, verdict: Verdict, found: Catalogue, limits: Limits) -> Verdict | None:
    """Return `verdict` as pgstattuple has it, or None where it finds the index full enough."""
    if verdict.kind != "bloated" or verdict.name is None or server.engine != "postgresql":
        return verdict
    row = next(index.row for index in found.indexes if index.name == verdict.name)
    sql = queries.text(server.engine, "measuring/density", server.version[0])
    try:
        full = int(server.rows(sql, {"index": row.quoted_index})[0]["leaf_percent"])
    except ServerError as exc:
        return replace(verdict, reason=f"{verdict.reason}; it could not be measured: {exc}")
    if full > 100 - limits.bloat_percent:
        return None
    return replace(verdict, reason=f"pgstattuple found its leaves {full} % full")
