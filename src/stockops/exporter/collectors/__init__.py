"""
The collectors, each a module of its own, registered here and nowhere else.

One that asks a server has ``NAME``, ``LANE`` and ``collect(server, context)``, and stands in
`SERVERS` under each engine it knows; one that reads files has ``NAME`` and ``read(context)``, and
stands in `FILES`. A module asks with SQL from ``sql/<engine>/``, opens no connection of its own,
and puts no text of a query into a label.
"""

from collections.abc import Mapping

from ..context import FileCollector, ServerCollector
from . import (
    archive,
    checks,
    drills,
    jobs,
    mariadb_activity,
    mariadb_innodb,
    mariadb_replication,
    mariadb_settings,
    mariadb_statements,
    mariadb_status,
    mariadb_tables,
    postgresql_activity,
    postgresql_databases,
    postgresql_locks,
    postgresql_replication,
    postgresql_settings,
    postgresql_sizes,
    postgresql_statements,
    postgresql_status,
    postgresql_tables,
    records,
    trading,
)

SERVERS: Mapping[str, tuple[ServerCollector, ...]] = {
    "postgresql": (
        postgresql_databases,
        postgresql_activity,
        postgresql_locks,
        postgresql_settings,
        postgresql_status,
        postgresql_replication,
        postgresql_tables,
        postgresql_sizes,
        postgresql_statements,
        trading,
        archive,
    ),
    "mariadb": (
        mariadb_status,
        mariadb_settings,
        mariadb_replication,
        mariadb_innodb,
        mariadb_activity,
        mariadb_tables,
        mariadb_statements,
        trading,
        archive,
    ),
}

FILES: tuple[FileCollector, ...] = (checks, drills, jobs, records)
