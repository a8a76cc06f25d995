"""Set a server up so that its log is archived, and prove that it is."""

import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ...engine import connect
from ...engine.base import Server
from ...errors import Finding, Refused, Unsupported
from ...plan import Consent, Step, check, check_named
from ...targets import Target
from .. import rights
from ..repository import Repository
from ..streams import Form
from . import ledger
from .binlogreceiver import server_files
from .questions import ARCHIVER, SLOTS
from .receiving import system_of
from .status import OURS, anywhere, escaped, is_ours
from .walreceiver import slot_name

PROVEN_S = 60.0
_POLL_S = 0.2
_TIMEOUT = "1min"  # as the server writes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is to be set up: by the server's own command, or `receive`d; and with which program."""

    receive: bool = False
    form: Form
    recipients: Sequence[str] = ()
    program: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What came of it. `proven` is the segment that was written, switched and found archived."""

    system: str
    how: str
    proven: str | None
    next: str


def steps(server: Server, repo: Repository, target: Target, asked: Start) -> list[Step]:
    """Return what has to be done on the server."""
    if server.engine != "postgresql" or asked.receive:
        rights.require_receiving(server)
    if server.engine != "postgresql":
        server_files(server)  # raises, and says what is missing
        return []
    if asked.receive:
        return _slot_steps(server, repo)
    says = server.fetch(ARCHIVER)[0]
    command = archive_command(repo, system_of(target), asked)
    found = []
    if says.wal_level == "minimal":
        found.append(_setting("wal_level", "replica", "a minimal log cannot be replayed"))
    if says.archive_mode == "off":
        found.append(_setting("archive_mode", "on", "takes effect when the server is restarted"))
    if says.archive_library:
        raise Refused(
            f"archive_library is {says.archive_library!r}: another tool archives this server",
            hint="Receive the log instead: stockops backup archive start --receive",
        )
    if says.archive_command != command:
        ends = _ended_by(asked, says.archive_command)
        why = ends or "each finished segment goes into the repository"
        found.append(_setting("archive_command", command, why, destroys=bool(ends)))
    if says.archive_timeout in {"0", ""}:
        found.append(_setting("archive_timeout", _TIMEOUT, "a quiet server archives, too"))
    if found:
        found.append(Step("SELECT pg_reload_conf()", "the server reads its settings"))
    return found


def start(repo: Repository, target: Target, asked: Start, *, consent: Consent) -> Started:
    """Do it, with consent; raise `Finding` where no segment arrives within `PROVEN_S`."""
    system = system_of(target)
    with connect(target, application="stockops archive") as server:
        planned = steps(server, repo, target, asked)
        if planned:
            check_named(
                "backup archive start",
                target=target.name,
                protected=target.protected,
                consent=consent,
            )
        check(planned, target=target.name, protected=target.protected, consent=consent)
        for step in planned:
            if step.action.startswith("SELECT"):
                server.rows(step.action)
            else:
                server.execute(step.action)
        place = shlex.quote(repo.store.place)
        where = " ".join(
            [f"-t {shlex.quote(target.name)} --repository {place}", *map(shlex.quote, _form(asked))]
        )
        run = f"stockops backup archive run {where}"
        if server.engine != "postgresql" or asked.receive:
            return Started(system=system, how="receiver", proven=None, next=run)
        if server.fetch(ARCHIVER)[0].archive_mode == "off":
            if asked.program:
                where += f" --program {shlex.quote(asked.program)}"
            again = f"Restart PostgreSQL, then prove it: stockops backup archive start {where}"
            return Started(system=system, how="archive_command", proven=None, next=again)
        proven = _prove(server, repo, system)
    return Started(
        system=system,
        how="archive_command",
        proven=proven,
        next=f"stockops backup take {where}",
    )


def _ended_by(asked: Start, command: str) -> str:
    """Return what ends with `command`, the server's own until now, in words; "" where nothing."""
    if command and OURS not in command:
        return f"it takes the place of another archive's command: {command}"
    if "--recipient" in command and not asked.recipients:
        return "what is archived from now on is not encrypted any more"
    return ""


