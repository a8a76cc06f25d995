"""Customers who trade on a few issues of the small market, always in the same way."""

import random
from dataclasses import dataclass, field
from datetime import date, time

from stockops import orders
from stockops.engine.base import Server
from stockops.orders import Answer, Clock, Order, clock_of

FIRST_DAY = date(2025, 1, 3)
SECOND_DAY = date(2025, 1, 6)


def clock(day: date) -> Clock:
    return clock_of(day, time(10, 30))


@dataclass(slots=True)
class Floor:
    """What can be traded, read once; the same `seed` gives the same orders."""

    server: Server
    seed: int = 1
    sent: int = 0
    last_won: dict[str, int] = field(init=False)
    accounts: list[int] = field(init=False)
    holders: list[tuple[int, str]] = field(init=False)
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        rows = self.server.rows(
            "SELECT i.symbol, i.last_won FROM stock_inventory AS i JOIN stocks AS s "
            "ON s.symbol = i.symbol WHERE s.status = 'listed' ORDER BY i.symbol LIMIT 5"
        )
        self.last_won = {row["symbol"]: row["last_won"] for row in rows}
        rows = self.server.rows(
            "SELECT account_id FROM accounts WHERE kind = 'customer' AND status = 'active' "
            "ORDER BY account_id"
        )
        self.accounts = [row["account_id"] for row in rows]
        rows = self.server.rows("SELECT account_id, symbol FROM positions ORDER BY 1, 2")
        self.holders = [
            (row["account_id"], row["symbol"]) for row in rows if row["symbol"] in self.last_won
        ]

    def order(self) -> Order:
        """Return the next order: most buy, one in eight at the market, some not acceptable."""
        draw = self.draw
        self.sent += 1
        account, symbol = draw.choice(self.accounts), draw.choice([*self.last_won])
        buys = draw.random() < 0.6
        if not buys:
            account, symbol = draw.choice(self.holders)
        limit_won = max(1000, self.last_won[symbol] // 1000 * 1000 + 1000 * draw.randint(-2, 2))
        return Order(
            key=f"floor-{self.seed}-{self.sent}",
            account_id=account,
            symbol=symbol,
            side="buy" if buys else "sell",
            quantity=draw.randint(1, 5),
            limit_won=None if draw.random() < 0.125 else limit_won,  # whole thousands: on any tick
        )

    def trade(self, number: int, *, day: date = FIRST_DAY) -> list[Answer]:
        """Place `number` orders on `day`, and cancel a few of those that rest."""
        asked = [self.order() for _ in range(number)]
        answers = orders.place_many(self.server, asked, clock=clock(day))
        for answer in [each for each in answers if each.status == "open"][::10]:
            orders.cancel(self.server, answer.order_id or 0, clock=clock(day))
        return answers
