"""``stockops backup find``: the place to restore to, read off the log."""

import dataclasses
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from .. import counts, render
from ..errors import ConfigError, Finding
from ..targets import Target
from . import options
from .backup_restore import identity, keys_of, opened, programs

if TYPE_CHECKING:
    from ..backups.finding import Found, Place

_STATEMENT_CHARACTERS = 120
_TABLES = 3
_UNKNOWN = 5  # that are told beside what was found


def _instant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """Return the instant that was typed; without an offset it is local time."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):  # the last hour of the year 9999 is none as UTC
        raise ConfigError(
            f"{value!r} is no time", hint="Write it as 2026-01-02T14:30:00+09:00."
        ) from None


@click.command("find")
@options.target_when_needed
@options.repository
@options.form
@click.option("--drop-table", "table", metavar="NAME", help="Who took this table away or emptied.")
@click.option("--statement", metavar="REGEX", help="MariaDB: a statement in which this is found.")
@click.option("--since", metavar="TIME", callback=_instant, help="Not before this moment.")
@click.option("--until", metavar="TIME", callback=_instant, help="Not after this moment.")
@click.option("--system", help="Of which system, where the repository holds several: or -t, if up.")
@identity
@programs
def find_command(place: str, form: render.Format, **asked: Any) -> None:
    """
    Find the place to restore to: just before a table was dropped, or a statement was run.

    Reads all the log that can be recovered from a backup. MariaDB's holds the statements, those
    that changed rows too: DROP, TRUNCATE, RENAME, CREATE OR REPLACE and ALTER ... DROP PARTITION
    are told apart. PostgreSQL's holds none: there a commit says which files went with it, and
    TRUNCATE looks like VACUUM FULL. With a time alone, everything that took a table away.

    Where the repository holds several systems, --system says which one, or -t a server of it that
    is up. Exits 1 where nothing is found, and says how far the log was read.

    \b
    Examples:
      stockops backup find --drop-table orders
      stockops backup find -t prod --drop-table orders
      stockops backup find --statement 'DELETE FROM orders' --since 2026-01-02T14:00+09:00
    """  # noqa: D301  click reads \b as a character
    from ..backups import finding, names  # noqa: PLC0415  other nouns need none of it

    repo = opened(place)
    wanted = finding.wanted(
        table=asked["table"] and names.as_typed(asked["table"]),
        statement=asked["statement"],
        since=asked["since"],
        until=asked["until"],
    )
    system = repo.one_system(asked["system"] or _system_of(asked["target"]))
    found = finding.find(
        repo,
        system,
        wanted,
        identities=keys_of(repo, asked),
        bin_directory=asked["bin_directory"],
    )
    several = f" --system {system}" if len(repo.systems()) > 1 else ""
    click.echo(_shown(found, form, several))
    if not found.places:
        later = "What came later is not archived yet"
        if found.first is None:
            later = "No log goes on from a backup, so nothing was read"
        elif found.gaps:
            later = "It may lie behind the gap, or is not archived yet"
        raise Finding(
            f"{found.looked_for} is not in the log, which was read {_extent(found)}",
            hint=f"{later}: stockops backup windows"
            + ("; what is unknown may be it." if found.unknown else ""),
        )


def _system_of(target: Callable[[], Target]) -> str | None:
    """Return the system that the target is; None where none was named."""
    from ..backups.archive.receiving import system_of  # noqa: PLC0415

    return system_of(target()) if options.was_said("target") else None


def _shown(found: "Found", form: render.Format, several: str) -> str:
    if form == "json":
        return render.json_of(dataclasses.asdict(found))
    lines: list[str] = []
    for place in found.places:
        lines += _told(place, several)
    told = found.unknown[-_UNKNOWN:] if found.places else found.unknown
    for place in told:
        lines.append("unknown: no backup names these files; a table made since may be among them")
        lines += _told(place, several, named=False)
    if earlier := len(found.unknown) - len(told):
        lines.append(
            f"{counts.of(earlier, 'earlier unknown one is', 'earlier unknown ones are')} left out: "
            "narrow it with --since"
        )
    lines += [f"note: {note}" for note in found.notes]
    if found.left_out:
        lines.append(
            f"{counts.of(found.left_out, 'earlier one is', 'earlier ones are')} left out: "
            "narrow it with --since"
        )
    lines.append(f"{len(found.places)} found; the log was read {_extent(found)}")
    return "\n".join(lines)


def _told(place: "Place", several: str, *, named: bool = True) -> list[str]:
    """Return what is known of one place, and the command that restores to just before it."""
    at = place.at.astimezone(UTC).isoformat(sep=" ").replace("+00:00", " UTC")
    lines = [f"{at}  {place.what} {', '.join(place.tables)}".rstrip()]
    if place.statement:
        said = " ".join(place.statement.split())
        cut = said if len(said) <= _STATEMENT_CHARACTERS else said[:_STATEMENT_CHARACTERS] + "..."
        lines.append(f"  said    {cut}")
    if place.gtid:
        by = f", by {place.user}" if place.user else ""
        lines.append(f"  where   {place.file}:{place.offset}, gtid {place.gtid}{by}")
    else:
        lines.append(f"  where   the commit at {place.lsn} of transaction {place.xid}")
    if place.note:
        lines.append(f"  note    {place.note}")
    lines.append(f"  before  stockops backup restore --to {place.aim} --lab rescued{several}")
    for table in place.alone[:_TABLES] if named else ():
        alone = f"--table {shlex.quote(table)} -t TARGET{several}"
        lines.append(f"  alone   stockops backup restore --to {place.aim} {alone}")
    return lines


def _extent(found: "Found") -> str:
    if found.first is None:
        return "nowhere: there is none after a backup"
    until = f"{found.read_until:%Y-%m-%d %H:%M:%S} UTC" if found.read_until else "its beginning"
    many = counts.of(found.transactions, "transaction")
    return f"from {found.first} to {found.last}, up to {until}, {many}"
