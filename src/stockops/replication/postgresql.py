"""How PostgreSQL replicates: the log is streamed, and a slot of ours keeps it for who is away."""

import re
from pathlib import Path

from .. import children
from ..engine import connect
from ..errors import Refused, StockopsError, Unsupported
from ..lab import Lab, account, place, process, stop
from ..lab.account import Account
from ..targets import Target
from . import walloss
from .facts import SLOTS, STANDING, Following, Lost, Source, Standing, State

SLOT = "stockops_replica_"
COPY_S = 6 * 3600.0
CONNECT_S = 3.0
LEAVE_S = 10.0
_AUTO = "postgresql.auto.conf"
_OURS = re.compile(r"^\s*(primary_conninfo|primary_slot_name)\s*=")
_REASONS = (
    ("has already been removed", "the log that it needs was removed on the primary", "rebuild"),
    ("has been invalidated", "the primary gave up its slot: the log was too much", "rebuild"),
    (
        'replication slot "',
        "the primary has no slot for it, or another one reads from it",
        "rebuild",
    ),
    ("is not a child of", "it has log that the primary never had", "reattach"),
    ("forked off", "it has log that the primary never had", "reattach"),
    ("system identifier differs", "the primary is another cluster", "rebuild"),
)


class PostgreSQL:
    """How PostgreSQL replicates."""

    port = False

    def source(self, primary: Lab, via: int | None) -> Source:
        """Return the directory of the sockets, or the port `via` of 127.0.0.1."""
        if via is not None:
            return Source(lab=primary, host="127.0.0.1", port=via)
        return Source(lab=primary, host=str(primary.sockets), port=primary.port or 5432)

    def copy(self, source: Source, lab: Lab, account: Account) -> None:
        """Fill the data directory by pg_basebackup, which makes the slot before it begins."""
        primary = source.lab
        with connect(primary.url("postgres")) as server:
            if server.rows("SELECT 1 AS n FROM pg_tablespace WHERE oid > 16383"):
                raise Unsupported(
                    f"the lab {primary.name!r} has tablespaces, and a replica on the same machine "
                    "would need them in the same places",
                    hint="Drop them, or replicate to another machine.",
                )
        self.leave(lab.name, primary)
        argv: list[str | Path] = [primary.programs / "pg_basebackup", "-h", primary.sockets]
        argv += ["-p", str(primary.port or 5432), "-U", primary.owner, "-w", "-D", lab.data]
        argv += ["-X", "stream", "-c", "fast", "-C", "-S", slot_name(lab.name)]
        process.run_tool(
            argv, account=account, cwd=lab.directory, log=lab.log_path, within_s=COPY_S
        )
        _take_password(primary, lab)
        self.follow(lab, source)

    def begin(self, lab: Lab, source: Source, *, within_s: float) -> None:
        """Wait until the log streams: what to follow stands in its files."""
        if not children.wait_until(lambda: _streams(lab), within_s=within_s):
            raise children.failed(
                f"{lab.name!r} does not stream from {source.lab.name!r}", lab.log_path
            )

    def expect(self, name: str, primary: Lab) -> None:
        """Make the slot."""
        with connect(primary.url("postgres")) as server:
            server.rows(
                "SELECT pg_create_physical_replication_slot(%(name)s::text::name, true)::text AS it"
                " WHERE NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = %(name)s)",
                {"name": slot_name(name)},
            )

    def leave(self, name: str, primary: Lab) -> None:
        """Drop the slot; while somebody reads from it, it is refused."""
        if primary.pid is None:
            return
        slot = slot_name(name)

        def dropped() -> bool:
            server.rows(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE slot_name = %(name)s AND NOT active",
                {"name": slot},
            )
            return not [each for each in server.fetch(SLOTS) if each.slot_name == slot]

        with connect(primary.url("postgres"), connect_timeout_s=CONNECT_S) as server:
            if not children.wait_until(dropped, within_s=LEAVE_S):  # a sender may linger
                raise Refused(
                    f"somebody reads from the slot {slot!r} of {primary.name!r}",
                    hint=f"Stop who does: stockops lab down --name {name}",
                )

    def follow(self, lab: Lab, source: Source) -> None:
        """Write standby.signal, and whom to follow where ALTER SYSTEM would write it."""
        said = {
            "primary_conninfo": _conninfo(lab, source),
            "primary_slot_name": slot_name(lab.name),
        }
        _write_auto(lab, [f"{name} = {_quoted(value)}" for name, value in said.items()])
        signal = lab.data / "standby.signal"
        signal.touch(mode=0o600)
        _own(lab, signal)

    def resume(self, lab: Lab, source: Source, *, within_s: float) -> None:
        """Wait until the log streams."""
        self.begin(lab, source, within_s=within_s)

    def look(self, target: Target, lab: Lab | None, primary: Lab | None) -> Following | None:
        """Return how `target` follows; of a receiver that is gone, the lab's log says why."""
        with connect(target, connect_timeout_s=CONNECT_S) as server:
            found = server.fetch(STANDING)[0]
        if not found.is_replica and (lab is None or lab.replica_of is None):
            return None
        state, reason, step = _judged(lab, found, primary)
        behind = found.behind_bytes
        if primary is not None and (current := _position(primary)) is not None:
            behind = max(behind, current - _lsn(found.applied))
        return Following(
            replica=target.name,
            primary=primary.name if primary else found.primary_address,
            engine="postgresql",
            state=state,
            behind_bytes=behind if found.is_replica else None,
            behind_s=None if found.behind_s is None else round(found.behind_s, 3),
            received=found.received,
            applied=found.applied,
            slot=found.slot_name,
            reason=reason,
            next=step,
        )

    def is_replica(self, lab: Lab) -> bool:
        """Tell whether `lab` is in recovery."""
        with connect(lab.url("postgres"), connect_timeout_s=CONNECT_S) as server:
            return server.fetch(STANDING)[0].is_replica

    def hold_writes(self, primary: Lab, replica: Lab, *, within_s: float) -> None:
        """Stop `primary`: it leaves when who streams from it has all of its log."""
        stop(primary)

    def drain(self, lab: Lab, *, within_s: float) -> None:
        """Wait until all that was received is replayed; a replay that is paused goes on."""

        def done() -> bool:
            found = server.fetch(STANDING)[0]
            return not found.is_replica or _lsn(found.received) <= _lsn(found.applied)

        with connect(lab.url("postgres"), connect_timeout_s=CONNECT_S) as server:
            if server.fetch(STANDING)[0].paused:
                server.rows("SELECT pg_wal_replay_resume()")
            if not children.wait_until(done, within_s=within_s):
                raise children.failed(
                    f"{lab.name!r} has not applied what it received within {within_s:.0f} s",
                    lab.log_path,
                )

    def promote(self, lab: Lab, *, within_s: float) -> None:
        """Promote it, and forget whom it followed."""
        with connect(lab.url("postgres"), connect_timeout_s=CONNECT_S) as server:
            if server.fetch(STANDING)[0].is_replica:
                asked = "SELECT pg_promote(true, %(within_s)s) AS is_done"
                if not server.rows(asked, {"within_s": int(within_s)})[0]["is_done"]:
                    raise children.failed(
                        f"{lab.name!r} was not promoted within {within_s:.0f} s", lab.log_path
                    )
        _write_auto(lab, [])

    def prove(self, lab: Lab) -> str:
        """Commit a message in the log, which no table sees."""
        with connect(lab.url("postgres"), connect_timeout_s=CONNECT_S) as server:
            server.rows("SELECT pg_logical_emit_message(true, 'stockops', 'promoted')::text AS lsn")
            return str(server.rows("SELECT pg_current_wal_flush_lsn()::text AS lsn")[0]["lsn"])

    def lost(self, old: Lab, new: Lab, *, keep: Path | None = None) -> Lost:
        """Read the log of `old` from where `new` left it; it holds no text to keep."""
        del keep
        return walloss.lost(old, new)

    def rewind(self, old: Lab, source: Source, account: Account) -> None:
        """Run pg_rewind, which recovers `old` first where it was killed."""
        primary = source.lab
        target = f"host={_value(str(primary.sockets))} port={primary.port or 5432} "
        target += f"user={_value(primary.owner)} dbname=postgres"
        argv: list[str | Path] = [primary.programs / "pg_rewind", "--target-pgdata", old.data]
        with connect(primary.url("postgres")) as server:
            server.execute("CHECKPOINT")  # its control file must know of the promotion
        process.run_tool(
            [*argv, "--source-server", target],
            account=account,
            cwd=old.directory,
            log=old.log_path,
            within_s=COPY_S,
        )


