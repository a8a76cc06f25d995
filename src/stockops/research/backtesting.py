"""Run a strategy over the prices that there are, and store what came of it."""

import hashlib
import itertools
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any, cast

from .. import queries
from ..engine.base import Server
from ..errors import ConfigError, Fault, Finding, ServerError
from ..plan import Step
from ..queries import Query
from .issues import Issue, chosen
from .measures import max_drawdown, sharpe_ratio, total_return
from .parameters import STRATEGY, Parameters
from .rules import Rules, rules_of
from .strategy import Sleeve, Trade, wins

LISTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Close:
    """A day that traded, and sums over the window that it ends."""

    symbol: str
    price_date: date
    open_won: int
    close_won: int
    days: int
    total_won: int
    squares_won: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """
    What a strategy came to; `simulation_id` is None until it is stored.

    Ratios are shares, not percent. The Sharpe ratio is that of daily returns, times the root of
    252, over a risk-free rate of 0. `trades` counts positions that were sold again.
    """

    simulation_id: int | None
    strategy: str
    parameters: str
    from_date: date
    until_date: date
    issues: int
    start_won: int
    end_won: int
    total_return: Decimal
    sharpe_ratio: Decimal | None
    max_drawdown: Decimal
    trades: int
    wins: int
    win_rate: Decimal | None
    held_at_end: int
    fees_won: int
    tax_won: int
    simulation_key: str


