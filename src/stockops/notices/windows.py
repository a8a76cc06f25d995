"""Maintenance windows: when nothing is told of what is known to be down."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..configfile import Section
from ..errors import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = ("from", "until", "days", "zone", "targets", "checks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    A time in which nothing is told of some checks on some targets.

    Once, from `begins` to `ends`; or every week on `days`, from the time of day of `begins` to
    that of `ends`, which may be the next morning.
    """

    name: str
    begins: datetime | time
    ends: datetime | time
    days: tuple[int, ...]
    zone: ZoneInfo
    targets: tuple[str, ...]
    checks: tuple[str, ...]

    def covers(self, target: str, check: str, at: datetime) -> bool:
        """Tell whether nothing is told of `check` on `target` at the moment `at`."""
        return (
            any(fnmatchcase(target, pattern) for pattern in self.targets)
            and any(fnmatchcase(check, pattern) for pattern in self.checks)
            and self.is_open(at)
        )

    def is_open(self, at: datetime) -> bool:
        """Tell whether `at` lies in the window; its end does not."""
        if isinstance(self.begins, datetime) and isinstance(self.ends, datetime):
            return self.begins <= at < self.ends
        here = at.astimezone(self.zone)
        return any(self._on(here, days_ago) for days_ago in (0, 1))

    def _on(self, here: datetime, days_ago: int) -> bool:
        """Tell whether `here` lies in the window that began `days_ago`."""
        day = (here - timedelta(days=days_ago)).date()
        if isinstance(self.begins, datetime) or isinstance(self.ends, datetime):
            return False
        if day.weekday() not in self.days:
            return False
        begins = datetime.combine(day, self.begins, self.zone)
        ends_on = day + timedelta(days=1) if self.ends <= self.begins else day
        return begins <= here < datetime.combine(ends_on, self.ends, self.zone)


def read(section: Section) -> tuple[Window, ...]:
    """Return the windows of the section ``maintenance:``, one a name."""
    return tuple(_window(name, section.section(name).only(_KEYS)) for name in section)


def _window(name: str, section: Section) -> Window:
    zone_name = section.text("zone") or "UTC"
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            f"{section.where('zone')}: no time zone is called {zone_name!r}",
            hint="Write it as Asia/Seoul.",
        ) from None
    begins, ends = (_moment(section, key, name) for key in ("from", "until"))
    if isinstance(begins, datetime) != isinstance(ends, datetime):
        raise ConfigError(
            f"{section.where('from')}: the window {name!r} mixes a date with a time of day",
            hint="Write both with a date, or both without one.",
        )
    if isinstance(begins, datetime) and isinstance(ends, datetime):
        begins, ends = begins.replace(tzinfo=zone), ends.replace(tzinfo=zone)
        if ends <= begins:
            raise ConfigError(
                f"{section.where('until')}: the window {name!r} ends before it begins",
                hint="Put from: before until:.",
            )
    return Window(
        name=name,
        begins=begins,
        ends=ends,
        days=_days(section),
        zone=zone,
        targets=words(section.text("targets")) or ("*",),
        checks=words(section.text("checks")) or ("*",),
    )


def _moment(section: Section, key: str, name: str) -> datetime | time:
    text = section.plain(key)
    if text is None:
        raise ConfigError(
            f"{section.where(key)}: the window {name!r} has no {key}",
            hint='Write from: "02:00" and until: "04:00", or both with a date.',
        )
    for kind in (time.fromisoformat, datetime.fromisoformat):
        try:
            found = kind(text)
        except ValueError:
            continue
        if found.tzinfo is None:
            return found
    raise ConfigError(
        f"{section.where(key)}: {text!r} is no time",
        hint='Write "02:00", or 2026-12-01 22:00; the zone has a key of its own.',
    )


def _days(section: Section) -> tuple[int, ...]:
    named = words(section.text("days"))
    for day in named:
        if day not in DAYS:
            raise ConfigError(
                f"{section.where('days')}: no day is called {day!r}",
                hint=f"Known: {', '.join(DAYS)}.",
            )
    return tuple(DAYS.index(day) for day in named) or tuple(range(7))


def words(text: str | None) -> tuple[str, ...]:
    """Return the words of a list that is written with commas or blanks."""
    return tuple((text or "").replace(",", " ").split())
