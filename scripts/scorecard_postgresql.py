"""The cases of PostgreSQL: pg_basebackup, pg_combinebackup, pgBackRest, the archiver."""

import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import damage
import specimens
from conftest import eventually
from scorecard import Answer, Ground, case
from specimens import STANZA, PgBackRest, must, psql

from stockops.lab import Lab

REPOSITORY = "a repository of pgBackRest"
WAIT_S = 5.0
ROWS = 5  # committed one after the other, each in a segment of its own


def repository(ground: Ground) -> PgBackRest:
    """Return the tool over a repository with one backup, and ROWS segments after it."""
    place = ground.work / "pgbackrest"
    if "postgresql-pgbackrest" in ground.kept:
        return PgBackRest(ground.kept["postgresql-pgbackrest"], place)
    place.mkdir()
    place.chmod(0o755)
    settings = {"archive_mode": "on", "archive_command": PgBackRest.archive_command(place)}
    lab = ground.lab("postgresql", kind="pgbackrest", version="15", settings=settings)
    tool = PgBackRest(lab, place)
    tool.configure()
    psql(lab, specimens.POSTGRESQL_ROWS)
    tool.must("stanza-create")
    tool.must("backup", "--type=full", "--repo=1")
    psql(lab, "CREATE TABLE later (id serial, at timestamptz DEFAULT clock_timestamp())")
    for _ in range(ROWS):
        tool.switch("INSERT INTO later DEFAULT VALUES")
    return tool


def copied(ground: Ground) -> tuple[PgBackRest, Path]:
    """Return the tool, and a copy of its repository that may be damaged."""
    tool = repository(ground)
    target = ground.folder("copy") / "repo"
    shutil.copytree(tool.repository, target, symlinks=True)
    own(target, tool.lab)
    return tool, target