@dataclass(frozen=True, slots=True)
class EquityDay:
    """What a simulation was worth at a close."""

    price_date: date
    equity_won: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A run: what it came to, its positions and its days; `skipped` had too short a history."""

    simulation: Simulation
    trades: Sequence[Trade]
    days: Sequence[EquityDay]
    skipped: Sequence[str]


CLOSES = Query("research/closes", Close)
SIMULATIONS = Query("research/simulations", Simulation)
TRADES = Query("research/simulated_trades", Trade)
DAYS = Query("research/simulated_days", EquityDay)


def steps(server: Server, parameters: Parameters, symbols: Sequence[str]) -> list[Step]:
    """Return what `backtest` and `store` would do; raises as they would for what cannot be."""
    parameters.check()
    issues = chosen(server, symbols)
    rules = _rules(server, parameters)
    span = f"{len(rules.days)} dates from {rules.days[0]} to {rules.days[-1]}"
    return [
        Step(
            action=f"read the prices of {len(issues)} issues on {span}",
            why=f"z-scores over {parameters.window} closes",
        ),
        Step(action="store a simulation, its trades and its days", why="to be compared and shown"),
    ]


def backtest(
    server: Server,
    parameters: Parameters,
    symbols: Sequence[str] = (),
    *,
    done: Callable[[int, int], None] = lambda _done, _all: None,
) -> Backtest:
    """
    Try mean reversion on `symbols`, or on all issues; nothing is stored.

    The same prices and parameters lead to the same rows on either engine. `done` is told how many
    issues are through, and of how many.
    """
    parameters.check()
    changes: dict[date, int] = {}
    with server.transaction(isolation="repeatable read", read_only=True):
        issues = chosen(server, symbols)
        rules = _rules(server, parameters)
        sleeves = [
            Sleeve(
                symbol=issue.symbol,
                market=issue.market,
                parameters=parameters,
                rules=rules,
                changes=changes,
                cash_won=parameters.cash_won,
            )
            for issue in issues
        ]
        with _by_issue(server, parameters, issues) as days:
            for number, sleeve in enumerate(sleeves, 1):
                sleeve.run(days(sleeve.symbol))
                done(number, len(sleeves))
    short = [each for each in sleeves if each.days <= parameters.window]
    _require_history(short, sleeves, parameters, named=bool(symbols))
    tried = [each for each in sleeves if each.days > parameters.window]
    made = (trade for each in tried for trade in each.trades)
    trades = [replace(trade, trade_no=number) for number, trade in enumerate(made, 1)]
    worth = itertools.accumulate(
        (changes.get(day, 0) for day in rules.days), initial=len(tried) * parameters.cash_won
    )
    equity = list(worth)[1:]
    curve = [EquityDay(day, won) for day, won in zip(rules.days, equity, strict=True)]
    return Backtest(
        simulation=_simulation(parameters, symbols, len(tried), trades, curve),
        trades=trades,
        days=curve,
        skipped=[each.symbol for each in short],
    )


def store(server: Server, found: Backtest) -> Simulation:
    """
    Store a run in one transaction, and return it with its number; once, however often it is run.

    The connection has to be one for bulk loads.
    """
    known = _known(server, found)
    if known is not None:
        return known
    sql = queries.text(server.engine, "researching/store_simulation", server.version[0])
    values = asdict(found.simulation)
    try:
        with server.transaction(isolation="read committed"):
            number = int(server.rows(sql, values)[0]["simulation_id"])
            names = [each.name for each in fields(Trade)]
            rows: Iterator[tuple[Any, ...]] = ((number, *astuple(trade)) for trade in found.trades)
            server.load("simulation_trades", ["simulation_id", *names], map(line_of, rows))
            days = ((number, day.price_date, day.equity_won) for day in found.days)
            server.load(
                "simulation_days", ["simulation_id", "price_date", "equity_won"], map(line_of, days)
            )
    except ServerError as exc:
        known = _known(server, found) if exc.fault is Fault.DUPLICATE else None
        if known is None:
            raise
        return known
    return simulation(server, number)


def simulations(server: Server, *, row_limit: int) -> list[Simulation]:
    """Return what is stored, the newest first."""
    return _stored(server, row_limit=row_limit)


def simulation(server: Server, number: int) -> Simulation:
    """Return one that is stored; `ConfigError` where there is none of that number."""
    found = _stored(server, number=number)
    if not found:
        raise ConfigError(
            f"there is no simulation {number}", hint="See them: stockops research simulations"
        )
    return found[0]


def trades_of(server: Server, number: int) -> list[Trade]:
    """Return the positions of a stored simulation."""
    return server.fetch(TRADES, simulation_id=simulation(server, number).simulation_id)


def days_of(server: Server, number: int) -> list[EquityDay]:
    """Return the equity curve of a stored simulation."""
    return server.fetch(DAYS, simulation_id=simulation(server, number).simulation_id)


def line_of(values: Sequence[object]) -> bytes:
    r"""Return one line of the bulk format; no value of these tables needs an escape but NULL."""
    return ("\t".join("\\N" if value is None else str(value) for value in values) + "\n").encode()


def _rules(server: Server, parameters: Parameters) -> Rules:
    return rules_of(
        server, broker=parameters.broker, since=parameters.since, until=parameters.until
    )


@contextmanager
def _by_issue(
    server: Server, parameters: Parameters, issues: Sequence[Issue]
) -> Iterator[Callable[[str], Iterator[tuple[Any, ...]]]]:
    """Give what gives the days of an issue; issues have to be asked for in order of code."""
    sql = queries.text(server.engine, CLOSES.name, server.version[0])
    asked = {
        "symbols": json.dumps([issue.symbol for issue in issues]),
        "since": parameters.since,
        "until": parameters.until,
        "days_before": parameters.window - 1,
    }
    # A generator, whatever its type says: closing it early frees the connection.
    batches = cast("Generator[list[tuple[Any, ...]]]", server.stream(sql, asked))
    groups = itertools.groupby(itertools.chain.from_iterable(batches), key=itemgetter(0))
    waiting: list[tuple[str, Iterator[tuple[Any, ...]]]] = []

    def days(symbol: str) -> Iterator[tuple[Any, ...]]:
        if not waiting and (following := next(groups, None)) is not None:
            waiting.append(following)
        if waiting and waiting[0][0] == symbol:
            return (row[1:] for row in waiting.pop()[1])
        return iter(())

    with closing(batches):
        yield days


def _require_history(
    short: Sequence[Sleeve], sleeves: Sequence[Sleeve], parameters: Parameters, *, named: bool
) -> None:
    """Raise where a window is longer than the history of an issue that was named, or of all."""
    if short and (named or len(short) == len(sleeves)):
        longest = max(short, key=lambda each: each.days)
        what = (
            f"{longest.symbol} has traded on {longest.days} of the {len(longest.rules.days)} dates"
        )
        raise Finding(
            f"{what}: too few for a window of {parameters.window} days and a trade after it",
            hint=f"Give a --window below {longest.days}, or more dates."
            if longest.days > 2
            else "Give more dates, or other issues.",
        )


def _simulation(
    parameters: Parameters,
    symbols: Sequence[str],
    issues: int,
    trades: Sequence[Trade],
    days: Sequence[EquityDay],
) -> Simulation:
    asked = sorted(set(symbols)) or "all"
    told = json.dumps({**parameters.told(), "symbols": asked}, sort_keys=True)
    content = hashlib.sha256(told.encode())
    for values in (*map(astuple, trades), *map(astuple, days)):
        content.update(line_of(values))
    equity = [issues * parameters.cash_won, *(day.equity_won for day in days)]
    sold, won, rate = wins(trades)
    return Simulation(
        simulation_id=None,
        strategy=STRATEGY,
        parameters=told,
        from_date=days[0].price_date,
        until_date=days[-1].price_date,
        issues=issues,
        start_won=equity[0],
        end_won=equity[-1],
        total_return=total_return(equity),
        sharpe_ratio=sharpe_ratio(equity[1:]),
        max_drawdown=max_drawdown(equity),
        trades=sold,
        wins=won,
        win_rate=rate,
        held_at_end=len(trades) - sold,
        fees_won=sum(trade.fees_won for trade in trades),
        tax_won=sum(trade.tax_won for trade in trades),
        simulation_key=content.hexdigest(),
    )


def _known(server: Server, found: Backtest) -> Simulation | None:
    stored = _stored(server, key=found.simulation.simulation_key)
    return stored[0] if stored else None


def _stored(
    server: Server, *, number: int | None = None, key: str | None = None, row_limit: int = 1
) -> list[Simulation]:
    rows = server.fetch(SIMULATIONS, simulation_id=number, simulation_key=key, row_limit=row_limit)
    # Each engine keeps the keys of JSON in an order of its own.
    return [
        replace(row, parameters=json.dumps(json.loads(row.parameters), sort_keys=True))
        for row in rows
    ]
