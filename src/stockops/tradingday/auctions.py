"""Call auctions: which are over, what uncrossing them traded, and which issues moved too far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import queries
from ..engine.base import Server
from ..orders import SERVER_CLOCK, Clock
from ..queries import Query


@dataclass(frozen=True, slots=True)
class Over:
    """An issue whose auction has ended and was not uncrossed yet."""

    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncrossed:
    """What an auction came to; no price where its book was not crossed."""

    auction_id: int
    symbol: str
    kind: str
    price_won: int | None
    volume: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """An issue that moved too far, and the auction that it was sent to: static or dynamic."""

    auction_id: int
    symbol: str
    kind: str


OVER = Query("tradingday/over", Over)


def uncross(server: Server, symbol: str, *, clock: Clock = SERVER_CLOCK) -> Uncrossed | None:
    """Uncross the auction of an issue, in a transaction; None where it has none that is over."""
    rows = _call(server, "uncross", {"symbol": symbol, "at": clock.cells[1]})
    return Uncrossed(symbol=symbol, **rows[0]) if rows else None


def uncross_over(server: Server, *, clock: Clock = SERVER_CLOCK) -> list[Uncrossed]:
    """Uncross every auction that is over, one transaction each, by symbol."""
    over = server.fetch(OVER, at=clock.cells[1])
    done = [uncross(server, each.symbol, clock=clock) for each in over]
    return [each for each in done if each is not None]


def interrupt(server: Server, *, clock: Clock = SERVER_CLOCK) -> list[Interruption]:
    """Send the issues whose price moved too far into an auction; return them, by symbol."""
    date, at = clock.cells
    return [Interruption(**row) for row in _call(server, "interrupt", {"date": date, "at": at})]


def _call(server: Server, name: str, values: dict[str, object]) -> Sequence[Any]:
    return server.rows(queries.text(server.engine, f"auctioning/{name}", server.version[0]), values)
