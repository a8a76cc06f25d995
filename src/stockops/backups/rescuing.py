"""
One table as it was, brought back beside the live one, and what differs between the two.

The backup is restored to the moment into a private lab. There the table is copied under its new
name, without foreign keys and triggers, which would reach for what is live; the engine's own dump
carries it over. It gets its name in the target only when it is whole.

Where the live one is gone, and its own name is wanted, it comes back with all that was its own.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .. import lab, scratch
from ..engine import connect
from ..engine.base import Server
from ..errors import ConfigError, Refused, ServerError
from ..lab import Lab
from ..plan import Consent, Step, check_named
from ..targets import Target
from . import credentials, names, restoring, rights
from .differing import Difference, count, difference
from .finding import waldump
from .keys import Identities
from .mariadb import program
from .questions import LED_HERE, PARTS, PLACE_OF_PART, TABLE, UNFIT, TableColumn
from .repository import Repository
from .restoring import Phases, Recovery, filling, finish
from .restoring.tools import pipe

_NAME_MAX = {"postgresql": 63, "mariadb": 64}  # bytes, characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    The table that is wanted back, and the name it gets in `target`.

    `space` is its schema, if that was said; of MariaDB, it is the database that `target` names.
    """

    table: str
    name: str
    target: Target
    space: str | None = None
    consent: Consent = field(default_factory=Consent)

    @property
    def whole(self) -> bool:
        """Whether it takes its own place: with its foreign keys, its triggers and its rights."""
        return self.name == self.table

    @property
    def title(self) -> str:
        """The table, as it was named."""
        return f"{self.space}.{self.table}" if self.space else self.table


def require_room(recovery: Recovery, wish: Wish) -> None:
    """Raise what stands in the way, before anything is restored."""
    engine = recovery.last.engine
    if wish.target.engine != engine:
        raise ConfigError(
            f"{wish.title!r} is of {engine}, and {wish.target.name!r} is {wish.target.engine}",
            hint="Name a target of the same engine with -t.",
        )
    if engine == "mariadb" and wish.space not in {None, wish.target.database}:
        raise ConfigError(
            f"{wish.title!r} is of another database than {wish.target.name!r}, which leads to "
            f"{wish.target.database!r}",
            hint=f"Name a target in -t whose URL ends with /{wish.space}",
        )
    restoring.require_room(recovery)
    length = len(wish.name.encode() if engine == "postgresql" else wish.name)
    if not 0 < length <= _NAME_MAX[engine]:
        raise ConfigError(f"{wish.name!r} is no name for a table: it has {length} characters")
    with connect(wish.target) as server:
        if server.fetch(TABLE, name=wish.name, space=wish.space):
            raise Refused(
                f"there is a table {wish.name!r} in {wish.target.name!r} already",
                hint=f"Take another name: --as {wish.name}_2",
            )
        _require_rights(server, wish)
        if wish.whole:
            _require_parent(server, recovery, wish)
            _require_owner(server, recovery, wish)


def _require_rights(server: Server, wish: Wish) -> None:
    """Raise `Refused` where the role lacks a right, which would be found out at the end."""
    lacking = rights.to_rescue(server, table=wish.table, space=wish.space)
    if lacking:
        named = " and ".join(f"{each.needed} on {each.place}" for each in lacking)
        raise Refused(
            f"the role that {wish.target.name!r} names may not bring a table there: it lacks "
            f"{named}",
            hint=rights.hint(server),
        )


def _require_parent(server: Server, recovery: Recovery, wish: Wish) -> None:
    """Raise `Refused` where what the table is a partition of is gone, too."""
    for relation in recovery.last.relations.values():
        parent = waldump.parent(relation)
        space, name = waldump.parts(relation)
        if parent is None or name != wish.table or wish.space not in {None, space}:
            continue
        if not server.fetch(TABLE, space=parent[0], name=parent[1]):
            raise Refused(
                f"{wish.title!r} is a partition of {'.'.join(parent)}, which is gone, too",
                hint=f"Bring that back: --table {names.typed(*parent)}",
            )


