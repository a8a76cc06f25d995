"""The jobs that are ready to be installed: read from ``ops/jobs.yaml``, made for a target."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import configfile, durations, resources
from ..configfile import Section
from ..errors import ConfigError
from . import schedules
from .records import check_name

NEEDS = ("channels", "messages")
KEPT_VARIABLES = ("STOCKOPS_STATE", "STOCKOPS_LABS", "XDG_STATE_HOME")
_KEYS = (
    "title", "at", "every", "timeout", "command", "target", "meant", "notify", "needs",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One job as the file states it."""

    name: str
    title: str
    at: str
    every_s: int
    timeout_s: int
    command: tuple[str, ...]
    takes_target: bool
    takes_meant: bool
    notifies: bool
    needs: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the jobs are made for: the targets that were named, and what stockops.yaml has."""

    targets: tuple[str, ...] = ()
    protected: frozenset[str] = frozenset()
    config: Path | None = None
    has: frozenset[str] = frozenset()  # of `NEEDS`
    textfile: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One job as it would be installed: what runs it, when, and how often it is to succeed."""

    name: str
    title: str
    at: str
    every_s: int
    timeout_s: int
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


def load(path: Path | None = None) -> tuple[Entry, ...]:
    """Return the jobs of the file at `path`, or those that stockops brings."""
    root = configfile.read(path or resources.folder("ops") / "jobs.yaml")
    found = tuple(_entry(name, root.where(name), root.section(name)) for name in root)
    if not found:
        raise ConfigError(f"no job stands in {str(path)!r}", hint="Start from: ops/jobs.yaml")
    return found


def plan(entries: Sequence[Entry], place: Place) -> tuple[Planned, ...]:
    """
    Return what of `entries` is to run for `place`: all but those that need what it lacks.

    One that takes a target is there once for each that was named, with its name at the end of its
    own; where none was, once for the default one.
    """
    wanted = [each for each in entries if each.needs is None or each.needs in place.has]
    return tuple(
        _planned(each, place, named)
        for each in wanted
        for named in (each.takes_target and place.targets) or (None,)
    )


def left_out(entries: Sequence[Entry], place: Place) -> list[str]:
    """Return a sentence for each of `entries` that `plan` leaves out."""
    return [
        f"{each.name} is left out: stockops.yaml names no {each.needs} under notify:"
        for each in entries
        if each.needs is not None and each.needs not in place.has
    ]


def program() -> tuple[str, ...]:
    """Return the words that start this stockops, wherever and whenever they are said."""
    beside = Path(sys.executable).with_name("stockops")
    return (str(beside),) if os.access(beside, os.X_OK) else (sys.executable, "-m", "stockops")


def _planned(entry: Entry, place: Place, named: str | None) -> Planned:
    notifies = entry.notifies and "channels" in place.has
    name = check_name(entry.name if named is None else f"{entry.name}-{named}")
    words = [*program(), "job", "run", name]
    words += ["--every", durations.said(entry.every_s)]
    words += ["--timeout", durations.said(entry.timeout_s)]
    if notifies:
        words += ["--good", "1"]
    if place.textfile is not None:
        words += ["--textfile", str(place.textfile)]
    words += ["--", *program(), *entry.command]
    if named is not None:
        words += ["-t", named]
    if named is not None and entry.takes_meant and named in place.protected:
        words += ["--i-mean", named]
    if notifies:
        words.append("--notify")
    if place.config is not None:
        words += ["--config", str(place.config)]
    return Planned(
        name=name,
        title=entry.title,
        at=entry.at,
        every_s=entry.every_s,
        timeout_s=entry.timeout_s,
        argv=tuple(words),
        environment=tuple((n, os.environ[n]) for n in KEPT_VARIABLES if os.environ.get(n)),
    )


def _entry(name: str, where: str, section: Section) -> Entry:
    section.only(_KEYS)
    try:
        check_name(name)
        every_s = durations.seconds(_said(section, "every", where))
        timeout_s = durations.seconds(_said(section, "timeout", where))
        command = tuple(shlex.split(_said(section, "command", where)))
    except ValueError as exc:
        raise ConfigError(f"{where}: {exc}", hint="Close the quotation in command.") from None
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc}", hint=exc.hint) from None
    if not command or every_s == 0 or timeout_s == 0:
        raise ConfigError(f"{where}: {name!r} has an empty word", hint="Fill it in, or above 0.")
    needs = section.text("needs")
    if needs is not None and needs not in NEEDS:
        raise ConfigError(
            f"{section.where('needs')}: {needs!r} is nothing that a job can need",
            hint=f"Known: {', '.join(NEEDS)}.",
        )
    return Entry(
        name=name,
        title=_said(section, "title", where),
        at=schedules.check(_said(section, "at", where), where=section.where("at")),
        every_s=every_s,
        timeout_s=timeout_s,
        command=command,
        takes_target=section.flag("target"),
        takes_meant=section.flag("meant"),
        notifies=section.flag("notify"),
        needs=needs,
    )


def _said(section: Section, key: str, where: str) -> str:
    text = section.plain(key)
    if text is None or any(ord(letter) < 32 for letter in text):
        raise ConfigError(
            f"{where}: {key} wants one line of text", hint=f"Write {key}: as ops/jobs.yaml has it."
        )
    return text
