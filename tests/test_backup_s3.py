"""A repository on S3: what is believed there, who holds it, what is kept, and what is said."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner, Result
from conftest import eventually
from manifests import KEEP, LAST, SYSTEM, add
from s3site import Site, refusing, serving
from werkzeug.wrappers import Request, Response

from stockops import targets
from stockops.backups import (
    archive,
    keys,
    manifest,
    repository,
    retention,
    s3lease,
    s3place,
    streams,
)
from stockops.backups.archive import enabling, ledger, receiving
from stockops.backups.archive.status import is_ours, status
from stockops.backups.repository import Repository
from stockops.backups.s3store import S3Store
from stockops.backups.store import OutOfReach
from stockops.backups.streams import Form
from stockops.cli import main
from stockops.engine import connect
from stockops.errors import Busy, ConfigError, Refused, StorageError
from stockops.lab import Lab
from stockops.targets import Target

SOON_S = 60.0
ONE_ENGINE = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give the key that boto looks for, and a place of this test's own for what is cached."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-canary")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def repo(site: Site) -> Repository:
    return repository.make(site.place())


def store_of(repo: Repository) -> S3Store:
    assert isinstance(repo.store, S3Store)
    return repo.store


def run(*words: str, exit_code: int = 0) -> Result:
    said = CliRunner().invoke(main, ["backup", *words])
    assert said.exit_code == exit_code, said.output
    return said


def states(repo: Repository) -> list[str]:
    return [each.state for each in repo.backups()]


def uploads(store: S3Store) -> list[str]:
    said = store.bucket.ask("list_multipart_uploads", Prefix="")
    return [each["Key"] for each in said.get("Uploads", ())]


def test_a_system_goes_there_and_comes_back(
    market: Target, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Taken, its log received, verified, and drilled up to the end of the log."""
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    place = site.place()
    monkeypatch.setenv("STOCKOPS_REPOSITORY", place)
    run("init")
    run("list", exit_code=1)
    older = logs_until(market)[:-1]
    run("take", "-t", market.url)
    repo = repository.opened(place)
    receive(repo, market)
    listed = json.loads(run("list", "--format", "json").stdout)
    assert [each["state"] for each in listed] == ["complete"]
    assert json.loads(run("windows", "--format", "json").stdout)[0]["pieces"] > 0
    run("verify")
    assert json.loads(run("verify", "--format", "json").stdout)[0]["read_bytes"] == 0
    drilled = json.loads(run("drill", "--to", "end", "--format", "json").stdout)
    assert drilled["passed"]
    assert drilled["logs"] > 0
    assert states(repo) == ["verified"]
    run("show", "latest")
    removed = json.loads(run("prune", "--plan", "--format", "json").stdout)["removed"]
    # It was received from the first on that the server had, which tests before us may have turned.
    assert {each["name"].split(" to ")[-1] for each in removed} <= {*older}
    assert repo.store.entries("locks") == []


def logs_until(target: Target) -> list[str]:
    """The binary logs that the server has; on PostgreSQL none is fetched that no backup needs."""
    if target.engine == "postgresql":
        return []
    with connect(target) as server:
        return [str(row["Log_name"]) for row in server.rows("SHOW BINARY LOGS")]


def receive(repo: Repository, target: Target) -> None:
    """Receive the log of `target` until a file that was begun after the start is archived."""
    ticks: list[receiving.Tick] = []
    with connect(target) as server:

        def stop() -> bool:
            if ticks and not ticks[-1].problem and len(ticks) % 5 == 1:
                if server.engine == "postgresql":
                    server.rows("SELECT pg_create_restore_point('it')::text AS lsn")
                    server.rows("SELECT pg_switch_wal()::text AS lsn")
                else:
                    server.execute("FLUSH BINARY LOGS")
            assert len(ticks) * receiving.POLL_S < SOON_S, ticks[-1]
            if ticks and ticks[-1].pieces > 1 and ticks[-1].waiting == 0:
                assert status(repo, target).how == "receiver"
                return True
            return False

        receiving.run(repo, target, Form(level=1), stop=stop, progress=ticks.append)
        if server.engine == "postgresql":
            server.rows(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                "WHERE slot_name LIKE 'stockops_archive%'"
            )
    assert ledger.systems(repo)


