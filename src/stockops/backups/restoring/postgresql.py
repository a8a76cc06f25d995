"""PostgreSQL's data directory: links combined, and a recovery that ends where it was told to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import Refused
from ..manifest import Manifest

if TYPE_CHECKING:
    from .filling import Phases, Tools

# A server that recovers must not be smaller than the one whose log it reads.
_AT_LEAST = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)


def assemble(
    tools: "Tools", places: Sequence[Path], last: Manifest, phases: "Phases"
) -> Mapping[str, str]:
    """Check every link, combine them, and return the settings of a recovery to the backup's end."""
    programs = tools.lab.programs
    _require_major(tools, last)
    with phases.of("verify"):
        for place in places:
            tools.run([programs / "pg_verifybackup", "-q", place])
    if len(places) > 1:
        with phases.of("combine"):
            data = tools.lab.data
            tools.run([programs / "pg_combinebackup", "-o", data, *places], cwd=places[0])
    (tools.lab.data / "recovery.signal").touch(mode=0o600)
    tools.account.own(tools.lab.data / "recovery.signal")
    return {
        **{name: last.settings[name] for name in _AT_LEAST if name in last.settings},
        "archive_mode": "off",
        "restore_command": "false",  # all that is needed of the log is in pg_wal
        "recovery_target": "immediate",
        "recovery_target_action": "promote",
        "recovery_target_timeline": str(last.stop.timeline),
    }


def _require_major(tools: "Tools", last: Manifest) -> None:
    theirs, ours = last.server_version.split(".")[0], tools.lab.version.split(".")[0]
    if theirs != ours:
        raise Refused(
            f"{last.id} is of PostgreSQL {theirs}, and the server to restore it with is {ours}",
            hint=f"Name the programs of that version: --bin /usr/lib/postgresql/{theirs}/bin",
        )
