"""Servers of our own, one of each engine for a module: what its tests may stop, kill and fill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from stockops import lab as labs
from stockops import migrations
from stockops.engine import connect, open_server
from stockops.engine.base import Server
from stockops.errors import StockopsError
from stockops.lab import Lab
from stockops.targets import Target

_SETTINGS = {
    "postgresql": {
        "archive_mode": "on",
        "archive_command": "/bin/false",
        "max_wal_size": "1GB",
        "summarize_wal": "on",
    },
    "mariadb": {},
}
_SYSTEM = {
    "postgresql": "SELECT 'pg-' || system_identifier AS it FROM pg_control_system()",
    "mariadb": "SELECT concat('mariadb-', identity) AS it FROM database_identity",
}


@dataclass(slots=True)
class Spot:
    """A lab with the schema, and what tests do with it; `server` is a session on it."""

    lab: Lab
    target: Target
    server: Server
    made: int = 0

    def write(self, rows: int = 1) -> None:
        """Commit `rows` rows, each by itself."""
        for _ in range(rows):
            self.made += 1
            self.server.execute(
                "INSERT INTO noted (number, said) VALUES (%(n)s, %(said)s)",
                {"n": self.made, "said": "x" * 200},
            )

    def turn(self) -> None:
        """Write something and finish the file of the log."""
        self.write(3)
        if self.lab.engine == "postgresql":
            self.server.rows("SELECT pg_switch_wal()::text AS lsn")
        else:
            self.server.execute("FLUSH BINARY LOGS")

    def again(self) -> None:
        """Start the server, which is down, and go on with it."""
        with suppress(Exception):
            self.server.close()
        self.lab = labs.start(self.lab)
        self.server = open_server(self.target)

    @property
    def system(self) -> str:
        """What backups call it; asked by a session of its own, whatever `server` is at."""
        with connect(self.target) as server:
            return str(server.rows(_SYSTEM[self.lab.engine])[0]["it"])


@contextmanager
def spot_of(engine: str) -> Iterator[Spot]:
    """Give a spot of `engine`; skip where there is none, which in CI is an error."""
    try:
        with labs.temporary(engine, settings=_SETTINGS[engine]) as lab:
            target = Target(name=f"spot-{engine}", url=lab.url(), lab=lab.name)
            migrations.up(target)
            spot = Spot(lab, target, open_server(target))
            spot.server.execute("CREATE TABLE noted (number BIGINT PRIMARY KEY, said VARCHAR(400))")
            yield spot
            spot.server.close()
    except StockopsError as exc:
        if "CI" in os.environ:
            raise
        pytest.skip(f"no lab of {engine}: {exc}")
