"""The file that makes a directory a lab: written last, read first."""

import json
import os
import stat
from pathlib import Path

from .. import disk
from ..errors import ConfigError, Refused
from .base import OWNER, SHAPES, Lab

NAME = "stockops-lab.json"
FORMAT = 1


def read(directory: Path) -> Lab | None:
    """
    Return the lab that stands in `directory`; None when nothing does, or it is empty.

    Anything else there was not made by stockops, and is refused: it may be somebody's database.
    """
    try:
        kind = directory.lstat()
    except FileNotFoundError:
        return None
    path = directory / NAME
    if not stat.S_ISDIR(kind.st_mode) or not path.is_file():
        if stat.S_ISDIR(kind.st_mode) and not any(directory.iterdir()):
            return None
        raise Refused(
            f"{str(directory)!r} was not made by stockops: there is no {NAME} in it",
            hint="Take another --name, or move it away yourself.",
        )
    owner = path.lstat().st_uid
    if owner != os.geteuid():
        raise Refused(
            f"the lab in {str(directory)!r} belongs to the user with number {owner}",
            hint="Run as that user, or set STOCKOPS_LABS to a directory of your own.",
        )
    return _parse(path)


def write(lab: Lab) -> None:
    """Write the marker of `lab` into its directory, whole or not at all."""
    disk.write_whole(lab.directory / NAME, text(lab), mode=0o644)


def text(lab: Lab) -> bytes:
    """Return what the marker of `lab` says."""
    says = {
        "format": FORMAT,
        "engine": lab.engine,
        "version": lab.version,
        "programs": str(lab.programs),
        "user": lab.user,
        "sockets": str(lab.sockets),
        "owner": lab.owner,
        "port": lab.port,
        "temporary": lab.temporary,
        "replica_of": lab.replica_of,
        "replaced_by": lab.replaced_by,
        "through": lab.through,
        "through_switches": lab.through_switches,
    }
    return (json.dumps(says, indent=2) + "\n").encode()


def _parse(path: Path) -> Lab:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        known = said["format"] == FORMAT and said["engine"] in SHAPES
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise _unreadable(path, f"{type(exc).__name__}: {exc}") from exc
    if not known:
        raise _unreadable(path, f"format {said['format']}, engine {said['engine']}")
    try:
        return Lab(
            name=path.parent.name,
            engine=said["engine"],
            version=said["version"],
            directory=path.parent,
            programs=Path(said["programs"]),
            user=said["user"],
            sockets=Path(said["sockets"]),
            owner=said.get("owner", OWNER),  # older markers have none, nor of the last four
            port=said["port"],
            temporary=said["temporary"],
            replica_of=said.get("replica_of"),
            replaced_by=said.get("replaced_by"),
            through=tuple(said.get("through", ())),
            through_switches=said.get("through_switches", False),
        )
    except (KeyError, TypeError) as exc:
        raise _unreadable(path, f"{type(exc).__name__}: {exc}") from exc


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{str(path)!r} is not a marker this version reads ({why})",
        hint="Use the version of stockops that made the lab, or remove the lab's directory.",
    )
