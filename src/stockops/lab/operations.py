"""Make, find, stop and remove labs by name; one run at a time on each."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from .. import filelock, logs
from ..errors import Busy, ConfigError, Refused, ServerError, StockopsError, Unreachable
from ..unwinding import signals_unwind
from . import marker, place, room
from .base import Fill, Lab, LabStatus
from .making import all_labs, draft_of, held, make, remove
from .servers import ENGINES, REPLAY_S, START_S, is_up, release, start, stop

DEFAULT_NAME = "lab"
DEFAULT_ENGINE = "postgresql"
SANDBOX = "drill-"  # how the names of the sandboxes of drills begin
_REBUILT = "rebuilt"  # an empty file in a lab that `rebuilt` made, and may remove


def up(
    name: str = DEFAULT_NAME,
    *,
    engine: str | None = None,
    version: str | None = None,
    bin_directory: Path | None = None,
    port: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Lab:
    """
    Return the lab `name`, made if it is new, and up; the server outlives this process.

    A new lab is PostgreSQL unless `engine` says otherwise, and `settings` go into its
    configuration. The database `trading` and its owner `stockops` are there when this returns.
    """
    with held(name):
        lab = marker.read(place.directory(name))
        if lab is None:
            draft = draft_of(name, engine or DEFAULT_ENGINE, version, bin_directory)
            with room.needed(name, new_of=draft.engine, undo=lambda: _remove_leftovers(name)):
                return start(make(draft, settings or {}), port=port, outlives=True)
        _check_same(lab, engine=engine, version=version, bin_directory=bin_directory)
        if not is_up(lab):
            with room.needed(name, new_of=None, undo=lambda: None):
                return start(lab, port=port, outlives=True)
        if port and lab.port is None:
            lab.url(tcp=True)  # raises, and says how a lab gets a port
        return lab


def adopt(
    name: str,
    *,
    engine: str,
    fill: Fill,
    finish: Callable[[Lab], None] = lambda _: None,
    version: str | None = None,
    bin_directory: Path | None = None,
) -> Lab:
    """
    Return the new lab `name`, up, whose data directory `fill` puts together; it must be new.

    Until it is `finish`ed it is a temporary lab, which goes with us. A `SANDBOX` remains one by its
    marker, and outlives us: whoever made it removes it, or who guards it for him.
    """
    sweep()
    with held(name), signals_unwind():
        require_new(name)
        draft = replace(draft_of(name, engine, version, bin_directory), temporary=True)
        try:
            with _room_for(name):
                lab = start(make(draft, {}, fill), port=fill.port, within_s=REPLAY_S)
                finish(lab)
        except ServerError:  # its log is named in the error, and stays
            left = read(name)
            if left is not None:
                stop(left, hard=True)
            raise
        except BaseException:
            _remove_leftovers(name)
            raise
        lab = replace(lab, temporary=name.startswith(SANDBOX))
        marker.write(lab)
        release(lab)
        return lab


def require_new(name: str) -> None:
    """Raise `Refused` where there is a lab `name`, `ConfigError` where there cannot be one."""
    if marker.read(place.directory(name)) is not None:
        raise Refused(
            f"there is a lab {name!r} already",
            hint=f"Take another name, or remove it: stockops lab destroy --name {name} --yes",
        )


def down(name: str = DEFAULT_NAME) -> bool:
    """Stop the server of the lab `name` in good order; False when it was not running."""
    require(name)
    with held(name):
        return stop(require(name))


def destroy(name: str = DEFAULT_NAME) -> None:
    """Stop the lab `name` and remove all it holds, or what an interrupted `up` left of it."""
    directory_of(name)
    with held(name):
        lab = read(name)
        if lab is not None:
            _require_no_replica(name)
            remove(lab)


def replicas_of(name: str) -> list[Lab]:
    """Return the labs that were made to replicate from the lab `name`, by name."""
    return [lab for lab in all_labs() if lab.replica_of == name]


def find(name: str) -> Lab | None:
    """Return the lab `name` if it is up. Cheap: one small file, and a look at one process."""
    lab = read(name)
    return lab if lab is not None and lab.pid is not None else None


def read(name: str) -> Lab | None:
    """Return the lab `name`, up or down; None where no lab has that name, or could have."""
    try:
        return marker.read(place.directory(name))
    except Refused:  # what stands there is not a lab of ours
        return None
    except ConfigError:
        if place.is_name(name):
            raise
        return None


def require(name: str) -> Lab:
    """Return the lab `name`, up or down, or raise `ConfigError` naming the labs there are."""
    lab = marker.read(place.directory(name))
    if lab is None:
        known = ", ".join(each.name for each in all_labs()) or "none"
        raise ConfigError(
            f"there is no lab {name!r} (there are: {known})", hint=f"stockops lab up --name {name}"
        )
    return lab


def directory_of(name: str) -> Path:
    """Return the directory that `destroy` would remove, or raise `ConfigError`."""
    return place.making(name) if name in place.unfinished() else require(name).directory


def client(name: str, *, database: str, user: str | None = None) -> list[str]:
    """
    Return the command that opens the engine's own client on the lab `name`, which is up.

    It is the lab's owner's, or that of `user`, who needs no password at the socket.
    """
    lab = require(name)
    if lab.pid is None:
        raise Unreachable(f"the lab {name!r} is {lab.state}", hint=f"stockops lab up --name {name}")
    return ENGINES[lab.engine].client(replace(lab, owner=user or lab.owner), database)


def status() -> list[LabStatus]:
    """Return every lab under the labs' directory, by name, half-made ones as broken."""
    found = []
    for name in place.names():
        try:
            lab = marker.read(place.directory(name))
        except ConfigError as exc:
            found.append(_broken(name, place.directory(name), str(exc)))
        except StockopsError:  # not ours
            continue
        else:
            found += [status_of(lab)] if lab else []
    for name in place.unfinished():
        busy = filelock.is_held(place.lock_file(name))
        note = "it is being made" if busy else "its making was interrupted; the next up cleans it"
        found.append(_broken(name, place.making(name), note))
    return sorted(found, key=lambda each: each.name)