def _require_owner(server: Server, recovery: Recovery, wish: Wish) -> None:
    """Raise `Refused` where the role cannot make the table its owner's again, if that is known."""
    parents = {
        waldump.parts(each): parent
        for each in recovery.last.relations.values()
        if (parent := waldump.parent(each)) is not None
    }
    owners = {waldump.parts(name): owner for name, owner in recovery.last.owners.items()}
    for space, name in owners:
        if name != wish.table or wish.space not in {None, space}:
            continue
        whole = (space, name)
        mine = {owner for table, owner in owners.items() if whole in {table, parents.get(table)}}
        _, parent_name = parents.get(whole, (space, None))
        unfit = server.fetch(UNFIT, names=sorted(mine), space=space, name=parent_name)
        if unfit:
            raise Refused(
                f"{wish.title!r} cannot go back into its own place: "
                + "; ".join(each.why for each in unfit),
                hint=f"Name its owner or a superuser in -t; or bring it back beside: --as {name}_2",
            )


def steps(recovery: Recovery, wish: Wish) -> list[Step]:
    """Return what `rescue` would do."""
    if wish.whole:
        return [
            *recovery.steps("a temporary lab"),
            Step(
                action=f"dump {wish.title} into {wish.target.name}",
                why="with its foreign keys, triggers and rights; it gets its name when it is whole",
            ),
        ]
    return [
        *recovery.steps("a temporary lab"),
        Step(
            action=f"copy {wish.title} there, as {wish.name}",
            why="columns, checks and indexes; no foreign keys, no triggers",
        ),
        Step(
            action=f"dump it into {wish.target.name}",
            why="it gets its name when it is whole; nothing that is there is changed",
        ),
        Step(action=f"compare it with {wish.title}", why="in one snapshot, by the primary key"),
    ]


def rescue(
    repo: Repository,
    recovery: Recovery,
    wish: Wish,
    *,
    identities: Identities = (),
    bin_directory: Path | None = None,
    phases: Phases | None = None,
) -> Difference:
    """Bring the table back as `wish` says, and return how it differs from the live one."""
    target = wish.target
    check_named(
        f"the rescue of {wish.title!r}",
        target=target.name,
        protected=target.protected,
        consent=wish.consent,
    )
    require_room(recovery, wish)
    phases = phases or Phases()
    said = recovery.last
    fill = filling(repo, recovery, identities=identities, phases=phases)
    with lab.temporary(
        said.engine, version=said.major, bin_directory=bin_directory, fill=fill
    ) as copy:
        finish(copy, recovery, phases=phases)
        database = _database(copy, target.database, said.database)
        with phases.of("carry over"), scratch.directory("rescue") as work:
            columns, notes = _COPIES[said.engine](copy, database, wish, work)
    with phases.of("compare"), connect(target) as server:
        prefix = f"{columns[0].space}." if server.engine == "postgresql" else ""
        fresh = f"{prefix}{_quoted(server.engine, wish.name)}"
        if wish.whole:
            return Difference(rescued_rows=count(server, f"{fresh} AS r"), notes=notes)
        return difference(server, fresh, columns, table=wish.table, space=wish.space, notes=notes)


def _database(copy: Lab, *wanted: str) -> str:
    """Return the first of the databases `wanted` that there is."""
    for name in wanted:
        with suppress(ConfigError), connect(copy.url(name)):
            return name
    raise ConfigError(f"the backup holds no database {wanted[0]!r}", hint="Name a target with -t.")


def _columns(server: Server, wish: Wish) -> list[TableColumn]:
    """Return the columns of the table in a restored copy, which must have it."""
    columns = server.fetch(TABLE, name=wish.table, space=wish.space)
    sources = sorted({column.source for column in columns})
    if len(sources) == 1:
        return columns
    raise ConfigError(
        f"{wish.title!r} means {len(sources)} tables at that moment: "
        f"{', '.join(sources) or 'none'}",
        hint="Write it with its schema: --table public.orders."
        if sources
        else "See when it went: stockops backup find --drop-table NAME",
    )


def _postgresql(
    copy: Lab, database: str, wish: Wish, work: Path
) -> tuple[list[TableColumn], list[str]]:
    here = copy.url(database)
    with connect(here) as server:
        columns = _columns(server, wish)
        source = columns[0].source
        if wish.whole:
            tables = [word for each in _parts(server, source, wish) for word in ("-t", each)]
            _carry(copy, wish, work, [*tables, "-d", here], then=_detach(server, source))
            led_here = server.fetch(LED_HERE, name=source)
            return columns, [f"gone with it: {each.said}" for each in led_here]
        fresh = f"{columns[0].space}.{_quoted(server.engine, wish.name)}"
        if server.fetch(
            TABLE, name=wish.name, space=wish.space
        ):  # it was made later than the live one lost it
            server.execute(f"DROP TABLE {fresh} CASCADE")
        server.execute(f"CREATE TABLE {fresh} (LIKE {source} INCLUDING ALL)")
        counting = [column for column in columns if column.from_sequence]
        for column in counting:
            server.execute(f"ALTER TABLE {fresh} ALTER COLUMN {column.quoted} DROP DEFAULT")
        named = _stored(columns)
        server.execute(
            f"INSERT INTO {fresh} ({named}) OVERRIDING SYSTEM VALUE SELECT {named} FROM {source}"  # noqa: S608
        )
    _carry(copy, wish, work, ["--no-owner", "--no-privileges", "-t", fresh, "-d", here])
    return columns, [f"{each.name} has no default: a sequence was behind it" for each in counting]


