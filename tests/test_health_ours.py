"""Checks of what is kept about a server: its books, backups, migrations, disk, log, certificate."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from conftest import Labs, migrated_database
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from manifests import SYSTEM, add, made_up, put
from trading import Bed

from stockops import health, settlement, state
from stockops.backups import repository, standing
from stockops.backups.manifest import File
from stockops.backups.repository import Evidence
from stockops.books import record
from stockops.books.record import Record
from stockops.engine import ENGINES, connect
from stockops.health import State, judging, rates, registry
from stockops.health.outcome import Outcome, Reading
from stockops.health.probes import PROBES, Context, backups, certificates, filling, logs, trading
from stockops.orders import clock_of
from stockops.targets import Backup, Config, Target

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
PROD = Target(name="prod", url="mariadb://ops@db1/trading")
CHECKS = {check.name: check for check in registry.load(None)}


def outcome(name: str, context: Context) -> Outcome:
    """What becomes of the check `name`, of which this asks the probe and judges the readings."""
    check = CHECKS[name]
    readings = list(PROBES[check.probe or ""].ask(context))
    return judging.judge(check, readings, took_s=0)


def of(target: Target = PROD, *, now: datetime = NOW, place: Path | None = None) -> Context:
    backups._kept.of = None  # what is written here is looked at anew
    said = Backup(repository=str(place)) if place else Backup()
    return Context(target=target, config=Config(backup=said), server=None, now=now)


# --- the books


def test_books_that_were_never_checked_are_unknown() -> None:
    for name in ("books_age", "books_violated", "books_inconclusive"):
        assert outcome(name, of()).state is State.UNKNOWN


def test_books_are_as_good_as_their_last_check() -> None:
    good = Record(checked_at=NOW - timedelta(minutes=10), held=27, violated=0, inconclusive=0)
    record.write("prod", good)
    for name in ("books_age", "books_violated", "books_inconclusive"):
        assert outcome(name, of()).state is State.OK
    record.write("prod", replace(good, held=25, violated=2, names=("cash", "fees")))
    found = outcome("books_violated", of())
    assert (found.state, found.message) == (
        State.CRITICAL,
        "invariants that are violated: 2; cash, fees",
    )
    record.write("prod", replace(good, inconclusive=1))
    assert outcome("books_inconclusive", of()).state is State.WARNING
    assert outcome("books_age", of(now=NOW + timedelta(hours=1))).state is State.WARNING
    assert outcome("books_age", of(now=NOW + timedelta(hours=5))).state is State.CRITICAL


# --- backups

BACKUP_CHECKS = [name for name, check in CHECKS.items() if check.group == "backups"]


@pytest.fixture
def repo(tmp_path: Path) -> repository.Repository:
    return repository.make(str(tmp_path / "repo"))


def drilled(repo: repository.Repository, backup: str, *, at: datetime, passed: bool = True) -> None:
    detail = {"rto_s": 12.5}
    said = Evidence(
        backup=backup, what="drill", at=at.isoformat(), passed=passed, summary="", detail=detail
    )
    repo.record(said, system=SYSTEM)


def states(place: Path, *, now: datetime = NOW) -> dict[str, State]:
    return {name: outcome(name, of(place=place, now=now)).state for name in BACKUP_CHECKS}


def test_no_repository_is_unknown_but_for_a_private_lab() -> None:
    lab = replace(PROD, lab="lab")
    for name in BACKUP_CHECKS:
        assert outcome(name, of()).state is State.UNKNOWN
        assert outcome(name, of(lab)).state is State.OK


def test_a_target_without_any_backup_is_critical(
    repo: repository.Repository, tmp_path: Path
) -> None:
    assert states(tmp_path / "repo")["backups_usable"] is State.CRITICAL
    add(repo, NOW - timedelta(hours=9))
    other = replace(PROD, name="other")
    found = outcome("backups_usable", of(other, place=tmp_path / "repo"))
    assert found.state is State.CRITICAL


def test_only_a_drill_proves_a_backup(repo: repository.Repository, tmp_path: Path) -> None:
    said = add(repo, NOW - timedelta(hours=9))
    before = states(tmp_path / "repo")
    assert before["backup_age"] is State.OK
    assert before["backups_usable"] is State.OK
    assert before["backups_proven"] is State.CRITICAL
    assert before["drill_age"] is State.UNKNOWN
    drilled(repo, said.id, at=NOW - timedelta(hours=3))
    assert set(states(tmp_path / "repo").values()) == {State.OK}
    assert "restored in 12 s" in outcome("drill_age", of(place=tmp_path / "repo")).message


def test_a_drill_that_failed_makes_its_backup_worth_nothing(
    repo: repository.Repository, tmp_path: Path
) -> None:
    said = add(repo, NOW - timedelta(hours=9))
    drilled(repo, said.id, at=NOW - timedelta(hours=3), passed=False)
    found = states(tmp_path / "repo")
    for name in ("backups_broken", "backups_usable", "backups_proven"):
        assert found[name] is State.CRITICAL, name


def test_an_incremental_whose_parent_is_gone_is_not_usable(
    repo: repository.Repository, tmp_path: Path
) -> None:
    add(repo, NOW - timedelta(hours=9), parent="20260101T000000000Z-physical-full")
    assert states(tmp_path / "repo")["backups_usable"] is State.CRITICAL


def test_backups_and_drills_grow_old(repo: repository.Repository, tmp_path: Path) -> None:
    said = add(repo, NOW - timedelta(hours=9))
    drilled(repo, said.id, at=NOW)
    later = {
        days: states(tmp_path / "repo", now=NOW + timedelta(days=days)) for days in (1, 3, 9, 16)
    }
    assert [later[days]["backup_age"] for days in (1, 3)] == [State.WARNING, State.CRITICAL]
    assert [later[days]["drill_age"] for days in (3, 9, 16)] == [
        State.OK,
        State.WARNING,
        State.CRITICAL,
    ]


def test_an_attempt_that_came_to_nothing_is_told(
    repo: repository.Repository, tmp_path: Path
) -> None:
    add(repo, NOW - timedelta(hours=9))
    for hour in (5, 4, 3):
        at = NOW - timedelta(hours=hour)
        folder = f"backups/{SYSTEM}/{at:%Y%m%dT%H%M%S000Z}-physical-full.partial"
        repo.note(folder, "failed.json", why="no space")
    assert states(tmp_path / "repo")["backups_unfinished"] is State.CRITICAL
    add(repo, NOW - timedelta(hours=1))
    assert states(tmp_path / "repo")["backups_unfinished"] is State.OK


def test_a_backup_much_smaller_than_usual_is_told(
    repo: repository.Repository, tmp_path: Path
) -> None:

    for day, size in enumerate([1000, 1100, 900, 100]):
        said = made_up(NOW - timedelta(days=4 - day))
        file = File(name="base", stored_bytes=size, raw_bytes=size, sha256="0" * 64)
        put(repo, replace(said, files=[file]))
    found = outcome("backup_size", of(place=tmp_path / "repo"))
    assert found.state is State.CRITICAL
    assert "10.0 %" in found.message


# --- the disk, the log


def test_a_disk_that_fills_says_when_it_is_full() -> None:
    free, left_s = 1000.0 * 2**30, None
    for hour in range(48):
        at = NOW + timedelta(hours=hour)
        free -= 2**30
        left_s = filling.left_s("/data", free_bytes=round(free), now=at)
    assert left_s == pytest.approx(952 * 3600, rel=0.01)


def test_a_disk_that_does_not_fill_or_was_just_seen_says_nothing() -> None:
    assert filling.left_s("/one", free_bytes=100, now=NOW) is None
    for hour in range(5):
        at = NOW + timedelta(hours=hour)
        assert filling.left_s("/one", free_bytes=100 + hour, now=at) is None


@pytest.mark.parametrize(
    ("engine", "grave", "usual"),
    [
        (
            "postgresql",
            "2026-03-31 12:00:00 UTC [7] FATAL:  could not write to file: no space",
            '2026-03-31 12:00:00 UTC [7] FATAL:  password authentication failed for user "x"',
        ),
        (
            "mariadb",
            "2026-03-31 12:00:00 0 [ERROR] mariadbd: Disk full",
            "2026-03-31 12:00:00 0 [Warning] Aborted connection",
        ),
    ],
)
def test_only_what_was_written_since_counts(
    tmp_path: Path, engine: str, grave: str, usual: str
) -> None:
    path = tmp_path / "server.log"
    path.write_text(f"{grave}\n" * 50)
    first = logs.since(path, engine, None, at_s=0)
    assert first.hourly is None
    with path.open("a") as file:
        file.write(f"{usual}\n{grave}\n{usual}\n")
    second = logs.since(path, engine, as_kept(first), at_s=1800)
    assert (second.hourly, second.last) == (1, grave)
    assert logs.since(path, engine, as_kept(second), at_s=1810) == second  # too soon
    path.unlink()
    path.write_text(f"{grave}\n" * 3)  # rotated
    third = logs.since(path, engine, as_kept(second), at_s=1800 + 7200)
    assert third.hourly == 1.5


def as_kept(look: logs.Look) -> dict[str, object]:
    return {name: getattr(look, name) for name in logs.Look.__slots__}


# --- the certificate


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that ends in 2030, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "db1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "server.crt").write_bytes(made.public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "server.crt", folder / "server.key"


END = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_end_of_a_certificate_is_read_from_a_file(secured: tuple[Path, Path]) -> None:
    assert certificates.until(PROD, stated=None, file=secured[0]) == END
    assert certificates.until(PROD, stated=None, file=secured[1]) is None
    assert certificates.until(PROD, stated=None, file=Path("/nothing/here")) is None
    assert certificates.until(PROD, stated="Jan  2 03:04:05 2030 GMT", file=None) == END


def test_postgresql_shows_its_certificate_to_whoever_asks(secured: tuple[Path, Path]) -> None:
    with showing(secured) as port:
        target = Target(name="pg", url=f"postgresql://ops@127.0.0.1:{port}/trading")
        assert certificates.until(target, stated=None, file=None) == END


@contextmanager
def showing(secured: tuple[Path, Path]) -> Iterator[int]:
    """A port at which somebody agrees to TLS, as PostgreSQL does, and says no more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*secured)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            plain, _ = listening.accept()
            with plain:
                plain.recv(8)
                plain.sendall(b"S")
                context.wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(timeout=10)