def slot_name(name: str) -> str:
    """Return the slot of the replica `name`."""
    return SLOT + name.replace("-", "_")


def _judged(lab: Lab | None, found: Standing, primary: Lab | None) -> tuple[State, str, str]:
    """Return the state, why, and the command that comes next."""
    if not found.is_replica:
        return "broken", "it takes writes: it follows nobody", _step("reattach", lab)
    if found.paused:
        resume = "SELECT pg_wal_replay_resume()"
        step = f'stockops lab shell --name {lab.name} -- -c "{resume}"' if lab else resume
        return "paused", "its replay is paused", step
    if found.receiver == "streaming":
        return "following", "it streams", ""
    reason, verb = _broken(lab, found, primary)
    return "broken", reason, _step(verb, lab)


def _broken(lab: Lab | None, found: Standing, primary: Lab | None) -> tuple[str, str]:
    """Return why nothing streams, and the verb of what comes next."""
    said = "\n".join(children.tail(lab.log_path)) if lab else ""
    for words, reason, verb in _REASONS:
        if words in said:
            return reason, verb
    if lab is not None and primary is not None:
        if primary.pid is None:
            return f"its primary {primary.name!r} is {primary.state}", "promote"
        if gone := _slot_is_gone(lab, primary):
            return gone, "rebuild"
    if not found.is_configured:
        return "it is not told whom to follow", "reattach"
    where = f"less {lab.log_path}" if lab else "its log says why"
    return f"the log does not stream: {where}", "reattach"


