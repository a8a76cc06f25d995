"""The business in figures: exact, cheap, and read by somebody who sees no row of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import Labs, migrated_database
from manifests import SYSTEM, add
from trading import Bed

from stockops import state
from stockops.backups import repository
from stockops.backups.repository import Evidence
from stockops.books import record
from stockops.books.record import Record
from stockops.business import Events
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.exporter.collectors import archive, records, trading
from stockops.exporter.context import Context
from stockops.exporter.counted import Counted
from stockops.exporter.families import Family
from stockops.targets import Backup, Config, Target

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    lab = all_labs.get(str(request.param))
    with migrated_database(lab) as target, connect(target) as server:
        yield Bed(server, target)


def flat(families: list[Family]) -> dict[str, float]:
    """Return each sample by its name and the value of its one label."""
    return {
        f"{family.name}{{{labels[0][1]}}}" if labels else family.name: float(value)
        for family in families
        for labels, value in family.samples
        if value is not None
    }


def figures(server: Server, context: Context) -> dict[str, float]:
    return flat(list(trading.collect(server, context)))


def counted(server: Server) -> dict[str, float]:
    """The same figures, counted in the tables."""
    found = {
        f"stockops_orders{{{row['status']}}}": float(row["n"])
        for row in server.rows("SELECT status, count(*) AS n FROM orders GROUP BY status")
    }
    (row,) = server.rows("SELECT count(*) AS n, coalesce(sum(value_won), 0) AS won FROM trades")
    return found | {"stockops_trades": float(row["n"]), "stockops_traded_won": float(row["won"])}


def trade(bed: Bed) -> None:
    """An order of each fate, and trades."""
    empty = bed.stock(50_000, house=0)
    full = bed.stock(60_000)
    account = bed.account()
    bed.buy(account, empty, 1, 49_000)  # rests
    given_up = bed.buy(account, empty, 1, 48_000)
    bed.cancel(given_up.order_id)
    bed.buy(account, empty, 1)  # cancelled at once: nobody sells
    bed.buy(account, full, 3, 60_000)
    bed.buy(account, full, 2, 60_000)
    assert bed.buy(account, full, 10**6, 60_000).status == "rejected"


def test_every_order_is_counted_once_and_from_then_on(bed: Bed) -> None:
    context = Context(target=bed.target)
    before = figures(bed.server, context)
    assert before["stockops_orders{filled}"] == 0
    assert "stockops_oldest_open_order_timestamp_seconds" not in before
    for _ in range(3):
        trade(bed)
        found = figures(bed.server, context)
        assert {name: found[name] for name in counted(bed.server)} == counted(bed.server)
        assert found == figures(bed.server, Context(target=bed.target))
    age_s = datetime.now(UTC).timestamp() - found["stockops_oldest_open_order_timestamp_seconds"]
    assert 0 <= age_s < 3600
    assert found["stockops_open_orders"] == 3
    assert found["stockops_undelivered_notices"] == 0


def test_the_past_is_counted_in_pages_and_no_part_of_it_is_told(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(bed)
    monkeypatch.setattr(trading, "TAIL_EVENTS", 2)
    monkeypatch.setattr(trading, "PAGE_EVENTS", 3)
    monkeypatch.setattr(trading, "COUNTING_S", -1.0)
    context = Context(target=bed.target)
    partly = figures(bed.server, context)
    assert "stockops_trades" not in partly
    assert partly["stockops_open_orders"] > 0
    monkeypatch.setattr(trading, "COUNTING_S", 60.0)
    found = figures(bed.server, context)
    assert {name: found[name] for name in counted(bed.server)} == counted(bed.server)


def test_an_exporter_goes_on_where_the_one_before_it_was(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(bed)
    monkeypatch.setattr(trading, "TAIL_EVENTS", 2)
    whole = figures(bed.server, Context(target=bed.target))
    monkeypatch.setattr(trading, "COUNTING_S", -1.0)  # nothing of the past can be counted now
    assert figures(bed.server, Context(target=bed.target)) == whole
    elsewhere = Target(name="elsewhere", url=bed.target.url)
    assert "stockops_trades" not in figures(bed.server, Context(target=elsewhere))
    [path] = (state.place() / "exporter").glob("*.json")
    for wrong in ("{", '{"form": 1}', path.read_text().replace('"placed": ', '"placed": 1')):
        path.write_text(wrong)
        assert "stockops_trades" not in figures(bed.server, Context(target=bed.target)), wrong


def test_another_database_is_counted_anew(bed: Bed) -> None:
    trade(bed)
    context = Context(target=bed.target)
    context.memory["counted"] = Counted(10**12, Events(10**12, 9, 9, 9, 9, Decimal(9)))
    found = figures(bed.server, context)
    assert {name: found[name] for name in counted(bed.server)} == counted(bed.server)


def test_a_database_without_the_business_has_no_figures(server: Server) -> None:
    assert figures(server, Context(target=Target(name="x", url=""))) == {}
    assert list(archive.collect(server, Context(target=Target(name="x", url="")))) == []


def test_what_was_written_down_is_told_without_a_server(tmp_path: Path) -> None:
    target = Target(name="prod", url="mariadb://ops@db1/trading")
    config = Config(backup=Backup(repository=str(tmp_path / "repo")))
    repo = repository.make(str(tmp_path / "repo"))
    assert flat(list(records.read(Context(target=target)))) == {}
    record.write("prod", Record(checked_at=NOW, held=26, violated=1, inconclusive=0, names=("x",)))
    said = add(repo, NOW)
    drill = Evidence(
        backup=said.id,
        what="drill",
        at=NOW.isoformat(),
        passed=True,
        summary="",
        detail={"rto_s": 12.5},
    )
    repo.record(drill, system=SYSTEM)
    found = flat(list(records.read(Context(target=target, config=config))))
    at = NOW.timestamp()
    assert found == {
        "stockops_books_last_check_timestamp_seconds": at,
        "stockops_books_invariants{held}": 26,
        "stockops_books_invariants{violated}": 1,
        "stockops_books_invariants{inconclusive}": 0,
        "stockops_backup_last_success_timestamp_seconds{full}": at + 300,
        "stockops_backup_last_size_bytes{full}": 0,
        "stockops_backup_last_drill_timestamp_seconds": at,
        "stockops_backup_last_drill_rto_seconds": 12.5,
        "stockops_backup_broken": 0,
    }


def test_a_repository_is_not_read_for_every_scrape(tmp_path: Path) -> None:
    target = Target(name="prod", url="mariadb://ops@db1/trading")
    config = Config(backup=Backup(repository=str(tmp_path / "repo")))
    repo = repository.make(str(tmp_path / "repo"))
    add(repo, NOW)
    context = Context(target=target, config=config)
    first = flat(list(records.read(context)))
    (tmp_path / "repo" / repository.MARKER).unlink()
    assert flat(list(records.read(context))) == first
