"""Log that is archived without end: what goes in, what comes out, what is proven, what is said."""

import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner, Result
from conftest import ending, eventually
from spots import Spot

import stockops
from stockops import lab as labs
from stockops.backups import archive, keys, repository, taking
from stockops.backups.archive import binlog, enabling, following, ledger, spool, wal, walreceiver
from stockops.backups.archive.status import status
from stockops.backups.repository import Repository
from stockops.backups.store import OutOfReach
from stockops.backups.streams import Form
from stockops.cli import main
from stockops.engine import connect
from stockops.errors import Busy, ConfigError, Refused, StorageError
from stockops.lab import Lab
from stockops.plan import Consent
from stockops.settings import reloading

LOG = Form(level=1)
YES = Consent(yes=True)
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return repository.make(str(tmp_path / "repo"))


@pytest.fixture(scope="module")
def segments(pg: Spot, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four finished segments, copied away."""
    place = tmp_path_factory.mktemp("data") / "pg_wal"
    place.mkdir()
    found = []
    pg.turn()
    for _ in range(4):
        name = str(
            pg.server.rows("SELECT pg_walfile_name(pg_current_wal_lsn()) AS name")[0]["name"]
        )
        pg.server.execute(
            f"CREATE TABLE filler_{name} AS SELECT g FROM generate_series(1, 1000) AS g"
        )
        pg.turn()
        shutil.copy(pg.lab.data / "pg_wal" / name, place / name)
        found.append(place / name)
    return found


def cli(*args: object) -> Result:
    """Run a command in this process, which keeps its own handlers of signals."""
    kept = {number: signal.getsignal(number) for number in ENDINGS}
    try:
        return CliRunner().invoke(main, ["backup", "archive", *map(str, args)])
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def started(
    *args: object, stderr: int | IO[bytes] = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "stockops", "backup", "archive", *map(str, args)],
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


def objects(repo: Repository) -> list[str]:
    return [entry.name for entry in repo.store.entries("archive")]


def left_over(repo: Repository) -> list[Path]:
    return [path for path in Path(repo.store.place).rglob("*") if path.name.startswith(".")]


# What goes in


def test_a_segment_comes_out_as_it_went_in(
    segments: list[Path], repo: Repository, tmp_path: Path
) -> None:
    pushed = archive.push(repo, segments[0], system=None, form=LOG)
    assert not pushed.was_there
    assert archive.push(repo, segments[0], system=None, form=LOG).was_there
    (log,) = archive.segments(repo, repo.store.folders("archive")[0])
    assert (log.name, log.stored_bytes) == (segments[0].name, pushed.stored_bytes)
    archive.fetch(repo, log, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == segments[0].read_bytes()


def test_its_last_commit_is_in_its_name(pg: Spot, segments: list[Path], repo: Repository) -> None:
    program = pg.lab.programs / "pg_waldump"
    said = subprocess.run(
        [program, "-r", "Transaction", segments[1]], capture_output=True, text=True, check=False
    ).stdout
    words = [line for line in said.splitlines() if "COMMIT" in line][-1].split("COMMIT ")[1]
    archive.push(repo, segments[1], system=None, form=LOG)
    (log,) = archive.segments(repo, pg.system)
    expected = datetime.strptime(words[:26], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    assert log.last_at == expected


def test_the_last_record_is_where_pg_waldump_finds_it(pg: Spot, segments: list[Path]) -> None:
    said = subprocess.run(
        [pg.lab.programs / "pg_waldump", segments[1]], capture_output=True, text=True, check=False
    ).stdout
    last = said.splitlines()[-1].split("lsn: ")[1].split(",")[0]
    found = wal.read(segments[1].read_bytes(), name=segments[1].name)
    assert found.last == wal.lsn(last)


def test_records_of_before_in_a_file_used_again_are_not_its_own(segments: list[Path]) -> None:
    content = bytearray(segments[1].read_bytes())
    found = wal.read(bytes(content), name=segments[1].name)
    begin, end = found.last - found.start, found.end - found.start
    (length,) = struct.unpack_from("=I", content, begin)
    content[end : end + length] = content[begin : begin + length]
    again = wal.read(bytes(content), name=segments[1].name, whole=False)
    assert (again.last, again.end) == (found.last, found.end)


def test_another_content_of_one_name_is_refused(
    segments: list[Path], repo: Repository, tmp_path: Path
) -> None:
    archive.push(repo, segments[0], system=None, form=LOG)
    other = tmp_path / segments[0].name
    content = bytearray(segments[0].read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)
    with pytest.raises(Refused, match="another content"):
        archive.push(repo, other, system=None, form=LOG)
    assert cli("push", other, "--repository", repo.store.place).exit_code == 5
    assert len(objects(repo)) == 1


def test_a_segment_of_another_system_is_refused(segments: list[Path], repo: Repository) -> None:
    with pytest.raises(Refused, match="this archive is for pg-1"):
        archive.push(repo, segments[0], system="pg-1", form=LOG)
    assert not objects(repo)


@pytest.mark.parametrize("what", ["renamed", "short", "zeros", "hole"])
def test_what_is_not_that_segment_is_not_archived(
    segments: list[Path], repo: Repository, tmp_path: Path, what: str
) -> None:
    content = bytearray(segments[0].read_bytes())
    path = tmp_path / segments[0].name
    if what == "renamed":
        path = tmp_path / segments[1].name
    elif what == "short":
        del content[-8192:]
    elif what == "zeros":
        content = bytearray(len(content))
    else:
        # The second page: nothing of this segment is longer, and more log comes after it.
        assert any(content[3 * 8192 : 3 * 8192 + 24]), "too little log in it"
        content[8192:16384] = bytes(8192)
    path.write_bytes(content)
    with pytest.raises(StorageError, match="not that segment"):
        archive.push(repo, path, system=None, form=LOG)
    assert not objects(repo)


def test_histories_labels_and_torsos_are_kept_beside_the_segments(
    segments: list[Path], repo: Repository, tmp_path: Path, pg: Spot
) -> None:
    history = tmp_path / "00000002.history"
    history.write_text("1\t0/5000000\tno recovery target specified\n")
    label = tmp_path / f"{segments[0].name}.00000028.backup"
    label.write_text("START WAL LOCATION: 0/2000028\n")
    torso = tmp_path / f"{segments[0].name}.partial"
    content = bytearray(segments[0].read_bytes())
    content[8 << 20 :] = bytes(len(content) - (8 << 20))
    torso.write_bytes(content)
    for path in (history, label, torso):
        archive.push(repo, path, system=pg.system, form=LOG)
        out = tmp_path / "out"
        assert archive.get(repo, path.name, out, system=pg.system)
        assert out.read_bytes() == path.read_bytes()
    assert archive.history(repo, pg.system, 2) == [wal.Fork(1, 0x5000000)]
    assert not archive.segments(repo, pg.system)
    with pytest.raises(ConfigError, match="whose log this is"):
        archive.push(repo, history, system=None, form=LOG)
    pushed = cli("push", history, "--repository", repo.store.place, "--system", "../../elsewhere")
    assert (pushed.exit_code, "is no system" in pushed.output) == (2, True)
    with pytest.raises(ConfigError, match="not the name of a file"):
        archive.push(repo, Path("pg_wal/other"), system=None, form=LOG)


def test_a_push_that_is_killed_leaves_it_whole_or_not_there(
    segments: list[Path], repo: Repository, tmp_path: Path, pg: Spot
) -> None:
    draw = random.Random(7)
    for number in range(8):
        path = segments[number % len(segments)]
        pushing = started("push", path, "--repository", repo.store.place)
        with suppress(subprocess.TimeoutExpired):
            pushing.wait(draw.uniform(0.05, 0.5))
        pushing.kill()
        pushing.wait()
        for log in archive.segments(repo, pg.system):
            archive.fetch(repo, log, tmp_path / "out")
            assert (tmp_path / "out").read_bytes() == (path.parent / log.name).read_bytes()
    for path in segments:
        assert cli("push", path, "--repository", repo.store.place).exit_code == 0
    assert len(archive.segments(repo, pg.system)) == len(segments)
    assert not archive.missing(repo, pg.system)


@pytest.mark.parametrize("number", ENDINGS)
def test_a_push_that_is_told_to_end_leaves_with_a_code_that_is_counted(
    repo: Repository, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "000000010000000000000001"
    os.mkfifo(path)
    pushing = started("push", path, "--repository", repo.store.place)
    writer = os.open(path, os.O_RDWR)
    eventually(lambda: any(str(path) in link for link in open_files(pushing.pid)))
    pushing.send_signal(number)
    assert 1 <= pushing.wait(60) <= 125
    os.close(writer)
    assert not objects(repo)


def open_files(pid: int) -> list[str]:
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(each.readlink()))
    return found


def test_a_pipe_that_breaks_is_not_success() -> None:
    """For every other command it is: the reader of its output has left."""
    asked = (
        "import click; from stockops.cli import backup_archive as it\n"
        "def broken(*args, **said): raise BrokenPipeError\n"
        "it.push_command.callback = broken\n"
        "from stockops.cli import main\n"
        "main(['backup', 'archive', 'push', 'x', '--repository', '.'])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False)
    assert 1 <= done.returncode <= 125


def test_a_full_repository_is_an_error_and_nothing_half_is_there(
    segments: list[Path], repo: Repository
) -> None:
    words = ["push", segments[0], "--repository", repo.store.place, "--compress", "none"]
    command = " ".join(["ulimit -f 2048;", "exec", '"$@"'])
    done = subprocess.run(
        ["bash", "-c", command, "sh", sys.executable, "-m", "stockops", "backup", "archive",
         *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 1 <= done.returncode <= 125, done.stderr
    assert not objects(repo)
    assert not left_over(repo)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_read_only_repository_is_an_error(segments: list[Path], repo: Repository) -> None:
    place = repo.store.place
    done = subprocess.run(["mount", "--bind", place, place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        said = cli("push", segments[0], "--repository", place)
        assert said.exit_code == 1, said.stderr
        assert "Read-only file system" in said.stderr
    finally:
        subprocess.run(["umount", place], check=True)
    assert not objects(repo)


# What comes out


def test_get_tells_the_end_of_the_log_from_every_failure(
    segments: list[Path], repo: Repository, tmp_path: Path, pg: Spot
) -> None:
    place, out = repo.store.place, tmp_path / "out"
    for path in (segments[0], segments[1], segments[3]):
        archive.push(repo, path, system=None, form=LOG)

    def get(name: str, *more: object, where: str = place) -> int:
        return cli("get", name, out, "--repository", where, "--system", pg.system, *more).exit_code

    assert get(segments[0].name) == 0
    assert out.read_bytes() == segments[0].read_bytes()
    out.unlink()
    after = f"{segments[3].name[:-2]}FF"
    assert get(after) == 1
    assert get("00000002.history") == 1
    stops = {
        "a gap": get(segments[2].name),
        "no repository": get(segments[0].name, where=str(tmp_path)),
        "a mistake": get(segments[0].name, "--unknown"),
        "no system": get(segments[0].name, "--system", "pg-12E4/.."),
        "no name": get("nonsense"),
    }
    (damaged,) = [name for name in objects(repo) if segments[1].name in name]
    with (Path(place) / damaged).open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff" * 64)
    stops["damage"] = get(segments[1].name)
    (Path(place) / damaged).write_bytes(b"")
    stops["an empty object"] = get(segments[1].name)
    assert stops == dict.fromkeys(stops, 200)
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["repo"]


def test_an_encrypted_archive_is_read_with_its_key_only(
    segments: list[Path], repo: Repository, tmp_path: Path, pg: Spot
) -> None:
    import pyrage

    secret, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    for file, identity in (("key", secret), ("other", other)):
        (tmp_path / file).write_text(str(identity))
        (tmp_path / file).chmod(0o600)
    words = ("--repository", repo.store.place)
    pushed = cli("push", segments[0], *words, "--recipient", str(secret.to_public()))
    assert pushed.exit_code == 0, pushed.stderr
    (name,) = objects(repo)
    assert name.endswith(".zst.age")
    again = cli("push", segments[0], *words, "--recipient", str(secret.to_public()))
    assert again.exit_code == 0
    out = tmp_path / "out"
    wanted = ("get", segments[0].name, out, *words, "--system", pg.system)
    assert cli(*wanted).exit_code == 200
    assert cli(*wanted, "--identity", tmp_path / "other").exit_code == 200
    assert not out.exists()
    assert cli(*wanted, "--identity", tmp_path / "key").exit_code == 0
    assert out.read_bytes() == segments[0].read_bytes()
    (log,) = archive.segments(repo, pg.system)
    archive.fetch(repo, log, out, identities=keys.identities([tmp_path / "key"]))


# The binary log, event by event


def test_a_damaged_binary_log_is_noticed(my: Spot) -> None:
    my.turn()
    name = str(my.server.rows("SHOW BINARY LOGS")[-2]["Log_name"])
    content = (my.lab.data / name).read_bytes()
    whole = binlog.Follower(name)
    for at in range(0, len(content), 7):
        whole.feed(content[at : at + 7])
    assert whole.complete
    assert whole.whole_bytes == len(content)
    assert sum(whole.after.values()) - sum((whole.before or {}).values()) >= 3
    for at in (len(content) // 2, len(content) - 20):
        broken = bytearray(content)
        broken[at] ^= 4
        with pytest.raises(StorageError, match="is damaged at byte"):
            binlog.Follower(name).feed(bytes(broken))
    cut = binlog.Follower(name)
    cut.feed(content[:-60])
    assert not cut.complete
    assert cut.whole_bytes <= cut.read_bytes < len(content)


def stands(found: binlog.Follower) -> tuple[object, ...]:
    """What anybody may ask of a binary log."""
    return (
        found.whole_bytes, found.read_bytes, found.before, list(found.after.items()),
        found.firsts, found.first_at, found.last_at, found.ended, found.next_name, found.head_crc,
    )  # fmt: skip


def as_a_fresh_reader(path: Path) -> binlog.Follower:
    """Look again at `path`, and compare with one who reads it from its start."""
    fresh = binlog.Follower(path.name)
    with suppress(StorageError):
        spool.follow(fresh, path)
    found = following.followed(path)
    assert stands(found) == stands(fresh)
    return found


def bytes_read() -> int:
    """How many bytes this thread has read from files."""
    said = Path("/proc/thread-self/io").read_text("ascii")
    return int(said.split("rchar: ")[1].split()[0])


def test_a_binary_log_that_is_looked_at_again_is_read_on_as_a_fresh_reader_has_it(
    my: Spot, tmp_path: Path
) -> None:
    sql = "INSERT INTO noted SELECT 1000000 + seq, repeat('y', 400) FROM seq_{}_to_{}"
    for numbers in ((1, 3000), (3001, 6100)):
        my.server.execute(sql.format(*numbers))
        my.turn()
    told = [str(row["Log_name"]) for row in my.server.rows("SHOW BINARY LOGS")[-3:-1]]
    first, second = ((my.lab.data / name).read_bytes() for name in told)
    path = tmp_path / told[0]
    for end in (0, 3, 300, len(first) // 2, len(first) // 2 + 1, len(first) - 9, len(first)):
        with path.open("r+b" if path.exists() else "wb") as file:
            file.seek(0, 2)
            file.write(first[file.tell() : end])
        as_a_fresh_reader(path)
    began = bytes_read()
    assert following.followed(path).ended == "rotate"
    assert bytes_read() - began < 65_536 < len(first)
    path.write_bytes(first[: len(first) - 200])  # it shrank, in its place
    assert not as_a_fresh_reader(path).ended
    path.write_bytes(second)  # others were written there, up to beyond where it had come
    assert len(second) >= len(first) - 200
    changed = as_a_fresh_reader(path)
    (tmp_path / "new").write_bytes(first)
    (tmp_path / "new").replace(path)
    assert as_a_fresh_reader(path).after != changed.after
    for at in (len(first) - 300, len(first) // 3):  # it goes bad, and comes good again
        path.write_bytes(first[:at] + bytes([first[at] ^ 4]) + first[at + 1 :])
        assert not as_a_fresh_reader(path).ended
    path.write_bytes(first)
    assert as_a_fresh_reader(path).ended == "rotate"
    with path.open("ab") as file:
        file.write(second[4:400])
    as_a_fresh_reader(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        following.followed(path)


def test_what_waits_is_told_alike_while_files_grow_rotate_and_go(
    my: Spot, repo: Repository
) -> None:
    series = spool.spool_of(repo, my.system, encrypted=False) / "00000001"
    series.mkdir(parents=True)
    my.turn()
    my.turn()
    told = [str(row["Log_name"]) for row in my.server.rows("SHOW BINARY LOGS")[-3:-1]]
    first, second = ((my.lab.data / name).read_bytes() for name in told)

    def waiting() -> list[tuple[str, int]]:
        return [(log.name, log.raw_bytes) for log in spool.tails(repo, my.system)]

    (series / told[0]).write_bytes(first[:-120])
    assert [name for name, _ in waiting()] == told[:1]
    with (series / told[0]).open("ab") as file:
        file.write(first[-120:])
    (series / told[1]).write_bytes(second)
    assert waiting() == [(told[0], len(first)), (told[1], len(second))]
    (series / told[0]).unlink()  # it is archived
    assert waiting() == [(told[1], len(second))]
    (series / spool.KEPT).mkdir()
    (series / told[1]).rename(series / spool.KEPT / told[1])
    (series / told[1]).write_bytes(second[:-120])  # it is fetched once more
    assert waiting() == [(told[1], len(second))]


# Receivers


@contextmanager
def receiving(spot: Spot, repo: Repository, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A receiver as a process of its own, killed hard at the end unless it has ended."""
    running = started("run", "-t", spot.target.url, "--repository", repo.store.place, *more)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def names(repo: Repository, spot: Spot) -> list[str]:
    return [log.name for log in archive.logs(repo, spot.system)]


def is_archived(repo: Repository, spot: Spot, name: str) -> bool:
    return name in names(repo, spot)


def current(spot: Spot) -> str:
    if spot.lab.engine == "postgresql":
        sql = "SELECT pg_walfile_name(pg_current_wal_lsn()) AS name"
        return str(spot.server.rows(sql)[0]["name"])
    return str(spot.server.rows("SHOW BINARY LOGS")[-1]["Log_name"])


def kept_by_server(spot: Spot, name: str) -> bytes:
    folder = spot.lab.data / ("pg_wal" if spot.lab.engine == "postgresql" else "")
    return (folder / name).read_bytes()


def test_a_receiver_that_is_killed_loses_nothing(
    spot: Spot, repo: Repository, tmp_path: Path
) -> None:
    first = current(spot)
    with receiving(spot, repo):
        eventually(lambda: spool.tails(repo, spot.system))
        spot.turn()
        eventually(lambda: first in names(repo, spot))
    for _ in range(2):
        spot.turn()  # while nobody receives
        last = current(spot)
        with receiving(spot, repo):
            spot.turn()
            eventually(partial(is_archived, repo, spot, last))
    assert not archive.missing(repo, spot.system)
    for log in archive.logs(repo, spot.system):
        archive.fetch(repo, log, tmp_path / log.name)
        assert (tmp_path / log.name).read_bytes() == kept_by_server(spot, log.name), log.name
    eventually(lambda: not receivers_of(spot))


def waits(repo: Repository, spot: Spot, name: str) -> ledger.Log | None:
    """The piece `name`, where it is in the spool."""
    found = [log for log in spool.tails(repo, spot.system) if log.name == name]
    return found[0] if found else None


def test_what_waited_when_it_was_looked_up_is_fetched_from_the_archive(
    spot: Spot, repo: Repository, tmp_path: Path
) -> None:
    """A drill plans, then unpacks for a while; meanwhile the receiver goes on."""
    spot.write(5)
    first = current(spot)
    with receiving(spot, repo):
        waiting = eventually(lambda: waits(repo, spot, first), 20)
        assert waiting is not None
        archive.fetch(repo, waiting, tmp_path / "before")
        spot.turn()
        eventually(partial(is_archived, repo, spot, first), 30)
        eventually(lambda: not waiting.spooled or not waiting.spooled.exists(), 20)
    archive.fetch(repo, waiting, tmp_path / "after")
    planned = (tmp_path / "before").read_bytes()
    fetched = (tmp_path / "after").read_bytes()
    assert len(fetched) == len(planned) == waiting.raw_bytes
    end, start = (waiting.end.lsn, waiting.start.lsn)
    reach = wal.lsn(end) - wal.lsn(start) if end and start else waiting.raw_bytes
    assert fetched[:reach] == planned[:reach]
    for path in Path(repo.store.place, "archive").rglob(f"{first}.*"):
        path.unlink()
    with pytest.raises(Busy, match="has it elsewhere by now"):
        archive.fetch(repo, waiting, tmp_path / "never")
    assert not (tmp_path / "never").exists()


def receivers_of(spot: Spot) -> list[int]:
    """The numbers of the engine's tools that receive from this lab."""
    found = []
    for place in Path("/proc").iterdir():
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            tool = Path(words[0].decode()).name
            if tool in {"pg_receivewal", "mariadb-binlog"} and place.name.isdigit():
                cwd = str((place / "cwd").readlink())
                if spot.system in cwd:
                    found.append(int(place.name))
    return found


def test_a_receiver_keeps_up_beats_and_ends_when_told(spot: Spot, repo: Repository) -> None:
    with receiving(spot, repo) as running:
        eventually(lambda: spool.tails(repo, spot.system))
        spot.write(5)
        eventually(lambda: caught_up(repo, spot))
        busy = cli("run", "-t", spot.target.url, "--repository", repo.store.place)
        assert busy.exit_code == 6, busy.stderr
        sql = "SELECT beat_no AS no FROM heartbeats WHERE writer = %(writer)s"
        writer = {"writer": spot.target.url[:64]}
        eventually(lambda: any(row["no"] > 1 for row in spot.server.rows(sql, writer)))
        if spot.lab.engine == "postgresql":
            is_no_late_standby(spot)
        running.terminate()
        assert running.wait(60) == 0
    assert not receivers_of(spot)
    assert status(repo, spot.target).state == "broken"


def is_no_late_standby(spot: Spot) -> None:
    """A receiver replays nothing: the server counts from its start on, which is no delay."""
    said = "SELECT extract(EPOCH FROM max(replay_lag)) AS late_s FROM pg_stat_replication"
    eventually(lambda: (spot.server.rows(said)[0]["late_s"] or 0) > 2)
    check = Path(stockops.__file__).with_name("sql") / "postgresql/health/standby_delay.sql"
    assert [row["value"] < 2 for row in spot.server.rows(check.read_text("utf-8"))] == [True]


def caught_up(repo: Repository, spot: Spot) -> bool:
    found = status(repo, spot.target)
    return found.state in {"idle", "archiving"} and (found.lag_bytes or 0) < 2000


def test_a_binary_log_in_use_is_the_one_that_was_received(tmp_path: Path) -> None:
    received, there = tmp_path / "received", tmp_path / "there"
    content = bytearray(binlog.MAGIC + random.Random(7).randbytes(4096))
    content[21] &= ~1
    received.write_bytes(content)
    content[21] |= 1  # the server marks it so for as long as it writes
    there.write_bytes(content + b"more")
    assert spool.is_same_start(there, received, 4100)
    content[22] ^= 1
    there.write_bytes(content + b"more")
    assert not spool.is_same_start(there, received, 4100)


def test_two_series_of_one_server_are_not_mixed(my: Spot, repo: Repository) -> None:
    first = current(my)
    with receiving(my, repo):
        eventually(lambda: spool.tails(repo, my.system))
        my.turn()
        eventually(lambda: first in names(repo, my))
        my.server.execute("RESET MASTER")
        my.turn()
        eventually(lambda: archive.binlogs(repo, my.system, 2))
    assert ledger.series_of(repo, my.system) == [1, 2]
    assert archive.binlogs(repo, my.system, 2)[0].name.endswith(".000001")
    assert not archive.missing(repo, my.system)


def test_what_came_of_the_next_series_does_not_stay_in_the_one_before(
    my: Spot, repo: Repository
) -> None:
    """As after a restore in place: files of the new log come before anybody looks at the first."""
    my.server.execute("RESET MASTER")
    with receiving(my, repo):
        eventually(lambda: waits(repo, my, current(my)))
    my.server.execute("RESET MASTER")
    for _ in range(4):
        my.turn()
    with receiving(my, repo):
        eventually(lambda: len(archive.binlogs(repo, my.system, 2)) == 4)
    assert [log.number for log in spool.tails(repo, my.system) if log.branch == 1] == [1]
    assert not archive.missing(repo, my.system)


def test_binary_logs_that_the_server_removed_are_a_gap(my: Spot, repo: Repository) -> None:
    first = current(my)
    with receiving(my, repo):
        eventually(lambda: spool.tails(repo, my.system))
        my.turn()
        eventually(lambda: first in names(repo, my))
    lost = current(my)
    my.turn()
    eventually(lambda: purged(my) == current(my))
    shutil.rmtree(spool.spool_of(repo, my.system, encrypted=False))  # the machine was lost, too
    after = current(my)
    with receiving(my, repo):
        my.turn()
        eventually(lambda: after in names(repo, my))
    (gap,) = archive.missing(repo, my.system)
    assert (gap.kind, gap.first, gap.last) == ("missing", lost, lost)
    found = cli("status", "-t", my.target.url, "--repository", repo.store.place)
    assert found.exit_code == 1
    assert f"{lost} missing" in found.stderr


def purged(spot: Spot) -> str:
    """Purge what the server lets go: a file that it still sends to a dead client stays."""
    spot.server.execute(f"PURGE BINARY LOGS TO '{current(spot)}'")
    return str(spot.server.rows("SHOW BINARY LOGS")[0]["Log_name"])


# Windows


def test_windows_reach_from_a_backup_to_the_end_of_the_log_and_name_gaps(
    spot: Spot, repo: Repository
) -> None:
    empty = windows(repo)
    assert empty.exit_code == 1
    assert "nothing can be recovered" in empty.stderr
    with receiving(spot, repo):
        eventually(lambda: spool.tails(repo, spot.system))
        taken = taking.take(repo, spot.target, taking.Request())
        wanted = []
        for _ in range(4):
            wanted.append(current(spot))
            spot.turn()
        eventually(lambda: set(wanted) <= set(names(repo, spot)))
        eventually(lambda: caught_up(repo, spot))
        assert windows(repo).exit_code == 0
        # The tail counts as far as it is whole; it is there once something was written into it.
        (window,) = eventually(
            lambda: [w for w in archive.windows(repo, spot.system) if w.logs[-1].object is None]
        )
        assert window.backups == [taken.id]
        assert window.end_at >= window.start_at
        assert [log.name for log in window.logs_from(taken)][-5:-1] == wanted
    (middle,) = [log for log in archive.logs(repo, spot.system) if log.name == wanted[1]]
    assert middle.object is not None
    repo.store.remove(middle.object)
    if spot.lab.engine == "mariadb":
        repo.store.remove(f"{middle.object.removesuffix('.zst')}.json")
    (window,) = archive.windows(repo, spot.system)
    assert window.logs[-1].name == wanted[0]
    told = windows(repo)
    assert told.exit_code == 1
    assert f"{wanted[1]} missing" in told.stderr


def windows(repo: Repository) -> Result:
    return CliRunner().invoke(main, ["backup", "windows", "--repository", repo.store.place])


def test_two_contents_of_one_segment_end_a_window(
    segments: list[Path], repo: Repository, tmp_path: Path, pg: Spot
) -> None:
    for path in segments:
        archive.push(repo, path, system=None, form=LOG)
    (there,) = [name for name in objects(repo) if segments[2].name in name]
    other = there.replace(there.split(".")[1], "0" * 32)
    shutil.copy(Path(repo.store.place) / there, Path(repo.store.place) / other)
    (gap,) = archive.missing(repo, pg.system)
    assert (gap.kind, gap.first) == ("conflict", segments[2].name)
    with pytest.raises(StorageError, match="different contents"):
        archive.get(repo, segments[2].name, tmp_path / "out", system=pg.system)


# PostgreSQL's own archiver, on real servers


@contextmanager
def open_repository(lab: Lab) -> Iterator[Repository]:
    """A repository that the lab's server can write to."""
    with tempfile.TemporaryDirectory(prefix="stockops-test-") as place:
        Path(place).chmod(0o755)
        repo = repository.make(f"{place}/repo")
        for path in (Path(place) / "repo", *(Path(place) / "repo").rglob("*")):
            shutil.chown(path, lab.user) if os.geteuid() == 0 else None
        yield repo


def program(lab: Lab) -> str:
    """How the lab's server starts stockops: it may not enter the home of whoever runs the tests."""
    path = os.pathsep.join(each for each in sys.path if each)
    for python in (sys.executable, "/usr/bin/python3"):
        words = ["env", f"PYTHONPATH={path}", python, "-m", "stockops"]
        switch = {"user": lab.user, "extra_groups": []} if os.geteuid() == 0 else {}
        with suppress(OSError):
            tried = subprocess.run(
                [*words, "--version"], cwd="/", capture_output=True, check=False, **switch
            )  # type: ignore[call-overload]
            if tried.returncode == 0:
                return " ".join(words)
    pytest.skip("the server's user can run no Python that has what stockops needs")


def test_the_server_archives_by_itself_and_is_seen_when_it_cannot(pg: Spot) -> None:
    with open_repository(pg.lab) as repo:
        asked = enabling.Start(form=LOG, program=program(pg.lab))
        with pytest.raises(Refused, match="would destroy"):
            enabling.start(repo, pg.target, asked, consent=Consent())
        made = enabling.start(repo, pg.target, asked, consent=YES)
        assert made.proven in names(repo, pg)
        with connect(pg.target) as server:
            assert enabling.steps(server, repo, pg.target, asked) == []
        pg.turn()
        eventually(lambda: status(repo, pg.target).state in {"idle", "archiving"})
        failed = "SELECT failed_count AS n FROM pg_stat_archiver"
        before = pg.server.rows(failed)[0]["n"]
        set_command(pg, "kill -9 $$")
        name = current(pg)
        pg.turn()
        eventually(lambda: "is killed, or is not found" in broken(repo, pg))
        assert pg.server.rows(failed)[0]["n"] == before  # the server does not count it
        enabling.start(repo, pg.target, asked, consent=YES)
        assert name in names(repo, pg)  # and tries it again
        assert not archive.missing(repo, pg.system)
        set_command(pg, "/bin/true # backup archive push " + repo.store.place)
        name = current(pg)
        pg.turn()
        eventually(lambda: f"{name} is archived, and it is not here" in broken(repo, pg))
        enabling.start(repo, pg.target, asked, consent=YES)
        quiet = "SELECT setting AS s FROM pg_settings WHERE name = 'archive_timeout'"
        assert pg.server.rows(quiet) == [{"s": "60"}]
        enabling.stop(repo, pg.target, consent=YES)
        eventually(lambda: pg.server.rows(quiet) == [{"s": "0"}])
        assert status(repo, pg.target).state == "broken"
        set_command(pg, "/bin/false")


def test_the_next_command_encrypts_as_the_first_one_did(spot: Spot, repo: Repository) -> None:
    """Whoever types what was printed archives in the clear otherwise."""
    import pyrage

    key = str(pyrage.x25519.Identity.generate().to_public())
    asked = enabling.Start(form=LOG, recipients=[key], receive=True)
    made = enabling.start(repo, spot.target, asked, consent=YES)
    assert made.next.startswith("stockops backup archive run -t ")
    assert made.next.endswith(f" --recipient {key}")
    if spot.target.engine == "postgresql":
        spot.server.rows(
            "SELECT pg_drop_replication_slot(%(name)s)::text AS it",
            {"name": walreceiver.slot_name(repo)},
        )


def test_to_archive_in_the_clear_from_now_on_wants_a_word(pg: Spot, repo: Repository) -> None:
    import pyrage

    key = str(pyrage.x25519.Identity.generate().to_public())
    sealed = enabling.Start(form=LOG, recipients=[key])
    set_command(pg, enabling.archive_command(repo, pg.system, sealed).replace("'", "''"))

    def destroyed_by(asked: enabling.Start) -> list[str]:
        found = enabling.steps(pg.server, repo, pg.target, asked)
        return [step.why for step in found if step.destroys]

    eventually(lambda: destroyed_by(sealed) == [])
    assert destroyed_by(enabling.Start(form=LOG)) == [
        "what is archived from now on is not encrypted any more"
    ]
    set_command(pg, "/bin/false")


def set_command(spot: Spot, command: str) -> None:
    spot.server.execute(f"ALTER SYSTEM SET archive_command = '{command}'")
    reloading.reload(spot.server)


def broken(repo: Repository, spot: Spot) -> str:
    found = status(repo, spot.target, behind_s=0.5)
    return "; ".join(found.notes) if found.state == "broken" else ""


# A command line that a server runs


def test_the_commands_that_a_server_is_given_survive_odd_names(tmp_path: Path) -> None:
    repo = repository.make(str(tmp_path / "it's 100% odd"))
    asked = enabling.Start(form=LOG, program="stockops")
    command = enabling.archive_command(repo, "pg-1", asked)
    assert command.startswith("stockops backup archive push %p --repository ")
    said = subprocess.run(
        ["sh", "-c", "printf '%s|' " + command.replace("%p", "PATH").replace("%%", "%")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("|")
    assert said[6] == repo.store.place


def test_the_spool_of_an_encrypted_archive_is_not_in_the_repository(
    spot: Spot, repo: Repository
) -> None:
    import pyrage

    key = str(pyrage.x25519.Identity.generate().to_public())
    inside = Path(repo.store.place) / "elsewhere"
    done = cli("run", "-t", spot.target.url, "--repository", repo.store.place,
               "--recipient", key, "--spool", inside)  # fmt: skip
    assert done.exit_code == 5
    assert "in the clear" in done.stderr


def test_what_waits_while_the_repository_is_away_is_said_at_the_end_and_kept(
    spot: Spot, repo: Repository, tmp_path: Path
) -> None:
    """Where its disk was mounted an empty directory may be: nothing is written there."""
    elsewhere, place = tmp_path / "spool", Path(repo.store.place)
    words = ["run", "-t", spot.target.url, "--repository", place, "--spool", elsewhere]
    with (
        (tmp_path / "said").open("wb") as file,
        ending(running := started(*words, stderr=file)),
    ):
        eventually(lambda: spool.tails(repo, spot.system))
        place.rename(tmp_path / "away")
        place.mkdir()
        first = current(spot)
        spot.turn()
        eventually(lambda: spool.left(elsewhere, spot.system))
        with pytest.raises(OutOfReach, match="is no repository any more"):
            repo.backups()
        running.terminate()
        assert running.wait(60) == 1
    said = " ".join((tmp_path / "said").read_text("utf-8").split())
    waits = r"\d+ files? of log, [\d,]+ MB, since 20.* UTC, are in .*spool' alone: .*no repository"
    assert re.search(waits, said), said
    assert not [*place.iterdir()]
    place.rmdir()
    (tmp_path / "away").rename(place)
    with receiving(spot, repo, "--spool", str(elsewhere)):
        eventually(partial(is_archived, repo, spot, first))
    assert not archive.missing(repo, spot.system)


# Servers that die, and come back on another timeline: last, for they leave other servers behind


def test_a_server_that_dies_while_it_is_received_is_waited_for(
    my: Spot, repo: Repository, tmp_path: Path
) -> None:
    with receiving(my, repo):
        eventually(lambda: spool.tails(repo, my.system))
        system, torn = my.system, current(my)
        my.write(3)
        labs.crash(my.lab)
        my.again()
        my.turn()
        eventually(lambda: torn in names(repo, my))
    logs = archive.binlogs(repo, system)
    assert torn in {log.name for log in logs}
    assert not archive.missing(repo, system)
    for log in logs:
        archive.fetch(repo, log, tmp_path / log.name)
        there, fetched = kept_by_server(my, log.name), (tmp_path / log.name).read_bytes()
        # In its own copy the server leaves the mark that the file was open as it died.
        assert fetched[:21] + b"?" + fetched[22:] == there[:21] + b"?" + there[22:]


def test_a_timeline_is_followed_through_its_fork(pg: Spot, repo: Repository) -> None:
    with receiving(pg, repo):
        eventually(lambda: spool.tails(repo, pg.system))
        taken = taking.take(repo, pg.target, taking.Request())
        pg.turn()
        pg.write()
        labs.stop(pg.lab)
        recover(pg.lab)
        pg.again()
        eventually(lambda: not pg.server.rows("SELECT pg_is_in_recovery() AS it")[0]["it"])
        pg.turn()
        pg.write()
        found = eventually(lambda: on_timeline(repo, taken.system, 2))
    assert found is not None
    assert found.backups == [taken.id]
    assert {log.branch for log in found.logs} == {1, 2}
    assert not archive.coverage(repo, taken.system).gaps
    assert archive.history(repo, taken.system, 2)[0].timeline == 1


def on_timeline(repo: Repository, system: str, timeline: int) -> archive.Window | None:
    found = [each for each in archive.windows(repo, system) if each.branch == timeline]
    return found[0] if found and len(found[0].logs) > 1 else None


def recover(lab: Lab) -> None:
    """Make the lab's server come up on a new timeline."""
    signal_file = lab.data / "recovery.signal"
    signal_file.touch()
    shutil.chown(signal_file, lab.user) if os.geteuid() == 0 else None
    with (lab.data / "postgresql.auto.conf").open("a") as file:
        file.write("restore_command = 'false'\n")


def test_binary_logs_go_once_the_archive_has_them_whole(my: Spot, repo: Repository) -> None:
    def free(*args: str) -> Result:
        asked = ["storage", "free", "-t", my.target.url, "--repository", repo.store.place, *args]
        return CliRunner().invoke(main, asked)

    oldest = my.server.rows("SHOW BINARY LOGS")[0]["Log_name"]
    my.turn()
    unproven = free("--yes")
    assert (unproven.exit_code, f"does not have the oldest one, {oldest}" in unproven.stderr) == (
        1,
        True,
    )
    with receiving(my, repo):
        wanted = current(my)
        my.turn()
        eventually(partial(is_archived, repo, my, wanted))
        assert (free().exit_code, free("--replica", my.target.url, "--yes").exit_code) == (5, 5)
        assert my.server.rows("SHOW BINARY LOGS")[0]["Log_name"] == oldest
        done = free("--yes", "--format", "json")
    (freed,) = json.loads(done.stdout)
    assert (done.exit_code, freed["outcome"], freed["freed_bytes"] > 0) == (0, "done", True)
    left = [row["Log_name"] for row in my.server.rows("SHOW BINARY LOGS")]
    assert oldest not in left
    assert wanted not in left
    assert current(my) in left
