"""A server of its own for one drill, with a market in it and what the fault needs around it."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from .. import lab as labs
from .. import proxy
from ..lab import Fill, Lab, place
from ..lab import account as accounts
from ..lab.account import Account
from ..targets import Target
from . import clients, golden, guard, preloading, safekeeping, standby, volumes
from .faults.base import Args, Needs, Spot
from .faults.disks import MESSAGES as MESSAGES_FILE
from .inverse import Destroy
from .undoing import Undo
from .volumes import Volumes

_DATA = {"postgresql": "base", "mariadb": labs.DATABASE}
_BINLOGS, _MESSAGES = "binlogs", "messages"
# What a fault may need to be survived; and shared memory in files of the data directory, which go
# with it: in /dev/shm a server that is killed leaves them to nobody.
_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {"wal_log_hints": "on", "dynamic_shared_memory_type": "mmap"},
    "mariadb": {},
}

Say = Callable[[str], None]


@contextmanager
def opened(
    engine: str, needs: Needs, args: Args, *, undo: Undo, folder: Path, say: Say = lambda _: None
) -> Iterator[Spot]:
    """
    Give a sandbox in which `needs` are met, and remove it at the end of the block.

    `undo` knows of all of it before it is there. `say` is told what is being made.
    """
    name = f"{labs.SANDBOX}{engine}-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        say("a server with a market")
        gone = undo.arm(Destroy(directory=place.directory(name)))
        stack.callback(_remove, name, undo, gone)
        lab = labs.adopt(
            name,
            engine=engine,
            fill=_filled(engine, name, needs),
        )
        lab, disks = _rehoused(stack, lab, needs)
        target = Target(name=name, url=lab.url(), lab=name)
        guard.plant(lab, target)
        clients.admit(target, lab)
        spot = Spot(
            lab=lab,
            target=target,
            front=target,
            folder=folder,
            undo=undo,
            args=args,
            volumes=disks,
        )
        if needs.login:
            spot.login = clients.by_password(spot)
        if needs.replica:
            say("a replica")
            copy = standby.name_of(lab)
            stack.callback(_remove, copy, undo, undo.arm(Destroy(directory=place.directory(copy))))
            standby.add(spot, synchronous=needs.synchronous)
        if needs.backup or needs.archive:
            say("a backup")
            safekeeping.add(stack, spot, archive=needs.archive)
        if needs.proxy:
            say("a proxy")
            _add_proxy(stack, spot)
        yield spot


def settings(engine: str, name: str, needs: Needs) -> Mapping[str, str]:
    """Return what the server of the sandbox `name` is started with, beside what every lab has."""
    found = {**_SETTINGS[engine], **needs.settings}
    folder = place.directory(name)
    if engine == "mariadb" and "log" in needs.volumes:
        found["log_bin"] = str(folder / _BINLOGS / "binlog")
    if "messages" in needs.volumes:
        messages = folder / _MESSAGES
        if engine == "mariadb":
            found["log_error"] = str(messages / MESSAGES_FILE)
        else:
            found |= {"logging_collector": "on", "log_directory": str(messages)}
            found |= {"log_filename": MESSAGES_FILE, "log_rotation_age": "0"}
    return found


def _filled(engine: str, name: str, needs: Needs) -> Fill:
    """
    Return what fills the lab, and makes the directories that its server has beside its data.

    There is a port where a replica needs one: on MariaDB it reaches its primary by nothing else.
    """
    golden_fill = golden.fill(engine, settings(engine, name, needs))

    def put(lab: Lab, account: Account) -> Mapping[str, str]:
        for what in needs.volumes:
            beside = _directory(lab, what)
            if beside.parent == lab.directory:
                beside.mkdir(mode=0o700)
                account.own(beside)
        return golden_fill.put(lab, account)

    return replace(golden_fill, put=put, port=needs.replica and engine == "mariadb")


def _rehoused(stack: ExitStack, lab: Lab, needs: Needs) -> tuple[Lab, Volumes | None]:
    """Start the server anew with its volumes and its environment, where it needs some."""
    if not needs.volumes and not needs.environment and not needs.preloaded:
        return lab, None
    labs.stop(lab)
    made: Volumes | None = None
    through: tuple[str, ...] = ()
    account = accounts.serving(lab.user)
    if needs.volumes:
        rooms = {what: (_directory(lab, what), room) for what, room in needs.volumes.items()}
        held = volumes.held(lab, account, rooms, by_root=needs.mounted_by_root)
        made = stack.enter_context(held)
        stack.callback(labs.stop, lab, hard=True)  # before its disks go
        through = made.through
    said = [
        f"{key}={value.format(directory=lab.directory)}" for key, value in needs.environment.items()
    ]
    if needs.preloaded:
        said += preloading.built(needs.preloaded, lab.directory, account)
    if said:
        through = (*through, "env", *said)
    switches = made is not None and made.by_root
    lab = replace(lab, through=through, through_switches=switches)
    started = labs.start(lab, outlives=True)
    for each in needs.leaves:
        Path(each.format(pid=started.pid)).unlink(missing_ok=True)
    return started, made


def _directory(lab: Lab, what: str) -> Path:
    if what == "data":
        return lab.data / _DATA[lab.engine]
    if what == "messages":
        return lab.directory / _MESSAGES
    return lab.data / "pg_wal" if lab.engine == "postgresql" else lab.directory / _BINLOGS


def _add_proxy(stack: ExitStack, spot: Spot) -> None:
    """Put a proxy before the server; it is healed by its control socket, or ends with us."""
    folder = spot.folder / "proxy"
    folder.mkdir(mode=0o700)
    upstream = proxy.server_of(spot.target.url)
    spot.proxy = stack.enter_context(proxy.start(upstream, engine=spot.engine, folder=folder))
    spot.front = spot.proxy.before(spot.target)


def _remove(name: str, undo: Undo, token: int) -> None:
    for each in labs.replicas_of(name):  # after a failover the two have changed places
        labs.destroy(each.name)
    if labs.read(name) is not None:
        labs.destroy(name)
    undo.undone(token)