# --- on a server


FRESH = (
    "migrations_pending", "migrations_drifted", "tables_missing", "stuck_orders",
    "undelivered_notices", "unsettled_conditions", "unsettled_trades", "clock_skew", "open_wire",
    "certificate", "support", "disk_used", "archive_lag", "archive_gaps", "archive_stopped",
    "log_errors",
)  # fmt: skip


@pytest.fixture(scope="module", params=sorted(ENGINES))
def looked_at(
    request: pytest.FixtureRequest, all_labs: Labs
) -> Iterator[tuple[Bed, dict[str, Outcome]]]:
    """A database for all tests of an engine, and what was said of it before any of them."""
    lab = all_labs.get(str(request.param))
    with migrated_database(lab) as target, connect(target) as server:
        bed = Bed(server, target)
        yield bed, {name: on(bed, name) for name in FRESH}


@pytest.fixture
def bed(looked_at: tuple[Bed, dict[str, Outcome]]) -> Bed:
    return looked_at[0]


def on(bed: Bed, name: str) -> Outcome:
    """What becomes of the check `name` on the server of `bed`."""
    return outcome(name, context_of(bed))


def context_of(bed: Bed) -> Context:
    config = Config(backup=Backup())
    return Context(target=bed.target, config=config, server=bed.server, now=datetime.now(UTC))


