import multiprocessing
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually
from market import Markets, small_plan
from trading import Bed, login, member

from stockops import market as calendar
from stockops import seeding
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import Busy, ConfigError, Refused, ServerError
from stockops.listing import sources
from stockops.plan import Consent
from stockops.seeding import SeedPlan, content, generation, state
from stockops.seeding.plan import Material, material
from stockops.seeding.tables import BY_NAME, TABLES, chunk
from stockops.targets import Target

YES = Consent(yes=True)
BIG = SeedPlan(users=2_000, accounts=4_000, days=60)


def count(server: Server, what: str) -> int:
    return int(server.rows(f"SELECT count(*) AS n FROM {what}")[0]["n"])


@pytest.fixture
def plan(markets: Markets) -> SeedPlan:
    return markets.plan


def test_both_engines_hold_the_same_content(all_labs: Labs, markets: Markets) -> None:
    found = {}
    for engine in ENGINES:
        with markets.open(all_labs.get(engine)) as target, connect(target) as server:
            made_of = seeding.prepare(target, markets.plan, sources.read).made_of
            found[engine] = content.read(server, made_of)
            assert seeding.status(server).sha256 == content.total(found[engine])
    first, second = found.values()
    assert first == second
    assert all(table.rows for table in first)


def test_the_owner_of_the_books_seeds_them_and_empties_nothing(
    migrated: Target, plan: SeedPlan
) -> None:
    with connect(migrated) as server, member(Bed(server, migrated), "owner") as session:
        owner = login(Bed(server, migrated), session)
        done = seeding.run(owner, plan)
        assert seeding.status(session).sha256 == done.sha256
        with pytest.raises(ServerError, match="may not empty the tables"):
            seeding.reset(owner, consent=YES)
        assert seeding.status(session).sha256 == done.sha256
        assert count(server, "users") > plan.users


def test_another_seed_makes_another_market(markets: Markets) -> None:
    plan = markets.plan
    lines = [
        [chunk(material_of(replace(plan, seed=seed)), table, 0).sha256 for table in TABLES]
        for seed in (1, 2)
    ]
    same = [table.name for table, a, b in zip(TABLES, *lines, strict=True) if a == b]
    assert same == ["stocks"]


def material_of(plan: SeedPlan) -> Material:
    listing = sources.read(plan.listing, on=plan.on)
    holidays = frozenset({date(2023, 1, 1), date(2025, 1, 1), date(2026, 12, 31)})
    return material(plan, listing, calendar.Calendar(market="KOSPI", holidays=holidays))


def test_the_books_balance_from_the_first_row(market: Target, plan: SeedPlan) -> None:
    with connect(market) as server:
        assert not server.rows(
            "SELECT journal_id FROM journal_entries GROUP BY journal_id, asset"
            " HAVING sum(amount) <> 0 OR count(*) < 2"
        )
        assert not server.rows(
            "SELECT a.account_id FROM accounts AS a WHERE a.cash_won <> CASE WHEN a.kind ="
            " 'customer' THEN (SELECT sum(j.amount) FROM journal_entries AS j WHERE j.account_id"
            " = a.account_id AND j.asset = 'KRW') ELSE 0 END"
        )
        assert not server.rows(
            "SELECT p.symbol FROM positions AS p WHERE p.quantity <> (SELECT sum(j.amount) FROM"
            " journal_entries AS j WHERE j.account_id = p.account_id AND j.asset = p.symbol)"
        )
        assert not server.rows(
            "SELECT s.symbol FROM stocks AS s JOIN stock_inventory AS i ON i.symbol = s.symbol"
            " WHERE s.listed_shares <> i.available_shares + (SELECT coalesce(sum(p.quantity), 0)"
            " FROM positions AS p WHERE p.symbol = s.symbol) OR i.available_shares * 2 <"
            " s.listed_shares"
        )
        assert count(server, "stock_inventory") == count(server, "stocks") == 48
        assert count(server, "accounts WHERE account_id > 1000") == plan.accounts
        assert count(server, "users WHERE user_id > 0") == plan.users
        assert count(server, "positions") > plan.accounts


def test_the_market_opens_where_the_prices_end(market: Target, plan: SeedPlan) -> None:
    with connect(market) as server:
        assert not server.rows(
            "SELECT i.symbol FROM stock_inventory AS i JOIN stock_prices AS p ON p.symbol ="
            " i.symbol AND p.price_date = i.quote_date WHERE p.close_won <> i.last_won OR"
            " p.close_won <> i.base_won OR i.lower_won <> lower_limit_won('KOSPI', i.quote_date,"
            " i.base_won) OR i.settles_on <> '2025-01-06' OR i.sell_tax_rate <> 0.0015"
        )
        assert count(server, f"stock_prices WHERE price_date = '{plan.on}'") == 48
        assert calendar.next_business_date(server) == date(2025, 1, 3)
        assert calendar.next_business_date(server, date(2025, 1, 24)) == date(2025, 1, 31)


