"""``stockops backup restore``: a whole system as a new lab, or one table beside the live one."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import counts, render, targets
from ..errors import ConfigError
from ..plan import Consent
from . import backupview, options, paths

if TYPE_CHECKING:
    from ..backups.differing import Difference
    from ..backups.keys import Identities
    from ..backups.repository import Backup, Repository
    from ..backups.rescuing import Wish
    from ..backups.restoring import Place, Recovery


def _read_keys(
    _ctx: click.Context, _param: click.Parameter, value: tuple[Path, ...]
) -> "Identities":
    """Return the secret keys that were named. They are read once: one may be a pipe."""
    if not value:
        return ()
    from ..backups import keys  # noqa: PLC0415

    return keys.identities(value)


identity = click.option(
    "--identity",
    "identities",
    multiple=True,
    type=paths.Named(),
    callback=_read_keys,
    help="A file with the secret key of age or SSH; repeat.",
)
programs = click.option(
    "--bin",
    "bin_directory",
    type=paths.Named(file_okay=False),
    help="The server's programs to do it with, where they are not the usual ones.",
)


@click.command("restore")
@options.config
@options.repository
@options.form
@options.plan_only
@options.consent
@click.option("--to", "moment", default="end", show_default=True, help="The moment: see below.")
@click.option("--from", "name", metavar="BACKUP", help="Begin with this backup, not the best one.")
@click.option("--system", help="Of which system, where the repository holds several.")
@click.option("--lab", "lab_name", metavar="NAME", help="The new lab to restore into.")
@click.option(
    "--directory",
    type=paths.Named(file_okay=False, resolve_path=True),
    help="The new data directory to restore into; nobody starts a server there.",
)
@click.option(
    "--in-place",
    is_flag=True,
    help="Take the place of the data of that lab or directory, which are kept aside.",
)
@click.option("--table", metavar="NAME", help="Bring back this table alone, beside the live one.")
@click.option("--as", "new_name", metavar="NAME", help="What it is called then; else its name.")
@click.option("-t", "--target", "asked_target", metavar="NAME|URL", help="Where that table goes.")
@identity
@programs
@click.pass_context
def restore_command(
    ctx: click.Context,
    /,
    place: str,
    form: render.Format,
    plan_only: bool,
    consent: Consent,
    moment: str,
    **asked: Any,
) -> None:
    """
    Bring a system back to a moment, as a new lab that is up and archives nothing.

    \b
    The moment is one of:
      end                       all the log there is without a gap
      backup                    the end of the backup, without any log
      2026-01-02T14:30:00+09:00 a time; without an offset it is local time
      lsn:0/3000028  xid:1234  name:POINT        PostgreSQL; on timeline 2: lsn:0/3000028@2
      gtid:0-1-583   file:binlog.000003:4711     MariaDB
      before:lsn:..., before:xid:..., before:gtid:...

    A moment outside the windows that are proven is refused, and so is the end of a log that goes on
    behind a gap. In place, what the stopped server logged last and the archive has not yet is taken
    along, and an end before its end is refused.

    With --table, one table as it was then goes into the target under a new name, and what differs
    from the live one is counted. Where that is gone, and --as is left out, it comes back in its own
    place, with its foreign keys, triggers and rights. A dump is loaded into a lab, new or empty.

    \b
    Examples:
      stockops backup restore --to 2026-01-02T14:29:59+09:00 --plan
      stockops backup restore --to before:gtid:0-1-583 --lab rescued
      stockops backup restore --directory /var/lib/postgresql/18/new
      stockops backup restore --lab prod --in-place --yes
      stockops backup restore --to before:gtid:0-1-583 --table orders --as orders_1430 -t prod
      stockops backup restore --to before:lsn:0/41B9F48 --table trades -t prod
    """  # noqa: D301  click reads \b as a character
    repo = opened(place)
    how = (form, plan_only, consent)
    if (dump := dump_of(repo, moment, asked["name"], asked["system"])) is not None:
        _load(repo, dump, asked, how)
        return
    if asked["table"] or asked["new_name"] is not None:
        _rescue(ctx, repo, recovery_of(repo, moment, asked["name"], asked), asked, how)
    elif asked["directory"] or asked["in_place"]:
        _place(ctx, repo, moment, asked, how)
    else:
        _restore(repo, recovery_of(repo, moment, asked["name"], asked), asked, how)


def _restore(
    repo: "Repository",
    recovery: "Recovery",
    asked: dict[str, Any],
    how: tuple[render.Format, bool, Consent],
) -> None:
    from .. import lab  # noqa: PLC0415
    from ..backups import restoring  # noqa: PLC0415

    form, plan_only, _ = how
    restoring.require_room(recovery)
    if asked["lab_name"]:
        lab.require_new(asked["lab_name"])
    if plan_only:
        click.echo(render.rows(recovery.steps(f"the lab {asked['lab_name'] or 'NAME'}"), form))
        return
    if not asked["lab_name"]:
        raise ConfigError(
            "there is no place named to restore into",
            hint="Give --lab NAME for a new lab, --directory DIR for a data directory, "
            "or --plan to see what would be done.",
        )
    phases = restoring.Phases(seen=backupview.phase)
    fill = restoring.filling(repo, recovery, identities=keys_of(repo, asked), phases=phases)
    made = lab.adopt(
        asked["lab_name"],
        engine=recovery.last.engine,
        version=recovery.last.major,
        bin_directory=asked["bin_directory"],
        fill=fill,
        finish=lambda made: restoring.finish(made, recovery, phases=phases),
    )
    backupview.finish()
    click.echo(backupview.restored(recovery, made.name, phases.seconds, form))


def _load(
    repo: "Repository",
    dump: "Backup",
    asked: dict[str, Any],
    how: tuple[render.Format, bool, Consent],
) -> None:
    from .. import lab  # noqa: PLC0415
    from ..backups import restoring  # noqa: PLC0415
    from ..backups.restoring import loading  # noqa: PLC0415

    form, plan_only, _ = how
    name = asked["lab_name"]
    if not name or asked["table"] or asked["directory"] or asked["in_place"]:
        raise ConfigError(
            f"{dump.id} is a dump, which a server loads",
            hint="Name a lab that is new or empty, and no other place: --lab NAME",
        )
    before, running = lab.read(name), lab.find(name)
    loading.require_room(dump, new=before is None)
    if plan_only:
        click.echo(render.rows(loading.steps(repo, dump, name), form))
        return
    phases = restoring.Phases(seen=backupview.phase)
    engine = restoring.manifest_of(dump).engine
    made = running or lab.up(name, engine=engine, bin_directory=asked["bin_directory"])
    try:
        loading.load(repo, dump, made, identities=keys_of(repo, asked), phases=phases)
    except BaseException:
        if before is None:
            lab.destroy(name)
        elif running is None:  # it is somebody's: it may hold what is not ours to remove
            lab.down(name)
        raise
    backupview.finish()
    click.echo(backupview.loaded(dump, made.name, phases.seconds, form))


def _placing(ctx: click.Context, asked: dict[str, Any], consent: Consent) -> "Place":
    """Return the place that was named; a lab there is down."""
    from .. import lab  # noqa: PLC0415
    from ..backups import restoring  # noqa: PLC0415

    if bool(asked["directory"]) == bool(asked["lab_name"]):
        raise ConfigError(
            "one place is wanted to restore into",
            hint="Give --directory DIR, or --lab NAME --in-place for a lab that is down.",
        )
    if asked["lab_name"]:
        url = lab.require(asked["lab_name"]).url()
        known = targets.load(ctx.meta.get("stockops.config"))
        guarded = targets.protects_lab(known, asked["lab_name"], url=url)
        return restoring.of_lab(asked["lab_name"], protected=guarded, consent=consent)
    return restoring.Place(
        directory=asked["directory"], in_place=asked["in_place"], consent=consent
    )


def _place(
    ctx: click.Context,
    repo: "Repository",
    moment: str,
    asked: dict[str, Any],
    how: tuple[render.Format, bool, Consent],
) -> None:
    from ..backups import restoring  # noqa: PLC0415

    form, plan_only, consent = how
    place = _placing(ctx, asked, consent)
    replacing = place.directory if place.in_place else None
    recovery = recovery_of(repo, moment, asked["name"], asked, replacing=replacing)
    if place.lab is None:  # a directory says of no target; the backups say whose data these are
        known = targets.load(ctx.meta.get("stockops.config")).targets
        owner = known.get(recovery.last.target)
        if owner is not None and owner.protected:
            place = dataclasses.replace(place, target=owner.name)
    if plan_only:
        click.echo(render.rows(restoring.placing_steps(repo, recovery, place), form))
        return
    phases = restoring.Phases(seen=backupview.phase)
    placed = restoring.into(
        repo,
        recovery,
        place,
        identities=keys_of(repo, asked),
        bin_directory=asked["bin_directory"],
        phases=phases,
    )
    backupview.finish()
    click.echo(backupview.placed(recovery, placed, phases.seconds, form))


def _rescue(
    ctx: click.Context,
    repo: "Repository",
    recovery: "Recovery",
    asked: dict[str, Any],
    how: tuple[render.Format, bool, Consent],
) -> None:
    from .. import lab  # noqa: PLC0415
    from ..backups import names, rescuing, restoring  # noqa: PLC0415

    if not (asked["table"] and asked["asked_target"]) or asked["lab_name"]:
        raise ConfigError(
            "a table goes into a target",
            hint="Give --table NAME -t TARGET, with --as NEW_NAME where it is there still, and no "
            "--lab.",
        )
    form, plan_only, consent = how
    known = targets.load(ctx.meta.get("stockops.config"))
    space, table = names.split(asked["table"])
    new_name = None if asked["new_name"] is None else names.new(asked["new_name"])
    wish = rescuing.Wish(
        table=table,
        space=space,
        name=new_name or table,
        target=targets.resolve(asked["asked_target"], known, find_lab=lab.find),
        consent=consent,
    )
    if plan_only:
        rescuing.require_room(recovery, wish)
        click.echo(render.rows(rescuing.steps(recovery, wish), form))
        return
    found = rescuing.rescue(
        repo,
        recovery,
        wish,
        identities=keys_of(repo, asked),
        bin_directory=asked["bin_directory"],
        phases=restoring.Phases(seen=backupview.phase),
    )
    backupview.finish()
    click.echo(_compared(wish, recovery, found, form))


def _compared(wish: "Wish", recovery: "Recovery", found: "Difference", form: render.Format) -> str:
    """Return what came of a rescue."""
    if form == "json":
        return json.dumps(dataclasses.asdict(found), indent=2)
    if wish.whole:
        lines = [
            f"{wish.title} is back in {wish.target.name}, as of {recovery.aim}",
            f"  {wish.name:<20} {counts.of(found.rescued_rows, 'row')}",
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])
    live = "gone" if found.live_rows is None else f"{counts.of(found.live_rows, 'row')}"
    lines = [
        f"{wish.title} as of {recovery.aim} is {wish.name} in {wish.target.name}",
        f"  {wish.name:<20} {counts.of(found.rescued_rows, 'row')}",
        f"  {wish.title:<20} {live}",
    ]
    for kind, count, title in (
        ("only_rescued", found.only_rescued, f"only in {wish.name}"),
        ("only_live", found.only_live, f"only in {wish.title}"),
        ("changed", found.changed, "in both, and different"),
    ):
        if count is not None:
            keys = ", ".join(found.examples.get(kind, ()))
            some = f", by {', '.join(found.key)}: {keys}" if keys else ""
            lines.append(f"  {title:<24} {count:,}{some}")
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def recovery_of(
    repo: "Repository",
    moment: str,
    name: str | None,
    asked: dict[str, Any],
    *,
    suspect: bool = False,
    replacing: Path | None = None,
) -> "Recovery":
    """
    Return how to get to `moment`, from the backup `name` or the best one.

    `replacing` is the data directory of the stopped server that will be replaced.
    """
    from ..backups import restoring  # noqa: PLC0415

    start = repo.backup(name) if name else None
    whose = start.system if start else repo.one_system(asked["system"])
    engine = "postgresql" if whose.startswith("pg-") else "mariadb"
    aim = restoring.parse(moment, engine=engine)
    if replacing is not None:
        return restoring.plan_in_place(
            repo, aim, replacing, system=whose, start=start, identities=keys_of(repo, asked)
        )
    return restoring.plan(
        repo,
        aim,
        system=whose,
        start=start,
        identities=keys_of(repo, asked),
        suspect=suspect,
    )


def dump_of(
    repo: "Repository", moment: str, name: str | None, system: str | None
) -> "Backup | None":
    """Return the dump `name`, or the last one where there is nothing but dumps."""
    from ..backups import restoring  # noqa: PLC0415

    there = [repo.backup(name)] if name else repo.backups(repo.one_system(system))
    whole = [each for each in there if each.manifest]
    if not whole or any(restoring.manifest_of(each).method != "logical" for each in whole):
        return None
    if moment not in {"end", "backup"}:
        raise ConfigError(
            f"{whole[-1].id} is a dump of one moment, and {moment!r} may be another",
            hint="Leave --to out.",
        )
    return whole[-1]


def keys_of(repo: "Repository", asked: dict[str, Any]) -> "Identities":
    """Return the identities that were named, none of which lies in the repository."""
    from ..backups import keys  # noqa: PLC0415

    found: Identities = asked["identities"]
    if (place := Path(repo.store.place)).is_dir():
        keys.require_outside(found, place)
    return found


def opened(place: str) -> "Repository":
    """Return the repository at `place`."""
    from ..backups import repository as repositories  # noqa: PLC0415  other nouns need none of it

    return repositories.opened(place)