def own(path: Path, lab: Lab) -> None:
    """Give `path`, and all in it, to the user of `lab`."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam(lab.user)
        for each in [path, *path.rglob("*")]:
            os.chown(each, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def ask(tool: PgBackRest, place: Path, *words: str, stanza: str = STANZA) -> tuple[int, str]:
    """Ask pgBackRest about the repository in `place`; return what it left with, and said."""
    argv = [*tool.command(*words, stanza=stanza), f"--repo1-path={place}"]
    ran = specimens.run(argv, user=tool.lab.user)
    return ran.returncode, ran.stdout + ran.stderr


def drop_middle(place: Path) -> None:
    """Remove a segment that has others before and behind it."""
    damage.lose_middle(sorted(place.glob(f"archive/{STANZA}/*/*/*-*"))[-ROWS:])


@case("M1", "pgbackrest")
def m1(ground: Ground) -> list[Answer]:
    """64 bytes of one stored file are overwritten."""
    tool, place = copied(ground)
    bundles = sorted(place.glob(f"backup/{STANZA}/*/bundle/*"), key=lambda p: p.stat().st_size)
    damage.overwrite(bundles[-1])
    code, _ = ask(tool, place, "verify", "--repo=1")
    return [("pgBackRest", code != 0, f"verify left with {code}")]


@case("M2", "pgbackrest")
def m2(ground: Ground) -> list[Answer]:
    """A log segment is missing behind the backup."""
    tool, place = copied(ground)
    drop_middle(place)
    code, _ = ask(tool, place, "verify", "--repo=1")
    return [("pgBackRest", code != 0, f"verify left with {code}")]


@case("M3", "pgbackrest")
def m3(ground: Ground) -> list[Answer]:
    """Recovery to the end runs into that gap."""
    return around_a_gap(ground, ROWS)


@case("M4", "pgbackrest")
def m4(ground: Ground) -> list[Answer]:
    """Recovery to a time runs into that gap."""
    tool = repository(ground)
    last_two = "SELECT at FROM later ORDER BY at DESC LIMIT 2"
    between = f"SELECT min(at) + (max(at) - min(at)) / 2 FROM ({last_two}) AS t"  # noqa: S608
    before_the_last = psql(tool.lab, between)
    return around_a_gap(ground, ROWS - 1, "--type=time", f"--target={before_the_last}")


def around_a_gap(ground: Ground, wanted: int, *words: str) -> list[Answer]:
    """Recover over a gap; without one, the same must bring back all that is `wanted`."""
    tool, place = copied(ground)
    ((_, whole, said),) = recover(ground, tool, place, wanted, *words)
    if not whole or "does not start" in said:
        raise RuntimeError(f"without a gap it does not work either: {said}")
    drop_middle(place)
    return recover(ground, tool, place, wanted, *words)


def recover(
    ground: Ground, tool: PgBackRest, place: Path, wanted: int, *words: str
) -> list[Answer]:
    """Restore what is in `place`, start the server, and count."""
    data = specimens.open_folder(ground.folder("restored") / "data", tool.lab)
    data.chmod(0o700)
    code, said = ask(tool, place, "restore", f"--pg1-path={data}", "--repo=1", *words)
    if code:
        return [("pgBackRest", True, f"restore left with {code}: {said}")]
    sockets = specimens.open_folder(data.parent / "run", tool.lab)
    control: list[str | Path] = [tool.lab.programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
    options = f"-c port=5432 -c unix_socket_directories={sockets} -c listen_addresses="
    options += " -c archive_mode=off -c recovery_target_action=promote"
    log = data.parent / "run" / "log"
    specimens.run([*control, "-o", options, "-l", log, "start"], user=tool.lab.user)
    try:
        count = counted_after_recovery(tool.lab, data, sockets)
    finally:
        specimens.run([*control, "-m", "immediate", "stop"], user=tool.lab.user)
    if count is None:
        fatal = [line for line in log.read_text("utf-8").splitlines() if "FATAL" in line]
        return [("PostgreSQL", True, f"it does not start: {' '.join(fatal[-1:])[-120:]}")]
    said = f"restored and started with {count} of {wanted} rows"
    return [("pgBackRest", count == wanted, said)]


def counted_after_recovery(lab: Lab, data: Path, sockets: Path) -> int | None:
    """Return how many rows are there when recovery has ended; None when the server has."""
    sql = "SELECT CASE WHEN pg_is_in_recovery() THEN '-' ELSE count(*)::text END FROM later"
    argv = specimens.pg(
        lab, "psql", "-h", sockets, "-d", "trading", "-Atc", sql
    )  # the last -h counts

    def ended() -> str:
        said = specimens.run(argv).stdout.strip()
        return said if said.isdigit() else "" if (data / "postmaster.pid").exists() else "gone"

    answer = eventually(ended, within_s=60)
    return None if answer == "gone" else int(answer)


@case("M5", "pgbackrest")
def m5(ground: Ground) -> list[Answer]:
    """There is no such repository."""
    tool = repository(ground)
    code, _ = ask(tool, tool.repository, "verify", "--repo=1", stanza="nothing")
    return [("pgBackRest", code != 0, f"verify left with {code}")]


@case("M6")
def m6(ground: Ground) -> list[Answer]:
    """Archive_command exits above 125, or is killed."""
    answers = []
    for how, command in (
        ("1", "exit 1"),  # which is counted, and shows that the wait is long enough
        ("126", "exit 126"),
        ("127", "exit 127"),
        ("SIGKILL", "kill -9 $$"),
    ):
        settings = {"archive_mode": "on", "archive_command": command}
        lab = ground.lab("postgresql", kind=f"archive-{how}", settings=settings)
        psql(lab, "CREATE TABLE t (id int)")
        psql(lab, "SELECT pg_switch_wal()")
        count = 0

        def failed(server: Lab = lab) -> bool:
            nonlocal count
            count = int(psql(server, "SELECT failed_count FROM pg_stat_archiver"))
            return count > 0

        told = settles(failed)
        answers.append(("PostgreSQL", told, f"{how}: failed_count is {count}"))
    return answers


def settles(ask_it: object) -> bool:
    """Tell whether `ask_it` becomes true in `WAIT_S`."""
    with suppress(specimens.Failed):
        eventually(ask_it, within_s=WAIT_S)  # type: ignore[arg-type]
        return True
    return False


def plain(ground: Ground) -> Lab:
    """Return a lab that base backups are taken of."""
    known = "postgresql-plain" in ground.kept
    lab = ground.lab("postgresql", kind="plain", settings={"summarize_wal": "on"})
    if not known:
        psql(lab, specimens.POSTGRESQL_ROWS)
    return lab


@case("M7")
def m7(ground: Ground) -> list[Answer]:
    """What takes a backup is killed in the middle."""
    lab = plain(ground)
    target = ground.folder("killed") / "base"
    argv = specimens.pg(lab, "pg_basebackup", "-c", "fast", "--max-rate=2M", "-D", target)
    child = subprocess.Popen([*map(str, argv)], start_new_session=True)
    asked = "SELECT count(*) FROM pg_stat_replication"
    try:
        eventually(lambda: int(psql(lab, asked)) >= 2, within_s=20)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(20)
        gone = settles(lambda: psql(lab, asked) == "0")
        left = psql(lab, asked)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return [("pg_basebackup", gone, f"{left} walsenders still serve it after {WAIT_S:.0f} s")]


@case("M8", "pgbackrest")
def m8(ground: Ground) -> list[Answer]:
    """It was killed, and the next backup is to be taken."""
    tool = repository(ground)
    argv = [*tool.command("backup", "--type=full", "--repo=1", "--compress-level=19")]
    switch = {}
    if os.geteuid() == 0:
        entry = pwd.getpwnam(tool.lab.user)
        switch = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    child = subprocess.Popen(  # type: ignore[call-overload]
        [*map(str, argv)], start_new_session=True, cwd="/", env={"PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **switch,
    )  # fmt: skip
    before = set(tool.repository.glob(f"backup/{STANZA}/*/bundle"))
    try:
        eventually(lambda: set(tool.repository.glob(f"backup/{STANZA}/*/bundle")) - before,
                   within_s=30)  # fmt: skip
        os.kill(child.pid, signal.SIGKILL)
        child.wait(20)
        code, _ = ask(tool, tool.repository, "backup", "--type=full", "--repo=1")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return [("pgBackRest", code == 0, f"the next backup leaves with {code}")]


@case("M9", "pgbackrest")
def m9(ground: Ground) -> list[Answer]:
    """A page is broken on the server already."""
    lab = ground.lab("postgresql", kind="broken")
    psql(lab, specimens.POSTGRESQL_ROWS)
    specimens.break_a_page(lab, "big")
    target = ground.folder("broken") / "base"
    ran = specimens.run(specimens.pg(lab, "pg_basebackup", "-c", "fast", "-D", target))
    answers = [("pg_basebackup", ran.returncode != 0, f"it left with {ran.returncode}")]
    tool = repository(ground)
    psql(tool.lab, "CREATE TABLE broken AS SELECT * FROM big")
    specimens.break_a_page(tool.lab, "broken")
    try:
        code, _ = ask(tool, tool.repository, "backup", "--type=full", "--repo=1")
    finally:
        psql(tool.lab, "DROP TABLE broken")
    return [*answers, ("pgBackRest", code != 0, f"backup left with {code}")]


def chain(ground: Ground) -> tuple[Lab, Path]:
    """Return a folder with a full backup and two incremental ones."""
    lab = plain(ground)
    folder = ground.folder("chain")
    taken = specimens.pg(lab, "pg_basebackup", "-c", "fast", "-D")
    must([*taken, folder / "full"])
    before = folder / "full"
    for name in ("first", "second"):
        psql(lab, "UPDATE big SET t = t || 'x' WHERE id < 300")
        must([*taken, folder / name, f"--incremental={before / 'backup_manifest'}"])
        before = folder / name
    return lab, folder


@case("M10")
def m10(ground: Ground) -> list[Answer]:
    """A broken link is combined into a fresh backup."""
    lab, folder = chain(ground)
    path = folder / "full" / psql(lab, "SELECT pg_relation_filepath('big')")
    damage.overwrite(path, count=1)
    argv = [lab.programs / "pg_combinebackup", *(folder / n for n in ("full", "first", "second"))]
    combined = specimens.run([*argv, "-o", folder / "whole"]).returncode
    verified = specimens.run([lab.programs / "pg_verifybackup", folder / "whole"]).returncode
    said = f"pg_combinebackup left with {combined}, pg_verifybackup of the result with {verified}"
    return [("PostgreSQL", combined != 0 or verified != 0, said)]


@case("M11")
def m11(ground: Ground) -> list[Answer]:
    """A link in the middle of a chain is missing."""
    lab, folder = chain(ground)
    argv = [lab.programs / "pg_combinebackup", folder / "full", folder / "second"]
    ran = specimens.run([*argv, "-o", folder / "whole"])
    return [("pg_combinebackup", ran.returncode != 0, f"it left with {ran.returncode}")]