def _step(verb: str, lab: Lab | None) -> str:
    return f"stockops replica {verb} --name {lab.name} --plan" if lab else ""


def _slot_is_gone(lab: Lab, primary: Lab) -> str:
    try:
        with connect(primary.url("postgres"), connect_timeout_s=CONNECT_S) as server:
            slots = {each.slot_name: each for each in server.fetch(SLOTS)}
    except StockopsError:
        return ""
    slot = slots.get(slot_name(lab.name))
    if slot is None:
        return f"the primary has no slot {slot_name(lab.name)!r}"
    return "the log that it needs was removed on the primary" if slot.wal_status == "lost" else ""


def _streams(lab: Lab) -> bool:
    with connect(lab.url("postgres"), connect_timeout_s=CONNECT_S) as server:
        return server.fetch(STANDING)[0].receiver == "streaming"


def _position(primary: Lab) -> int | None:
    if primary.pid is None:
        return None
    try:
        with connect(
            primary.url("postgres"), connect_timeout_s=CONNECT_S, statement_timeout_s=CONNECT_S
        ) as server:
            return _lsn(server.fetch(STANDING)[0].received)
    except StockopsError:
        return None


def _lsn(text: str) -> int:
    high, _, low = text.partition("/")
    return (int(high or "0", 16) << 32) + int(low or "0", 16)


def _conninfo(lab: Lab, source: Source) -> str:
    said = {
        "host": source.host,
        "port": str(source.port),
        "user": source.lab.owner,
        "application_name": lab.name,
        "connect_timeout": "5",
    }
    if not source.host.startswith("/") and source.lab.tcp_password_file.exists():
        said["passfile"] = str(_passfile(lab, source.lab))
    return " ".join(f"{name}={_value(value)}" for name, value in said.items())


def _passfile(lab: Lab, primary: Lab) -> Path:
    """Write the password for its server into `lab`'s data, where only that can read it."""
    path = lab.data / "stockops.pgpass"
    secret = primary.tcp_password_file.read_text(encoding="ascii").strip()
    path.touch(mode=0o600)
    path.write_text(f"*:*:*:*:{secret}\n", encoding="ascii")
    _own(lab, path)
    return place.directory(lab.name) / "data" / path.name  # a lab in the making is renamed


def _take_password(primary: Lab, lab: Lab) -> None:
    """Keep for `lab` what opens its copy of the primary's account over TCP."""
    if primary.tcp_password_file.exists():
        lab.tcp_password_file.touch(mode=0o600)
        lab.tcp_password_file.write_bytes(primary.tcp_password_file.read_bytes())


def _write_auto(lab: Lab, lines: list[str]) -> None:
    path = lab.data / _AUTO
    kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in kept if not _OURS.match(line)]
    fresh = lab.data / f"{_AUTO}.stockops"
    fresh.touch(mode=0o600)
    fresh.write_text("\n".join([*kept, *lines]) + "\n", encoding="utf-8")
    _own(lab, fresh)
    fresh.replace(path)


def _own(lab: Lab, path: Path) -> None:
    who = account.own() if lab.user == account.own().name else account.named(lab.user)
    who.own(path)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
