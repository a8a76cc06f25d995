"""Proxies that a person runs, by their names: a folder each among the state, gone when it ends."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import filelock, state
from ..errors import ConfigError, Unreachable
from . import control

USUAL = "proxy"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_URL = "url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One proxy that runs: where, with which toxics, and what it saw (see `control.Counts`)."""

    name: str
    url: str
    toxics: tuple[str, ...]
    connections: int
    open: int
    unanswered: int
    blind: int
    exchanges: int
    up_bytes: int
    down_bytes: int
    did: tuple[str, ...]


@contextmanager
def hold(name: str) -> Iterator[Path]:
    """Give the folder of the proxy `name` for the block; `Busy` where one of that name runs."""
    _check(name)
    root = state.folder("proxies")
    with filelock.hold(_lock(root, name), what=f"the proxy {name!r}"):
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def tell_url(folder: Path, url: str) -> None:
    """Write down the URL through the proxy of `folder`, for `statuses`."""
    (folder / _URL).write_text(url, encoding="utf-8")


def control_of(name: str) -> Path:
    """Return the control socket of the proxy `name`, or raise `ConfigError` naming those there."""
    _check(name)
    there = _running()
    if name not in there:
        raise ConfigError(
            f"no proxy {name!r} runs (there are: {', '.join(there) or 'none'})",
            hint=f"Start it in another terminal: stockops proxy run --name {name}",
        )
    return state.folder("proxies") / name / control.CONTROL


def statuses() -> list[Status]:
    """Return every proxy that runs, by name."""
    found = []
    for name in _running():
        try:
            found.append(status(name))
        except (Unreachable, FileNotFoundError):  # it is coming, or going
            continue
    return found


def status(name: str) -> Status:
    """Return how the proxy `name` is now."""
    path = control_of(name)
    seen = control.seen(path)
    in_force = json.loads((path.parent / control.STATE).read_bytes())["toxics"]
    return Status(
        name=name,
        url=(path.parent / _URL).read_text("utf-8"),
        toxics=tuple(in_force),
        connections=seen.connections,
        open=seen.open,
        unanswered=seen.unanswered,
        blind=seen.blind,
        exchanges=seen.exchanges,
        up_bytes=seen.up_bytes,
        down_bytes=seen.down_bytes,
        did=tuple(f"{kind}={count}" for kind, count in sorted(seen.did.items())),
    )


def _running() -> list[str]:
    root = state.folder("proxies")
    names = sorted(each.name for each in root.iterdir() if _NAME.fullmatch(each.name))
    return [name for name in names if filelock.is_held(_lock(root, name))]


def _lock(root: Path, name: str) -> Path:
    return root / f".{name}.lock"


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a proxy",
            hint="Take up to 32 of a-z, 0-9, '-' and '_', beginning with a letter or a digit.",
        )
