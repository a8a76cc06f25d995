"""Which backups and which log a restore takes, and what it refuses: by names alone."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from manifests import made_up, of_postgresql, put

from stockops import journal
from stockops.backups import archive, manifest, repository, restoring, retention
from stockops.backups.archive import ledger, wal
from stockops.backups.manifest import Manifest, Position
from stockops.backups.repository import Evidence, Repository
from stockops.backups.restoring import planning
from stockops.backups.streams import Form
from stockops.cli import main
from stockops.errors import ConfigError, Refused, StorageError

SYSTEM = "pg-7"
SEGMENT = 16 << 20
LOG = Form(level=1)
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
EMPTY = journal.Header(
    run_id="run1",
    target="lab",
    engine="postgresql",
    seed=1,
    clients=2,
    business_date=None,
    started_at=NOON.isoformat(),
    after_order_id=0,
    config={},
)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return repository.make(str(tmp_path / "repository"))


def backup(repo: Repository, segment: int, *, timeline: int = 1) -> Manifest:
    """Put a backup into the repository that stopped in the middle of `segment`."""
    at = NOON + timedelta(minutes=segment)
    start, stop = (
        Position(lsn=wal.lsn_text(segment * SEGMENT + offset), timeline=timeline)
        for offset in (40, 4096)
    )
    return put(repo, of_postgresql(at, system=SYSTEM, start=start, stop=stop))


def log(repo: Repository, *segments: int, timeline: int = 1) -> None:
    """Archive `segments`: of them the names tell all that a plan is made of."""
    for number in segments:
        name = wal.segment_name(timeline, number, SEGMENT)
        at = NOON + timedelta(minutes=number, seconds=30)
        whole = ledger.object_name(
            name, raw=f"{number:064x}", size=SEGMENT, stored="0" * 64, last_at=at
        )
        with repo.store.create(f"{ledger.folder_of(SYSTEM, name)}/{whole}.zst"):
            pass


def fork(repo: Repository, folder: Path, *, timeline: int, segment: int) -> str:
    """Archive the history of `timeline`, which left the one before it in `segment`."""
    at = wal.lsn_text(segment * SEGMENT + 8192)
    path = folder / f"{timeline:08X}.history"
    path.write_text(f"{timeline - 1}\t{at}\tno recovery target specified\n")
    archive.push(repo, path, system=SYSTEM, form=LOG)
    return at


def plan(repo: Repository, moment: str) -> restoring.Recovery:
    return restoring.plan(repo, restoring.parse(moment, engine="postgresql"), system=SYSTEM)


def place(segment: int, offset: int = 65536) -> str:
    return wal.lsn_text(segment * SEGMENT + offset)


def test_the_end_of_a_log_that_goes_on_behind_a_gap_is_refused(repo: Repository) -> None:
    """Whoever takes the end for the end loses what is behind it, and nobody says a word."""
    backup(repo, 3)
    log(repo, 3, 4, 6, 7)
    with pytest.raises(Refused, match=r"behind a gap.*000000010000000000000005 missing") as caught:
        plan(repo, "end")
    assert "--to lsn:0/5000000" in str(caught.value.hint)
    assert [each.number for each in plan(repo, f"lsn:{place(4)}").logs] == [3, 4]
    for behind in (f"lsn:{place(6)}", (NOON + timedelta(minutes=6)).isoformat()):
        with pytest.raises(Refused, match="outside what is proven"):
            plan(repo, behind)


def test_evidence_that_cannot_be_written_is_told_before_the_drill(
    repo: Repository, tmp_path: Path
) -> None:
    backup(repo, 1)
    (tmp_path / "a.md").write_text("minutes of the last meeting")
    asked = ["backup", "drill", "--repository", repo.store.place, "--report"]
    for name, words in (("x.pdf", "in which form"), ("a.md", "is there and is no report")):
        done = CliRunner().invoke(main, [*asked, str(tmp_path / name)])
        assert (done.exit_code, words in done.output) == (2, True), done.output


def test_a_journal_that_can_show_no_loss_is_told_before_the_drill(
    repo: Repository, tmp_path: Path
) -> None:
    backup(repo, 1)
    asked = ["backup", "drill", "--repository", repo.store.place, "--journal", str(tmp_path)]
    done = CliRunner().invoke(main, asked)
    assert (done.exit_code, "there is no journal at" in done.output) == (2, True), done.output
    with journal.create(tmp_path / "empty", EMPTY):
        pass
    done = CliRunner().invoke(main, [*asked[:-1], str(tmp_path / "empty")])
    assert (done.exit_code, "holds no order" in done.output) == (1, True), done.output


@pytest.mark.parametrize("moment", ["name:before_deploy", "xid:4711"])
def test_what_is_looked_for_where_there_is_no_log_is_refused(repo: Repository, moment: str) -> None:
    """The server was told to stop where the backup ends, and a drill of it proved the moment."""
    made = backup(repo, 1)
    with pytest.raises(Refused, match=f"there is none after {made.id}"):
        plan(repo, moment)
    log(repo, 1, 2)
    assert plan(repo, moment).logs


def test_a_window_of_one_moment_is_named_by_its_backup(repo: Repository) -> None:
    """In whole seconds it ended before it began."""
    made = backup(repo, 1)
    with pytest.raises(Refused, match="outside what is proven") as caught:
        plan(repo, (NOON + timedelta(days=1)).isoformat())
    assert str(caught.value.hint).startswith(
        f"What is: the end of {made.id} (--from {made.id} --to backup). See"
    )


def test_a_backup_behind_the_gap_makes_the_end_an_end_again(repo: Repository) -> None:
    backup(repo, 3)
    log(repo, 3, 4, 6, 7)
    later = backup(repo, 6)
    assert plan(repo, "end").last.id == later.id
    assert [each.number for each in plan(repo, "end").logs] == [6, 7]


def test_the_last_backup_is_the_end_though_its_log_is_numbered_anew(repo: Repository) -> None:
    """As after a restore in place of MariaDB, when nobody receives the new log yet."""
    for day, file in enumerate(("binlog.000030", "binlog.000002")):
        stop = Position(file=file, offset=400, gtid=f"0-1-{100 + day}")
        made = put(repo, replace(made_up(NOON + timedelta(days=day)), stop=stop))
    end = restoring.parse("end", engine="mariadb")
    assert restoring.plan(repo, end, system=made.system).last.id == made.id


def test_a_backup_that_the_log_does_not_begin_with_is_no_end(repo: Repository) -> None:
    backup(repo, 3)
    log(repo, 5, 6)
    with pytest.raises(Refused, match=r"03 to 000000010000000000000004 .2. missing"):
        plan(repo, "end")
    assert plan(repo, "backup").logs == []


def test_two_contents_of_the_last_segment_are_no_end(repo: Repository) -> None:
    backup(repo, 3)
    log(repo, 3, 4)
    name = wal.segment_name(1, 4, SEGMENT)
    other = ledger.object_name(name, raw="f" * 64, size=SEGMENT, stored="0" * 64, last_at=NOON)
    with repo.store.create(f"{ledger.folder_of(SYSTEM, name)}/{other}.zst"):
        pass
    with pytest.raises(Refused, match="different contents"):
        plan(repo, "end")


def test_a_place_on_two_timelines_must_say_which(repo: Repository, tmp_path: Path) -> None:
    backup(repo, 3)
    log(repo, 3, 4, 5, 6)
    at = fork(repo, tmp_path, timeline=2, segment=4)
    log(repo, 4, 5, 6, timeline=2)
    assert plan(repo, f"lsn:{at}").window.branch == 2  # up to there they are one
    for text in (f"lsn:{place(5)}", f"before:lsn:{place(5)}"):
        with pytest.raises(Refused, match="on the timelines 1, 2, which went different") as caught:
            plan(repo, text)
        assert f"--to {text}@1 or --to {text}@2" in str(caught.value.hint)
    for timeline in (1, 2):
        found = plan(repo, f"lsn:{place(5)}@{timeline}")
        assert found.window.branch == timeline
        assert [each.branch for each in found.logs][-1] == timeline
        assert str(found.aim).endswith(f"on timeline {timeline}")
    assert plan(repo, "end").window.branch == 2
    assert plan(repo, "end@1").window.branch == 1
    with pytest.raises(Refused, match="outside what is proven"):
        plan(repo, "end@3")
    with pytest.raises(ConfigError):
        plan(repo, "backup@1")


def test_a_prune_leaves_what_goes_on_from_a_fork(repo: Repository, tmp_path: Path) -> None:
    """A backup of the new timeline needs no log of the old one; the history stays."""
    old = backup(repo, 3)
    log(repo, 3, 4, 5, 6)
    fork(repo, tmp_path, timeline=2, segment=4)
    log(repo, 4, 5, 6, 7, 8, timeline=2)
    new = backup(repo, 6, timeline=2)
    done = retention.prune(repo, SYSTEM, {"daily": 1})
    assert [each.name for each in done.removed if each.what == "backup"] == [old.id]
    left = {(each.branch, each.number) for each in archive.logs(repo, SYSTEM)}
    assert left >= {(2, 6), (2, 7), (2, 8)}
    assert not left & {(1, 3), (1, 4), (1, 5), (2, 4), (2, 5)}
    assert [*Path(repo.store.place).rglob("00000002.history*")]
    found = plan(repo, "end")
    assert (found.last.id, [(each.branch, each.number) for each in found.logs]) == (
        new.id, [(2, 6), (2, 7), (2, 8)],
    )  # fmt: skip


def test_a_prune_counts_the_cluster_before_an_upgrade_by_itself(repo: Repository) -> None:
    """What was taken of the old one is older than all of the new one, and its last stays."""
    of_old = [backup(repo, number) for number in (1, 2)]
    of_new = [
        put(repo, replace(each, system="pg-8", id=each.id.replace("T12", "T15")))
        for each in (backup(repo, 3), backup(repo, 4))
    ]
    of_old += [each.manifest for each in repo.backups(SYSTEM)[2:] if each.manifest]
    listed = CliRunner().invoke(main, ["backup", "list", "--repository", repo.store.place])
    said = [line.split()[0] for line in listed.stdout.splitlines()[2:]]
    assert said == [each.id for each in (*of_old, *of_new)]
    words = ["backup", "prune", "--repository", repo.store.place, "--yes"]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert [each.id for each in repo.backups(SYSTEM)] == [of_old[-1].id]
    assert [each.id for each in repo.backups("pg-8")] == [of_new[-1].id]


def test_a_manifest_that_says_of_no_owners_is_read(repo: Repository) -> None:
    """Older versions wrote none; any other field that is missing is no manifest of ours."""
    said = json.loads(backup(repo, 1).as_bytes())
    for gone, known in (("owners", True), ("relations", False)):
        says = {name: value for name, value in said.items() if name not in {gone, "checksum"}}
        canonical = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        says["checksum"] = hashlib.sha256(canonical.encode("ascii")).hexdigest()
        text = json.dumps(says).encode()
        if known:
            assert manifest.parse(text, name="it").owners == {}
        else:
            with pytest.raises(StorageError, match="it has other fields"):
                manifest.parse(text, name="it")


def drilled(repo: Repository, said: Manifest, *, size: int, logs: int = 0, **phases: float) -> None:
    took_s = sum(phases.values())
    says = {"restored_bytes": size, "rto_s": took_s, "logs": logs, "phases": phases}
    detail = {**says, "restored_bytes_per_s": size / took_s}
    at = NOON.isoformat()
    found = Evidence(backup=said.id, what="drill", at=at, passed=True, summary="", detail=detail)
    repo.record(found, system=said.system)


@pytest.mark.parametrize("method", ["physical", "logical"])
def test_a_server_that_has_to_be_started_first_is_in_what_a_restore_will_take(
    repo: Repository, method: manifest.Method
) -> None:
    """As in the last drill, of another backup, too; of a small one alone its size tells nothing."""

    def predicted(megabytes: int) -> float:
        among = repo.backups()
        return planning.predicted(repo, among[-1:], megabytes * 1_000_000, among=among)

    small, large, _ = (
        put(repo, replace(made_up(NOON + timedelta(minutes=minute)), method=method))
        for minute in range(3)
    )
    usual_s = predicted(0)
    assert usual_s >= 1
    a_hundred_s = predicted(100) - usual_s
    drilled(repo, small, size=1_000_000, start=3.0, load=5.0)
    assert predicted(1) == pytest.approx(8.0)
    assert predicted(101) == pytest.approx(8.0 + a_hundred_s)
    drilled(repo, large, size=1_000_000_000, start=2.0, fetch=20.0)
    assert predicted(0) == pytest.approx(2.0)
    assert predicted(2000) == pytest.approx(42.0)


def test_log_that_a_server_replayed_as_it_started_is_no_part_of_its_start(repo: Repository) -> None:
    said = backup(repo, 1)
    drilled(repo, said, size=1_000_000_000, logs=9, start=30.0, fetch=20.0)
    [of_it] = repo.backups()
    assert planning.predicted(repo, [of_it], 0, among=[of_it]) < 5
    at_once = planning.predicted(repo, [of_it], 1_000_000_000, among=[of_it])
    assert at_once == pytest.approx(50.0)


def test_a_plan_names_no_lab_that_could_not_be_made(repo: Repository) -> None:
    backup(repo, 1)
    words = ["backup", "restore", "--repository", repo.store.place, "--plan", "--lab"]
    assert CliRunner().invoke(main, [*words, "rescued"]).exit_code == 0
    said = CliRunner().invoke(main, [*words, "a b"])
    assert (said.exit_code, "cannot be the name of a lab" in said.stderr) == (2, True)
