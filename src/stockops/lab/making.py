"""Put a lab together whole or not at all, hold it, and remove it whole."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .. import disk, filelock
from ..errors import ConfigError, StockopsError
from . import account as accounts
from . import marker, memory, place
from .base import Fill, Lab, Programs
from .servers import ENGINES, stop


def draft_of(name: str, engine: str, version: str | None, bin_directory: Path | None) -> Lab:
    """Return the lab that `make` would put together of the programs there are."""
    if engine not in ENGINES:
        raise ConfigError(
            f"{engine!r} is not an engine a lab can be", hint=f"Take one of {', '.join(ENGINES)}."
        )
    account = accounts.choose(ENGINES[engine].usual_account)
    place.make_open(place.labs_root())
    place.require_entry(account)
    found = ENGINES[engine].find(version=version, directory=bin_directory)
    programs: Programs = ENGINES[engine].readable(found, account)
    return Lab(
        name=name,
        engine=engine,
        version=programs.version,
        directory=place.making(name),
        programs=programs.directory,
        user=account.name,
        sockets=place.making(name) / "run",
    )


def make(draft: Lab, settings: Mapping[str, str], fill: Fill | None = None) -> Lab:
    """Put the lab together under a name of its own, then give it its name: whole or not at all."""
    return _named(_assembled(draft, settings, fill))


def remake(lab: Lab, fill: Fill) -> Lab:
    """
    Put `lab` together anew, with the programs and the port it had; it is down afterwards.

    Its server is stopped now; its data are gone once the new ones are whole.
    """
    draft = draft_of(lab.name, lab.engine, None, lab.programs)
    place.sweep(lab.name)
    stop(lab, hard=True)
    made = _assembled(replace(draft, port=lab.port, temporary=lab.temporary), {}, fill)
    _remove_files(lab)
    return _named(made)


def _assembled(draft: Lab, settings: Mapping[str, str], fill: Fill | None) -> Lab:
    account = accounts.choose(ENGINES[draft.engine].usual_account)
    draft.directory.mkdir()
    draft.directory.chmod(0o711 if account.switch else 0o700)
    for own in (draft.data, draft.scratch):
        own.mkdir(mode=0o700)
        account.own(own)
    engine = ENGINES[draft.engine]
    try:
        if fill is None:
            engine.initialise(draft, account, settings)
        elif fill.replica_of is not None:
            draft = replace(draft, owner=fill.owner or draft.owner, replica_of=fill.replica_of)
            fill.put(draft, account)
        else:
            draft = replace(draft, owner=fill.owner or engine.guest)
            engine.adopt(draft, account, {**settings, **fill.put(draft, account)})
    except BaseException:  # the log stays; half a data directory would only fill the disk
        shutil.rmtree(draft.data, ignore_errors=True)
        raise
    return draft


def _named(made: Lab) -> Lab:
    final = place.directory(made.name)
    lab = replace(made, directory=final, sockets=final / "run")
    disk.write_whole(made.directory / marker.NAME, marker.text(lab), mode=0o644)
    made.directory.rename(final)  # an empty directory of this name gives way
    return lab


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the lab `name` for the block, or raise `Busy`; what unfinished work left is removed."""
    with filelock.hold(place.lock_file(name), what=f"the lab {name!r}"):
        place.sweep(name)
        yield


def all_labs() -> list[Lab]:
    """Return the labs there are, by name; what cannot be read is left out."""
    found = []
    for name in place.names():
        try:
            lab = marker.read(place.directory(name))
        except StockopsError:
            continue
        found += [lab] if lab else []
    return found


def remove(lab: Lab) -> None:
    """Stop `lab` and remove all it holds."""
    stop(lab, hard=lab.temporary)
    _remove_files(lab)


def _remove_files(lab: Lab) -> None:
    memory.release(lab.data)
    if lab.sockets.parent != lab.directory:
        shutil.rmtree(lab.sockets, ignore_errors=True)
    place.discard(lab.directory)
