"""A pass that answers for several invariants clears none that is violated, whatever is broken."""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from conftest import Labs
from floor import FIRST_DAY, SECOND_DAY, Floor
from market import Markets

from stockops import audit, books, settlement
from stockops.books import proofs, since, together
from stockops.books.checking import ask
from stockops.books.invariants import Invariant
from stockops.books.scratch import copied
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server

TRADES_SETTLE = date(2025, 1, 7)  # those of the first day
PASSES = together.PASSES | together.SINCE
MEMBERS = sorted({name for names in PASSES.values() for name in names})
Pass = tuple[Invariant, list[Invariant]]

# {n} is a number, and a column stands for a part of all rows by that; all are drawn anew.
BROKEN = (
    "UPDATE trades SET business_date = DATE '2025-01-08' WHERE {trade_id}",
    "UPDATE trades SET settles_on = DATE '2025-01-31' WHERE {trade_id}",
    "UPDATE trades SET taker_side = CASE taker_side WHEN 'buy' THEN 'sell' ELSE 'buy' END "
    "WHERE {trade_id}",
    "UPDATE trades SET sell_order_id = NULL WHERE taker_side = 'buy' AND {trade_id}",
    "UPDATE trades SET buy_order_id = NULL WHERE taker_side = 'sell' AND {trade_id}",
    "UPDATE trades SET trade_id = trade_id - {n} * 1000000 WHERE {trade_id}",
    "UPDATE trades SET buy_order_id = sell_order_id, sell_order_id = buy_order_id WHERE {trade_id}",
    "UPDATE trades SET price_won = price_won + {n} WHERE {trade_id}",
    "UPDATE trades SET quantity = quantity + {n} WHERE {trade_id}",
    "UPDATE trades SET buy_fee_won = buy_fee_won + {n}, sell_tax_won = 0 WHERE {trade_id}",
    "UPDATE trades SET sell_fee_won = sell_fee_won - {n} WHERE {trade_id}",
    "UPDATE trades SET symbol = (SELECT min(s.symbol) FROM stocks AS s) WHERE {trade_id}",
    "DELETE FROM trades WHERE {trade_id}",
    "UPDATE orders SET side = CASE side WHEN 'buy' THEN 'sell' ELSE 'buy' END WHERE {order_id}",
    "UPDATE orders SET status = 'rejected' WHERE {order_id}",
    "UPDATE orders SET account_id = account_id + {n} WHERE {order_id}",
    "UPDATE orders SET account_id = 1 WHERE {order_id}",
    "UPDATE orders SET limit_won = limit_won - {n} WHERE limit_won > 100 AND {order_id}",
    "UPDATE orders SET business_date = DATE '2025-01-07' WHERE {order_id}",
    "UPDATE orders SET idempotency_key = concat('again-', account_id) WHERE {order_id}",
    "DELETE FROM orders WHERE {order_id}",
    "INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) "
    "SELECT journal_id, leg + 10, business_date, account_id, asset, amount, kind "
    "FROM journal_entries WHERE {journal_id}",
    "UPDATE journal_entries SET amount = amount + {n} WHERE leg = 2 AND {journal_id}",
    "UPDATE journal_entries SET amount = -amount WHERE {journal_id}",
    "UPDATE journal_entries SET business_date = DATE '2025-03-03' WHERE leg <> 1 AND {journal_id}",
    "UPDATE journal_entries SET business_date = DATE '2025-03-03' WHERE {journal_id}",
    "UPDATE journal_entries SET kind = 'open' WHERE leg > 1 AND {journal_id}",
    "UPDATE journal_entries SET kind = 'action' WHERE {journal_id}",
    "UPDATE journal_entries SET account_id = account_id + {n} WHERE {journal_id}",
    "UPDATE journal_entries SET account_id = 2 WHERE {journal_id}",
    "UPDATE journal_entries SET leg = leg + {n} WHERE {journal_id}",
    "UPDATE journal_entries SET leg = 7 - leg WHERE leg < 7 AND {journal_id}",
    "UPDATE journal_entries SET asset = 'KRW' WHERE leg = 3 AND {journal_id}",
    "UPDATE journal_entries SET asset = 'NONE' WHERE leg > 2 AND {journal_id}",
    "UPDATE journal_entries SET journal_id = journal_id + {n}00000 WHERE {journal_id}",
    "DELETE FROM journal_entries WHERE leg = 1 AND {journal_id}",
    "DELETE FROM journal_entries WHERE leg > 4 AND {journal_id}",
    "DELETE FROM journal_entries WHERE {journal_id}",
    "UPDATE accounts SET kind = 'house' WHERE kind = 'customer' AND {account_id}",
    "UPDATE accounts SET cash_won = cash_won + {n} WHERE {account_id}",
    "UPDATE accounts SET user_id = user_id + 1 WHERE {account_id}",
    "UPDATE accounts SET tax_exempt = NOT tax_exempt WHERE {account_id}",
    "DELETE FROM accounts WHERE {account_id}",
    "UPDATE positions SET quantity = quantity + {n} WHERE {account_id}",
    "DELETE FROM positions WHERE {account_id}",
    "DELETE FROM house_balances WHERE {amount}",
    "UPDATE house_balances SET entries = entries + {n} WHERE {amount}",
    "UPDATE settlements SET amount_won = amount_won + {n} WHERE {account_id}",
    "DELETE FROM settlements WHERE {account_id}",
    "UPDATE settlement_days SET trades = trades + {n} WHERE {trades}",
    "DELETE FROM settlement_days WHERE {trades}",
)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def copy(request: pytest.FixtureRequest, all_labs: Labs, markets: Markets) -> Iterator[Server]:
    """The books of two days, of which the first is proven and its trades settled, to be broken."""
    with markets.open(all_labs.get(request.param)) as target:
        with connect(target) as server, connect(target, bulk=True) as writer:
            floor = Floor(server)
            floor.trade(120, day=FIRST_DAY)
            audit.fold(server, FIRST_DAY)
            audit.seal_all(server)
            assert books.prove(server, writer, now=lambda: datetime.now(UTC)).proof
            floor.trade(120, day=SECOND_DAY)
            audit.fold(server, SECOND_DAY)
            settlement.settle(server, TRADES_SETTLE, today=None)
        with copied(target) as server:
            yield server