def test_a_fresh_database_gives_no_alarm(looked_at: tuple[Bed, dict[str, Outcome]]) -> None:
    _, said = looked_at
    assert {name: each.message for name, each in said.items() if each.state} == {}
    assert said["disk_used"].readings  # the lab is on this machine


def test_an_order_that_nobody_ends_is_told(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock(50_000, house=0)
    assert bed.buy(account, symbol, 1, 40_000).status == "open"
    assert on(bed, "stuck_orders").state is State.OK
    bed.server.execute("UPDATE orders SET business_date = '2024-12-20'")
    bed.buy(bed.account(), bed.stock(60_000), 1, 60_000)
    found = on(bed, "stuck_orders")
    assert (found.state, found.readings[0].value) == (State.CRITICAL, 14)


def test_trades_that_nobody_settles_are_told(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    bed.buy(account, symbol, 1)
    for day, due in (
        (date(2025, 1, 7), State.OK),
        (date(2025, 1, 8), State.WARNING),
        (date(2025, 1, 13), State.CRITICAL),
    ):
        bed.buy(account, symbol, 1, clock=clock_of(day, time(10, 0)))
        assert on(bed, "unsettled_trades").state is due, day
    for day in settlement.due(bed.server, date(2025, 1, 10)):
        settlement.settle(bed.server, day, today=None)
    assert on(bed, "unsettled_trades").state is State.OK


def test_a_share_of_rejected_orders_is_told(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    account, symbol = bed.account(), bed.stock(50_000, house=0)

    def grown(*limits: int) -> Outcome:
        """What the check says of orders at these limits alone."""
        before = counted(bed)
        for limit in limits:
            bed.buy(account, symbol, 1, limit)
        after = counted(bed)
        then, now = rates.sample([before], at_s=0), rates.sample([after], at_s=60)
        check = CHECKS["orders_rejected"]
        return judging.judge(check, rates.growth(check, [after], then, now), took_s=0)

    off_tick, good = 40_001, 40_000
    assert grown(*[off_tick] * 7, *[good] * 13).state is State.WARNING
    monkeypatch.setattr(trading, "TAIL_EVENTS", 7)  # the others are counted for good
    assert grown(*[off_tick] * 6, *[good] * 14).state is State.OK  # 30 %, and no more
    assert grown(*[off_tick] * 20).state is State.CRITICAL
    assert grown(*[off_tick] * 19).message.startswith("too few orders")


def test_orders_are_counted_anew_in_another_database(bed: Bed) -> None:
    path = rates.path_of(bed.target, trading.WHO)
    for through in (10**12, -(10**12)):  # of another database, and of very long ago
        state.write(path, {"through": through, "placed": 10**6, "rejected": 10**6})
        assert (counted(bed).value or 0) < 10**6
        assert state.read(path)["through"] >= 0


def counted(bed: Bed) -> Reading:
    [reading] = trading.orders_rejected(context_of(bed))
    return reading


def test_a_message_that_waits_is_told(bed: Bed) -> None:
    user = bed.one("SELECT min(user_id) FROM users WHERE user_id > 1000")
    ago = (datetime.now(UTC) - timedelta(minutes=20)).strftime("%Y-%m-%d %H:%M:%S")
    bed.server.execute(
        "INSERT INTO notifications (user_id, kind, channel, body, created_at) "
        "VALUES (%(user)s, 'ai_warning', 'push', 'x', %(ago)s)",
        {"user": user, "ago": ago},
    )
    found = on(bed, "undelivered_notices")
    assert found.state is State.WARNING
    assert found.message.startswith("1 messages wait")


def test_a_condition_past_its_end_is_told(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock(50_000)
    bed.server.execute(
        "INSERT INTO conditions "
        "(user_id, account_id, symbol, rule, expires_at, created_at) "
        "VALUES (%(a)s, %(a)s, %(s)s, %(rule)s, '2025-02-01', '2025-01-01')",
        {
            "a": account,
            "s": symbol,
            "rule": '{"side": "buy", "quantity": 1, "min_confidence": 0.6}',
        },
    )
    assert on(bed, "unsettled_conditions").state is State.WARNING


def test_a_migration_that_was_changed_by_hand_is_told(bed: Bed) -> None:
    version = "V0003"
    bed.server.execute(
        "UPDATE stockops_migrations SET checksum = reverse(checksum) WHERE migration = %(version)s",
        {"version": version},
    )
    found = on(bed, "migrations_drifted")
    assert found.state is State.CRITICAL
    assert version in found.message
    bed.server.execute(
        "UPDATE stockops_migrations SET checksum = reverse(checksum) WHERE migration = %(version)s",
        {"version": version},
    )


def test_a_table_that_somebody_dropped_is_told(bed: Bed) -> None:
    assert on(bed, "tables_missing").state is State.OK
    bed.server.execute("ALTER TABLE portfolio_targets RENAME TO elsewhere")
    found = on(bed, "tables_missing")
    assert (found.state, found.message) == (
        State.CRITICAL,
        "tables that are gone: 1; portfolio_targets",
    )
    bed.server.execute("ALTER TABLE elsewhere RENAME TO portfolio_targets")


def test_orders_that_nobody_can_ask_for_are_not_at_rest(bed: Bed) -> None:
    """`DROP TABLE ... CASCADE` takes a view along."""
    rename = {"postgresql": "ALTER VIEW {} RENAME TO {}", "mariadb": "RENAME TABLE {} TO {}"}
    names = ("stuck_orders", "orders_rejected", "unsettled_trades", "books_violated")
    asked = [each for each in health.load(bed.engine) if each.name in names]

    def states() -> set[State]:
        found = health.run(bed.target, asked).outcomes
        return {each.state for each in found if each.check.name in names}

    assert states() != {State.UNKNOWN}
    bed.server.execute(rename[bed.engine].format("trading_now", "elsewhere"))
    gone = states()
    bed.server.execute(rename[bed.engine].format("elsewhere", "trading_now"))
    assert gone == {State.UNKNOWN}


def test_an_archive_that_never_got_anything_is_not_fine(bed: Bed, tmp_path: Path) -> None:
    repo = repository.make(str(tmp_path / "repo"))
    system = bed.server.fetch(standing.SYSTEM)[0].system
    put(repo, replace(made_up(NOW), system=system, engine=bed.engine))
    names = ("archive_stopped", "archive_lag", "archive_gaps")

    def group(target: Target) -> list[State]:
        context = replace(of(target, place=tmp_path / "repo"), server=bed.server)
        return [outcome(name, context).state for name in names]

    assert group(bed.target) == [State.OK] * 3  # of a private lab nobody archives the log
    assert group(replace(bed.target, lab=None)) == [State.UNKNOWN, State.OK, State.OK]
    with repo.store.lock(f"archive-{system}", what="the archive"):  # as a receiver does
        assert set(group(bed.target)) & {State.UNKNOWN, State.CRITICAL}


def test_who_watches_with_all_rights_is_told(bed: Bed) -> None:
    context = replace(of(replace(bed.target, lab=None)), server=bed.server)
    assert outcome("role_rights", context).state is State.WARNING
    assert on(bed, "role_rights").state is State.OK  # the owner of a private lab


def test_a_server_that_is_not_protected_is_told() -> None:
    assert outcome("unprotected", of(PROD)).state is State.WARNING
    assert outcome("unprotected", of(replace(PROD, protected=True))).state is State.OK
    assert outcome("unprotected", of(replace(PROD, lab="lab"))).state is State.OK