def stop_steps(server: Server, repo: Repository) -> list[Step]:
    """Return what ends the archiving to `repo`: nothing after it can be recovered."""
    if server.engine != "postgresql":
        raise Unsupported(
            "there is nothing to end on a server of MariaDB: its log is received",
            hint="End the receiver: it is the process of stockops backup archive run.",
        )
    says = server.fetch(ARCHIVER)[0]
    found = []
    if is_ours(says.archive_command, repo):
        # An empty command would keep all log for ever.
        why = "finished segments are no longer kept: nothing after this moment can be recovered"
        found.append(_setting("archive_command", "/bin/true", why, destroys=True))
        found.append(_setting("archive_mode", "off", "takes effect when the server is restarted"))
        if says.archive_timeout == _TIMEOUT:
            why = "without an archive a quiet server has no use for a segment each minute"
            found.append(Step("ALTER SYSTEM RESET archive_timeout", why))
        found.append(Step("SELECT pg_reload_conf()", "the server reads its settings"))
    for slot in server.fetch(SLOTS):
        if slot.name == slot_name(repo):
            why = "the server no longer keeps log for the receiver"
            drop = f"SELECT pg_drop_replication_slot('{slot.name}')"
            found.append(Step(drop, why, destroys=True))
    return found


def stop(repo: Repository, target: Target, *, consent: Consent) -> list[Step]:
    """End the archiving of `target` to `repo`, with consent; return what was done."""
    with connect(target, application="stockops archive") as server:
        planned = stop_steps(server, repo)
        check(planned, target=target.name, protected=target.protected, consent=consent)
        for step in planned:
            if step.action.startswith("SELECT"):
                server.rows(step.action)
            else:
                server.execute(step.action)
    return planned


def archive_command(repo: Repository, system: str, asked: Start) -> str:
    """Return the command that a server of `system` archives with."""
    words = ["--repository", anywhere(repo), "--system", system]
    return f"{_program(asked)} {OURS} %p {escaped([*words, *_form(asked)])}"


def _form(asked: Start) -> list[str]:
    """Return the words that say in which form the log is stored."""
    words = []
    if asked.form.compression != "zstd":
        words += ["--compress", asked.form.compression]
    for text in asked.recipients:
        words += ["--recipient", text]
    return words


def restore_command(
    repo: Repository, system: str, *, identities: Sequence[str] = (), program: str | None = None
) -> str:
    """Return the command that a server recovers with."""
    words = ["--repository", anywhere(repo), "--system", system]
    for path in identities:
        words += ["--identity", os.path.abspath(path)]  # noqa: PTH100
    return f"{program or own_program()} backup archive get %f %p {escaped(words)}"


def own_program() -> str:
    """Return how this program is started from anywhere, by whoever may read it."""
    words = [sys.executable, "-m", "stockops"]
    if path := os.environ.get("PYTHONPATH"):
        words = ["env", f"PYTHONPATH={path}", *words]
    return escaped(words)


def _program(asked: Start) -> str:
    return asked.program or own_program()


def _setting(name: str, value: str, why: str, *, destroys: bool = False) -> Step:
    text = value.replace("'", "''")
    return Step(f"ALTER SYSTEM SET {name} = '{text}'", why, destroys=destroys)


def _slot_steps(server: Server, repo: Repository) -> list[Step]:
    name = slot_name(repo)
    if any(slot.name == name for slot in server.fetch(SLOTS)):
        return []
    make = f"SELECT pg_create_physical_replication_slot('{name}', true)"
    return [Step(make, "the server keeps log until it is received; without a receiver, for ever")]


def _prove(server: Server, repo: Repository, system: str) -> str:
    """Write a record, switch the segment, and wait until it is archived; return its name."""
    server.rows("SELECT pg_create_restore_point('stockops archive start')::text AS lsn")
    name = str(server.rows("SELECT pg_walfile_name(pg_switch_wal()) AS name")[0]["name"])
    deadline = time.monotonic() + PROVEN_S
    while not ledger.find(repo, ledger.folder_of(system, name), name):
        if time.monotonic() > deadline:
            raise Finding(
                f"{name} was not archived within {PROVEN_S:.0f} s",
                hint="Read why in the server's log: the user it runs as must be able to run "
                "stockops and to write to the repository.",
            )
        time.sleep(_POLL_S)
    return name
