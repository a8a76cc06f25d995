"""Which engine replicates how."""

from collections.abc import Mapping

from .facts import Replicated
from .mariadb import MariaDB
from .postgresql import PostgreSQL

ENGINES: Mapping[str, Replicated] = {"postgresql": PostgreSQL(), "mariadb": MariaDB()}
