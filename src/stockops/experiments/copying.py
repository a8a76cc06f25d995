"""A server of our own that holds a copy of somebody's data, and is gone at the end of the block."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .. import children
from .. import lab as labs
from ..backups import caches, restoring
from ..backups.keys import Identities
from ..backups.repository import Repository
from ..backups.restoring import Recovery
from ..engine import connect
from ..errors import ConfigError, Refused, Unsupported
from ..lab import Fill, Lab
from ..lab.account import Account
from ..queries import Query
from ..targets import Target

COPY_S = 6 * 3600.0
_PREPARE_MEMORY = "256M"
_OWN_MEMORY = {"shared_buffers", "innodb_buffer_pool_size"}  # as big as the machine of its source
# Nothing of the server's own accord while turns are compared, and no warmth kept over a restart.
_STILL: Mapping[str, Mapping[str, str]] = {
    "postgresql": {"autovacuum": "off", "auto_explain.log_min_duration": "-1"},
    "mariadb": {
        "innodb_buffer_pool_load_at_startup": "OFF",
        "innodb_buffer_pool_dump_at_shutdown": "OFF",
        "innodb_stats_auto_recalc": "OFF",
        "slow_query_log": "OFF",
    },
}


@dataclass(frozen=True, slots=True)
class PlannerSetting:
    """A setting that plans hang on."""

    name: str
    value: str
    is_default: bool


PLANNER = Query("experiments/planner", PlannerSetting)


@dataclass(frozen=True, slots=True)
class OwnSetting:
    """A setting that a server was given, by a file or while it ran."""

    name: str
    value: str


OWN = Query("experiments/own_settings", OwnSetting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A lab that is ours to spoil; `source` says in words what it is a copy of."""

    lab: Lab
    database: str
    source: str

    @property
    def engine(self) -> str:
        """The engine it runs."""
        return self.lab.engine

    @property
    def target(self) -> Target:
        """The database that was copied."""
        return Target(name=self.lab.name, url=self.lab.url(self.database), lab=self.lab.name)

    def restart(self) -> None:
        """Start the server anew, with none of the data in its memory nor in the system's."""
        labs.stop(self.lab)
        _forget(self.lab.data)
        labs.start(self.lab)


def planner(target: Target) -> list[PlannerSetting]:
    """Return the settings of `target` that plans hang on."""
    with connect(target) as server:
        return server.fetch(PLANNER)


def no_lab(name: str) -> Refused:
    """Return why nothing is copied from the target `name`."""
    return Refused(
        f"{name!r} is no lab, and no more than its settings are read from it",
        hint="Name a backup of it to work on: --backup last --repository DIRECTORY",
    )


@contextmanager
def of_lab(target: Target, *, still: bool = True) -> Iterator[Copy]:
    """
    Copy the lab that `target` is, file by file, while it works.

    With `still` its planner's settings go along, and the copy does nothing of its own accord; else
    all that it was set to goes along. Raises `Refused` where `target` is no lab: nothing is copied
    from other servers.
    """
    source = labs.find(target.lab) if target.lab else None
    if source is None:
        raise no_lab(target.name)
    if still:
        settings = {**_changed(planner(target), memory=True), **_STILL[source.engine]}
    else:
        settings = _own(source, target)

    def put(lab: Lab, account: Account) -> Mapping[str, str]:
        _FILES[source.engine](source, lab, account)
        return settings

    # A name of the source's own account is in its data; MariaDB's lab lets a guest in.
    owner = source.owner if source.engine == "postgresql" else None
    with labs.temporary(
        source.engine,
        version=source.version,
        bin_directory=source.programs,
        fill=Fill(put, owner=owner),
    ) as lab:
        yield Copy(lab=lab, database=target.database, source=f"the lab {source.name}")


@contextmanager
def of_backup(
    repo: Repository,
    recovery: Recovery,
    *,
    identities: Identities = (),
    bin_directory: Path | None = None,
    like: Target | None = None,
) -> Iterator[Copy]:
    """Restore `recovery`; the planner's settings are those of `like`, where one is named."""
    said = recovery.last
    if like is not None and like.engine != said.engine:
        raise ConfigError(
            f"{said.id} is of {said.engine}, and {like.name!r} is {like.engine}",
            hint="Name the target that the backup was taken of, or none.",
        )
    settings = _changed(planner(like), memory=False) if like is not None else {}
    phases = restoring.Phases()
    fill = restoring.filling(repo, recovery, identities=identities, phases=phases)
    room = caches.settings(said.engine, recovery.raw_bytes)
    with labs.temporary(
        said.engine,
        version=said.major,
        bin_directory=bin_directory,
        settings={**room, **settings, **_STILL[said.engine]},
        fill=fill,
    ) as lab:
        restoring.finish(lab, recovery, phases=phases)
        yield Copy(lab=lab, database=said.database, source=f"the backup {said.id}")


def _changed(found: list[PlannerSetting], *, memory: bool) -> dict[str, str]:
    return {
        each.name: each.value
        for each in found
        if not each.is_default and (memory or each.name not in _OWN_MEMORY)
    }


def _own(source: Lab, target: Target) -> dict[str, str]:
    """Return all that `source` was set to: in its option file, where it has one, and since."""
    found = {}
    file = source.directory / "my.cnf"
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        name, equals, value = line.partition(" = ")
        if equals and name != "init_file":  # that of its own start, where it is another's copy
            found[name] = value
    with connect(target) as server:
        return {**found, **{each.name: each.value for each in server.fetch(OWN)}}


def _postgresql(source: Lab, lab: Lab, account: Account) -> None:
    words: list[str | Path] = [source.programs / "pg_basebackup", "-D", lab.data, "-X", "stream"]
    words += ["-h", str(source.sockets), "-p", str(source.port or 5432), "-U", source.owner]
    _run([*words, "-c", "fast", "--no-sync", "--no-manifest"], lab, account)


def _mariadb(source: Lab, lab: Lab, account: Account) -> None:
    tool = source.programs.parent / "bin" / "mariadb-backup"
    if not tool.exists():
        raise Unsupported(
            "mariadb-backup is not installed, and it is what copies a server that works",
            hint="apt-get install mariadb-backup",
        )
    words: list[str | Path] = [tool, "--no-defaults", "--backup", f"--datadir={source.data}"]
    words += [f"--socket={source.socket}", f"--user={source.owner}", f"--target-dir={lab.data}"]
    _run(words, lab, account)
    words = [tool, "--no-defaults", "--prepare", f"--use-memory={_PREPARE_MEMORY}"]
    _run([*words, f"--target-dir={lab.data}"], lab, account)


_FILES = {"postgresql": _postgresql, "mariadb": _mariadb}


def _run(words: list[str | Path], lab: Lab, account: Account) -> None:
    path = os.environ.get("PATH", os.defpath)
    children.run(
        words,
        cwd=lab.data,
        log=lab.log_path,
        env={"PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC", "TMPDIR": str(lab.scratch)},
        within_s=COPY_S,
        switch=account.switch,
    )


def _forget(directory: Path) -> None:
    """Have the system drop what it keeps of the files; in a file system in memory it keeps them."""
    for path in directory.rglob("*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)
