"""Somebody is forgotten, and the books and the audit chain know nothing of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually
from trading import Bed, bed_of, check_books

from stockops import audit, books
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.errors import ConfigError, Refused
from stockops.passwords import Secret
from stockops.privacy import declarations, erasing, keyring, tokens
from stockops.privacy.erasing import Erased

LATER = date(2025, 3, 3)
SECRETS = ("박비밀", "planted.secret@secret-place.kr", "010-0987-6543", "PLANTED-777-42")
DECLARED = declarations.load()


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


@pytest.fixture
def person(bed: Bed) -> tuple[int, str]:
    """A user with secrets in every place that there is, who has traded once; and the issue."""
    symbol, user = bed.stock(50_000), bed.account(10_000_000)
    name, mail, phone, number = SECRETS
    values = {"u": user, "name": name, "mail": f"{user}{mail}", "phone": phone}
    rule = '{"side": "buy", "quantity": 1, "price_band": {"from_won": 1}}'
    values |= {
        "symbol": symbol,
        "rule": rule,
        "no": number + symbol,
        "of": f"of {name}",
        "dear": f"dear {name}",
    }
    for sql in (
        "UPDATE users SET full_name = %(name)s, email = %(mail)s, phone = %(phone)s "
        "WHERE user_id = %(u)s",
        "UPDATE accounts SET account_no = %(no)s WHERE account_id = %(u)s",
        "INSERT INTO portfolios (user_id, account_id, name, created_at) "
        "VALUES (%(u)s, %(u)s, %(of)s, '2025-01-02')",
        "INSERT INTO notifications (user_id, kind, channel, body, created_at) "
        "VALUES (%(u)s, 'ai_warning', 'email', %(dear)s, '2025-01-02')",
        "INSERT INTO conditions (user_id, account_id, symbol, rule, expires_at, created_at) "
        "VALUES (%(u)s, %(u)s, %(symbol)s, %(rule)s, '2030-01-02', '2025-01-02')",
    ):
        bed.server.execute(sql, values)
    bed.buy(user, symbol, 10, 50_000)
    return user, symbol


def erase(bed: Bed, user: int, *, on: date = LATER, with_holdings: bool = True) -> Erased:
    return erasing.erase(bed.server, DECLARED, user, on=on, with_holdings=with_holdings)


def everything(bed: Bed, user: int) -> str:
    """All that is said of a user, as text."""
    tables = ("users", "accounts", "portfolios", "notifications", "audit_log")
    rows = [
        bed.server.rows(f"SELECT * FROM {table} WHERE user_id = %(u)s", {"u": user})
        for table in tables
    ]
    return str(rows)


def ledger(bed: Bed, user: int) -> str:
    sql = "SELECT * FROM journal_entries WHERE account_id = %(u)s ORDER BY journal_id, leg"
    held = "SELECT * FROM positions WHERE account_id = %(u)s"
    return str([bed.server.rows(sql, {"u": user}), bed.server.rows(held, {"u": user})])


def run(bed: Bed, *words: str) -> Result:
    return CliRunner().invoke(main, ["privacy", "erase", "-t", bed.target.url, *words])


def test_nothing_personal_is_left_and_the_books_and_the_chain_hold(
    bed: Bed, person: tuple[int, str]
) -> None:
    user, _ = person
    audit.seal_all(bed.server)
    before, entries = everything(bed, user), ledger(bed, user)
    assert all(secret in before for secret in SECRETS)
    said = erase(bed, user)
    assert (said.already, said.left) == (False, ())
    assert {"users 1", "accounts 1", "portfolios 1", "notifications 1"} <= set(said.rows)
    after = everything(bed, user)
    assert not [secret for secret in SECRETS if secret in after]
    assert "queued" not in after
    assert ledger(bed, user) == entries
    audit.seal_all(bed.server)
    [chain] = books.check(bed.server, only=["audit_chain"])
    assert (chain.state, chain.note) == ("held", "0 audit rows not sealed yet")
    check_books(bed.server)


def test_it_is_said_once_and_by_number(bed: Bed, person: tuple[int, str]) -> None:
    user, _ = person
    erase(bed, user)
    assert erase(bed, user).already
    rows = bed.server.rows(
        "SELECT entity_id, detail FROM audit_log WHERE action = 'erase' AND user_id = %(u)s",
        {"u": user},
    )
    assert [row["entity_id"] for row in rows] == [str(user)]
    assert not [secret for secret in SECRETS if secret in rows[0]["detail"]]


def test_nobody_orders_for_who_is_forgotten(bed: Bed, person: tuple[int, str]) -> None:
    user, symbol = person
    erase(bed, user)
    assert bed.buy(user, symbol, 1, 50_000).reason == "account_inactive"
    for table, status in (
        ("users", "closed"),
        ("accounts", "closed"),
        ("portfolios", "closed"),
        ("conditions", "cancelled"),
        ("notifications", "failed"),
    ):
        found = bed.server.rows(f"SELECT status FROM {table} WHERE user_id = {user}")
        assert {row["status"] for row in found} == {status}, table


def test_it_is_refused_while_something_is_open_or_left(bed: Bed, person: tuple[int, str]) -> None:
    user, symbol = person
    with pytest.raises(Refused, match="1 trade not settled yet"):
        erase(bed, user, on=date(2025, 1, 3))
    with pytest.raises(Refused, match="and 1 position,"):
        erase(bed, user, with_holdings=False)
    resting = bed.sell(user, symbol, 1, 60_000)
    with pytest.raises(Refused, match=r"1 open order$") as refused:
        erase(bed, user)
    assert str(refused.value.hint).endswith(f"of {resting.order_id}")
    bed.cancel(resting.order_id)
    with pytest.raises(Refused, match="the house"):
        erase(bed, 0)
    with pytest.raises(ConfigError, match="no user 999999"):
        erase(bed, 999_999)
    assert SECRETS[0] in everything(bed, user)


def test_what_is_in_flight_is_seen_before_anything_is_erased(bed: Bed) -> None:
    user = bed.account(0)
    waiting = {
        "postgresql": "SELECT count(*) AS n FROM pg_locks WHERE NOT granted",
        "mariadb": "SELECT count(*) AS n FROM information_schema.innodb_trx "
        "WHERE trx_state = 'LOCK WAIT'",
    }
    with (
        connect(bed.target) as payer,
        connect(bed.target, lock_timeout_s=30) as eraser,
        ThreadPoolExecutor(1) as pool,
    ):
        with payer.transaction():
            replace(bed, server=payer).enter({4: -1000, user: 1000}, "KRW", LATER)
            payer.execute(f"UPDATE accounts SET cash_won = 1000 WHERE account_id = {user}")
            erased = pool.submit(
                erasing.erase, eraser, DECLARED, user, on=LATER, with_holdings=False
            )
            eventually(lambda: bed.one(waiting[bed.engine]))
        with pytest.raises(Refused, match="holds 1,000 won"):
            erased.result(timeout=30)


def test_a_sealed_row_that_names_somebody_is_told_of(bed: Bed, person: tuple[int, str]) -> None:
    user, _ = person
    number = bed.next_event()
    bed.server.execute(
        "INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, "
        "detail) VALUES (%(id)s, '2025-01-03', %(u)s, 'note', 'user', '1', %(said)s)",
        {"id": number, "u": user, "said": f"called {SECRETS[2]}"},
    )
    assert erase(bed, user).left == (number,)


def test_its_tokens_go_with_a_user(
    bed: Bed, person: tuple[int, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ring = keyring.make(tmp_path_factory.mktemp("keys") / "tokens.key")
    other = bed.account(0)
    for account in (person[0], other):
        tokens.store(bed.server, ring, account, Secret("secret"))
    assert "broker_tokens 1" in erase(bed, person[0]).rows
    rows = bed.server.fetch(tokens.AFTER, after_id=0, row_limit=9)
    assert other in {row.account_id for row in rows}
    assert person[0] not in {row.account_id for row in rows}


def test_the_command_plans_first_and_wants_consent(bed: Bed, person: tuple[int, str]) -> None:
    user, _ = person
    planned = run(bed, str(user), "--with-holdings", "--plan")
    assert "replace full_name, email, phone of 1 row of users" in planned.output
    assert run(bed, str(user), "--with-holdings").exit_code == 5
    assert SECRETS[0] in everything(bed, user)
    done = run(bed, str(user), "--with-holdings", "--yes")
    assert done.exit_code == 0, done.output
    assert "(none)" in run(bed, str(user), "--plan").output
    assert not [secret for secret in SECRETS if secret in planned.output + done.output]
