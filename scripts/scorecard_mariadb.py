"""The cases of MariaDB: mariadb-backup, mariadb-dump, mydumper, mariadb-binlog."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import damage
import specimens
from scorecard import Answer, Ground, case
from specimens import mariadb, must

from stockops.lab import Lab

PASSWORD = "not-a-secret-7f3a"  # noqa: S105  it opens nothing
WAIT_S = 20.0
POLL_S = 0.002


def server(ground: Ground) -> Lab:
    """Return the lab of MariaDB, with its rows."""
    known = "mariadb-" in ground.kept
    lab = ground.lab("mariadb")
    if not known:
        mariadb(lab, specimens.MARIADB_ROWS)
    return lab


def connection(lab: Lab) -> list[str]:
    """Return the options by which a tool finds `lab`."""
    return [f"--socket={lab.socket}", "--user=stockops"]


def backup(ground: Ground) -> Path:
    """Take a backup that may be damaged."""
    lab = server(ground)
    specimens.settle(lab)
    target = ground.folder("backup") / "raw"
    must(["mariadb-backup", "--backup", *connection(lab), f"--target-dir={target}"])
    return target


def prepare(target: Path) -> int:
    """Prepare the backup in `target`; return what the tool left with."""
    return specimens.run(["mariadb-backup", "--prepare", f"--target-dir={target}"]).returncode


@case("M12", "mariadb-backup")
def m12(ground: Ground) -> list[Answer]:
    """A page of a table is broken."""
    target = backup(ground)
    damage.break_tablespace(target)
    code = prepare(target)
    return [("mariadb-backup", code != 0, f"--prepare left with {code}")]


@case("M13", "mariadb-backup")
def m13(ground: Ground) -> list[Answer]:
    """Two tablespaces are missing."""
    target = backup(ground)
    damage.lose_tablespaces(target)
    code = prepare(target)
    return [("mariadb-backup", code != 0, f"--prepare left with {code}")]


@case("M14", "mariadb-backup")
def m14(ground: Ground) -> list[Answer]:
    """What takes a backup of MariaDB is killed in the middle."""
    lab = server(ground)
    target = ground.folder("killed") / "raw"
    argv = ["mariadb-backup", "--backup", *connection(lab), f"--target-dir={target}"]
    kill_when(argv, (target / "ibdata1").exists)
    code = prepare(target)
    return [("mariadb-backup", code != 0, f"--prepare left with {code}")]


def kill_when(argv: list[str], so: Callable[[], object]) -> None:
    """Run `argv` until `so`, looked for often, and kill it."""
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    deadline = time.monotonic() + WAIT_S
    try:
        while not so():
            if time.monotonic() > deadline or child.poll() is not None:
                raise RuntimeError(f"{argv[0]} did not come so far")
            time.sleep(POLL_S)
    finally:
        child.kill()
        child.wait(WAIT_S)


def mydump(lab: Lab, target: Path) -> list[str]:
    """Return the command that dumps into `target`."""
    return ["mydumper", "-S", str(lab.socket), "-u", "stockops", "-B", "trading", "-r", "5000",
            "-o", str(target)]  # fmt: skip


def myload(lab: Lab, source: Path) -> int:
    """Load `source` into a database of its own; return what the tool left with."""
    mariadb(lab, "CREATE OR REPLACE DATABASE proof")
    argv = ["myloader", "-S", str(lab.socket), "-u", "stockops", "-d", str(source), "-B", "proof"]
    return specimens.run([*argv, "-o"]).returncode


@case("M15", "mydumper", "myloader")
def m15(ground: Ground) -> list[Answer]:
    """One piece of a table is missing."""
    lab = server(ground)
    target = ground.folder("pieces") / "dump"
    must([*mydump(lab, target)])
    damage.lose_middle([*target.glob("trading.big.0*.sql")])
    code = myload(lab, target)
    sql = "SELECT (SELECT COUNT(*) FROM proof.big), (SELECT COUNT(*) FROM trading.big)"
    counts = mariadb(lab, sql).split()
    said = f"myloader left with {code}, with {counts[0]} of {counts[1]} rows"
    return [("mydumper", code != 0, said)]


@case("M16", "mydumper", "myloader")
def m16(ground: Ground) -> list[Answer]:
    """What dumps is killed in the middle."""
    lab = server(ground)
    enlarge(lab)
    target = ground.folder("killed") / "dump"
    kill_when(mydump(lab, target), lambda: [*target.glob("trading.big.*.sql")])
    if (target / "metadata").exists():
        raise RuntimeError("mydumper was quicker than its end")
    code = myload(lab, target)
    return [("mydumper", code != 0, f"myloader left with {code}")]


@case("M17", "mydumper", "mariadb-backup")
def m17(ground: Ground) -> list[Answer]:
    """The password is in the list of processes."""
    target = ground.folder("password") / "dump"
    answers = []
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it lets a client wait for ever
        port = str(silent.getsockname()[1])
        where = ["--host=127.0.0.1", f"--port={port}", "--user=stockops"]
        secret = f"--password={PASSWORD}"
        for argv in (
            ["mariadb-dump", *where, secret, "trading"],
            ["mariadb-backup", "--backup", *where, secret, f"--target-dir={target}"],
            ["mydumper", *where, secret, "-o", str(target)],
        ):
            visible = is_visible(argv, silent)
            said = "anyone who runs ps can read it" if visible else "it is masked"
            answers.append((argv[0], not visible, said))
    return answers


def is_visible(argv: list[str], silent: socket.socket) -> bool:
    """Tell whether the password is to be read while `argv` waits for the server."""
    silent.settimeout(WAIT_S)
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        accepted, _ = silent.accept()
        with accepted:
            return PASSWORD.encode() in Path(f"/proc/{child.pid}/cmdline").read_bytes()
    finally:
        child.kill()
        child.wait(WAIT_S)


def dump_around(lab: Lab, meanwhile: str) -> tuple[int, str]:
    """
    Dump, and run `meanwhile` in the middle; return what the dump left with, and wrote.

    It stops in the middle of a large table, for nobody reads what it writes.
    """
    argv = ["mariadb-dump", *connection(lab), "--single-transaction", "--skip-dump-date", "trading"]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/")
    if child.stdout is None:
        raise RuntimeError("there is no pipe")
    begun = b""
    while b"INSERT INTO `big`" not in begun:
        begun += os.read(child.stdout.fileno(), 4096)
    mariadb(lab, meanwhile)
    rest = child.stdout.read()
    child.stdout.close()
    return child.wait(WAIT_S), (begun + rest).decode("utf-8", "replace")


def enlarge(lab: Lab) -> None:
    """Make the table large enough that a dump of it fills every buffer on its way."""
    mariadb(lab, "INSERT IGNORE INTO big SELECT seq, REPEAT('x', 90) FROM seq_100000_to_250000")


@case("M18", "mariadb-dump")
def m18(ground: Ground) -> list[Answer]:
    """A table is altered while it is dumped."""
    lab = server(ground)
    enlarge(lab)
    mariadb(lab, "CREATE OR REPLACE TABLE zz (id INT); INSERT INTO zz VALUES (1)")
    code, text = dump_around(lab, "ALTER TABLE zz ADD COLUMN more INT DEFAULT 1, ALGORITHM=COPY")
    ended = text.rstrip().endswith("-- Dump completed")
    mariadb(lab, "DROP TABLE zz")
    said = f"it left with {code}, its last line {'is' if ended else 'is not'} there"
    return [("mariadb-dump", code != 0, said)]


@case("M19", "mariadb-dump")
def m19(ground: Ground) -> list[Answer]:
    """One table of two engines is of another moment."""
    lab = server(ground)
    enlarge(lab)
    damage.make_mixed(lab)
    code, text = dump_around(lab, "UPDATE ab SET v = 1; UPDATE zz SET v = 1")
    values = {
        name: text.partition(f"INSERT INTO `{name}` VALUES\n(")[2].partition(")")[0]
        for name in damage.MIXED
    }
    mariadb(lab, "DROP TABLE ab, zz")
    same = values["ab"] == values["zz"]
    said = f"it left with {code}; InnoDB is of before ({values['ab']}), MyISAM of {values['zz']}"
    return [("mariadb-dump", code != 0 or same, said)]


@case("M20", "mariadb-binlog")
def m20(ground: Ground) -> list[Answer]:
    """A binary log in the middle is missing."""
    lab = server(ground)
    mariadb(lab, "CREATE OR REPLACE TABLE replayed (id INT PRIMARY KEY)")
    mariadb(lab, "CREATE OR REPLACE DATABASE proof; CREATE TABLE proof.replayed LIKE replayed")
    folder = ground.folder("binlog")
    names = []
    for number in range(1, 5):
        mariadb(lab, f"FLUSH BINARY LOGS; INSERT INTO replayed VALUES ({number})")  # noqa: S608
        names.append(mariadb(lab, "SHOW MASTER STATUS").split("\t")[0])
    mariadb(lab, "FLUSH BINARY LOGS")
    for name in names:
        shutil.copy2(lab.data / name, folder / name)
    damage.lose_middle([folder / name for name in names])
    kept = [str(each) for each in sorted(folder.iterdir())]
    events = must(["mariadb-binlog", "--rewrite-db=trading->proof", *kept])
    ran = subprocess.run(
        ["mariadb", *connection(lab), "proof"], input=events, text=True, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    count = mariadb(lab, "SELECT COUNT(*) FROM proof.replayed").strip()
    said = f"the replay left with {ran.returncode}, with {count} of 4 rows"
    return [("mariadb-binlog", ran.returncode != 0, said)]
