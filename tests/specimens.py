"""
Backups that other tools really made, in labs: once per session, then copied and damaged.

Each maker gets a lab and a folder, and returns nothing: what it left lies in the folder.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually

from stockops.lab import Lab

TOOL_S = 120.0
Failed = pytest.fail.Exception  # what a wait ends with that was in vain
STANZA = "main"


def have(program: str) -> bool:
    """Tell whether this machine has `program`."""
    return shutil.which(program) is not None


def run(
    argv: Sequence[str | Path], *, user: str | None = None, within_s: float = TOOL_S
) -> subprocess.CompletedProcess[str]:
    """Run a tool, as `user` where we are root; what it left with is the caller's to judge."""
    switch: dict[str, Any] = {}
    if user is not None and os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        switch = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    environment = {"PATH": os.environ["PATH"] + ":/usr/sbin", "LC_ALL": "C", "HOME": "/tmp"}
    return subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=within_s,
        check=False,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        **switch,
    )


def must(argv: Sequence[str | Path], *, user: str | None = None) -> str:
    """Run a tool that has to succeed; return what it printed."""
    ran = run(argv, user=user)
    if ran.returncode:
        raise AssertionError(f"{argv[0]} left with {ran.returncode}: {ran.stdout}{ran.stderr}")
    return ran.stdout