def status_of(lab: Lab) -> LabStatus:
    """Return how `lab` is now."""
    state = lab.state
    notes = {"stale": "it died; the next up recovers", "broken": "it has no data directory"}
    note = notes.get(state, "")
    if lab.replaced_by is not None:
        note = f"{lab.replaced_by!r} took over: stockops replica reattach --name {lab.name}"
    return LabStatus(
        name=lab.name,
        engine=lab.engine,
        version=lab.version,
        state=state,
        pid=lab.pid,
        url=lab.url(),
        directory=lab.directory,
        size_bytes=place.size_bytes(lab.directory),
        log=lab.log_path,
        note=note,
        replica_of=lab.replica_of or "",
    )


@contextmanager
def temporary(
    engine: str,
    *,
    version: str | None = None,
    bin_directory: Path | None = None,
    port: bool = False,
    settings: Mapping[str, str] | None = None,
    fill: Fill | None = None,
) -> Iterator[Lab]:
    """
    Give a new lab that is up, and remove it at the end of the block; `fill` makes its data.

    Its server ends with this process even when that is killed; the directory is then removed by
    whoever makes the next temporary lab.
    """
    sweep()
    name = f"temporary-{engine}-{secrets.token_hex(4)}"
    draft = replace(draft_of(name, engine, version, bin_directory), temporary=True)
    owner = os.getpid()
    with held(name), signals_unwind():
        try:
            with _room_for(name):
                lab = make(draft, settings or {}, fill)
                wanted = port or (fill is not None and fill.port)
                lab = start(lab, port=wanted, within_s=REPLAY_S if fill else START_S)
        except ServerError:  # its log is named in the error, and stays
            raise
        except BaseException:
            _remove_leftovers(name)
            raise
        try:
            with logs.kept(lab.directory):
                yield lab
        finally:
            if os.getpid() == owner:  # a child of this process may unwind the block, too
                _remove_leftovers(name)