def test_new_rows_get_ids_that_the_seed_left_free(market: Target) -> None:
    with connect(market) as server:
        answer = server.prepare_call("place_order", 9 if server.engine == "postgresql" else 12)
        values: list[str | int | None] = ["k", 1001, "005930", "buy", "market", None, 1]
        values += ["2025-01-03", "2025-01-03 02:00:00"]
        values += [] if server.engine == "postgresql" else [None, None, None]
        order_id = int(answer(values)[2] or 0)
        taken = server.rows("SELECT max(journal_id) AS n FROM journal_entries WHERE kind = 'open'")
        assert order_id > taken[0]["n"]
        server.execute(
            "INSERT INTO portfolios (user_id, account_id, name, created_at)"
            " VALUES (1001, 1001, 'mine', '2025-01-03')"
        )


def test_a_second_run_does_nothing(market: Target, plan: SeedPlan) -> None:
    with connect(market) as server:
        before = seeding.status(server)
        again = seeding.run(market, plan)
        assert (again.done_before, again.loaded_rows) == (True, 0)
        assert again.sha256 == before.sha256
        assert seeding.status(server) == before


def test_another_plan_is_refused(market: Target, plan: SeedPlan) -> None:
    with pytest.raises(Refused, match=r"another plan: listing .* users 20 accounts 40") as caught:
        seeding.run(market, replace(plan, users=21))
    assert "stockops seed reset" in (caught.value.hint or "")


def test_what_no_seed_made_is_refused(migrated: Target, plan: SeedPlan) -> None:
    with connect(migrated) as server:
        server.execute(
            "INSERT INTO users (user_id, full_name, email, phone, created_at)"
            " VALUES (7, 'A', 'a@example.com', '010-0000-0000', '2025-01-01')"
        )
        with pytest.raises(Refused, match="no seed of stockops made"):
            seeding.run(migrated, plan)
        assert seeding.status(server).stage == "foreign"
        assert count(server, "stocks") == 0


def test_a_reset_leaves_the_house_and_the_rules(market: Target, plan: SeedPlan) -> None:
    with connect(market) as server:
        before = seeding.status(server).sha256
        assert seeding.reset(market, consent=YES)
        assert seeding.status(server) == state.EMPTY
        assert (count(server, "accounts"), count(server, "users")) == (5, 1)
        assert count(server, "market_holidays") > 100
        assert not seeding.reset(market, consent=YES)
        assert seeding.run(market, plan).sha256 == before


def test_a_reset_is_not_done_by_accident(market: Target) -> None:
    with connect(market) as server:
        with pytest.raises(Refused, match="destroy"):
            seeding.reset(market, consent=Consent())
        protected = replace(market, protected=True)
        with pytest.raises(Refused, match="protected"):
            seeding.reset(protected, consent=YES)
        assert seeding.status(server).stage == "seeded"


def test_a_database_without_the_schema(target: Target, plan: SeedPlan) -> None:
    with pytest.raises(ConfigError, match="does not have the tables") as caught:
        seeding.run(target, plan)
    assert caught.value.hint == "Make them first: stockops migrate up"


NO_MARKET: list[tuple[dict[str, object], str]] = [
    ({"users": 0}, "--users is 0"),
    ({"accounts": -1}, "--accounts is -1"),
    ({"days": 0}, "--days is 0"),
    ({"days": 600}, "490 of the 600 business days"),
    ({"on": date(2025, 1, 4)}, "was closed"),
    ({"on": date(2025, 1, 1)}, "before it is 2024-12-30"),
    ({"on": date(2031, 1, 2)}, "from 2023-01-01 to 2026-12-31"),
    ({"listing": "no-such.csv"}, "cannot read the listing"),
]


def test_a_plan_that_cannot_be_is_refused_before_a_row_is_written(
    migrated: Target, plan: SeedPlan
) -> None:
    for change, said in NO_MARKET:
        with pytest.raises(ConfigError) as caught:
            seeding.run(migrated, replace(plan, **change))  # type: ignore[arg-type]
        assert said in f"{caught.value} {caught.value.hint}"
    with connect(migrated) as server:
        assert seeding.status(server) == state.EMPTY


def test_two_seeds_at_once_are_one(migrated: Target, plan: SeedPlan) -> None:
    with connect(migrated) as server:
        with state.lock(server), pytest.raises(Busy, match="another seed"):
            seeding.run(migrated, plan)
        prepared = seeding.prepare(migrated, plan, sources.read)
        seeding.run(migrated, plan)
        with pytest.raises(Busy, match="ended just now"):
            seeding.load(migrated, prepared)
        assert seeding.status(server).stage == "seeded"