def _parts(server: Server, source: str, wish: Wish) -> list[str]:
    """Return the table `source` and its partitions; raise `Refused` for a view and the like."""
    found = [each.source for each in server.fetch(PARTS, name=source)]
    if not found:
        raise Refused(
            f"{wish.title!r} is no table, and cannot be brought back in its own place",
            hint=f"Bring its rows back beside it: --as {wish.name}_before",
        )
    return found


def _detach(server: Server, source: str) -> list[str]:
    """Make a table of its own of a partition; return the SQL that makes it one again."""
    again = []
    for each in server.fetch(PLACE_OF_PART, name=source):
        server.execute(f"ALTER TABLE {each.parent} DETACH PARTITION {source}")
        again.append(f"ALTER TABLE {each.parent} ATTACH PARTITION {source} {each.bound}")
    return again


def _carry(
    copy: Lab, wish: Wish, work: Path, what: Sequence[str], *, then: Sequence[str] = ()
) -> None:
    """Dump `what` from the copy into the target, and run `then` there: whole or not at all."""
    dump: list[str | Path] = [copy.programs / "pg_dump", "-w"]
    dump += ["--no-tablespaces", "--no-publications", "--no-security-labels", *what]
    psql: list[str | Path] = [copy.programs / "psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1"]
    psql += [
        "-1",
        "-d",
        wish.target.url,
        "-f",
        "-",
        *(word for sql in then for word in ("-c", sql)),
    ]
    with credentials.pgpass(wish.target, work) as env:
        pipe(dump, psql, cwd=work, log=work / "tool.log", env=env)


def _mariadb(
    copy: Lab, database: str, wish: Wish, work: Path
) -> tuple[list[TableColumn], list[str]]:
    staged = f"stockops_rescue_{secrets.token_hex(6)}"
    here = Target(name=copy.name, url=copy.url(database), lab=copy.name)
    with connect(here) as server:
        columns = _columns(server, wish)
        source, named = columns[0].source, _stored(columns)
        # What was accepted once is accepted again, whatever the checks and modes are now.
        server.execute(
            "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', check_constraint_checks = 0"
        )
        if wish.whole:
            server.execute(f"RENAME TABLE {source} TO {staged}")
        else:
            server.execute(f"CREATE TABLE {staged} LIKE {source}")
            server.execute(f"INSERT INTO {staged} ({named}) SELECT {named} FROM {source}")  # noqa: S608
    for side in ("copy", "live"):
        (work / side).mkdir()
    name = _quoted("mariadb", wish.name)
    with (
        credentials.option_file(here, work / "copy") as theirs,
        credentials.option_file(wish.target, work / "live") as ours,
        connect(wish.target) as live,
    ):
        common = ["--default-character-set=utf8mb4", "--max-allowed-packet=1G"]
        dump = [program("mariadb-dump"), f"--defaults-file={theirs}", *common, "--hex-blob"]
        dump += ["--single-transaction", "--skip-add-drop-table", "--skip-add-locks"]
        dump += ["--triggers" if wish.whole else "--skip-triggers"]
        client = [program("mariadb"), f"--defaults-file={ours}", *common]
        client += ["--init-command=SET SESSION check_constraint_checks = 0"]
        try:
            pipe(
                [*dump, database, staged],
                [*client, wish.target.database],
                cwd=work,
                log=work / "tool.log",
                env=credentials.environment(),
            )
            live.execute(f"RENAME TABLE {staged} TO {name}")
        except BaseException:
            with suppress(ServerError):
                live.execute(f"DROP TABLE IF EXISTS {staged}")
            raise
    return columns, []


_COPIES = {"postgresql": _postgresql, "mariadb": _mariadb}


def _stored(columns: Sequence[TableColumn]) -> str:
    return ", ".join(column.quoted for column in columns if not column.generated)


def _quoted(engine: str, name: str) -> str:
    mark = '"' if engine == "postgresql" else "`"
    return mark + name.replace(mark, mark * 2) + mark
