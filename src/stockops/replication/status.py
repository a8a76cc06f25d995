"""How replicas are, asked of themselves where they are labs, else of who they read from."""

from .. import lab as labs
from ..engine import connect
from ..errors import StockopsError, Unsupported
from ..lab import Lab, proc
from ..targets import Target
from .engines import ENGINES
from .facts import FOLLOWERS, SLOTS, SOUND, Follower, Following
from .postgresql import CONNECT_S, SLOT, slot_name


def status(target: Target) -> list[Following]:
    """
    Return a row for `target` if it is a replica, else one for each replica that it has.

    A replica that is a lab is asked itself; of others their primary says what it sees. A slot of
    ours that no lab reads from is a replica that is missing.
    """
    lab = labs.read(target.lab) if target.lab else None
    primary = labs.read(lab.replica_of) if lab and lab.replica_of else None
    own = ENGINES[target.engine].look(target, lab, primary)
    if own is not None:
        return [own]
    mine = [_of(each, lab) for each in labs.replicas_of(lab.name)] if lab else []
    return [*mine, *_others(target, lab, {each.replica for each in mine})]


def target_of(lab: Lab) -> Target:
    """Return `lab` as a target, in the database that is always there."""
    database = "postgres" if lab.engine == "postgresql" else "mysql"
    return Target(name=lab.name, url=lab.url(database), lab=lab.name)


def is_sound(found: list[Following]) -> bool:
    """Tell whether there are replicas, and all of them follow."""
    return bool(found) and all(each.state in SOUND for each in found)


def _of(replica: Lab, primary: Lab | None) -> Following:
    named = replica.replica_of or ""
    if replica.pid is None:
        return Following(
            replica=replica.name,
            primary=named,
            engine=replica.engine,
            state="down",
            reason=f"the lab is {replica.state}",
            next=f"stockops lab up --name {replica.name}",
        )
    try:
        found = ENGINES[replica.engine].look(target_of(replica), replica, primary)
    except StockopsError as exc:
        found = None
        reason = f"it does not answer: {exc}"
    else:
        reason = "it follows nobody"
    return found or Following(
        replica=replica.name,
        primary=named,
        engine=replica.engine,
        state="unknown",
        reason=reason,
        next=f"less {replica.log_path}",
    )


def _port(follower: Follower) -> int | None:
    """Return the port that `follower` reads from; None where it is known by a name."""
    number = follower.replica.rpartition(":")[2]
    return int(number) if "@" in follower.replica and number.isdecimal() else None


def _others(target: Target, lab: Lab | None, known: set[str]) -> list[Following]:
    """Return those that only the primary knows of, and slots that wait for one."""
    # MariaDB goes on to show a replica that is gone, until it has something to send.
    gone = proc.hung_up(lab.port) if lab and lab.port else set()
    with connect(target, connect_timeout_s=CONNECT_S) as server:
        followers = [each for each in server.fetch(FOLLOWERS) if _port(each) not in gone]
        try:
            slots = server.fetch(SLOTS)
        except Unsupported:
            # Without names of their own, those that are labs cannot be told from others.
            followers, slots = followers[len(known) :], []
    found = [
        Following(
            replica=each.replica,
            primary=target.name,
            engine=target.engine,
            state="following" if each.state != "catchup" else "broken",
            behind_bytes=each.behind_bytes,
            behind_s=each.behind_s,
            received=each.received,
            applied=each.applied,
            slot=each.slot_name,
            reason=f"as its primary sees it: {each.state}",
        )
        for each in followers
        if each.replica not in known
    ]
    labs_of_slots = {slot_name(name) for name in known}
    return found + [
        Following(
            replica=each.slot_name.removeprefix(SLOT),
            primary=target.name,
            engine=target.engine,
            state="missing",
            behind_bytes=each.held_bytes,
            slot=each.slot_name,
            reason=f"nobody reads from its slot, which keeps {each.held_bytes:,} bytes of log",
            next=f"SELECT pg_drop_replication_slot('{each.slot_name}')",
        )
        for each in slots
        if each.slot_name.startswith(SLOT)
        and not each.is_active
        and each.slot_name not in labs_of_slots
    ]
