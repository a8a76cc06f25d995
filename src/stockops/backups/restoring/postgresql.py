"""PostgreSQL's data directory: links combined, and a recovery that ends where it was told to."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ... import children
from ...engine import connect
from ...errors import Refused, ServerError, StorageError, Unreachable
from ...lab import TABLESPACES, Lab
from ...lab import place as place_of_labs
from .. import archive
from ..keys import Identities
from ..manifest import Link, Manifest
from ..postgresql import MANIFEST
from ..repository import Repository
from ..staging import archive_name
from .planning import Recovery
from .tools import TOOL_S, Phases, Tools

# A server that recovers must not be smaller than the one whose log it reads.
_AT_LEAST = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)
_LINKS = "pg_tblspc"
_NOT_REACHED = "recovery ended before configured recovery target was reached"
_RECORD = re.compile(r"\blsn: ([0-9A-F]+/[0-9A-F]+)")


class PostgreSQL:
    """How PostgreSQL is restored."""

    beside: Sequence[str] = (MANIFEST,)

    def unpack(self) -> Sequence[str]:
        """Return tar."""
        return ("tar", "-x", "-p", "--no-same-owner", "-f", "-")

    def places(self, tools: Tools, aside: Path, links: int) -> list[Path]:
        """Return the data directory, or one aside for each link that will be combined."""
        if links == 1:
            return [tools.lab.data]
        return [tools.directory(aside / str(number)) for number in range(links)]

    def spread(self, tools: Tools, said: Manifest, place: Path) -> Mapping[str, Path]:
        """Return a directory for each tablespace: where it stood the source may still run."""
        found = {}
        for link in said.links:
            path = place / _LINKS / link.name
            if _is_outside(link):
                home = tools.directory(_aside(tools, place) / link.name)
                path.symlink_to(home)
                tools.account.own(path)
            else:
                home = tools.directory(path)
            found[archive_name(link)] = home
        return found

    def assemble(
        self, tools: Tools, places: Sequence[Path], last: Manifest, phases: Phases
    ) -> None:
        """Check every link by its own manifest, then combine them."""
        programs = tools.lab.programs
        _require_major(tools, last)
        with phases.of("verify"):
            for place in places:
                tools.run([programs / "pg_verifybackup", "-q", place])
                # It would lead the server to where the tablespaces stood.
                (place / "tablespace_map").unlink(missing_ok=True)
        links = [link for link in last.links if _is_outside(link)]
        if len(places) > 1:
            moved = [_moved(tools, places[-1], link) for link in links]
            with phases.of("combine"):
                argv: list[str | Path] = [
                    programs / "pg_combinebackup",
                    "-o",
                    tools.lab.data,
                    *moved,
                    *places,
                ]
                tools.run(argv, cwd=places[0])
        final = place_of_labs.directory(tools.lab.name) / TABLESPACES
        for link in links:
            path = tools.lab.data / _LINKS / link.name
            path.unlink()
            path.symlink_to(final / link.name)
            tools.account.own(path)
        signal = tools.lab.data / "recovery.signal"
        signal.touch(mode=0o600)
        tools.account.own(signal)

    def log_directory(self, lab: Lab) -> Path:
        """Return where the server looks for segments anyway: nothing is copied twice."""
        return lab.data / "pg_wal"

    def fetch_more(
        self, repo: Repository, tools: Tools, recovery: Recovery, identities: Identities
    ) -> None:
        """Fetch the histories of the timelines."""
        if not recovery.logs:
            return
        for timeline in range(2, recovery.window.branch + 1):
            path = self.log_directory(tools.lab) / f"{timeline:08X}.history"
            system = recovery.last.system
            if archive.get(repo, path.name, path, system=system, identities=identities):
                tools.account.own(path)

    def settings(self, tools: Tools, recovery: Recovery) -> Mapping[str, str]:
        """Return those of a recovery that ends at the target, or does not end well."""
        last = recovery.last
        timeline = recovery.window.branch if recovery.logs else last.stop.timeline
        inside = not all(map(_is_outside, last.links))
        return {
            **{name: last.settings[name] for name in _AT_LEAST if name in last.settings},
            **({"allow_in_place_tablespaces": "on"} if inside else {}),
            **self._target(tools, recovery),
            "archive_mode": "off",
            "restore_command": "false",  # all that is needed of the log is in pg_wal
            "recovery_target_action": "promote",
            "recovery_target_timeline": str(timeline),
        }

    def finish(self, lab: Lab, recovery: Recovery, phases: Phases) -> None:
        """Wait until it has promoted itself."""
        try:
            with phases.of("replay"), connect(lab.url("postgres")) as server:
                ended = children.wait_until(
                    lambda: not server.rows("SELECT pg_is_in_recovery() AS going")[0]["going"],
                    within_s=TOOL_S,
                )
        except (ServerError, Unreachable) as exc:
            fatal = _fatal(lab)
            if recovery.aim.kind in {"xid", "name"} and _NOT_REACHED in fatal:
                # As of a GTID that is not there: that says nothing against the backup.
                raise Refused(
                    f"there is no {recovery.aim} in the log from the end of {recovery.last.id} on, "
                    f"which was replayed to its end at {recovery.window.end.lsn}",
                    hint="It is of before that backup, or of later, or of another server: take a "
                    "time, or what stockops backup find says.",
                ) from exc
            raise StorageError(
                f"the recovery to {recovery.aim} ended on its way: {fatal or exc}",
                hint="See what there is without a gap: stockops backup windows",
            ) from exc
        if not ended:
            raise StorageError(f"the recovery to {recovery.aim} did not end in {TOOL_S:.0f} s")

    def _target(self, tools: Tools, recovery: Recovery) -> Mapping[str, str]:
        aim = recovery.aim
        inclusive = {"recovery_target_inclusive": "on" if aim.inclusive else "off"}
        if aim.kind == "backup" or not recovery.logs:
            return {"recovery_target": "immediate"}
        if aim.kind == "end":
            return {"recovery_target_lsn": self._last_record(tools, recovery), **inclusive}
        if aim.at is not None:
            return {"recovery_target_time": aim.at.isoformat(sep=" "), **inclusive}
        return {f"recovery_target_{aim.kind}": aim.text, **inclusive}

    def _last_record(self, tools: Tools, recovery: Recovery) -> str:
        """Return where the last record begins: a server told to go further does not start."""
        directory = self.log_directory(tools.lab)
        for log in reversed(recovery.logs):
            said = tools.lines(
                [
                    tools.lab.programs / "pg_waldump",
                    "-p",
                    directory,
                    "-t",
                    str(log.branch),
                    log.name,
                ]
            )
            found = [match[1] for line in said if (match := _RECORD.search(line))]
            if found:
                return found[-1]
        raise StorageError("there is no record in the log that was fetched")


def _is_outside(link: Link) -> bool:
    """Tell a tablespace elsewhere from one that lies within the data directory."""
    return link.path.startswith("/")


def _aside(tools: Tools, place: Path) -> Path:
    """Return where the tablespaces of the link in `place` are: they stay those of the lab."""
    if place == tools.lab.data:
        return tools.directory(tools.lab.directory / TABLESPACES)
    return tools.directory(place.with_name(f"{place.name}.{TABLESPACES}"))


def _moved(tools: Tools, place: Path, link: Link) -> str:
    """Return the word that makes pg_combinebackup put a tablespace among those of the lab."""
    ways = (_aside(tools, place) / link.name, _aside(tools, tools.lab.data) / link.name)
    return "--tablespace-mapping=" + "=".join(str(way).replace("=", "\\=") for way in ways)


def _fatal(lab: Lab) -> str:
    """Return what the server said last of why it ended."""
    lines = lab.log_path.read_text("utf-8", "replace").splitlines()
    said = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
    return next((line for line in reversed(said) if "the database system is" not in line), "")


def _require_major(tools: Tools, last: Manifest) -> None:
    theirs, ours = last.server_version.split(".")[0], tools.lab.version.split(".")[0]
    if theirs != ours:
        raise Refused(
            f"{last.id} is of PostgreSQL {theirs}, and the server to restore it with is {ours}",
            hint=f"Name the programs of that version: --bin /usr/lib/postgresql/{theirs}/bin",
        )
