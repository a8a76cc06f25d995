"""MariaDB as a lab: 10.11 and newer, as the system's packages install it."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ..errors import ConfigError, Unsupported
from . import place, process
from .account import Account
from .base import DATABASE, OWNER, Lab, Programs

OLDEST = (10, 11)
INSTALL_S = 180.0
VERSION_S = 10.0
_SYSTEM = "/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/bin:/usr/local/bin"
_APT = "apt-get install mariadb-server mariadb-client"
_ANSWER = re.compile(r"Ver (\d+)\.(\d+)\.(\d+)-MariaDB")

_SETTINGS = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_nopad_bin",
    "default_time_zone": "+00:00",
    "skip_name_resolve": "ON",
    "max_connections": "200",
    "max_allowed_packet": "64M",
    "local_infile": "1",
    "server_id": "1",
    "log_bin": "binlog",
    "binlog_format": "ROW",
    "sync_binlog": "1",
    "binlog_expire_logs_seconds": "86400",
    "log_bin_trust_function_creators": "1",
    "innodb_flush_log_at_trx_commit": "1",
    "innodb_checksum_algorithm": "full_crc32",
    "innodb_buffer_pool_size": "256M",
    "innodb_print_all_deadlocks": "ON",
    "performance_schema": "ON",
    "performance_schema_instrument": "wait/lock/metadata/sql/mdl=ON",
    "slow_query_log": "ON",
    "slow_query_log_file": "slow.log",
    "long_query_time": "1",
    "log_slow_verbosity": "query_plan,explain",
}

# The directory of the socket is entered by its owner alone, so the account needs no password there.
# The initialising server knows no grants, so the owner takes over the row of root.
_GRANTS = f"""\
DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');
UPDATE mysql.global_priv SET User = '{OWNER}' WHERE User = 'root';
DELETE FROM mysql.proxies_priv WHERE User <> 'root' OR Host <> 'localhost';
UPDATE mysql.proxies_priv SET User = '{OWNER}' WHERE User = 'root';
CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
"""  # noqa: S608  both names are constants

# In the data of another server the owner is a guest, of a name that is nobody's there, so that he
# can go again. This is no event that a replica should see.
_GUEST = """\
SET SESSION sql_log_bin = 0;
CREATE OR REPLACE USER {guest}@localhost;
GRANT ALL PRIVILEGES ON *.* TO {guest}@localhost WITH GRANT OPTION;
"""


class MariaDB:
    """How MariaDB is found, initialised and started."""

    usual_account = "mysql"
    guest = "stockops_guest"
    stop = signal.SIGTERM
    stop_hard = signal.SIGKILL

    def find(self, *, version: str | None, directory: Path | None) -> Programs:
        """Return the programs in `directory`, or the installed ones."""
        server = _search("mariadbd", directory)
        if server is None and directory is not None:
            raise ConfigError(
                f"there is no MariaDB server in {str(directory)!r}",
                hint="Give the directory that holds `mariadbd`, e.g. --bin /usr/sbin.",
            )
        if server is None:
            raise Unsupported("MariaDB is not installed: there is no mariadbd", hint=_APT)
        for tool in ("mariadb-install-db", "mariadb"):
            if _search(tool, server.parent) is None:
                raise Unsupported(f"MariaDB is not whole: there is no {tool}", hint=_APT)
        found = Programs(_version(server), server.parent)
        if version is not None and not f"{found.version}.".startswith(f"{version}."):
            raise Unsupported(
                f"{str(server)!r} is MariaDB {found.version}, not {version}",
                hint=f"Leave out --version, or name the directory of MariaDB {version} with --bin.",
            )
        return found

    def readable(self, programs: Programs, account: Account) -> Programs:
        """Return `programs`, or raise `ConfigError` where `account` cannot run them."""
        if not account.can_run(programs.directory / "mariadbd"):
            raise ConfigError(
                f"the server's user {account.name!r} cannot run the programs "
                f"in {str(programs.directory)!r}",
                hint="Name programs that every user can run with --bin.",
            )
        return programs

    def initialise(self, lab: Lab, account: Account, settings: Mapping[str, str]) -> None:
        """Write the configuration, run mariadb-install-db, create the owner and the database."""
        self._configure(lab, settings)
        grants = lab.directory / "grants.sql"
        grants.write_text(_GRANTS, encoding="utf-8")
        grants.chmod(0o644)
        words: list[str | Path] = [_tool("mariadb-install-db", lab)]
        words += ["--no-defaults", f"--datadir={lab.data}"]
        words += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        words += ["--skip-name-resolve", f"--extra-file={grants}"]
        words += ["--character-set-server=utf8mb4", "--collation-server=utf8mb4_nopad_bin"]
        process.run_tool(
            words, account=account, cwd=lab.directory, log=lab.log_path, within_s=INSTALL_S
        )
        grants.unlink()

    def adopt(self, lab: Lab, account: Account, settings: Mapping[str, str]) -> None:
        """Write the configuration; each start sees to it that the owner of a lab is there."""
        guest = lab.directory / "guest.sql"
        guest.write_text(_GUEST.format(guest=lab.owner), encoding="utf-8")
        account.own(guest)
        final = place.directory(lab.name) / guest.name
        self._configure(lab, {**settings, "init_file": str(final)})

    def farewell(self, lab: Lab) -> str:
        """Return the SQL that lets the guest go."""
        if lab.owner != self.guest:
            return ""
        who = f"{lab.owner}@localhost, {lab.owner}@'127.0.0.1'"
        return f"SET SESSION sql_log_bin = 0; DROP USER IF EXISTS {who};\n"

    def leave(self, lab: Lab) -> None:
        """Leave the data as they are: what a lab needs lies beside them."""

    def _configure(self, lab: Lab, settings: Mapping[str, str]) -> None:
        lines = "".join(f"{k} = {v}\n" for k, v in {**_SETTINGS, **settings}.items())
        path = lab.directory / "my.cnf"
        path.write_text(f"[mariadbd]\n{lines}", encoding="utf-8")
        path.chmod(0o644)

    def command(self, lab: Lab) -> list[str]:
        """Return the command that starts the server."""
        words = [str(lab.programs / "mariadbd"), f"--defaults-file={lab.directory / 'my.cnf'}"]
        # On the command line, so that no edited or restored file can make two labs meet.
        words += [f"--datadir={lab.data}", f"--socket={lab.socket}", f"--pid-file={lab.pid_file}"]
        if lab.port is None:
            return [*words, "--skip-networking"]
        return [*words, "--bind-address=127.0.0.1", f"--port={lab.port}"]

    def ready(self, lab: Lab) -> bool:
        """Tell whether the server answers."""
        if lab.pid is None or not lab.socket.is_socket():
            return False
        asked = subprocess.run(
            [*self.client(lab, "mysql"), "--connect-timeout=5", "-e", "SELECT 1"],
            capture_output=True,
            env=process.environment(lab.directory),
            timeout=VERSION_S,
            check=False,
        )
        return asked.returncode == 0

    def client(self, lab: Lab, database: str) -> list[str]:
        """Return the command of the mariadb client."""
        words = [str(_tool("mariadb", lab)), "--no-defaults", f"--socket={lab.socket}"]
        words += ["--default-character-set=utf8mb4"]
        return [*words, f"--user={lab.owner}", f"--database={database}"]

    def password_sql(self, owner: str, password: str) -> str:
        """Return the SQL that gives the owner an account for TCP, with a password."""
        account = f"{owner}@'127.0.0.1'"
        return (
            f"CREATE USER IF NOT EXISTS {account};\n"
            f"ALTER USER {account} IDENTIFIED BY '{password}' ACCOUNT UNLOCK;\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;\n"
        )


def _search(program: str, directory: Path | None) -> Path | None:
    """Find `program` in `directory` and beside it (sbin, scripts), or where systems put it."""
    if directory is None:
        path = f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM}"
    else:
        beside = [directory, *(directory.parent / each for each in ("bin", "sbin", "scripts"))]
        path = ":".join(map(str, beside))
    found = shutil.which(program, path=path)
    return Path(found).absolute() if found else None


def _tool(program: str, lab: Lab) -> Path:
    found = _search(program, lab.programs)
    if found is None:
        raise Unsupported(f"MariaDB is not whole: there is no {program}", hint=_APT)
    return found


def _version(server: Path) -> str:
    said = subprocess.run(
        [server, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=False
    ).stdout
    match = _ANSWER.search(said)
    if match is None:
        raise Unsupported(
            f"{str(server)!r} is not a MariaDB server: it says {said.strip()!r}", hint=_APT
        )
    if (int(match[1]), int(match[2])) < OLDEST:
        raise Unsupported(
            f"MariaDB {match[1]}.{match[2]} is older than {OLDEST[0]}.{OLDEST[1]}",
            hint=f"{_APT} (Debian 12 and newer), or --bin DIRECTORY of a newer one.",
        )
    return f"{match[1]}.{match[2]}.{match[3]}"
