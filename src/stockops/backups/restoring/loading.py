"""
A dump goes into an empty database, with the roles and users that it names.

One session reads it, in one transaction where the engine has one for DDL; the first error ends it,
and every byte is held against what was stored.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ... import children, counts, numbering, scratch
from ... import lab as labs
from ...engine import connect
from ...errors import Refused, ServerError, StorageError
from ...lab import Lab
from ...plan import Step
from ...targets import Target
from .. import credentials, hashing
from ..keys import Identities
from ..manifest import File, Manifest
from ..mariadb import program
from ..repository import Backup, Repository
from .objects import reading
from .planning import manifest_of, predicted
from .tools import TOOL_S, Phases

_SMALL_BYTES = 64 << 20
_ROLE = re.compile(r'^(?:CREATE|ALTER) ROLE (?P<name>"(?:[^"]|"")*"|\S+?)(?:;| )')
_NAMED = re.compile(r"^(?:CREATE|ALTER|COMMENT ON|GRANT .* ON) TABLESPACE ")
# Grants on a database, a table or a routine that this dump does not hold.
_ELSEWHERE = frozenset({"1049", "1146", "1305"})
_ERROR = re.compile(r"^ERROR (\d+) ", re.MULTILINE)


def load(
    repo: Repository,
    backup: Backup,
    lab: Lab,
    *,
    identities: Identities = (),
    phases: Phases | None = None,
) -> Target:
    """
    Load the dump `backup` into `lab`, into the database of its name, and return that.

    The database is made; if it is there it must be empty. Tablespaces become the lab's own, and a
    role that the lab has already stays as it is.
    """
    said = manifest_of(backup)
    if said.method != "logical":
        raise Refused(f"{said.id} is no dump: it is restored as a whole server")
    if said.engine != lab.engine:
        raise Refused(f"{said.id} is of {said.engine}, and the lab is {lab.engine}")
    target = Target(name=lab.name, url=lab.url(said.database), lab=lab.name)
    loading = _Loading(repo, backup, lab, target, identities)
    phases = phases or Phases()
    phases.rest("start")
    with phases.of("load"), scratch.directory("load") as work, labs.telling_full(lab.name):
        if lab.engine == "postgresql":
            _postgresql(loading, said, work)
        else:
            _mariadb(loading, said, work)
    numbering.leave_gap(lab.engine, lab.url)
    return target


def require_room(dump: Backup, *, new: bool) -> None:
    """Raise `NoRoom` where a lab, a `new` one or another, cannot hold what `dump` does."""
    said = manifest_of(dump)
    labs.require_room(
        said.raw_bytes, why=f"what {dump.id} holds", new_of=said.engine if new else None
    )


def predicted_of(repo: Repository, dump: Backup) -> float:
    """Return how long it takes to make a server and to load `dump` into it."""
    raw_bytes = manifest_of(dump).raw_bytes
    return predicted(repo, [dump], raw_bytes, among=repo.backups(dump.system))


def steps(repo: Repository, backup: Backup, lab_name: str) -> list[Step]:
    """Return what `load` would do."""
    said = manifest_of(backup)
    return [
        Step(
            action=f"load {said.id}",
            why=f"{said.raw_bytes >> 20:,} MB, each byte checked, into {said.database!r} of the "
            f"lab {lab_name}, which must be empty",
        ),
        Step(
            action="add the roles or users that are not there",
            why=f"those that are stay; about {predicted_of(repo, backup):.0f} s in all",
        ),
    ]


class _Loading:
    """What is loaded, and where to."""

    def __init__(
        self, repo: Repository, backup: Backup, lab: Lab, target: Target, identities: Identities
    ) -> None:
        self.backup = backup
        self.lab = lab
        self.target = target
        self._repo = repo
        self._identities = identities

    @contextmanager
    def stream(self, said: Manifest, name: str) -> Iterator[Iterator[bytes]]:
        """Give the raw bytes of the object `name`, and check at the end that they were whole."""
        file = _file(said, name)
        with reading(self._repo, self.backup, file, self._identities) as reader:
            yield reader.chunks()
            reader.check(sha256=file.sha256, raw_bytes=file.raw_bytes)

    def small(self, said: Manifest, name: str) -> bytes:
        """Return the whole object `name`."""
        with self.stream(said, name) as chunks:
            found = bytearray()
            for chunk in chunks:
                found += chunk
                if len(found) > _SMALL_BYTES:
                    raise StorageError(f"{name!r} of {said.id} is larger than any list of users")
        return bytes(found)


def _postgresql(loading: _Loading, said: Manifest, work: Path) -> None:
    lab = loading.lab
    with connect(lab.url("postgres")) as admin:
        roles = {row["name"] for row in admin.rows("SELECT rolname AS name FROM pg_roles")}
        there = {row["name"] for row in admin.rows("SELECT datname AS name FROM pg_database")}
        if said.database not in there:
            quoted = said.database.replace('"', '""')
            admin.execute(f'CREATE DATABASE "{quoted}" TEMPLATE template0')
    _require_empty(loading.target)
    missing = "".join(_without(loading.small(said, "globals.sql").decode(), roles))
    psql: list[str | Path] = [
        lab.programs / "psql",
        "-X",
        "-q",
        "-w",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
    ]
    psql.append(lab.url("postgres"))
    _feed(psql, iter([missing.encode()]), work, lab.log_path)
    argv: list[str | Path] = [lab.programs / "pg_restore", "-1", "-e", "-w", "--no-tablespaces"]
    with loading.stream(said, "dump.pgc") as chunks:
        _feed([*argv, "-d", loading.target.url], chunks, work, lab.log_path)


def _without(text: str, roles: set[str]) -> Iterator[str]:
    """Leave out the roles that are there, and tablespaces: the source may run where they point."""
    for line in text.splitlines(keepends=True):
        found = _ROLE.match(line)
        known = found is not None and _plain(found["name"]) in roles
        if not known and not _NAMED.match(line):
            yield line


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _mariadb(loading: _Loading, said: Manifest, work: Path) -> None:
    with connect(loading.lab.url("mysql")) as admin:
        there = {row["Database"] for row in admin.rows("SHOW DATABASES")}
        admin.execute("SET GLOBAL max_allowed_packet = 1073741824")
    if said.database in there:
        _require_empty(loading.target)
    owner = Target(name=loading.lab.name, url=loading.lab.url("mysql"), lab=loading.lab.name)
    with credentials.option_file(owner, work) as options:
        client = [program("mariadb"), f"--defaults-file={options}", "--max-allowed-packet=1G"]
        client += ["--default-character-set=utf8mb4", "--init-command=SET SESSION sql_log_bin = 0"]
        with loading.stream(said, "dump.sql") as chunks:
            _feed(client, chunks, work, loading.lab.log_path)
        # After the tables, which its grants name.
        users, log = loading.small(said, "users.sql"), work / "users.log"
        try:
            _feed([*client, "--force"], iter([users]), work, log)
        except ServerError:
            met = set(_ERROR.findall(log.read_text("utf-8", "replace")))
            if not met or not met <= _ELSEWHERE:
                raise


def _require_empty(target: Target) -> None:
    with connect(target) as server:
        found = list(hashing.tables(server))
    if found:
        raise Refused(
            f"the database {target.database!r} holds {counts.of(len(found), 'table')}, "
            f"{found[0]!r} among them",
            hint="Load into an empty lab: stockops lab up --name restored",
        )


def _file(said: Manifest, name: str) -> File:
    for file in said.files:
        if file.name == name or file.name.startswith(f"{name}."):
            return file
    raise StorageError(f"{said.id} does not hold {name!r}")


def _feed(argv: Sequence[str | Path], chunks: Iterator[bytes], work: Path, log: Path) -> None:
    """Run `argv` with `chunks` to read; raise `ServerError` where it does not end well."""
    child = children.start(argv, cwd=work, log=log, env=credentials.environment(), pipes="w")
    try:
        for chunk in chunks:
            with suppress(BrokenPipeError):  # it has ended, and its code says why
                child.stdin.write(chunk)
        with suppress(BrokenPipeError):
            child.stdin.close()
        child.finish(within_s=TOOL_S)
    finally:
        child.end()
