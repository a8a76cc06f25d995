"""What a fault is, and the spot at which one is injected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from ... import lab as labs
from ...children import Child
from ...errors import ConfigError
from ...lab import Lab
from ...proxy import Proxy
from ...targets import Target
from ..preloading import Library
from ..undoing import Undo
from ..volumes import Volumes

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """
    What must stand in a sandbox before a fault can be injected into it.

    `volumes` are disks of their own, in MiB, for the "data" of the tables, for the "log" (WAL,
    binlog) and for the "messages" of the server. `proxy`: the load reaches the server through one.
    `backup`: a full one is in the repository; `archive` goes on adding the log. `replica`: a second
    server follows; `synchronous` commits wait for it. `login`: the load comes as the role of the
    applications, by its password. `settings` and `environment` are what the server is started with;
    ``{directory}`` in a value of the latter is that of the lab. `leaves` are files elsewhere that a
    server so started makes, and needs no more once it is up; ``{pid}`` in a name is its number.
    `preloaded`: the library of ours that the server is started with. Where disks are
    `mounted_by_root`, no user namespace is asked for.
    """

    volumes: Mapping[str, int] = field(default_factory=dict)
    proxy: bool = False
    replica: bool = False
    synchronous: bool = False
    backup: bool = False
    archive: bool = False
    login: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    leaves: Sequence[str] = ()
    preloaded: Library | None = None
    mounted_by_root: bool = False


@dataclass(slots=True, kw_only=True)
class Spot:
    """
    A sandbox: a server of its own on which one drill is run, and what stands around it.

    `target` leads to the server itself, for the drill's own hands; the load goes by `front`, which
    is the proxy where there is one, or by `login` where it has a password. `folder` is the drill's
    own, for what is kept aside; `volumes` are disks of its own, None where none was asked for.
    `undo` takes every inverse step before the step. `login`, `proxy` and `replica` are None where
    none was asked for. `successor` is the lab that holds the truth once it was promoted, or
    restored to. `receiver` is who archives the log, `companions` the applications of all that is
    the drill's own and talks to the server. `memory` is the fault's own from `inject` to `lift`.
    """

    lab: Lab
    target: Target
    front: Target
    folder: Path
    undo: Undo
    args: Args = field(default_factory=dict)
    login: Target | None = None
    volumes: Volumes | None = None
    proxy: Proxy | None = None
    repository: Path | None = None
    replica: Lab | None = None
    successor: Lab | None = None
    receiver: Child | None = None
    companions: set[str] = field(default_factory=set)
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """The engine of the server."""
        return self.lab.engine

    @property
    def migrations(self) -> Path:
        """Where the migrations are that are rolled out, if any."""
        return self.folder / "migrations"

    @property
    def now(self) -> Lab:
        """The lab as it is now: with the port it has since its last start."""
        return labs.read(self.lab.name) or self.lab

    @property
    def standing(self) -> Lab:
        """The lab that holds the truth when all is over; after a failover who took over."""
        lab = self.now
        took_over = lab.replaced_by or lab.replica_of
        return self.successor or (labs.read(took_over) if took_over else None) or lab

    @property
    def authority(self) -> Target:
        """The database that is asked then."""
        lab = self.standing
        return Target(name=lab.name, url=lab.url(self.target.database), lab=lab.name)


@dataclass(frozen=True, slots=True)
class Driver:
    """
    One way to inject a fault; `why_not` says why it does not work here, None where it does.

    One with a library that is `preloaded` wants a server that is started with it; one that
    `mounts_by_root` wants disks that root has mounted.
    """

    name: str
    why_not: Callable[[], str | None]
    preloaded: Library | None = None
    mounts_by_root: bool = False


def anywhere() -> str | None:
    """Return None: a driver that takes nothing but the server works anywhere."""
    return None


class Fault(Protocol):
    """
    One thing that goes wrong, on every engine on which it can.

    To add one: write these members, or those that are not as `Ordinary` has them, in a module of
    `stockops.drills.faults`, name it in `FAULTS` there, and write a drill that uses it.
    """

    name: str
    title: str
    destroys: bool  # data: only ever in a sandbox that is thrown away

    @property
    def without(self) -> Mapping[str, str]:
        """The engines on which it cannot be, and why."""

    @property
    def drivers(self) -> Sequence[Driver]:
        """The ways to inject it: the first that works here is taken."""

    def needs(self, engine: str, args: Args) -> Needs:
        """Return what must stand for it; `ConfigError` where `args` make no sense."""

    def inject(self, spot: Spot, driver: str) -> None:
        """Do it. Every inverse step is armed at `spot.undo` before the step itself is done."""

    def bites(self, spot: Spot) -> str | None:
        """Return what shows that it is in effect, in words; None while nothing does."""

    def lift(self, spot: Spot) -> None:
        """End what only the world can end: the disk has space again, the network heals."""


class Ordinary:
    """
    What most faults have in common: they can be on every engine, and the world takes none back.

    `takes` are their arguments by name, each with the values that it may have; `wants` is what
    must stand for them.
    """

    without: Mapping[str, str] = MappingProxyType({})
    destroys: bool = False
    drivers: Sequence[Driver] = (Driver("sql", anywhere),)
    takes: Mapping[str, Sequence[Any]] = MappingProxyType({})
    wants: Needs = Needs()

    def needs(self, engine: str, args: Args) -> Needs:
        """Return what must stand for it; `ConfigError` for what it does not take."""
        del engine
        require_known(args, self.takes)
        return self.wants

    def lift(self, spot: Spot) -> None:
        """Do nothing: whoever follows the runbook takes it back, or nobody can."""


def require_known(args: Args, takes: Mapping[str, Sequence[Any]]) -> None:
    """Raise `ConfigError` for an argument that `takes` has not, or not with that value."""
    for name, value in args.items():
        if name not in takes:
            raise ConfigError(
                f"the fault takes no {name!r}", hint=f"It takes: {', '.join(takes) or 'nothing'}."
            )
        values = takes[name]
        if value not in values or type(value) is not type(values[0]):  # True is no number
            raise ConfigError(f"{name} cannot be {value!r}", hint=f"It is {_one_of(values)}.")


def _one_of(values: Sequence[Any]) -> str:
    if isinstance(values, range):
        return f"a whole number from {values[0]} to {values[-1]:,}"
    return " or ".join(str(each) for each in values)
