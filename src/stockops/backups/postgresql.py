"""PostgreSQL, backed up by pg_basebackup and pg_dump."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import lab
from ..engine.base import Server
from ..errors import ConfigError, Refused, StorageError, Unsupported
from ..targets import Target
from . import credentials, logical, staging
from .manifest import Kind, Link, Method, Position
from .members import TarWatch
from .questions import CLUSTER, LEFT_BEHIND, LEFT_OUT, LINKS, OWNERS, RELATIONS, SETTINGS
from .sources import Ground, Job, Part, Span

MANIFEST = "backup_manifest"
LABEL = "backup_label"
BASE = "base.tar"
_REQUIRED = ((LABEL,), ("PG_VERSION",), ("global/pg_control",))
_START = re.compile(r"^START WAL LOCATION: ([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)
_TIMELINE = re.compile(r"^START TIMELINE: (\d+)", re.MULTILINE)
_TABLES = "dump.pgc"
_GLOBALS = "globals.sql"
_LOCK_MS = 30_000
_DUMPED = b"-- PostgreSQL database cluster dump complete"


class PostgreSQL:
    """How PostgreSQL is backed up."""

    def survey(self, server: Server, method: Method, kind: Kind) -> Ground:
        """Look the server over."""
        cluster = server.fetch(CLUSTER)[0]
        settings = {each.name: each.value for each in server.fetch(SETTINGS)}
        if kind == "incremental":
            _require_summaries(server, settings)
        notes = []
        if method == "physical":
            notes += [f"{each.name}: {each.why}" for each in server.fetch(LEFT_OUT)]
        elif not _may_read_passwords(server):
            notes.append("roles come back without their passwords: this role may not read them")
        if method == "physical" and settings["data_checksums"] == "off":
            notes.append("data checksums are off: that a page is as it was written is not proven")
        if settings["fsync"] == "off" or settings["full_page_writes"] == "off":
            notes.append("fsync or full_page_writes is off: this server can lose what it confirmed")
        return Ground(
            system=cluster.system,
            version=cluster.version,
            settings=settings,
            links=_links(server),
            size_bytes=cluster.size_bytes,
            log_bytes=cluster.log_bytes,
            notes=notes,
            relations={each.path: each.name for each in server.fetch(RELATIONS)},
            owners={each.name: each.owner for each in server.fetch(OWNERS)},
        )

    @contextmanager
    def parts(self, server: Server, job: Job) -> Iterator[Iterator[Part]]:
        """Give the streams; the log they need is kept by a slot that goes with our session."""
        with credentials.pgpass(job.target, job.work) as env:
            named = {**env, "PGAPPNAME": f"stockops backup {job.id}"}
            if job.method == "physical":
                server.rows(
                    "SELECT pg_create_physical_replication_slot(%(name)s, true, true)",
                    {"name": f"stockops_backup_{job.id.lower().replace('-', '_')}"},
                )
                yield self._physical(server, job, named)
            else:
                with logical.postgresql(server, job.target) as (snapshot, dump):
                    whole = [] if _may_read_passwords(server) else ["--no-role-passwords"]
                    yield iter(self._dumps(job, named, (snapshot, whole), dump))

    def span(self, server: Server, job: Job, parts: Sequence[Part]) -> Span:
        """Read it off the label and the manifest that pg_basebackup wrote into its archive."""
        watch = parts[0].watch
        if isinstance(watch, logical.DumpWatch):
            return Span(start=watch.position, stop=watch.position)
        if not isinstance(watch, TarWatch):
            raise TypeError(f"{parts[0].name} was not followed as an archive")
        label = watch.kept[LABEL].decode("utf-8", "replace")
        start, timeline = _START.search(label), _TIMELINE.search(label)
        ranges = json.loads(watch.kept[MANIFEST])["WAL-Ranges"]
        if not (start and timeline and ranges):
            raise StorageError("the backup does not say where in the log it begins and ends")
        return Span(
            start=Position(lsn=start[1], timeline=int(timeline[1])),
            stop=Position(lsn=ranges[-1]["End-LSN"], timeline=ranges[-1]["Timeline"]),
            extra={MANIFEST: watch.kept[MANIFEST]},
        )

    def left_behind(self, server: Server) -> list[str]:
        """Return walsenders and slots of earlier runs."""
        return [each.name for each in server.fetch(LEFT_BEHIND)]

    def _physical(self, server: Server, job: Job, env: dict[str, str]) -> Iterator[Part]:
        argv, watch = self._base(job), TarWatch(keep=(LABEL, MANIFEST))
        links = _links(server)
        if not links:
            argv += ["-D", "-"]
            required = (*_REQUIRED, (MANIFEST,))
            return iter([Part(name=BASE, argv=argv, env=env, watch=watch, required=required)])
        staging.require_room(job, server.fetch(CLUSTER)[0].size_bytes)
        base = Part(name=BASE, argv=argv, env=env, watch=watch, required=_REQUIRED)
        return staging.archives(job, base, links, manifest=MANIFEST)

    def _base(self, job: Job) -> list[str]:
        argv = [str(_program("pg_basebackup", job)), "-F", "tar", "-X", "fetch", "-c", "fast"]
        argv += ["-w", "-d", job.target.url, "-l", f"stockops {job.id}"]
        if job.kind == "incremental":
            parent = job.work / MANIFEST
            parent.write_bytes(job.base[MANIFEST])
            argv += [f"--incremental={parent}"]
        return argv

    def _dumps(
        self,
        job: Job,
        env: dict[str, str],
        asked: tuple[str, Sequence[str]],
        watch: logical.DumpWatch,
    ) -> list[Part]:
        snapshot, roles = asked
        dump = [str(_program("pg_dump", job)), "-F", "custom", "-Z", "0", "-w"]
        dump += [f"--snapshot={snapshot}", f"--lock-wait-timeout={_LOCK_MS}"]
        dump += ["-d", job.target.url]
        whole = [str(_program("pg_dumpall", job)), "--globals-only", "-w", *roles]
        whole += ["-d", job.target.url]
        return [
            Part(name=_TABLES, argv=dump, env=env, watch=watch),
            Part(name=_GLOBALS, argv=whole, env=env, ending=_DUMPED),
        ]


def _may_read_passwords(server: Server) -> bool:
    sql = "SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS may"
    return bool(server.rows(sql)[0]["may"])


def _require_summaries(server: Server, settings: dict[str, str]) -> None:
    if server.version < (17, 0):
        raise Unsupported(
            f"PostgreSQL {server.version[0]} has no incremental backups: 17 is the first that has",
            hint="Take a full one: stockops backup take --full",
        )
    if settings.get("summarize_wal") != "on":
        raise Refused(
            "summarize_wal is off, so the server cannot tell what changed since the last backup",
            hint="ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf(); then --full once.",
        )


def _links(server: Server) -> list[Link]:
    return [Link(name=each.name, path=each.path) for each in server.fetch(LINKS)]


def _program(name: str, job: Job) -> Path:
    return client_program(name, job.target)


def client_program(name: str, target: Target) -> Path:
    """Return a client program that is no older than the server: newer ones know older servers."""
    there = lab.find(target.lab) if target.lab else None
    directory = (
        there.programs
        if there
        else lab.ENGINES["postgresql"].find(version=None, directory=None).directory
    )
    program = directory / name
    if not program.is_file():
        raise ConfigError(
            f"there is no {name} in {str(directory)!r}",
            hint="Install the client programs of PostgreSQL beside the server's.",
        )
    return program


def version_of(program: Path) -> str:
    """Return what `program` says of its version."""
    ran = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    return ran.stdout.strip()
