"""Make a replica of a lab, make it anew, and remove it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from .. import filelock
from .. import lab as labs
from ..errors import Refused, StockopsError, Unreachable
from ..lab import Fill, Lab, place
from ..lab.account import Account
from ..lab.servers import REPLAY_S
from ..plan import Step
from .engines import ENGINES
from .facts import Source

FOLLOW_S = 60.0  # from the start of a copy until it follows


def require_primary(name: str) -> Lab:
    """Return the lab `name`, which is up and no replica itself."""
    lab = labs.require(name)
    if lab.replica_of is not None:
        raise Refused(
            f"the lab {name!r} is a replica of {lab.replica_of!r} itself",
            hint=f"Name the primary: {lab.replica_of}",
        )
    if lab.pid is None:
        hint = f"stockops lab up --name {name}"
        if lab.replaced_by is not None:
            hint = f"{lab.replaced_by!r} took over from it: name that one."
        raise Unreachable(f"the lab {name!r} is {lab.state}", hint=hint)
    return lab


def followed(lab: Lab) -> str:
    """Return whom `lab` follows, or is to follow; `Refused` where that is nobody."""
    named = lab.replica_of or lab.replaced_by
    if named is None:
        raise Refused(
            f"the lab {lab.name!r} is no replica",
            hint=f"Make one of it: stockops replica add --of {lab.name} --name NAME",
        )
    return named


def add_steps(primary: Lab, name: str) -> list[Step]:
    """Return what `add` would do."""
    tool = "pg_basebackup" if primary.engine == "postgresql" else "mariadb-backup"
    steps = [Step(f"{tool} {primary.name} {name}", "a copy, made while the primary works")]
    if primary.engine == "postgresql":
        why = "the primary keeps its log for the replica, also while that is down"
        steps.insert(0, Step(f"create a replication slot for {name}", why))
    return [*steps, Step(f"start {name}", "it takes no writes, and follows from then on")]


def add(primary: Lab, name: str, *, via: int | None = None) -> Lab:
    """
    Make the new lab `name`, a replica of `primary`, and return it when it follows; it stays up.

    `via` is a port of 127.0.0.1 that leads to the primary's, as one of a proxy does.
    """
    engine = ENGINES[primary.engine]
    source = engine.source(primary, via)
    if labs.read(name) is not None:
        raise Refused(
            f"there is a lab {name!r} already",
            hint=f"Take another name; or, if it was its replica: stockops replica rebuild --name "
            f"{name} --plan",
        )
    try:
        return labs.adopt(
            name,
            engine=primary.engine,
            fill=_fill(source),
            finish=lambda lab: engine.begin(lab, source, within_s=FOLLOW_S),
            bin_directory=primary.programs,
        )
    except BaseException:
        with suppress(StockopsError):  # nobody will read what is kept for it
            engine.leave(name, primary)
        raise


@contextmanager
def temporary(primary: Lab, *, via: int | None = None) -> Iterator[Lab]:
    """Give a replica of `primary` that follows it, and remove it at the end of the block."""
    engine = ENGINES[primary.engine]
    source = engine.source(primary, via)
    with labs.temporary(primary.engine, bin_directory=primary.programs, fill=_fill(source)) as lab:
        try:
            engine.begin(lab, source, within_s=FOLLOW_S)
            yield lab
        finally:
            labs.stop(lab, hard=True)
            with suppress(StockopsError):  # the primary may be gone, or no primary any more
                engine.leave(lab.name, primary)


def rebuild_steps(lab: Lab, primary: Lab) -> list[Step]:
    """Return what `rebuild` would do."""
    what = f"remove the data of {lab.name}"
    return [
        Step(f"stop {lab.name}", "who reads from it is cut off", lock="exclusive"),
        *add_steps(primary, lab.name),
        Step(what, "once the new copy is whole, it takes their place", destroys=True),
    ]


def rebuild(lab: Lab, primary: Lab, *, via: int | None = None, outlives: bool = False) -> Lab:
    """Make the data of `lab` anew as a replica of `primary`; return it when it follows."""
    engine = ENGINES[primary.engine]
    source = engine.source(primary, via)
    made = labs.remake(lab, _fill(source))
    started = labs.start(made, port=engine.port, outlives=outlives, within_s=REPLAY_S)
    engine.begin(started, source, within_s=FOLLOW_S)
    return started


def remove(name: str) -> None:
    """Remove the replica `name`, and what its primary keeps for it."""
    lab = labs.require(name)
    labs.destroy(name)
    primary = labs.read(lab.replica_of) if lab.replica_of else None
    if primary is not None:
        ENGINES[lab.engine].leave(name, primary)


@contextmanager
def holding(*some: Lab | None) -> Iterator[None]:
    """Hold the labs for the block; a temporary one, which its maker holds, by another lock."""
    with ExitStack() as stack:
        for lab in some:
            if lab is None:
                continue
            if lab.temporary:
                path = place.labs_root() / f".{lab.name}.replica.lock"
                stack.enter_context(filelock.hold(path, what=f"the lab {lab.name!r}"))
            else:
                stack.enter_context(labs.held(lab.name))
        yield


def _fill(source: Source) -> Fill:
    engine = ENGINES[source.lab.engine]

    def put(lab: Lab, account: Account) -> Mapping[str, str]:
        engine.copy(source, lab, account)
        return {}

    return Fill(put, owner=source.lab.owner, replica_of=source.lab.name, port=engine.port)
