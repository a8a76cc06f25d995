"""MariaDB's data directory: prepared from its links, in their order."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import Refused, StorageError
from ..manifest import Manifest
from ..mariadb import program

if TYPE_CHECKING:
    from .filling import Phases, Tools

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


def unpacker() -> str:
    """Return the program that unpacks a backup's stream."""
    return program("mbstream")


def assemble(
    tools: "Tools", places: Sequence[Path], last: Manifest, phases: "Phases"
) -> Mapping[str, str]:
    """Prepare the full backup with every link, and return the settings that its shape needs."""
    _require_series(tools, last)
    backup, data = program("mariadb-backup"), places[0]
    with phases.of("prepare"):
        common = [backup, "--no-defaults", "--prepare", f"--use-memory={_MEMORY}"]
        tools.run([*common, f"--target-dir={data}"])
        for place in places[1:]:
            tools.run([*common, f"--target-dir={data}", f"--incremental-dir={place}"])
    _require_tables(data, last)
    return {name: last.settings[name] for name in _SHAPE if name in last.settings}


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


def _require_series(tools: "Tools", last: Manifest) -> None:
    theirs = ".".join(last.server_version.split(".")[:2])
    ours = ".".join(tools.lab.version.split(".")[:2])
    if theirs != ours:
        raise Refused(
            f"{last.id} is of MariaDB {theirs}, and the server to restore it with is {ours}",
            hint=f"Prepare it where MariaDB {theirs} is installed.",
        )