@ONE_ENGINE
def test_what_was_killed_as_it_was_sent_counts_for_nothing(
    market: Target, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts wait in the store; its lock is that of a dead process; the next run cleans up."""
    place = site.place(part_mb="5")
    repo = repository.make(place)
    arrived, over = threading.Event(), threading.Event()

    def stall(request: Request) -> Response | None:
        if request.args.get("partNumber") == "2":
            arrived.set()
            over.wait(SOON_S)
        return None

    monkeypatch.setenv("STOCKOPS_REPOSITORY", place)
    with site.faulty(stall):
        take = [sys.executable, "-m", "stockops", "backup", "take", "-t", market.url]
        running = subprocess.Popen(
            [*take, "--compress", "none"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert arrived.wait(SOON_S)
        assert states(repo) == ["running"]
        running.send_signal(signal.SIGKILL)
        running.wait(SOON_S)
        over.set()
    assert states(repo) == ["incomplete"]
    assert len(uploads(store_of(repo))) == 1
    run("verify", exit_code=1)
    run("take", "-t", market.url, "--compress", "none")
    assert states(repo) == ["complete"]
    assert uploads(store_of(repo)) == []
    run("verify")


@ONE_ENGINE
def test_a_server_pushes_its_log_there(lab: Lab, repo: Repository, tmp_path: Path) -> None:
    """As archive_command does it: in a process of its own, which leaves with 0 when it is there."""
    with connect(lab.url()) as server:
        server.rows("SELECT pg_create_restore_point('it')::text AS lsn")
        name = str(server.rows("SELECT pg_walfile_name(pg_switch_wal()) AS name")[0]["name"])
    path = lab.data / "pg_wal" / name
    push = [sys.executable, "-m", "stockops", "backup", "archive", "push", str(path)]
    push += ["--repository", repo.store.place]
    subprocess.run(push, check=True, timeout=SOON_S)
    [system] = ledger.systems(repo)
    assert archive.push(repo, path, system=system, form=Form()).was_there
    assert archive.get(repo, name, tmp_path / name, system=system)
    assert (tmp_path / name).read_bytes() == path.read_bytes()
    other = bytearray(path.read_bytes())
    other[-1] ^= 1
    wrong = tmp_path / "pg_wal" / name
    wrong.parent.mkdir()
    wrong.write_bytes(other)
    with pytest.raises(Refused, match="another content"):
        archive.push(repo, wrong, system=system, form=Form())
    assert repo.store.entries("locks") == []


def test_parts_are_sent_as_they_fill_and_read_as_one(site: Site) -> None:
    store = S3Store(s3place.parse(site.place(part_mb="5")))
    data = os.urandom(17 << 20)
    with store.create("backups/a/base") as file:
        for at in range(0, len(data), 1 << 20):
            file.write(data[at : at + (1 << 20)])
        assert len(uploads(store)) == 1
        assert store.entries("") == []
    assert uploads(store) == []
    with store.open("backups/a/base") as stored:
        assert stored.read() == data
    with pytest.raises(ZeroDivisionError), store.create("backups/a/more") as file:
        file.write(data)
        raise ZeroDivisionError
    assert uploads(store) == []


def test_an_object_that_changes_while_it_is_read_is_noticed(site: Site) -> None:
    store = S3Store(s3place.parse(site.place()))
    for letter in (b"a", b"b"):
        with store.create("it", replace=True) as file:
            file.write(letter * (25 << 20))
        if letter == b"a":
            stored = store.open("it")
            stored.read(1)
    with pytest.raises(StorageError, match="was changed or removed while it was read"), stored:
        stored.read()


def test_an_answer_that_is_lost_is_not_taken_for_another_writer(site: Site) -> None:
    store = S3Store(s3place.parse(site.place()))
    with site.faulty(site.losing_answers("PUT")), store.create("it") as file:
        file.write(b"mine")
    with store.open("it") as stored:
        assert stored.read() == b"mine"
    with site.faulty(site.losing_answers("PUT")), store.lock("it", what="it"):
        assert store.is_locked("it")
    assert not store.is_locked("it")


@pytest.mark.parametrize("how", ["it says so", "it ignores them"])
def test_a_store_without_conditional_writes_is_asked_first(site: Site, how: str) -> None:
    def without(request: Request) -> Response | None:
        conditions = {"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"} & request.environ.keys()
        if request.method in {"PUT", "POST", "DELETE"} and conditions:
            if how == "it says so" and request.method != "DELETE":
                return refusing("NotImplemented", 501)(request)
            for name in conditions:
                del request.environ[name]
        return None

    store = S3Store(s3place.parse(site.place()))
    with site.faulty(without):
        with store.create("it") as file:
            file.write(b"first")
        with pytest.raises(FileExistsError), store.create("it") as file:
            file.write(b"second")
        with store.lock("it", what="the thing"):
            if how == "it says so":
                with pytest.raises(Busy), store.lock("it", what="the thing"):
                    pass
        assert not store.is_locked("it")


def owner(store: S3Store, **says: object) -> None:
    """Write the lock of somebody else."""
    known = {"token": "t", "host": "elsewhere", "machine": "another", "pid": 7, "began": "1"}
    data = json.dumps({**known, "lease_s": 60.0, **says}).encode()
    with store.create("locks/it.json", replace=True) as file:
        file.write(data)


def test_the_lock_of_another_machine_is_respected_until_its_time_is_over(site: Site) -> None:
    store = S3Store(s3place.parse(site.place()))
    owner(store)
    with (
        pytest.raises(Busy, match="in use by process 7 on 'elsewhere'") as caught,
        store.lock("it", what="it"),
    ):
        pass
    assert "frees itself within 60 s" in str(caught.value.hint)
    owner(store, lease_s=0.1)
    eventually(lambda: not store.is_locked("it"))
    with store.lock("it", what="it"):
        assert store.is_locked("it")
    assert not store.is_locked("it")


def test_the_lock_of_a_process_that_died_here_is_free_at_once(site: Site) -> None:
    store = S3Store(s3place.parse(site.place()))
    ended = subprocess.Popen(["true"])
    ended.wait(SOON_S)
    with store.lock("other", what="it"):
        mine = s3lease.holder(store.bucket, "backups of/prod/locks/other.json")
    assert mine is not None
    assert mine.pid == os.getpid()
    owner(store, machine=mine.machine, pid=ended.pid)
    assert not store.is_locked("it")
    with store.lock("it", what="it"):
        pass


def test_who_lost_the_lock_writes_nothing_more(site: Site) -> None:
    store = S3Store(s3place.parse(site.place()), lease_s=0.4)

    def is_lost() -> bool:
        try:
            store._require_locks()
        except StorageError:
            return True
        return False

    with store.lock("it", what="it"):
        with pytest.raises(StorageError, match="was lost"), store.create("late") as file:
            owner(S3Store(store.bucket.place))
            eventually(is_lost)
            file.write(b"x")
        with pytest.raises(StorageError, match="was lost"), store.create("later"):
            pass
        with pytest.raises(StorageError, match="was lost"):
            store.remove("locks")
    assert [each.name for each in store.entries("")] == ["locks/it.json"]
    assert store.is_locked("it")


def test_a_lock_is_renewed_for_as_long_as_it_is_held(site: Site) -> None:
    store = S3Store(s3place.parse(site.place()), lease_s=0.4)
    with store.lock("it", what="it"):
        [first] = store.entries("locks")
        eventually(lambda: store.entries("locks") != [first])
        with store.create("it") as file:
            file.write(b"x")


def test_a_second_run_is_busy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    place = site.place()
    repo = repository.make(place)
    add(repo, LAST)
    monkeypatch.setenv("STOCKOPS_REPOSITORY", place)
    with repo.held(SYSTEM):
        run("prune", exit_code=6)
    run("prune")


def test_a_key_that_may_not_ask_for_locks_and_versions_prunes(repo: Repository, site: Site) -> None:
    for day in range(3):
        add(repo, LAST - timedelta(days=day))

    def denied(request: Request) -> Response | None:
        if {"object-lock", "versioning"} & request.args.keys():
            return refusing("AccessDenied", 403)(request)
        return None

    with site.faulty(denied):
        plan = retention.prune(repo, SYSTEM, {"daily": 1})
    assert len(plan.removed) == 2
    assert plan.notes == ["it cannot be told whether the bucket keeps versions of what is removed"]


@pytest.fixture
def immutable(site: Site) -> Repository:
    return repository.make(site.place(locks=True, immutable_days="7"))


def test_what_is_immutable_is_kept_whole_and_said_so(immutable: Repository) -> None:
    for day in range(10):
        add(immutable, LAST - timedelta(days=day))
    plan = retention.prune(immutable, SYSTEM, KEEP)
    assert plan.removed == []
    kept = [why for why in plan.kept.values() if why.startswith("the store keeps it until 20")]
    assert len(kept) > 3
    assert states(immutable) == ["complete"] * 10
    store = store_of(immutable)
    [first, *_] = store.entries("backups")
    key = f"backups of/prod/{first.name}"
    version = store.bucket.ask("head_object", Key=key)["VersionId"]
    with pytest.raises(StorageError, match="AccessDenied"):
        store.bucket.ask("delete_object", Key=key, VersionId=version)


def test_what_is_immutable_no_more_goes_and_what_stays_of_it_is_said(
    immutable: Repository,
) -> None:
    there = [add(immutable, LAST - timedelta(days=day)) for day in range(5)]
    store = store_of(immutable)
    oldest = f"backups/{SYSTEM}/{there[-1].id}"
    for entry in store.entries(oldest):
        store.bucket.ask(
            "put_object_retention",
            Key=f"backups of/prod/{entry.name}",
            BypassGovernanceRetention=True,
            Retention={
                "Mode": "GOVERNANCE",
                "RetainUntilDate": datetime.now(UTC) - timedelta(days=1),
            },
        )
    plan = retention.prune(immutable, SYSTEM, {"daily": 1})
    assert [each.name for each in plan.removed] == [there[-1].id]
    assert "hidden by a delete marker" in plan.notes[0]
    assert store.entries(oldest) == []
    assert states(immutable).count("complete") == 4


def test_what_a_kept_backup_builds_upon_is_kept_too(immutable: Repository) -> None:
    plain = Repository(
        S3Store(s3place.parse(store_of(immutable).bucket.place.bare + query(immutable)))
    )
    full = add(plain, LAST - timedelta(days=9))
    child = add(immutable, LAST - timedelta(days=8), parent=full.id)
    for day in range(3):
        add(plain, LAST - timedelta(days=day))
    plan = retention.plan(plain, SYSTEM, {"daily": 1})
    assert plan.kept[full.id] == f"{child.id} builds upon it"
    assert len(plan.removed) == 2


def query(repo: Repository) -> str:
    """Return how `repo` is reached, without what makes it immutable."""
    place = store_of(repo).bucket.place
    return f"?endpoint_url={place.endpoint_url}&region={place.region}"


def test_a_prune_that_is_cut_short_leaves_nothing_that_looks_whole(
    repo: Repository, site: Site
) -> None:
    for day in range(4):
        add(repo, LAST - timedelta(days=day))
    seen: list[str] = []

    def second(request: Request) -> Response | None:
        if request.method == "POST" and "delete" in request.args:
            seen.append(request.url)
            if len(seen) == 2:
                return refusing("AccessDenied", 403)(request)
        return None

    with site.faulty(second), pytest.raises(StorageError, match="AccessDenied"):
        retention.prune(repo, SYSTEM, {"daily": 1})
    assert sorted(states(repo)) == ["complete", "complete", "complete", "incomplete"]
    assert len(repo.store.entries("backups")) == 7
    retention.prune(repo, SYSTEM, {"daily": 1})
    assert sorted(states(repo)) == ["complete", "incomplete"]


def test_a_bucket_that_cannot_keep_objects_is_refused_when_it_is_asked_to(site: Site) -> None:
    place = site.place(immutable_days="7")
    with pytest.raises(StorageError, match="cannot keep objects immutable"):
        repository.make(place)
    store = S3Store(s3place.parse(place))
    with pytest.raises(StorageError) as caught, store.create("backups/a") as file:
        file.write(b"x")
    assert "object-lock-enabled" in str(caught.value.hint)


def test_what_is_no_repository_is_not_written_to(site: Site) -> None:
    place = site.place()
    with S3Store(s3place.parse(place)).create("precious") as file:
        file.write(b"x")
    run("init", "--repository", place, exit_code=5)
    said = run("list", "--repository", place, exit_code=2)
    assert "is not a repository" in said.stderr


@pytest.mark.parametrize(
    ("code", "status", "exit_code", "said", "hint"),
    [
        ("NoSuchBucket", 404, 2, "NoSuchBucket", "aws s3 mb s3://bucket-"),
        ("AccessDenied", 403, 1, "AccessDenied", "Grant the key s3:ListBucket"),
        ("InvalidAccessKeyId", 403, 2, "AccessKeyId", "Give a key that this store knows"),
        ("SignatureDoesNotMatch", 403, 2, "SignatureDoes", "Give a key that this store knows"),
        ("RequestTimeTooSkewed", 403, 1, "RequestTimeTooSkewed", "timedatectl"),
        ("IllegalLocationConstraintException", 400, 2, "IllegalLocation", "region="),
        ("QuotaExceeded", 400, 1, "as it was told to", "aws s3 ls s3://bucket-"),
    ],
)
def test_what_a_store_refuses_is_said_with_what_to_do(
    site: Site, code: str, status: int, exit_code: int, said: str, hint: str
) -> None:
    place = site.place()
    with site.faulty(refusing(code, status)):
        result = run("list", "--repository", place, exit_code=exit_code)
    assert said in result.stderr
    assert hint in result.stderr
    assert "canary" not in result.output


def test_a_bucket_that_is_not_there_is_said_to_be(site: Site) -> None:
    place = f"s3://no-such-bucket-here/x?endpoint_url={site.url}&region=us-east-1"
    result = run("init", "--repository", place, exit_code=2)
    assert "NoSuchBucket" in result.stderr


def test_a_store_that_does_not_answer_is_not_waited_for_without_end(site: Site) -> None:
    store = S3Store(s3place.parse(site.place()))
    over = threading.Event()

    def stall(request: Request) -> Response | None:
        over.wait(SOON_S)
        return None

    with site.faulty(stall):
        try:
            with pytest.raises(StorageError, match="no answer within 1 s") as caught:
                store.bucket.ask("head_object", Key="x", within_s=1.0)
        finally:
            over.set()
    assert "proxy, firewall" in str(caught.value.hint)


def test_a_store_that_nobody_serves_is_a_server_that_does_not_answer() -> None:
    place = "s3://bucket/x?endpoint_url=http://127.0.0.1:1&region=r"
    result = run("list", "--repository", place, exit_code=3)
    assert "Could not connect" in result.stderr


def test_credentials_come_from_a_file_that_others_cannot_read(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "s3.credentials"
    key = "aws_access_key_id = filed\naws_secret_access_key = the-secret-canary\n"
    file.write_text(f"[default]\n{key}")
    file.chmod(0o600)
    seen: list[str] = []

    def look(request: Request) -> Response | None:
        seen.append(request.headers.get("Authorization", ""))
        return None

    place = site.place(credentials_file=str(file))
    with site.faulty(look):
        repo = repository.make(place)
    assert all("Credential=filed/" in each for each in seen)
    assert "canary" not in f"{repo!r}{store_of(repo).bucket!r}{repo.store.place}"
    for content, mode, said in (
        (key, 0o600, "holds no key for the profile 'default'"),
        (f"[default]\n{key}", 0o644, "everybody can read"),
    ):
        wrong = tmp_path / f"wrong.{mode}"
        wrong.write_text(content)
        wrong.chmod(mode)
        result = run("list", "--repository", site.place(credentials_file=str(wrong)), exit_code=2)
        assert said in result.stderr
        assert "canary" not in result.output


def test_a_machine_without_credentials_says_so(site: Site) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    said = subprocess.run(
        [sys.executable, "-m", "stockops", "backup", "list", "--repository", site.place()],
        env={**bare, "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=SOON_S,
        check=False,
    )
    assert said.returncode == 2
    assert "there are no credentials for it" in said.stderr
    assert "AWS_ACCESS_KEY_ID" in said.stderr


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://KEY:canary@bucket/x", "holds a key"),
        ("s3://canary@bucket/x", "holds a key"),
        ("s3:///x", "names no bucket"),
        ("s3://bucket/../x", "names no bucket"),
        ("s3://bucket/x?regoin=r", "unknown option 'regoin'"),
        ("s3://bucket/x?secret=canary", "unknown option 'secret'"),
        ("s3://bucket/x?region=a&region=b", "an option twice"),
        ("s3://bucket/x?endpoint_url=ftp://host", "no address of a server"),
        ("s3://bucket/x?endpoint_url=http://user:canary@host", "no address of a server"),
        ("s3://bucket/x?immutable_days=0", "immutable_days"),
        ("s3://bucket/x?immutable_mode=hard", "immutable_mode"),
        ("s3://bucket/x?part_mb=1", "part_mb"),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused_without_a_secret(place: str, said: str) -> None:
    result = run("list", "--repository", place, exit_code=2)
    assert said in result.stderr
    assert "canary" not in result.output


def test_a_place_is_written_in_one_way() -> None:
    text = "S3://bucket/a/b/?region=r&endpoint_url=https%3A%2F%2Fhost%3A9000&part_mb=32"
    place = s3place.parse(text)
    assert place.text == "s3://bucket/a/b?endpoint_url=https://host:9000&region=r"
    assert s3place.parse(place.text) == place
    assert place.bare == "s3://bucket/a/b"
    assert s3place.parse("s3://bucket").bare == "s3://bucket"


def test_the_file_of_targets_says_how_it_is_reached(tmp_path: Path) -> None:
    file = tmp_path / "stockops.yaml"
    file.write_text(
        "backup:\n  repository: s3://bucket/prod\n  endpoint_url: https://host:9000\n"
        "  region: seoul\n  immutable_days: 30\n"
    )
    known = targets.load(file).backup
    assert s3place.parse(s3place.joined(known.repository or "", known.options)) == s3place.Place(
        bucket="bucket",
        prefix="prod",
        endpoint_url="https://host:9000",
        region="seoul",
        immutable_days=30,
    )
    assert targets.S3_KEYS == s3place.OPTIONS
    file.write_text("backup:\n  repository: /var/backups\n  region: seoul\n")
    with pytest.raises(ConfigError, match=r"stockops.yaml:3: region is for a repository on S3"):
        targets.load(file)


def test_the_command_that_a_server_is_given_names_the_place(repo: Repository) -> None:
    command = enabling.archive_command(repo, "pg-1", enabling.Start(form=Form()))
    words = shlex.split(command.replace("%%", "%"))
    assert words[words.index("--repository") + 1] == repo.store.place
    assert is_ours(command, repo)
    other = Repository(S3Store(s3place.parse(repo.store.place.replace("/prod", "/prod2"))))
    assert not is_ours(command, other)


def test_a_directory_needs_nothing_of_s3(tmp_path: Path) -> None:
    """Neither the time that s3fs takes to be read, nor s3fs itself."""
    code = (
        "import sys\n"
        "sys.modules['s3fs'] = sys.modules['fsspec'] = sys.modules['aiobotocore'] = None\n"
        "from stockops.__main__ import run\n"
        "sys.argv[0] = 'stockops'\n"
        "run()\n"
    )

    def stockops(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", code, "backup", *words],
            capture_output=True,
            text=True,
            timeout=SOON_S,
            check=False,
        )

    assert stockops("init", "--repository", str(tmp_path / "repo")).returncode == 0
    said = stockops("init", "--repository", "s3://bucket/x")
    assert said.returncode == 2
    assert "needs s3fs, which is not installed" in said.stderr
    assert "pip install 'stockops[s3]'" in said.stderr


def test_a_store_out_of_reach_says_nothing_about_a_backup(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest that is not to be had is not a broken one: a prune would go by that."""
    place = site.place()
    monkeypatch.setenv("STOCKOPS_REPOSITORY", place)
    repo = repository.make(place)
    for day in range(3):
        add(repo, LAST - timedelta(days=day))
    with site.faulty(refusing("AccessDenied", 403, method="GET", within="manifest.json")):
        run("list", exit_code=1)
        run("prune", exit_code=1)
        assert "AccessDenied" in run("verify", exit_code=1).stderr
    assert states(repo) == ["complete"] * 3
    assert repo.store.entries("evidence") == []


@pytest.mark.parametrize("how", ["plain", "zstd", "lz4", "encrypted"])
def test_an_answer_that_does_not_come_is_not_taken_for_damage(
    site: Site, repo: Repository, how: str
) -> None:
    identity = pyrage.x25519.Identity.generate()
    recipients = keys.recipients([str(identity.to_public())]) if how == "encrypted" else ()
    compression: streams.Compression = "zstd" if how == "zstd" else "none"
    form = Form(compression="lz4" if how == "lz4" else compression, recipients=recipients)
    name = f"backups/x/base{form.suffix}"
    data = os.urandom(9 << 20)
    with repo.store.create(name) as file, streams.writing(file, form) as writer:
        writer.write(data)
    opener = [keys.Identity(Path("key"), identity)]
    stored = repo.store.open(name)
    with (
        site.faulty(refusing("AccessDenied", 403, method="GET")),
        pytest.raises(OutOfReach),
        stored,
        streams.reading(stored, name=name, identities=opener) as reader,
    ):
        list(reader.chunks())
        reader.check(sha256=None, raw_bytes=len(data))


def test_a_key_in_the_bucket_is_refused(repo: Repository) -> None:
    identity = pyrage.x25519.Identity.generate()
    for name in ("key.txt", "keys/of/ours"):
        with repo.store.create(name) as file:
            file.write(f"{identity}\n".encode())
        with pytest.raises(Refused, match=f"'{name}' holds a secret key"):
            repository.require_no_key(repo)
        repo.store.remove(name)
    repository.require_no_key(repo)


@ONE_ENGINE
def test_a_take_that_is_refused_half_way_keeps_its_reason_and_no_data(
    market: Target, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = site.place()
    repo = repository.make(place)
    monkeypatch.setenv("STOCKOPS_REPOSITORY", place)
    with site.faulty(refusing("QuotaExceeded", 400, method="PUT", within="/base.")):
        run("take", "-t", market.url, exit_code=1)
    [found] = repo.backups()
    assert found.state == "failed"
    assert "QuotaExceeded" in found.note
    assert {entry.name.rpartition("/")[2] for entry in repo.store.entries("backups")} == {
        manifest.FAILED,
        "tool.log",
    }


def test_a_half_written_manifest_is_no_backup(repo: Repository) -> None:
    """Where the manifest is all that is missing, it is not complete; where it is there, it is."""
    said = add(repo, LAST)
    folder = f"backups/{SYSTEM}/{said.id}"
    with pytest.raises(FileExistsError), repo.store.create(f"{folder}/{manifest.NAME}") as file:
        file.write(b"{")
    assert states(repo) == ["complete"]
    repo.store.remove(f"{folder}/{manifest.NAME}")
    assert states(repo) == ["incomplete"]
