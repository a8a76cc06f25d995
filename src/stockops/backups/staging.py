"""
A cluster with tablespaces, which pg_basebackup writes to a directory alone.

It makes an archive of each tablespace, and a pipe takes only one. So the archives stand in the
working directory until they are stored, which takes as much room there as the data have.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .. import children
from ..errors import Refused
from .manifest import Link
from .members import TarWatch
from .sources import Job, Part

TAKE_S = 24 * 3600.0
_LOOK_S = 0.2
_ROOM = 1.05


def require_room(job: Job, size_bytes: int) -> None:
    """Raise `Refused` where the archives would not fit."""
    free, needed = shutil.disk_usage(job.work).free, int(size_bytes * _ROOM)
    if free < needed:
        raise Refused(
            f"{str(job.work.parent)!r} has {free >> 20:,} MB free, and the archives of a cluster "
            f"with tablespaces, which stand there first, need {needed >> 20:,} MB",
            hint="Name a directory with room: stockops backup take --staging DIR",
        )


def archives(job: Job, base: Part, links: Sequence[Link], *, manifest: str) -> Iterator[Part]:
    """
    Run pg_basebackup, then give its archives to be stored: that of the data directory first.

    `base` is that one, its command the tool's, without a place to write to. The tool's own
    `manifest`, which stands beside the archives, is kept in its watch as if it had been inside.
    """
    argv, env = base.argv, base.env
    stage = job.work / "stage"
    tool = children.start(
        [*argv, "-D", str(stage), "--no-sync"], cwd=job.work, log=job.work / "tool.log", env=env
    )
    try:
        _wait(tool, lambda: job.seen(_size_bytes(stage)))
        tool.finish(within_s=1.0)
    finally:
        tool.end()
    if isinstance(base.watch, TarWatch):
        base.watch.kept[manifest] = (stage / manifest).read_bytes()
    for part in (base, *(_tablespace(link, env) for link in links)):
        path = stage / part.name
        yield Part(
            name=part.name,
            argv=["/bin/cat", str(path)],
            env=env,
            watch=part.watch,
            required=part.required,
        )
        path.unlink()


def _tablespace(link: Link, env: Mapping[str, str]) -> Part:
    return Part(name=archive_name(link), argv=(), env=env, watch=TarWatch(keep=()))


def archive_name(link: Link) -> str:
    """Return the name of the archive of a tablespace, as pg_basebackup gives it."""
    return f"{link.name}.tar"


def _wait(tool: children.Child, look: Callable[[], None]) -> None:
    deadline = time.monotonic() + TAKE_S
    while not children.wait_until(lambda: tool.code is not None, within_s=_LOOK_S):
        look()
        if time.monotonic() > deadline:
            tool.finish(within_s=0.0)  # ends it, and says that it took too long


def _size_bytes(directory: Path) -> int:
    if not directory.is_dir():
        return 0
    return sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
