"""Ways to break the way back: what a repository holds of a target, as its manifests say it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from breaking import Place, Way
from manifests import made_up, put

from stockops.backups import repository
from stockops.backups.manifest import File
from stockops.backups.repository import Evidence

DAY_S = 86_400.0
FOLDER = "repository"


def well(place: Place) -> None:
    """Have one backup that is new, and was proven."""
    store(place)


def store(
    place: Place,
    *,
    age_s: float = 60,
    drill_age_s: float | None = 60,
    rto_s: float = 12,
    stored_bytes: int = 1000,
    broken: bool = False,
) -> None:
    """Have one backup alone in the repository, which ended `age_s` ago."""
    repo = repository.opened(str(place.folder / FOLDER))
    system = f"made-up-{place.name}"
    for kind in ("backups", "evidence"):
        shutil.rmtree(place.folder / FOLDER / kind / system, ignore_errors=True)
    now = datetime.now(UTC)
    made = made_up(now - timedelta(seconds=age_s + 300))
    file = File(name="base", stored_bytes=stored_bytes, raw_bytes=stored_bytes, sha256="0" * 64)
    put(
        repo,
        replace(made, target=place.name, system=system, files=[file]),
        base=b"x" * stored_bytes,
    )
    if drill_age_s is not None:
        at = now - timedelta(seconds=drill_age_s)
        proof = Evidence(
            backup=made.id, what="drill", at=at.isoformat(), passed=True, summary="",
            detail={"rto_s": rto_s},
        )  # fmt: skip
        repo.record(proof, system=system)
    if broken:
        found = Evidence(
            backup=made.id, what="verify", at=now.isoformat(), passed=False, summary="", detail={}
        )
        repo.record(found, system=system)


@contextmanager
def stored(place: Place, **how: float | None) -> Iterator[None]:
    """Have the backup be as `how` says, and well after the block."""
    store(place, **how)  # type: ignore[arg-type]
    try:
        yield
    finally:
        well(place)


def make(folder: Path) -> str:
    """Make the repository, and return its place."""
    place = str(folder / FOLDER)
    repository.make(place)
    return place


WAYS: Mapping[tuple[str, str], Way] = {
    ("BackupMissing", "critical"): partial(stored, age_s=3 * DAY_S),
    ("BackupNotProven", "warning"): partial(stored, drill_age_s=9 * DAY_S),
    ("BackupNeverProven", "warning"): partial(stored, drill_age_s=None),
    ("BackupBroken", "critical"): partial(stored, broken=True),
    ("BackupShrank", "warning"): partial(stored, stored_bytes=100),
    ("RecoveryTooSlow", "warning"): partial(stored, rto_s=5000),
}
