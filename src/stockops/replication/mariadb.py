"""How MariaDB replicates: by GTID, over a port of 127.0.0.1, from a copy of mariadb-backup."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import children
from ..backups.mariadb import program
from ..engine import connect
from ..engine.base import Server
from ..errors import Refused, StockopsError
from ..lab import Lab, process, run_sql, stop
from ..lab.account import Account
from ..targets import Target
from . import binlogloss
from .facts import Following, Lost, Source, State

COPY_S = 6 * 3600.0
CONNECT_S = 3.0
POLL_S = 1.0
_OPTIONS = "my.cnf"
_INFO = ("mariadb_backup_binlog_info", "xtrabackup_binlog_info")
_ONLY_OF_REPLICAS = ("read_only",)
_PURGED, _DUPLICATE, _MISSING_ROW, _OUT_OF_ORDER = "1236", "1062", "1032", "1950"


class MariaDB:
    """How MariaDB replicates."""

    port = True
    rewind = None  # InnoDB takes nothing back that was committed

    def source(self, primary: Lab, via: int | None) -> Source:
        """Return the port of `primary`, or `via`; `Refused` where it has none."""
        if primary.port is None:
            raise Refused(
                f"the lab {primary.name!r} has no port, and a replica of MariaDB needs one",
                hint=f"stockops lab down --name {primary.name}; "
                f"stockops lab up --name {primary.name} --port",
            )
        return Source(lab=primary, host="127.0.0.1", port=via or primary.port)

    def copy(self, source: Source, lab: Lab, account: Account) -> None:
        """Fill the data directory by mariadb-backup, while the primary works."""
        primary, tool = source.lab, program("mariadb-backup")
        words = [tool, "--no-defaults", "--backup", f"--target-dir={lab.data}"]
        words += [f"--socket={primary.socket}", f"--user={primary.owner}"]
        for argv in (words, [tool, "--no-defaults", "--prepare", f"--target-dir={lab.data}"]):
            process.run_tool(
                argv, account=account, cwd=lab.directory, log=lab.log_path, within_s=COPY_S
            )
        lab.tcp_password_file.touch(mode=0o600)
        lab.tcp_password_file.write_bytes(primary.tcp_password_file.read_bytes())
        self.follow(lab, source)

    def begin(self, lab: Lab, source: Source, *, within_s: float) -> None:
        """Go on from the place where the copy was taken."""
        info = next((lab.data / each for each in _INFO if (lab.data / each).exists()), None)
        words = info.read_text(encoding="utf-8").split() if info else []
        self._begin(lab, source, words[2] if len(words) > 2 else "", within_s)

    def expect(self, name: str, primary: Lab) -> None:
        """Do nothing: a primary keeps nothing for a replica."""

    def leave(self, name: str, primary: Lab) -> None:
        """Do nothing: a primary keeps nothing for a replica."""

    def follow(self, lab: Lab, source: Source) -> None:
        """Write the options of a replica: those of the primary, and its own number."""
        said = _options(source.lab)
        said.pop("init_file", None)  # its account came with the data
        said |= {
            "server_id": str(zlib.crc32(lab.name.encode()) or 1),
            "read_only": "ON",
            "log_slave_updates": "ON",
            "gtid_strict_mode": "ON",
            "relay_log": "relay",
            "slave_net_timeout": "10",
            "report_host": lab.name,
        }
        _write(lab, said)

    def resume(self, lab: Lab, source: Source, *, within_s: float) -> None:
        """Go on from the last transaction that `lab` has."""
        with connect(lab.url("mysql")) as server:
            asked = "SELECT @@GLOBAL.gtid_binlog_pos AS written, @@GLOBAL.gtid_slave_pos AS applied"
            row = server.rows(asked)[0]
        # gtid_current_pos leaves out what was written under another server_id.
        last: dict[int, tuple[int, int]] = {}
        for text in (row["written"], row["applied"]):
            for (domain, writer), number in binlogloss.positions(str(text or "")).items():
                last[domain] = max(last.get(domain, (0, 0)), (number, writer))
        reached = ",".join(f"{domain}-{writer}-{n}" for domain, (n, writer) in last.items())
        self._begin(lab, source, reached, within_s)

    def _begin(self, lab: Lab, source: Source, reached: str, within_s: float) -> None:
        secret = source.lab.tcp_password_file.read_text(encoding="ascii").strip()
        run_sql(
            lab,
            f"STOP ALL SLAVES; SET GLOBAL gtid_slave_pos = '{reached}';\n"
            f"CHANGE MASTER TO MASTER_HOST = '{source.host}', MASTER_PORT = {source.port},"
            f" MASTER_USER = '{source.lab.owner}', MASTER_PASSWORD = '{secret}',"
            " MASTER_CONNECT_RETRY = 2, MASTER_USE_GTID = slave_pos;\nSTART SLAVE;\n",
            database="mysql",
        )

        def settled() -> bool:
            row = _row(lab) or {}
            return _stopped_by(row) != "" or (_runs(row) and _has_moved(lab, source.lab, reached))

        children.wait_until(settled, within_s=within_s)
        row = _row(lab) or {}
        if not _runs(row):
            said = row.get("Last_IO_Error") or row.get("Last_SQL_Error") or "it says nothing"
            raise children.failed(
                f"{lab.name!r} does not follow {source.lab.name!r}: {said}", lab.log_path
            )

    def look(self, target: Target, lab: Lab | None, primary: Lab | None) -> Following | None:
        """Return how `target` follows; how many bytes it is behind, the primary is asked."""
        with connect(target, connect_timeout_s=CONNECT_S) as server:
            rows = server.rows("SHOW ALL SLAVES STATUS")
            seen = server.rows(
                "SELECT @@GLOBAL.gtid_slave_pos AS applied, @@GLOBAL.server_id AS me,"
                " @@GLOBAL.gtid_binlog_state AS own"
            )[0]
        if not rows and (lab is None or lab.replica_of is None):
            return None
        row = rows[0] if rows else {}
        named = primary.name if primary else f"{row.get('Master_Host')}:{row.get('Master_Port')}"
        there = _Primary(primary)
        state, reason, verb = _judged(row, there, seen)
        late = row.get("Seconds_Behind_Master")
        return Following(
            replica=target.name,
            primary=named,
            engine="mariadb",
            state=state,
            behind_bytes=there.behind(row) if row else None,
            behind_s=None if late is None else float(late),
            received=str(row.get("Gtid_IO_Pos") or ""),
            applied=str(seen["applied"] or ""),
            reason=reason,
            next=_step(verb, lab) if lab else "",
        )

    def is_replica(self, lab: Lab) -> bool:
        """Tell whether `lab` is configured to follow."""
        return _row(lab) is not None

    def hold_writes(self, primary: Lab, replica: Lab, *, within_s: float) -> None:
        """Let nobody commit in `primary`, wait until `replica` has all, and stop it."""
        with connect(primary.url("mysql"), connect_timeout_s=CONNECT_S) as server:
            server.execute("FLUSH TABLES WITH READ LOCK")
            last = str(server.rows("SELECT @@GLOBAL.gtid_binlog_pos AS p")[0]["p"] or "")
            if last and not _reaches(replica, last, within_s):
                raise Refused(
                    f"{replica.name!r} has not got all of {primary.name!r} within "
                    f"{within_s:.0f} s: {primary.name!r} goes on as it was",
                    hint=f"stockops replica status -t {replica.name}",
                )
            stop(primary)  # the lock goes with it

    def drain(self, lab: Lab, *, within_s: float) -> None:
        """Wait until all that was received is applied; a thread that stands still is started."""
        row = _row(lab)
        if row is None:
            return
        with connect(lab.url("mysql")) as server:
            server.execute("STOP SLAVE IO_THREAD")
            server.execute("START SLAVE SQL_THREAD")
        received = str(row.get("Gtid_IO_Pos") or "")

        def settled() -> bool:
            return _reaches(lab, received, POLL_S) or _stopped_by(_row(lab) or {}) != ""

        if received and not (
            children.wait_until(settled, within_s=within_s) and _reaches(lab, received, POLL_S)
        ):
            row = _row(lab) or {}
            said = row.get("Last_SQL_Error") or row.get("Slave_SQL_Running_State")
            raise children.failed(
                f"{lab.name!r} has not applied {received} within {within_s:.0f} s: {said}",
                lab.log_path,
            )

    def promote(self, lab: Lab, *, within_s: float) -> None:
        """Forget whom it followed, and take writes."""
        said = {k: v for k, v in _options(lab).items() if k not in _ONLY_OF_REPLICAS}
        with connect(lab.url("mysql"), statement_timeout_s=within_s) as server:
            server.execute("STOP ALL SLAVES")
            _write(lab, said)
            server.execute("RESET SLAVE ALL")
            server.execute("SET GLOBAL read_only = OFF")

    def prove(self, lab: Lab) -> str:
        """Make a database and drop it."""
        with connect(lab.url("mysql"), connect_timeout_s=CONNECT_S) as server:
            server.execute("CREATE DATABASE IF NOT EXISTS stockops_promoted")
            server.execute("DROP DATABASE stockops_promoted")
            return str(server.rows("SELECT @@GLOBAL.gtid_binlog_pos AS p")[0]["p"])

    def lost(self, old: Lab, new: Lab, *, keep: Path | None = None) -> Lost:
        """Read the binary logs of `old` for what `new` has not."""
        return binlogloss.lost(old, new, keep=keep)


class _Primary:
    """What the primary, where it answers, tells about its binary log."""

    def __init__(self, lab: Lab | None) -> None:
        self.lab = lab
        self.state: Mapping[tuple[int, int], int] | None = None
        self._sizes: list[tuple[str, int]] = []
        if lab is None or lab.pid is None:
            return
        try:
            with connect(
                lab.url("mysql"), connect_timeout_s=CONNECT_S, statement_timeout_s=CONNECT_S
            ) as server:
                self._ask(server)
        except StockopsError:
            return

    def _ask(self, server: Server) -> None:
        rows = server.rows("SHOW BINARY LOGS")
        self._sizes = [(str(row["Log_name"]), int(row["File_size"])) for row in rows]
        self.state = binlogloss.known_to(server)

    def behind(self, row: Mapping[str, Any]) -> int | None:
        """Return the bytes of log after what is applied; of a silent primary, of what it sent."""
        file, at = str(row["Relay_Master_Log_File"]), int(row["Exec_Master_Log_Pos"])
        names = [name for name, _ in self._sizes]
        if file in names:
            return max(0, sum(size for _, size in self._sizes[names.index(file) :]) - at)
        same = file == str(row["Master_Log_File"])
        return max(0, int(row["Read_Master_Log_Pos"]) - at) if same else None


def _judged(
    row: Mapping[str, Any], primary: _Primary, seen: Mapping[str, Any]
) -> tuple[State, str, str]:
    """Return the state, why, and the verb of what comes next."""
    if not row:
        return "broken", "it is not told whom to follow", "reattach"
    io, sql = str(row["Slave_IO_Running"]), str(row["Slave_SQL_Running"])
    if (io, sql) == ("Yes", "Yes"):
        if extra := _own_writes(seen, primary.state):
            return "broken", f"it follows, and was written to itself: {extra}", "rebuild"
        return "following", "both threads run", ""
    said = str(row.get("Last_IO_Error") or row.get("Last_SQL_Error") or "")
    if (io, sql) == ("Yes", "No") and not said:
        return "paused", "its SQL thread is stopped", "START SLAVE"
    reason, verb = _broken(row, primary.lab, said)
    return "broken", reason, verb


def _broken(row: Mapping[str, Any], there: Lab | None, said: str) -> tuple[str, str]:
    """Return why a thread does not run, and the verb of what comes next."""
    codes = {str(row.get("Last_IO_Errno")), str(row.get("Last_SQL_Errno"))}
    if codes & {_PURGED}:
        return f"the primary cannot go on where it stands: {said}", "rebuild"
    if codes & {_DUPLICATE, _MISSING_ROW, _OUT_OF_ORDER}:
        return f"its rows are not those of its primary: {said}", "rebuild"
    if there is not None and there.pid is None:
        return f"its primary {there.name!r} is {there.state}", "promote"
    threads = f"IO thread {row['Slave_IO_Running']}, SQL thread {row['Slave_SQL_Running']}"
    return f"{threads}: {said}" if said else threads, "reattach"


def _step(verb: str, lab: Lab) -> str:
    if verb == "START SLAVE":
        return f'stockops lab shell --name {lab.name} -- -e "{verb}"'
    return f"stockops replica {verb} --name {lab.name} --plan" if verb else ""


def _own_writes(seen: Mapping[str, Any], known: Mapping[tuple[int, int], int] | None) -> str:
    """Return the last GTID of its own that the primary has not; nothing where none is known."""
    if known is None:
        return ""
    own = binlogloss.positions(str(seen["own"] or ""))
    return ", ".join(
        f"{domain}-{server}-{number}"
        for (domain, server), number in sorted(own.items())
        if server == int(seen["me"]) and number > known.get((domain, server), 0)
    )


def _row(lab: Lab) -> dict[str, Any] | None:
    with connect(lab.url("mysql"), connect_timeout_s=CONNECT_S) as server:
        return next(iter(server.rows("SHOW ALL SLAVES STATUS")), None)


def _remember(lab: Lab, primary: Lab, reached: str) -> None:
    """
    Have the copy know whose transactions are in it, up to `reached`.

    Its binary log is empty. Without that, what a former primary wrote would pass for its own
    invention when the two change places.
    """
    asked = "SELECT @@GLOBAL.gtid_binlog_state AS s"
    with connect(primary.url("mysql")) as server:
        everything = binlogloss.positions(str(server.rows(asked)[0]["s"] or ""))
    known = binlogloss.positions(reached)
    last = {domain: number for (domain, _), number in known.items()}
    known |= {key: n for key, n in everything.items() if n <= last.get(key[0], 0)}
    ordered = sorted(known.items(), key=lambda each: each[1])  # the last one is the latest
    state = ",".join(f"{domain}-{writer}-{n}" for (domain, writer), n in ordered)
    with connect(lab.url("mysql")) as server:
        server.execute("RESET MASTER")
        server.execute("SET GLOBAL gtid_binlog_state = %(state)s", {"state": state})


def _runs(row: Mapping[str, Any]) -> bool:
    return row.get("Slave_IO_Running") == "Yes" and row.get("Slave_SQL_Running") == "Yes"


def _stopped_by(row: Mapping[str, Any]) -> str:
    """Return the error that stopped the thread which applies."""
    return str(row.get("Last_SQL_Error") or "") if row.get("Slave_SQL_Running") == "No" else ""


def _has_moved(lab: Lab, primary: Lab, since: str) -> bool:
    """Tell whether `lab` applied something after `since`, or there is nothing that it could."""
    with connect(primary.url("mysql"), connect_timeout_s=CONNECT_S) as server:
        there = str(server.rows("SELECT @@GLOBAL.gtid_binlog_pos AS p")[0]["p"] or "")
    with connect(lab.url("mysql"), connect_timeout_s=CONNECT_S) as server:
        here = str(server.rows("SELECT @@GLOBAL.gtid_slave_pos AS p")[0]["p"] or "")
    return here not in {"", since} or there in {"", here}


def _reaches(lab: Lab, gtid: str, within_s: float) -> bool:
    with connect(lab.url("mysql"), connect_timeout_s=CONNECT_S) as server:
        asked = "SELECT MASTER_GTID_WAIT(%(gtid)s, %(within_s)s) AS done"
        return int(server.rows(asked, {"gtid": gtid, "within_s": within_s})[0]["done"]) == 0


def _options(lab: Lab) -> dict[str, str]:
    lines = (lab.directory / _OPTIONS).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    found: dict[str, str] = {}
    for name, _, value in pairs:
        found.pop(name.strip(), None)  # said twice, the last one counts
        found[name.strip()] = value.strip()
    return found


def _write(lab: Lab, said: Mapping[str, str]) -> None:
    text = "[mariadbd]\n" + "".join(f"{name} = {value}\n" for name, value in said.items())
    fresh = lab.directory / f"{_OPTIONS}.new"
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o644)
    fresh.replace(lab.directory / _OPTIONS)