def open_folder(path: Path, lab: Lab) -> Path:
    """Make a folder that the lab's user owns, and can reach."""
    path.mkdir(parents=True)
    for each in [path, *path.parents]:
        if each.stat().st_uid == os.geteuid() and not each.stat().st_mode & 0o005:
            each.chmod(each.stat().st_mode | 0o711)
    if os.geteuid() == 0:
        entry = pwd.getpwnam(lab.user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


def pg(lab: Lab, program: str, *words: str | Path) -> list[str | Path]:
    """Return the command of a client program of PostgreSQL that connects to `lab`."""
    return [lab.programs / program, "-h", lab.sockets, "-p", "5432", "-U", "stockops", *words]


def psql(lab: Lab, sql: str) -> str:
    return must([*pg(lab, "psql", "-X", "-q", "-A", "-t", "-d", "trading", "-c"), sql]).strip()


POSTGRESQL_ROWS = """
CREATE TABLE aa (id int PRIMARY KEY, note text);
INSERT INTO aa VALUES (1, 'one');
CREATE TABLE big (id int PRIMARY KEY, t text);
INSERT INTO big SELECT g, md5(g::text) FROM generate_series(1, 20000) g;
SELECT lo_from_bytea(4711, 'a large object');
"""


def slim(lab: Lab) -> None:
    """Drop the databases that nobody uses: a cluster of half the size is read in half the time."""
    psql(lab, "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'")
    for name in ("template0", "postgres"):
        psql(lab, f"DROP DATABASE {name}")


def base_backups(lab: Lab, folder: Path) -> None:
    """Take base backups in every form, two of them a chain; `lab` has summarize_wal on."""
    taken = pg(lab, "pg_basebackup", "-c", "fast", "-D")
    must([*taken, folder / "plain"])
    psql(lab, "INSERT INTO aa VALUES (2, 'two'); UPDATE big SET t = 'x' WHERE id < 300")
    must([*taken, folder / "incremental", f"--incremental={folder / 'plain' / 'backup_manifest'}"])
    must([*taken, folder / "tar", "-Ft"])
    must([*taken, folder / "tar-gzip", "-Ft", "--compress=gzip"])
    must([*taken, folder / "nothing-listed", "--no-manifest"])
    must([*taken, folder / "no-log", "-X", "none"])
    (folder / "stream").mkdir()
    with (folder / "stream" / "whole.tar").open("wb") as out:
        subprocess.run(
            [*map(str, taken), "-", "-Ft", "-X", "fetch"],
            stdout=out,
            check=True,
            stderr=subprocess.DEVNULL,
            timeout=TOOL_S,
        )


def base_backups_of_a_tablespace(lab: Lab, folder: Path) -> None:
    """Take base backups of a cluster whose table lies in a tablespace of its own."""
    place = open_folder(folder / "space", lab)
    psql(lab, f"CREATE TABLESPACE other LOCATION '{place}'")
    psql(lab, "CREATE TABLE elsewhere TABLESPACE other AS SELECT generate_series(1, 5000) AS id")
    taken = pg(lab, "pg_basebackup", "-c", "fast", "-D")
    must([*taken, folder / "spaced", "-T", f"{place}={folder / 'spaced-other'}"])
    must([*taken, folder / "spaced-tar", "-Ft", "--compress=gzip"])
    psql(lab, "DROP TABLE elsewhere")
    psql(lab, "DROP TABLESPACE other")


def break_a_page(lab: Lab, table: str) -> None:
    """
    Change a byte of a page of `table` on the server's disk, behind its back.

    It is vacuumed before: else the first who reads it marks its rows, and the page is written anew.
    """
    psql(lab, f"VACUUM (FREEZE) {table}")
    psql(lab, "CHECKPOINT")
    path = lab.data / psql(lab, f"SELECT pg_relation_filepath('{table}')")
    flip(path, 8192 + 4000)


def flip(path: Path, at: int) -> None:
    """Change the byte of `path` at `at`; from its end, where that is negative."""
    with path.open("r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        was = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([was ^ 0xFF]))


def base_backup_of_broken_page(lab: Lab, folder: Path) -> None:
    """Take one of a server with a broken page, by a user who asked for no page checks."""
    break_a_page(lab, "big")
    taken = pg(lab, "pg_basebackup", "-c", "fast", "--no-verify-checksums", "-D")
    must([*taken, folder / "broken-page"])


def packed_base_backups(lab: Lab, folder: Path) -> None:
    """Take base backups in forms that the wheel's own programs were built without."""
    for form in ("zstd", "lz4"):
        taken = pg(lab, "pg_basebackup", "-c", "fast", "-Ft", f"--compress=server-{form}")
        must([*taken, "-D", folder / f"tar-{form}"])


def dumps(lab: Lab, folder: Path) -> None:
    """Dump the database in every format of pg_dump, and the cluster by pg_dumpall."""
    dump = pg(lab, "pg_dump", "-d", "trading")
    for form, name in (("custom", "custom.dump"), ("directory", "directory"), ("tar", "tar.tar")):
        must([*dump, "-F", form, "-f", folder / name])
    must([*dump, "-F", "custom", "-Z", "0", "-f", folder / "raw.dump"])
    must([*dump, "-F", "directory", "-Z", "0", "-f", folder / "raw-directory"])
    must([*dump, "-f", folder / "plain.sql"])
    must([*dump, "-Z", "gzip", "-f", folder / "plain.sql.gz"])
    must([*dump, "--inserts", "-f", folder / "inserts.sql"])
    must([*pg(lab, "pg_dumpall"), "-f", folder / "cluster.sql"])


@dataclass(frozen=True, slots=True)
class PgBackRest:
    """A stanza of pgBackRest over one lab."""

    lab: Lab
    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "repo"

    @staticmethod
    def archive_command(folder: Path) -> str:
        return f"pgbackrest --config={folder}/pgbackrest.conf --stanza={STANZA} archive-push %p"

    def configure(self, *, bundle: bool = True, compress: str = "zst") -> None:
        for name in ("repo", "secret", "log", "lock", "spool"):
            if not (self.folder / name).exists():
                open_folder(self.folder / name, self.lab)
        (self.folder / "pgbackrest.conf").write_text(
            f"[global]\nrepo1-path={self.repository}\nlog-path={self.folder}/log\n"
            f"lock-path={self.folder}/lock\nspool-path={self.folder}/spool\nstart-fast=y\n"
            "compress-level=1\n"
            f"repo1-retention-full=9\nrepo1-bundle={'y' if bundle else 'n'}\n"
            f"compress-type={compress}\n"
            f"repo2-path={self.folder}/secret\nrepo2-retention-full=9\n"
            "repo2-cipher-type=aes-256-cbc\nrepo2-cipher-pass=not-a-secret\n"
            f"[{STANZA}]\npg1-path={self.lab.data}\npg1-socket-path={self.lab.sockets}\n"
            "pg1-user=stockops\npg1-database=trading\npg1-port=5432\n"
        )

    def command(self, *words: str, stanza: str = STANZA) -> list[str | Path]:
        config = f"--config={self.folder}/pgbackrest.conf"
        return ["pgbackrest", config, f"--stanza={stanza}", *words]

    def must(self, *words: str) -> str:
        return must(self.command(*words), user=self.lab.user)

    def switch(self, sql: str) -> str:
        """Run `sql`, end the segment, and wait until it is archived; return its name."""
        psql(self.lab, sql)
        name = psql(self.lab, "SELECT pg_walfile_name(pg_switch_wal())")
        pushed = self.repository / "archive" / STANZA
        whole = (".zst", ".gz")  # while it is written, it is called .tmp
        eventually(lambda: [p for p in pushed.glob(f"*/*/{name}-*") if p.suffix in whole])
        return name


def pgbackrest(lab: Lab, folder: Path) -> None:
    """
    Make three repositories.

    `clean` has two full backups, bundled and not, an incremental one, and log after each; `secret`
    is encrypted; `repo` is the clean one with a backup of a server that had a broken page.
    """
    tool = PgBackRest(lab, folder)
    tool.configure()
    psql(lab, POSTGRESQL_ROWS)
    tool.must("stanza-create")
    tool.must("backup", "--type=full", "--repo=1")
    tool.switch("INSERT INTO aa VALUES (2, 'two')")
    tool.must("backup", "--type=incr", "--repo=1")
    for number in range(3, 7):
        tool.switch(f"INSERT INTO aa VALUES ({number}, 'more')")
    tool.configure(bundle=False, compress="gz")
    tool.must("backup", "--type=full", "--repo=1")
    tool.switch("INSERT INTO aa VALUES (7, 'last')")
    shutil.copytree(tool.repository, folder / "clean", symlinks=True)
    break_a_page(lab, "big")
    tool.must("backup", "--type=full", "--repo=1")


@dataclass(frozen=True, slots=True)
class Barman:
    """A server of Barman over one lab, fed by archive_command."""

    lab: Lab
    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @staticmethod
    def archive_command(folder: Path) -> str:
        incoming = f"{folder}/home/{STANZA}/incoming/%f"
        return f"test ! -f {incoming} && cp %p {incoming}.tmp && mv {incoming}.tmp {incoming}"

    def configure(self, method: str) -> None:
        if not self.home.exists():
            open_folder(self.home, self.lab)
        connection = f"host={self.lab.sockets} user=stockops port=5432"
        (self.folder / "barman.conf").write_text(
            f"[barman]\nbarman_user={self.lab.user}\nbarman_home={self.home}\n"
            f"barman_lock_directory={self.home}\nlog_file={self.home}/barman.log\n"
            f"[{STANZA}]\ndescription=a lab\nconninfo={connection} dbname=trading\n"
            f"streaming_conninfo={connection}\nbackup_method={method}\narchiver=on\n"
            f"compression=gzip\nimmediate_checkpoint=on\npath_prefix={self.lab.programs}\n"
            "network_compression=false\nbackup_options=concurrent_backup\n"
        )

    def command(self, *words: str) -> list[str | Path]:
        return ["barman", "-c", self.folder / "barman.conf", *words]

    def must(self, *words: str) -> str:
        return must(self.command(*words), user=self.lab.user)

    def switch(self, *each: str) -> None:
        """Run `each` statement and end its segment; then have Barman archive what came."""
        for sql in each:
            psql(self.lab, sql)
            name = psql(self.lab, "SELECT pg_walfile_name(pg_switch_wal())")
            incoming = self.home / STANZA / "incoming" / name
            eventually(incoming.exists)
        self.must("archive-wal", STANZA)


def barman(lab: Lab, folder: Path) -> None:
    """Make a Barman server: a backup by pg_basebackup, and log after it."""
    tool = Barman(lab, folder)
    tool.configure("postgres")
    psql(lab, POSTGRESQL_ROWS)
    run(tool.command("check", STANZA), user=lab.user)  # it makes the directories
    tool.switch("INSERT INTO aa VALUES (2, 'two')")
    tool.must("backup", STANZA)
    tool.switch(*(f"INSERT INTO aa VALUES ({number}, 'more')" for number in range(3, 7)))


MARIADB_ROWS = """
CREATE TABLE aa (id INT PRIMARY KEY, note VARCHAR(40));
INSERT INTO aa VALUES (1, 'one');
CREATE TABLE big (id INT PRIMARY KEY, t VARCHAR(100));
INSERT INTO big SELECT seq, MD5(seq) FROM seq_1_to_20000;
CREATE TABLE parted (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
INSERT INTO parted VALUES (1), (2), (3);
CREATE SEQUENCE numbers;
CREATE VIEW seen AS SELECT * FROM aa;
CREATE TRIGGER low BEFORE INSERT ON aa FOR EACH ROW SET NEW.note = LOWER(NEW.note);
"""


def mariadb(lab: Lab, sql: str) -> str:
    return must(["mariadb", f"--socket={lab.socket}", "-ustockops", "-NBe", sql, "trading"])


def settle(lab: Lab) -> None:
    """Have InnoDB write all it holds, so that a backup copies tablespaces and not only log."""
    mariadb(lab, "SET GLOBAL innodb_max_dirty_pages_pct = 0, innodb_max_dirty_pages_pct_lwm = 0")
    age = "SELECT variable_value FROM information_schema.global_status WHERE variable_name = "
    eventually(lambda: int(mariadb(lab, f"{age}'Innodb_checkpoint_age'")) < 4096)


def mariadb_backups(lab: Lab, folder: Path) -> None:
    """Take backups by mariadb-backup: a directory, a prepared copy, a stream, an incremental."""
    settle(lab)
    take = ["mariadb-backup", "--backup", f"--socket={lab.socket}", "-ustockops"]
    must([*take, f"--target-dir={folder / 'raw'}"])
    shutil.copytree(folder / "raw", folder / "prepared")
    must(["mariadb-backup", "--prepare", f"--target-dir={folder / 'prepared'}"])
    (folder / "stream").mkdir()
    with (folder / "stream" / "all.mbs").open("wb") as out:
        subprocess.run(
            [*take, "--stream=mbstream", f"--target-dir={folder / 'tmp'}"],
            stdout=out,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=TOOL_S,
        )
    mariadb(lab, "INSERT INTO big SELECT seq, MD5(seq) FROM seq_30000_to_31000")
    base = f"--incremental-basedir={folder / 'raw'}"
    must([*take, f"--target-dir={folder / 'incremental'}", base])


def mariadb_dumps(lab: Lab, folder: Path) -> None:
    """Dump by mariadb-dump."""
    dump = ["mariadb-dump", f"--socket={lab.socket}", "-ustockops", "--single-transaction"]
    must([*dump, "--routines", "trading", f"--result-file={folder / 'whole.sql'}"])
    must([*dump, "--compact", "trading", f"--result-file={folder / 'compact.sql'}"])
    mariadb(lab, "CREATE TABLE zz_my (id INT) ENGINE=MyISAM; INSERT INTO zz_my VALUES (1)")
    must([*dump, "trading", f"--result-file={folder / 'mixed.sql'}"])
    mariadb(lab, "DROP TABLE zz_my")


def mydumper(lab: Lab, folder: Path) -> None:
    """Dump by mydumper, in chunks, as text and compressed."""
    dump: list[str | Path] = [
        "mydumper",
        "-S",
        lab.socket,
        "-u",
        "stockops",
        "-B",
        "trading",
        "-r",
        "5000",
    ]
    must([*dump, "-o", folder / "text", "--triggers", "--routines", "--events"])
    must([*dump, "-o", folder / "gzip", "-c"])
