"""Which drills there are: those of ``chaos/``, and those of the folder that a user names."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from .. import configfile, resources
from ..errors import ConfigError
from ..targets import Config
from . import head, history
from .head import Drill

FILES_MAX = 1000
_BESIDES = "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """How it stands with one drill on one engine. `why` is None where nothing has to be done."""

    drill: str
    engine: str
    title: str
    why: str | None
    verdict: str | None
    ended_at: datetime | None
    expires_at: datetime | None
    next: str


def folder_of_ones_own(config: Config) -> Path | None:
    """Return the folder that ``drills:`` of stockops.yaml names, relative to that file."""
    if config.path is None:
        return None
    section = configfile.read(config.path).section("drills").only(("folder",))
    named = section.text("folder")
    if named is None:
        return None
    path = config.path.parent / Path(named).expanduser()
    if not path.is_dir():
        raise ConfigError(
            f"{section.where('folder')}: there is no folder {str(path)!r}",
            hint="Make it, or take the line away.",
        )
    return path


def files(config: Config) -> list[Path]:
    """Return the file of every drill, by name."""
    own = folder_of_ones_own(config)
    folders = [resources.folder("chaos"), *([] if own is None else [own])]
    found = [path for each in folders for path in sorted(each.glob("*.md"))]
    return [path for path in found if path.name != _BESIDES][:FILES_MAX]


def load(config: Config) -> tuple[Drill, ...]:
    """Return every drill, by name; a file that is wrong is a `ConfigError` with its line."""
    found: dict[str, Drill] = {}
    for path in files(config):
        drill = head.read(path)
        if drill.id in found:
            raise ConfigError(
                f"{path}:{drill.lines['id']}: there is a drill {drill.id!r} already",
                hint=f"Rename one; the other is {found[drill.id].path}.",
            )
        found[drill.id] = drill
    return tuple(found[name] for name in sorted(found))


def chosen(
    drills: Sequence[Drill],
    *,
    names: Collection[str] = (),
    tags: Collection[str] = (),
    engine: str | None = None,
) -> tuple[Drill, ...]:
    """Return those with a name in `names` or a tag in `tags`, on `engine`; all for neither."""
    wanted = {_known(name, {drill.id for drill in drills}, "drill") for name in names}
    tagged = {_known(tag, {tag for drill in drills for tag in drill.tags}, "tag") for tag in tags}
    return tuple(
        drill
        for drill in drills
        if (not wanted and not tagged) or drill.id in wanted or tagged & {*drill.tags}
        if engine is None or engine in drill.engines
    )


def one(name: str, config: Config) -> Drill:
    """Return the drill `name` without reading others; `ConfigError` names the nearest one."""
    paths = {path.stem: path for path in files(config)}
    return head.read(paths[_known(name, paths, "drill")])


def due(drill: Drill, engine: str, *, now: datetime | None = None) -> Due:
    """Return how it stands with `drill` on `engine`: never run, not passed, changed, or expired."""
    now = now or datetime.now(UTC)
    record = history.last(drill.id, engine)
    expires_at = None if record is None else history.expires_at(record, drill.expires_days)
    return Due(
        drill=drill.id,
        engine=engine,
        title=drill.title,
        why=_why(drill, record, now),
        verdict=None if record is None else record.verdict.value,
        ended_at=None if record is None else record.ended_at,
        expires_at=expires_at,
        next=f"stockops drill run {drill.id} --engine {engine}",
    )


def _why(drill: Drill, record: history.Record | None, now: datetime) -> str | None:
    if record is None:
        return "it was never run here"
    if not record.passed:
        reason = f": {record.reasons[0]}" if record.reasons else ""
        return f"the last run came out {record.verdict.value}{reason}"
    if history.expires_at(record, drill.expires_days) <= now:
        return f"it has expired: the last run is older than {drill.expires_days} days"
    if record.file_sha256 and record.file_sha256 != drill.sha256:
        return "its file was changed after the last run"
    return None


def _known(name: str, known: Collection[str], what: str) -> str:
    """Return `name`, or raise naming the nearest of `known`."""
    if name in known:
        return name
    near = get_close_matches(name, known, 1)
    raise ConfigError(
        f"no {what} is called {name!r}",
        hint=f"Did you mean {near[0]}?" if near else "See: stockops drill list",
    )
