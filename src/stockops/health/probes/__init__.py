"""
Checks that are not one question to the server: functions that give readings.

To add one: a function of a `Context` in a module here, a line in `PROBES`, and a YAML file in
``health/checks`` that names it with ``probe:``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module

from ..outcome import Reading
from .context import Context

Ask = Callable[[Context], Iterable[Reading]]


@dataclass(frozen=True, slots=True)
class Probe:
    """
    A function that gives readings, and whether it needs a session to do so.

    With a session it runs in a read-only transaction in which every statement and every wait for a
    lock has its limit. A `StockopsError` it raises is UNKNOWN for its check alone.
    """

    where: str  # module and function; loaded when asked, for a run of one check asks one
    needs_server: bool = True

    @property
    def ask(self) -> Ask:
        """The function itself."""
        module, _, name = self.where.partition(".")
        found: Ask = getattr(import_module(f".{module}", __package__), name)
        return found


PROBES: Mapping[str, Probe] = {
    "reachable": Probe("session.reachable"),
    "books_age": Probe("books.age", needs_server=False),
    "books_violated": Probe("books.violated", needs_server=False),
    "books_inconclusive": Probe("books.inconclusive", needs_server=False),
    "backups_usable": Probe("backups.usable", needs_server=False),
    "backup_age": Probe("backups.age", needs_server=False),
    "backups_proven": Probe("backups.proven", needs_server=False),
    "drill_age": Probe("backups.drill_age", needs_server=False),
    "backups_broken": Probe("backups.broken", needs_server=False),
    "backups_unfinished": Probe("backups.unfinished", needs_server=False),
    "backup_size": Probe("backups.size", needs_server=False),
    "archive_gaps": Probe("backups.gaps"),
    "archive_stopped": Probe("backups.stopped"),
    "archive_lag": Probe("backups.lag"),
    "migrations_pending": Probe("schema.pending"),
    "migrations_drifted": Probe("schema.drifted"),
    "tables_missing": Probe("schema.missing"),
    "disk_used": Probe("host.disk"),
    "disk_full_in": Probe("host.full_in"),
    "clock_skew": Probe("host.skew"),
    "open_wire": Probe("host.open_wire"),
    "certificate": Probe("host.certificate"),
    "log_errors": Probe("logs.errors"),
    "damage_logged": Probe("logs.damage"),
    "role_rights": Probe("support.excess"),
    "password_expiry": Probe("support.password_expiry"),
    "support": Probe("support.left"),
    "stuck_orders": Probe("trading.stuck_orders"),
    "orders_rejected": Probe("trading.orders_rejected"),
    "undelivered_notices": Probe("trading.undelivered_notices"),
    "unsettled_conditions": Probe("trading.unsettled_conditions"),
    "unsettled_trades": Probe("trading.unsettled_trades"),
    "unprotected": Probe("support.unprotected", needs_server=False),
    "blocking": Probe("server.blocking"),
    "replica_threads": Probe("server.replica_threads"),
    "replica_delay": Probe("server.replica_delay"),
    "replica_gtid": Probe("server.replica_gtid"),
    "replica_writable": Probe("server.replica_writable"),
    "binlog_volume": Probe("server.binlog_volume"),
    "sequences": Probe("server.sequences"),
    "index_bloat": Probe("server.index_bloat"),
}

__all__ = ["PROBES", "Context", "Probe"]
