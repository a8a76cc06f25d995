"""
What each check of a target last came to, for whoever watches.

It is one small file, ``<state>/checks/<target>.json``. A run of some checks leaves what is known of
the others; a check that has not run for `FORGOTTEN_S` is one that somebody took out, and goes.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from .. import state
from ..errors import StorageError
from .outcome import Report

FORGOTTEN_S = 7 * 86_400.0
_READINGS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """One check as it last was: its state as a number, when, and its worst values by subject."""

    check: str
    state: int
    at_s: float
    values: dict[str, float]


def keep(report: Report) -> Path:
    """Keep what `report` says of each check of its target; return the file."""
    at_s = report.at.timestamp()
    path = state.folder("checks") / state.file_name(report.target)
    known = {last.check: last for last in [*read(report.target), *of(report)]}
    kept = [last for last in known.values() if at_s - last.at_s < FORGOTTEN_S]
    state.write(path, [asdict(last) for last in sorted(kept, key=lambda last: last.check)])
    return path


def of(report: Report) -> list[Last]:
    """Return what `report` says of each check."""
    return [
        Last(
            check=outcome.check.name,
            state=int(outcome.state),
            at_s=report.at.timestamp(),
            values={
                reading.subject: reading.value
                for reading in outcome.readings[:_READINGS_MAX]
                if reading.value is not None
            },
        )
        for outcome in report.outcomes
    ]


def read(target: str) -> list[Last]:
    """Return what each check of `target` last came to; none where none was ever run from here."""
    path = state.place() / "checks" / state.file_name(target)
    try:
        return [Last(**each) for each in state.read(path) or []]
    except TypeError as exc:
        raise StorageError(
            f"{str(path)!r} is no record of checks: {exc}", hint=f"Remove it: rm {path}"
        ) from exc
