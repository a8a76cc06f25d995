"""How far the archive is behind its server, and what is missing in it."""

from collections.abc import Iterable

from ...backups import repository, s3place, standing
from ...engine.base import Server
from ..context import Context, Lane
from ..families import Family, one

NAME = "archive"
LANE: Lane = "slow"


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the lag and the gaps of the archive; nothing where nothing is archived."""
    place = s3place.stated(context.config.backup)
    if place is None:
        return
    repo = repository.opened(place)
    system = standing.system_of(repo, context.target.name, server)
    status = standing.archive_of(repo, system, server) if system else None
    if status is None:
        return
    yield one(
        "stockops_archive_gaps", "gauge", "Places where archived log is missing.", status.gaps
    )
    yield one(
        "stockops_archive_lag_seconds",
        "gauge",
        "How old the oldest log is that is not archived.",
        status.lag_s,
    )
