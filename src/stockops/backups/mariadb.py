"""MariaDB, backed up by mariadb-backup and mariadb-dump."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..engine.base import Server
from ..errors import ConfigError, Fault, Refused, ServerError, StorageError
from . import credentials, logical
from .manifest import Kind, Link, Method, Position
from .members import MbstreamWatch
from .questions import CLUSTER, LEFT_BEHIND, LEFT_OUT, LINKS, SETTINGS, TABLESPACES
from .sources import Ground, Job, Part, Span

# Releases before 11 give these files the names that they had in another program.
_CHECKPOINTS = ("mariadb_backup_checkpoints", "xtrabackup_checkpoints")
_INFO = ("mariadb_backup_info", "xtrabackup_info")
_REQUIRED = (("ibdata1",), ("backup-my.cnf",), ("aria_log_control",))
# The server's own tables, whose pages Aria keeps in memory. mariadb-backup copies their files and
# later Aria's log; a checkpoint in between leaves out of the log what the files had not got, and
# CHECK TABLE finds "89 keys of 50" in what comes back. A table that is flushed has got it all.
_IN_ARIA = tuple(
    f"mysql.{name}"
    for name in (
        *("proc", "event", "func", "plugin", "servers"),
        *("global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv"),
        *("roles_mapping", "table_stats", "column_stats", "index_stats"),
    )
)
_VALUE = re.compile(r"^(\w+) = (.*)$", re.MULTILINE)
_BINLOG = re.compile(
    r"filename '([^']*)', position '(\d+)'(?:, GTID of the last change '([^']*)')?"
)
_DUMP = "dump.sql"
_USERS = "users.sql"
_DUMPED = b"-- Dump completed"
_MEANS: Mapping[Method, str] = {
    "physical": "who writes to it waits while it is copied",
    "logical": "its rows are those of another moment",
}
_PACKET = "1G"  # the most there is: a row is one packet


class MariaDB:
    """How MariaDB is backed up."""

    def survey(self, server: Server, method: Method, kind: Kind) -> Ground:
        """Look the server over."""
        try:
            cluster = server.fetch(CLUSTER)[0]
        except (ServerError, IndexError) as exc:
            if isinstance(exc, ServerError) and exc.fault is Fault.DENIED:
                raise
            raise Refused(
                "this database has no identity by which its backups could be told from others'",
                hint="It is a row that the schema makes: stockops migrate up",
            ) from exc
        settings = {each.name: each.value for each in server.fetch(SETTINGS)}
        if method == "physical":
            _require_readable(Path(settings["datadir"]))
        left_out = [each for each in server.fetch(LEFT_OUT) if each.dumped or method == "physical"]
        notes = [f"{each.name}: {each.why}: {_MEANS[method]}" for each in left_out]
        if settings["innodb_checksum_algorithm"] == "none":
            notes.append("page checksums are off: that a page is as it was written is not proven")
        if settings["log_bin"] != "ON":
            notes.append("the binary log is off: nothing after this backup can be brought back")
        elif settings["sync_binlog"] != "1" or settings["innodb_flush_log_at_trx_commit"] != "1":
            notes.append("logs are not synced at commit: this server can lose what it confirmed")
        return Ground(
            system=cluster.system,
            version=cluster.version,
            settings=settings,
            links=[Link(name=each.name, path=each.path) for each in server.fetch(LINKS)],
            size_bytes=cluster.size_bytes,
            log_bytes=cluster.log_bytes,
            notes=notes,
            loose=[each.name for each in left_out] if method == "logical" else [],
        )

    @contextmanager
    def parts(self, server: Server, job: Job) -> Iterator[Iterator[Part]]:
        """Give the streams."""
        with credentials.option_file(job.target, job.work) as options:
            if job.method == "physical":
                yield iter([self._base(server, job, options)])
            else:
                with logical.mariadb(server, job.target) as watch:
                    yield iter(self._dumps(job, options, watch))

    def span(self, server: Server, job: Job, parts: Sequence[Part]) -> Span:
        """Read it off what the tool wrote beside its stream."""
        watch = parts[0].watch
        if isinstance(watch, logical.DumpWatch):
            return Span(start=watch.position, stop=watch.position)
        if not isinstance(watch, MbstreamWatch):
            raise TypeError(f"{parts[0].name} was not followed as a stream")
        checkpoints = _values(watch.kept, _CHECKPOINTS)
        info = _values(watch.kept, _INFO)
        binlog = _BINLOG.search(info.get("binlog_pos", ""))
        start = Position(lsn=checkpoints["from_lsn"])
        stop = Position(
            lsn=checkpoints["to_lsn"],
            file=binlog[1] if binlog else None,
            offset=int(binlog[2]) if binlog else None,
            gtid=binlog[3] if binlog else None,
        )
        return Span(start=start, stop=stop)

    def left_behind(self, server: Server) -> list[str]:
        """Return sessions of the tools."""
        return [each.name for each in server.fetch(LEFT_BEHIND)]

    def _base(self, server: Server, job: Job, options: Path) -> Part:
        directory = job.work / "stream"
        directory.mkdir()
        server.execute(f"FLUSH NO_WRITE_TO_BINLOG TABLES {', '.join(_IN_ARIA)}")
        argv = [program("mariadb-backup"), f"--defaults-file={options}", "--backup"]
        argv += ["--stream=mbstream", f"--target-dir={directory}"]
        if job.kind == "incremental":
            if job.position is None or job.position.lsn is None:
                raise StorageError(f"the backup {job.parent!r} does not say where it ended")
            argv.append(f"--incremental-lsn={job.position.lsn}")
        watch = MbstreamWatch(keep=(*_CHECKPOINTS, *_INFO))
        files = [PurePosixPath(each.path) for each in server.fetch(TABLESPACES)]
        tables = [_stored_as(each) for each in files if each.suffix == ".ibd"]
        return Part(
            name="base.mbs",
            argv=argv,
            env=credentials.environment(),
            watch=watch,
            required=[*([] if job.kind == "incremental" else _REQUIRED), *tables],
        )

    def _dumps(self, job: Job, options: Path, watch: logical.DumpWatch) -> list[Part]:
        common = [program("mariadb-dump"), f"--defaults-file={options}"]
        common += ["--default-character-set=utf8mb4", f"--max-allowed-packet={_PACKET}"]
        dump = [*common, "--single-transaction", "--dump-history"]
        dump += ["--master-data=2", "--gtid"] if watch.position.file else []
        dump += ["--routines", "--events", "--triggers", "--hex-blob"]
        dump += ["--databases", job.target.database]
        # So that whoever is there already keeps his password and his rights.
        users = [*common, "--system=users", "--insert-ignore"]
        env = credentials.environment()
        return [
            Part(name=_DUMP, argv=dump, env=env, watch=watch, ending=_DUMPED),
            Part(name=_USERS, argv=users, env=env, ending=_DUMPED),
        ]


def _stored_as(path: PurePosixPath) -> list[str]:
    """
    Return the names that a tablespace may have in a backup.

    One that was made or rebuilt since the last checkpoint is "new", and --prepare puts it in its
    place; of an incremental backup it is a file of what changed.
    """
    inside = PurePosixPath(*path.parts[-2:])  # wherever it is: the backup has it in its database
    bare = str(inside.with_suffix("")).removeprefix("./")
    return [f"{bare}{ending}" for ending in (".ibd", ".new", ".ibd.delta", ".new.delta")]


def program(name: str) -> str:
    """Return where the client program `name` is."""
    found = shutil.which(name, path="/usr/bin:/usr/local/bin:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ConfigError(
            f"there is no {name} on this machine", hint=f"apt-get install {_package(name)}"
        )
    return found


def _package(name: str) -> str:
    return "mariadb-backup" if name in {"mariadb-backup", "mbstream"} else "mariadb-client"


def _require_readable(directory: Path) -> None:
    try:
        next(directory.iterdir(), None)
    except OSError as exc:
        raise Refused(
            f"mariadb-backup reads the server's files, and {str(directory)!r} cannot be read here: "
            f"{exc.strerror}",
            hint="Run it on the server's machine as a user who may, or take a --logical backup.",
        ) from None


def _values(kept: Mapping[str, bytes], names: Sequence[str]) -> dict[str, str]:
    for name in names:
        if name in kept:
            return dict(_VALUE.findall(kept[name].decode("utf-8", "replace")))
    raise StorageError(f"the backup holds none of {', '.join(names)}")