def passes(server: Server) -> Iterator[Pass]:
    """Yield each pass with what it answers for: over everything, and over what is new."""
    whole = books.load(server, MEMBERS)
    proof = proofs.latest(server)
    assert proof
    params = since.with_keys([server], proofs.params(proof))
    new = [since.narrowed(server, each, params) for each in whole]
    for found, group in (*together.groups(server, whole), *together.groups(server, new, params)):
        if found:
            yield found, group


class _Undo(Exception):
    pass


def broken_by(server: Server, statements: list[str]) -> set[tuple[str, str]]:
    """Return what is violated then, and in which pass: each clears only what held."""
    wrong = set()
    with suppress(_Undo), server.transaction():
        for statement in statements:
            server.execute(statement)
        for asked, group in passes(server):
            said = together.suspects(server, asked)
            assert sorted(said) == sorted(invariant.name for invariant in group)
            for invariant in group:
                found = ask(server, invariant)
                looked_at, suspects, note = said[invariant.name]
                assert looked_at == found.looked_at, (invariant.name, statements)
                assert suspects or not found.violations, (invariant.name, statements)
                assert suspects or note == found.note, (invariant.name, statements)
                if found.violations:
                    wrong.add((asked.name, invariant.name))
        raise _Undo
    return wrong


def drawn(draw: random.Random, template: str) -> str:
    parts = draw.choice([1, 3, 7, 40])
    names = ("trade_id", "order_id", "journal_id", "account_id", "trades")
    values = {name: f"mod({name}, {parts}) = {draw.randrange(parts)}" for name in names}
    values["amount"] = f"mod(abs(amount), {parts}) = {draw.randrange(parts)}"
    return template.format(n=draw.randint(1, 60), **values)


def test_a_pass_suspects_nothing_of_books_that_hold(copy: Server) -> None:
    assert not broken_by(copy, [])
    for asked, group in passes(copy):
        said = together.suspects(copy, asked)
        assert not any(suspects for _, suspects, _ in said.values())
        assert [each for each in group if not said[each.name][0]] == []


@pytest.mark.parametrize(
    "rounds",
    [1, pytest.param(4, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
    ids=["once", "often"],
)
def test_no_pass_clears_what_is_broken_at_random(copy: Server, rounds: int) -> None:
    wrong = set()
    for seed in range(rounds):
        draw = random.Random(seed)
        for template in BROKEN if rounds > 1 else draw.sample(BROKEN, 20):
            wrong |= broken_by(copy, [drawn(draw, template)])
    for asked, group in passes(copy):
        assert len([name for name, _ in wrong if name == asked.name]) > len(group) // 2, asked.name