def test_a_market_of_one_issue_one_user_and_one_account(migrated: Target, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("symbol,name,market,listed_shares,close_won\n000001,하나,KONEX,1,1\n")
    plan = SeedPlan(listing=str(path), users=1, accounts=1, days=1)
    stages: list[str] = []
    result = seeding.run(migrated, plan, progress=lambda at: stages.append(at.stage))
    assert [each for each in stages if each][:2] == ["opening the market", "analyzing the tables"]
    assert f"hashing {TABLES[0].name}" in stages
    assert {table.table: table.rows for table in result.tables}["stock_inventory"] == 1
    with connect(migrated) as server:
        held = server.rows("SELECT available_shares AS n FROM stock_inventory")
        assert held == [{"n": 1}]


def test_a_killed_seed_goes_on_where_it_stopped(migrated: Target) -> None:
    command = [sys.executable, "-m", "stockops", "seed", "run", "-t", migrated.url]
    options = ["--users", str(BIG.users), "--accounts", str(BIG.accounts), "--days", str(BIG.days)]
    with connect(migrated) as server:
        child = subprocess.Popen([*command, *options], stderr=subprocess.PIPE)
        try:
            eventually(lambda: count(server, "seed_chunks") >= 4)
            maker = children_of(child.pid)
        finally:
            child.kill()
            child.communicate(timeout=60)
        eventually(lambda: not any(map(is_alive, maker)))
        half = eventually(lambda: settled(server))
        assert half is not None
        assert half.stage == "partial"
        assert count(server, "stock_inventory") == 0
        with pytest.raises(Refused, match="half seeded by another plan"):
            seeding.run(migrated, replace(BIG, users=7))
        result = seeding.run(migrated, BIG)
        assert result.resumed
        made_of = seeding.prepare(migrated, BIG, sources.read).made_of
        loaded = {(c.table_name, c.chunk_no): c for c in state.loaded(server)}
        for table in TABLES:
            for number in range(table.chunks(made_of)):
                assert loaded[table.name, number].sha256 == chunk(made_of, table, number).sha256
        rows = {t.table_name: t.loaded_rows for t in seeding.status(server).tables}
        found = {table.table: table.rows for table in result.tables}
        house = {"users": 1, "accounts": 5}
        assert {name: n + house.get(name, 0) for name, n in rows.items()} == found


def settled(server: Server) -> state.State | None:
    """Return the state; None until the server has noticed that its client is gone."""
    try:
        with state.lock(server):
            return seeding.status(server)
    except Busy:
        return None


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(word) for word in text.split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_maker_ends_with_its_reader() -> None:
    made_of = material_of(BIG)
    wanted = [("stock_prices", number) for number in range(5)]
    with generation.chunks(made_of, wanted) as chunks:
        first = next(chunks)
        (maker,) = multiprocessing.active_children()
        pid = maker.pid or 0
    assert first == chunk(made_of, BY_NAME["stock_prices"], 0)
    assert not is_alive(pid)


def test_a_maker_that_dies_is_noticed() -> None:
    made_of = material_of(BIG)
    wanted = [("stock_prices", number) for number in range(5)]
    with generation.chunks(made_of, wanted) as chunks:
        next(chunks)
        multiprocessing.active_children()[0].kill()
        with pytest.raises(RuntimeError, match="ended early"):
            list(chunks)


def test_small_seeds_need_no_second_process(tmp_path: Path) -> None:
    made_of = material_of(small_plan(tmp_path))
    wanted = [(table.name, 0) for table in TABLES]
    with generation.chunks(made_of, wanted) as chunks:
        assert [made.table for made in chunks] == list(BY_NAME)
        assert not multiprocessing.active_children()


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["seed", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_the_commands(migrated: Target, plan: SeedPlan) -> None:
    where = ("-t", migrated.url)
    asked = ("--listing", plan.listing, "--users", "20", "--accounts", "40", "--days", "10")
    assert run("status", *where)[0] == 1
    code, stdout, stderr = run("run", *where, *asked, "--plan")
    assert code == 0
    assert "journal_entries" in stdout
    assert "rows left to load" in stderr
    assert run("status", *where)[0] == 1
    code, stdout, stderr = run("run", *where, *asked)
    assert code == 0, stderr
    assert "48 issues from" in stderr
    signature = stdout.splitlines()[-1]
    assert signature.startswith("content sha256 ")
    code, stdout, _ = run("run", *where, *asked)
    assert (code, stdout.splitlines()) == (
        0,
        ["nothing to do: the database is seeded by this very plan", signature],
    )
    code, stdout, _ = run("status", *where)
    assert code == 0
    assert signature in stdout
    assert run("run", *where, *asked, "--seed", "2")[0] == 5
    code, _, stderr = run("run", *where, "--users", "0")
    assert code == 2
    assert stderr.endswith(
        "error: --users is 0, and a market takes 1 to 50,000,000\n"
        "hint: Leave --users out for the usual number.\n"
    )
    assert run("reset", *where)[0] == 5
    assert run("run", *where, "--reset", "--yes", "--listing", "no-such.csv")[0] == 2
    assert run("status", *where)[0] == 0
    code, stdout, _ = run("run", *where, *asked, "--reset", "--yes", "--seed", "2")
    assert code == 0
    assert signature not in stdout
    assert run("reset", *where, "--yes")[0] == 0
    assert run("reset", *where, "--yes")[2].endswith("there was nothing to remove\n")
