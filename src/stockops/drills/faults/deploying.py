"""What happens while a new version is rolled out."""

import os
import shutil
import sys
from pathlib import Path

from ... import children, migrations, processes, sessions
from ...engine import connect
from ...migrations import files
from ...sessions import SessionRow
from .. import clients
from ..inverse import Kill
from .base import Driver, Ordinary, Spot
from .processes import by_signal

VERSION = "V9001"
LASTS_S = 600  # longer than any run
_WHO = "stockops drill"
_WAITS = {"postgresql": f"SELECT pg_sleep({LASTS_S})", "mariadb": f"DO SLEEP({LASTS_S})"}
_TEXT = """\
-- A note for each order: the column, what fills it, and the rule for it.
ALTER TABLE orders ADD COLUMN drill_note integer;
{waits};
ALTER TABLE orders ADD CONSTRAINT drill_note_ck CHECK (drill_note > 0);
"""


class MigrationKilled(Ordinary):
    """
    A migration is killed between its first statement and its last one.

    What it had sent goes on in the server, which does not look whether anybody waits for it. On
    PostgreSQL its transaction, and the lock on the orders, stay until that is over; on MariaDB each
    statement has committed by itself, and the first one stands.
    """

    name = "migration_killed"
    title = "A migration is killed half-way"
    destroys = True
    drivers = (Driver("signal", by_signal),)

    def inject(self, spot: Spot, driver: str) -> None:
        """Begin it, as the applications' role, and kill it when it is in its second statement."""
        del driver
        folder = written(spot.engine, spot.migrations)
        url = clients.target_of(spot).url
        words = [sys.executable, "-m", "stockops", "migrate", "up", "-t", url]
        migrating = children.start(
            [*words, "--folder", str(folder), "--yes"],
            cwd=spot.folder,
            log=spot.folder / "migrate.log",
            env=dict(os.environ),
        )
        tool = processes.Process.of(migrating.pid)
        spot.undo.arm(Kill(process=tool, whom="group"))
        try:
            clients.soon(lambda: bool(_left(spot)), "the migration does not begin")
        finally:
            Kill(process=tool, whom="group").undo(spot.folder)
            migrating.end()

    def bites(self, spot: Spot) -> str | None:
        """Return what it left behind."""
        if spot.engine == "postgresql":
            left = _left(spot)
            return f"session {left[0].session_id} has its locks, and no client" if left else None
        with connect(spot.target, application=_WHO) as server:
            found = migrations.status(server, folder=spot.migrations)
        stands = {each.migration: each.state for each in found}
        return f"{VERSION} is half applied" if stands.get(VERSION) == "half applied" else None

    def lift(self, spot: Spot) -> None:
        """End what goes on in the server, so that the database can be read."""
        clients.dismissed(spot, lambda each: _waits(spot, each))


def written(engine: str, folder: Path) -> Path:
    """Write the migrations that are rolled out: those of the schema, and one more."""
    shutil.copytree(files.folder_of(engine), folder)
    path = folder / f"{VERSION}__drill_note.sql"
    path.write_text(_TEXT.format(waits=_WAITS[engine]), "utf-8")
    return folder


def _left(spot: Spot) -> list[SessionRow]:
    """Return the sessions that are at the second statement."""
    with connect(spot.target, application=_WHO) as server:
        return [each for each in sessions.activity(server) if _waits(spot, each)]


def _waits(spot: Spot, session: SessionRow) -> bool:
    return session.sql_text.strip().startswith(_WAITS[spot.engine])
