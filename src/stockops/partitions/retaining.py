"""
How long partitions stay in their table, and where they go after that: the rest of `apply`.

The section ``partitions:`` of ``stockops.yaml`` says so for the job of every week. What is past its
time is detached as `detach` does it, with what that refuses; nothing is dropped here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from .. import configfile
from ..configfile import Section
from ..engine.base import Server
from ..errors import ConfigError, Refused
from ..plan import Consent, Step
from ..sessions.waiting import Patience, Say
from ..targets import Target
from . import detaching
from .applying import Made
from .detaching import NEEDED, Detached, Job, Wanted
from .planning import months_before
from .questions import PARTS

MONTHS_MAX = 1_200


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """
    How many months before this one stay, by table; `usual` holds for all others.

    `usual` leaves out the tables that the books need whole. `folder` takes the archives.
    """

    months: Mapping[str, int] = field(default_factory=dict)
    usual: int | None = None
    folder: Path | None = None

    @property
    def is_stated(self) -> bool:
        """Whether anything is ever past its time."""
        return bool(self.months) or self.usual is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What of a table is past its time; `refused` says why it has to stay."""

    schema_name: str
    table_name: str
    before: date
    wanted: tuple[Wanted, ...]
    refused: str = ""


def load(path: Path | None) -> Retention:
    """Return what the file at `path` says under ``partitions:``; nothing without a file."""
    if path is None:
        return Retention()
    section = configfile.read(path).section("partitions").only(("archive", "retention"))
    archive = section.text("archive")
    by_table = section.section("retention")
    return Retention(
        months={name: _months(by_table, name) for name in by_table},
        folder=None if archive is None else Path(archive).expanduser().absolute(),
    )


def stated(words: Sequence[str]) -> Retention:
    """Return what ``MONTHS`` and ``TABLE=MONTHS`` say; `ConfigError` for what is neither."""
    months: dict[str, int] = {}
    usual = None
    for word in words:
        name, equals, number = word.rpartition("=")
        if (
            (equals and not name)
            or not number.isascii()
            or not number.isdigit()
            or int(number) > MONTHS_MAX
        ):
            raise ConfigError(
                f"--retention {word!r} is no number of months",
                hint=f"Write MONTHS or TABLE=MONTHS, of 0 to {MONTHS_MAX:,} months.",
            )
        if name:
            months[name] = int(number)
        else:
            usual = int(number)
    return Retention(months=months, usual=usual)


def past(server: Server, retention: Retention, *, today: date) -> list[Past]:
    """Return what each table holds that is past its time; `ConfigError` for a table without it."""
    named = dict(retention.months)
    schemas = {part.table_name: part.schema_name for part in server.fetch(PARTS)}
    if retention.usual is not None:
        for name in schemas:
            if name not in NEEDED:
                named.setdefault(name, retention.usual)
    found = []
    for name, months in sorted(named.items()):
        before = months_before(today, months)
        wanted: Sequence[Wanted] = ()
        refused = ""
        try:
            wanted = detaching.wanted(
                server,
                tables=[name],
                before=before,
                folder=retention.folder or Path(),
                drop=False,
            )
        except Refused as exc:
            refused = str(exc)
        found.append(
            Past(
                schema_name=schemas.get(name, ""),
                table_name=name,
                before=before,
                wanted=tuple(wanted),
                refused=refused,
            )
        )
    return found


def steps(found: Sequence[Past], *, engine: str) -> list[Step]:
    """Return what `retire` would do, in order."""
    wanted = [each for table in found for each in table.wanted]
    return detaching.steps(wanted, engine=engine, drop=False)


def retire(
    target: Target,
    found: Sequence[Past],
    folder: Path,
    *,
    consent: Consent,
    patience: Patience,
    say: Say,
) -> list[Made]:
    """
    Detach what `found` names to archives in `folder`, table by table.

    A table that is refused, or fails, does not keep the next one from it.
    """
    made = []
    for table in found:
        if table.refused:
            made.append(_refused(table))
        if not table.wanted:
            continue
        job = Job(tables=(table.table_name,), before=table.before, folder=folder, drop=False)
        done = detaching.detach(target, job, consent=consent, patience=patience, say=say)
        made += [_detached(table, each) for each in done]
    return made


def _months(section: Section, name: str) -> int:
    months = section.number(name)
    if months is None or not 0 <= months <= MONTHS_MAX:
        raise ConfigError(
            f"{section.where(name)}: {name!r} stays {months} months",
            hint=f"Write a whole number of 0 to {MONTHS_MAX:,}.",
        )
    return months


def _refused(table: Past) -> Made:
    return Made(
        schema_name=table.schema_name,
        table_name=table.table_name,
        outcome="refused",
        partitions=(),
        rows_moved=0,
        ms=0,
        note=table.refused,
    )


def _detached(table: Past, done: Detached) -> Made:
    return Made(
        schema_name=table.schema_name,
        table_name=table.table_name,
        outcome="failed" if done.outcome == "failed" else "detached",
        partitions=(done.part_name,),
        rows_moved=done.rows,
        ms=done.ms,
        archive=done.archive,
        note=done.note,
    )
