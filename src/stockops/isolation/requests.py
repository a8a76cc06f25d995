"""The requests of a load, drawn by a hash: the same for the same seed in every cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..draws import draws
from .ground import Ground

_DRAWS = 6
_QUANTITY_MAX = 3
_PRICES = 2  # of each side, from the far end
_UNIT = 1 / 2**64
_SINGLE_BELOW, _SWITCH_BELOW = 0.40, 0.60
_SELL_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Leg:
    """One order at the market, which the house takes the other side of."""

    symbol: str
    side: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One order, or two in one transaction: out of one issue and into another."""

    key: str
    account_id: int
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A limit order that is to rest; where its account has one in the book, that is taken back."""

    key: str
    account_id: int
    symbol: str
    side: str
    price_won: int


Request = Trade | Quote


class Requests:
    """One client's requests, in their order."""

    def __init__(self, ground: Ground, *, seed: int, client: int) -> None:
        self._ground, self._seed = ground, seed
        self._stream, self._prefix = f"isolation/{client}", f"isolation-{client}-"
        self._next = 0

    def take(self) -> Request:
        """Return the next request."""
        number, self._next = self._next, self._next + 1
        kind, who, what, side, other, size = draws(
            self._seed, self._stream, number * _DRAWS, _DRAWS
        )
        key, ground = f"{self._prefix}{number}", self._ground
        if kind * _UNIT >= _SWITCH_BELOW:
            quoted = ground.quoted[what % len(ground.quoted)]
            return Quote(
                key,
                quoted.makers[who % len(quoted.makers)],
                quoted.symbol,
                "buy" if side % 2 else "sell",
                _price(quoted.prices_won, buys=side % 2 == 1, step=size % _PRICES),
            )
        first = what % len(ground.traded)
        quantity = size % _QUANTITY_MAX + 1
        issue = ground.traded[first]
        if kind * _UNIT >= _SINGLE_BELOW:
            into = (first + 1 + other % (len(ground.traded) - 1)) % len(ground.traded)
            legs = (
                Leg(issue.symbol, "sell", quantity),
                Leg(ground.traded[into].symbol, "buy", quantity),
            )
            return Trade(key, issue.sellers[who % len(issue.sellers)], legs)
        if side * _UNIT < _SELL_SHARE:
            seller = issue.sellers[who % len(issue.sellers)]
            return Trade(key, seller, (Leg(issue.symbol, "sell", quantity),))
        buyers = issue.sellers if other % 2 else ground.buyers  # who sells has to buy as well
        return Trade(key, buyers[who % len(buyers)], (Leg(issue.symbol, "buy", quantity),))


def _price(prices_won: Sequence[int], *, buys: bool, step: int) -> int:
    """Return a price at which any buy meets any sell: a book has orders of one side alone."""
    return prices_won[-1 - step] if buys else prices_won[step]