@contextmanager
def rebuilt(
    name: str, *, engine: str, keep: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Lab]:
    """
    Give the lab `name`, made anew and up; hold it for the block, then stop and remove it.

    With `keep` it is stopped and stays, until the next block of this name removes it. A lab that
    `up` made is refused, and so is one that is up: somebody may be at work in it.
    """
    owner = os.getpid()
    with held(name), signals_unwind():
        _remove_rebuilt(name)
        draft = draft_of(name, engine, None, None)
        try:
            lab = make(draft, settings or {})
            (lab.directory / _REBUILT).touch()
            lab = start(lab)
        except ServerError:  # its log is named in the error, and stays
            raise
        except BaseException:
            _end_rebuilt(name, keep=False)
            raise
        try:
            yield lab
        finally:
            if os.getpid() == owner:  # a child of this process may unwind the block, too
                _end_rebuilt(name, keep=keep)


def _room_for(name: str) -> AbstractContextManager[None]:
    """Give a block in which a full disk is told as that, and what was made on it goes."""
    return room.needed(
        name, new_of=None, undo=lambda: _remove_leftovers(name), then="do the same again"
    )


def _remove_rebuilt(name: str) -> None:
    lab = marker.read(place.directory(name))
    if lab is None:
        return
    if lab.pid is not None:
        raise Refused(
            f"the lab {name!r} is up, and it would be removed",
            hint=f"Stop it when nobody needs it: stockops lab down --name {name}",
        )
    if not (lab.directory / _REBUILT).exists():
        raise Refused(
            f"the lab {name!r} was made by `stockops lab up`, and it would be removed",
            hint=f"Remove it yourself: stockops lab destroy --name {name} --yes",
        )
    remove(lab)


def _end_rebuilt(name: str, *, keep: bool) -> None:
    lab = read(name)
    if lab is not None and keep:
        stop(lab)
    elif lab is not None:
        stop(lab, hard=True)
        remove(lab)
    place.sweep(name)


def _require_no_replica(name: str) -> None:
    if left := [lab.name for lab in replicas_of(name)]:
        raise Refused(
            f"the lab {name!r} has replicas, which would follow nobody: {', '.join(left)}",
            hint=f"Remove them first: stockops lab destroy --name {left[0]} --yes; or let one "
            f"take over: stockops replica promote --name {left[0]}",
        )


def _check_same(
    lab: Lab, *, engine: str | None, version: str | None, bin_directory: Path | None
) -> None:
    asked = [
        ("--engine", engine, engine in {None, lab.engine}),
        ("--version", version, version is None or f"{lab.version}.".startswith(f"{version}.")),
        ("--bin", bin_directory, bin_directory in {None, lab.programs}),
    ]
    for option, value, same in asked:
        if not same:
            raise ConfigError(
                f"the lab {lab.name!r} is {lab.engine} {lab.version} from {str(lab.programs)!r}, "
                f"which is not {option} {value}",
                hint="Take another --name, or remove this one: "
                f"stockops lab destroy --name {lab.name}",
            )


def _broken(name: str, directory: Path, note: str) -> LabStatus:
    return LabStatus(
        name=name,
        engine="",
        version="",
        state="broken",
        pid=None,
        url="",
        directory=directory,
        size_bytes=place.size_bytes(directory),
        log=directory / "server.log",
        note=note,
        replica_of="",
    )


def _remove_leftovers(name: str) -> None:
    lab = read(name)
    if lab is not None:
        remove(lab)
    place.sweep(name)


def require_room(size_bytes: int, *, why: str, new_of: str | None = None) -> None:
    """
    Raise `NoRoom` where fewer are free for labs, even without what killed makers left there.

    A lab of the engine `new_of` is made before they are needed.
    """
    size_bytes += room.TAKES_MIB[new_of] << 20 if new_of else 0
    try:
        room.require(size_bytes, why=why)
    except room.NoRoom:
        sweep()
        room.require(size_bytes, why=why)


def sweep() -> None:
    """
    Remove what makers that were killed left: temporary labs, half-made ones, and locks.

    A sandbox of a drill is left: nobody holds it, because people start and stop it by name while
    the drill goes on, and it has a guardian of its own.
    """
    left = [lab.name for lab in all_labs() if lab.temporary and not lab.name.startswith(SANDBOX)]
    for name in left + place.unfinished():
        try:
            with held(name):  # which removes what was half made
                lab = read(name)
                if lab is not None and lab.temporary:  # it may have been finished since we looked
                    remove(lab)
        except Busy:
            continue
    filelock.sweep(place.labs_root())
