"""MariaDB's data directory: prepared from its links, in their order."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...engine import connect
from ...errors import Refused, StorageError
from ...lab import Lab
from ..keys import Identities
from ..manifest import Manifest
from ..mariadb import program
from ..repository import Repository
from .planning import Recovery
from .replaying import replay
from .tools import Phases, Tools

_MEMORY = "256M"
# The shape of the data directory: a server with another one does not start, or worse.
_SHAPE = (
    "innodb_page_size",
    "innodb_data_file_path",
    "innodb_undo_tablespaces",
    "innodb_checksum_algorithm",
    "lower_case_table_names",
    "gtid_domain_id",
    "server_id",
)


class MariaDB:
    """How MariaDB is restored."""

    beside: Sequence[str] = ()

    def unpack(self) -> Sequence[str]:
        """Return mbstream."""
        return (program("mbstream"), "-x")

    def places(self, tools: Tools, aside: Path, links: int) -> list[Path]:
        """Return the data directory, and one aside for each link that will be applied to it."""
        more = [tools.directory(aside / str(number)) for number in range(1, links)]
        return [tools.lab.data, *more]

    def spread(self, tools: Tools, said: Manifest, place: Path) -> Mapping[str, Path]:
        """Return nothing: all tables are in one stream."""
        return {}

    def assemble(
        self, tools: Tools, places: Sequence[Path], last: Manifest, phases: Phases
    ) -> None:
        """Prepare the full backup, then apply every link in order."""
        _require_series(tools, last)
        backup, data = program("mariadb-backup"), places[0]
        for pointer in [path for place in places for path in place.rglob("*.isl")]:
            pointer.unlink()  # it leads to the file of the table that is still being written to
        with phases.of("prepare"):
            common = [backup, "--no-defaults", "--prepare", f"--use-memory={_MEMORY}"]
            tools.run([*common, f"--target-dir={data}"])
            for place in places[1:]:
                tools.run([*common, f"--target-dir={data}", f"--incremental-dir={place}"])
        _require_tables(data, last)

    def log_directory(self, lab: Lab) -> Path:
        """Return a directory of its own: the server never sees these files."""
        return lab.directory / "log"

    def fetch_more(
        self, repo: Repository, tools: Tools, recovery: Recovery, identities: Identities
    ) -> None:
        """Fetch nothing: the binary logs are all there is to replay."""

    def settings(self, tools: Tools, recovery: Recovery) -> Mapping[str, str]:
        """Return those that the shape of the data directory needs."""
        last = recovery.last
        return {name: last.settings[name] for name in _SHAPE if name in last.settings}

    def finish(self, lab: Lab, recovery: Recovery, phases: Phases) -> None:
        """Replay the binary logs in one session, then go on counting where they end."""
        files = [self.log_directory(lab) / log.name for log in recovery.logs]
        reached = recovery.last.stop.gtid or ""
        if files and recovery.aim.kind != "backup":
            with phases.of("replay"):
                reached = replay(lab, recovery, files)
        shutil.rmtree(self.log_directory(lab), ignore_errors=True)
        with connect(lab.url("mysql")) as server:
            server.execute("RESET MASTER")
            if reached:
                server.execute("SET GLOBAL gtid_binlog_state = %(state)s", {"state": reached})


def _require_tables(data: Path, last: Manifest) -> None:
    """Raise where a table is not there: --prepare says "completed OK!" all the same."""
    endings = (".ibd.delta", ".new.delta", ".ibd", ".new")
    missing = []
    for name in last.members:
        for ending in endings:
            if name.endswith(ending):
                path = data / (name.removesuffix(ending) + ".ibd")
                missing += [] if path.exists() else [path.name]
                break
    if missing:
        raise StorageError(
            f"{len(missing)} tables of {last.id} are gone after it was prepared: "
            f"{', '.join(missing[:5])}",
            hint="This chain does not hold what its manifest says; take another one.",
        )


def _require_series(tools: Tools, last: Manifest) -> None:
    theirs = ".".join(last.server_version.split(".")[:2])
    ours = ".".join(tools.lab.version.split(".")[:2])
    if theirs != ours:
        raise Refused(
            f"{last.id} is of MariaDB {theirs}, and the server to restore it with is {ours}",
            hint=f"Prepare it where MariaDB {theirs} is installed.",
        )
