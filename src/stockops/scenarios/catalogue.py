"""Which scenarios there are, what each answers, and what it can be asked with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from .. import rebalancing
from ..engine.base import Server
from ..errors import ConfigError, Finding
from ..queries import Query
from ..rebalancing import PlannedLine
from . import rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Kind = Literal["number", "date", "instant", "text"]
Values = Mapping[str, Any]

ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """
    One parameter: its name for people, the one in the SQL, its kind and what it is without a word.

    `default` None leaves it out; ``now`` is the moment of the question.
    """

    name: str
    says: str
    kind: Kind = "number"
    default: int | str | None = None
    field: str = ""

    @property
    def key(self) -> str:
        """The name of the parameter in the SQL."""
        return self.field or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """
    One question of an operator.

    `one_of` names parameters of which one has to be given. `proves` looks at the answer and raises
    `Finding` where it shows what may not be.
    """

    name: str
    says: str
    params: tuple[Param, ...]
    fetch: Callable[[Server, Values], Sequence["DataclassInstance"]]
    one_of: tuple[str, ...] = ()
    proves: Callable[[Sequence[Any]], None] | None = None

    def param(self, name: str) -> Param:
        """Return the parameter `name`; `ConfigError` with the nearest one where there is none."""
        for each in self.params:
            if each.name == name:
                return each
        known = [each.name for each in self.params]
        raise ConfigError(
            f"the scenario {self.name!r} has no parameter {name!r}", hint=_nearest(name, known)
        )


def find(name: str) -> Scenario:
    """Return the scenario `name`; `ConfigError` with the nearest one where there is none."""
    for each in SCENARIOS:
        if each.name == name:
            return each
    known = [each.name for each in SCENARIOS]
    raise ConfigError(f"there is no scenario {name!r}", hint=_nearest(name, known))


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."


def _asks(query: Query[Any]) -> Callable[[Server, Values], Sequence[Any]]:
    """Return what asks `query` with the parameters as they are."""
    return lambda server, values: server.fetch(query, **values)


def _weights(server: Server, values: Values) -> Sequence[PlannedLine]:
    on = date.fromisoformat(values["on"])
    portfolio = rebalancing.one(server, values["portfolio_id"], on=on)
    minimum = values["minimum_won"]
    return rebalancing.planned(server, portfolio, on=on, minimum_won=minimum).lines


def _none_traded(found: Sequence[rows.Suspicious]) -> None:
    led = [row.prediction_id for row in found if row.orders or row.trades]
    if led:
        raise Finding(
            f"{len(led)} of {len(found)} suspicious predictions led to orders, the first of them "
            f"prediction {led[0]}",
            hint="See its orders with: stockops report scenario automatic-orders",
        )


_UNTIL = Param(name="until", says="the last moment looked at", kind="instant", default="now")
_USER = Param(name="user", says="one user; without it every one", field="user_id")
_ACCOUNT = Param(name="account", says="one account; without it every one", field="account_id")
_ROWS = Param(name="rows", says="how many rows at most", default=ROWS, field="row_limit")
_ON = Param(name="on", says="the business date", kind="date", default="now")


def _days(count: int) -> Param:
    return Param(name="days", says="how many days before that", default=count)


SCENARIOS = (
    Scenario(
        name="ai-signals",
        says="AI signals that met conditions, and the orders that came of them",
        params=(_days(7), _UNTIL, _USER, _ROWS),
        fetch=_asks(rows.SIGNALS),
    ),
    Scenario(
        name="automatic-orders",
        says="orders that nobody typed, and what triggered each",
        params=(_USER, _days(30), _UNTIL, _ROWS),
        fetch=_asks(rows.AUTOMATIC_ORDERS),
    ),
    Scenario(
        name="execution-notices",
        says="what users were told of executions, and whether it was delivered",
        params=(_USER, _days(7), _UNTIL, _ROWS),
        fetch=_asks(rows.NOTICES),
    ),
    Scenario(
        name="history",
        says="everything that happened to an order or a user, in order of time",
        params=(
            Param(name="order", says="one order", field="order_id"),
            Param(name="user", says="one user", field="user_id"),
            _ROWS,
        ),
        fetch=_asks(rows.HISTORY),
        one_of=("order", "user"),
    ),
    Scenario(
        name="suspicious-predictions",
        says="predictions that cannot be trusted, and the proof that none led to a trade",
        params=(_days(30), _UNTIL, _ROWS),
        fetch=_asks(rows.SUSPICIOUS),
        proves=_none_traded,
    ),
    Scenario(
        name="warnings",
        says="warnings about predictions that went out in the last hours",
        params=(
            Param(name="hours", says="how many hours before that", default=24),
            _UNTIL,
            _USER,
            _ROWS,
        ),
        fetch=_asks(rows.WARNINGS),
    ),
    Scenario(
        name="weights",
        says="a portfolio's weights against its targets, and the orders that would follow",
        params=(
            Param(name="portfolio", says="the portfolio", field="portfolio_id"),
            _ON,
            Param(
                name="min-trade",
                says="smaller trades are left out, in won",
                default=rebalancing.MINIMUM_WON,
                field="minimum_won",
            ),
        ),
        fetch=_weights,
        one_of=("portfolio",),
    ),
    Scenario(
        name="profit",
        says="profit or loss and return of each position and account",
        params=(_ACCOUNT, _USER, _ROWS),
        fetch=_asks(rows.PROFIT),
    ),
    Scenario(
        name="movers",
        says="issues that moved most on the last business date",
        params=(
            Param(name="market", says="KOSPI, KOSDAQ or KONEX", kind="text"),
            Param(name="rows", says="how many rows at most", default=20, field="row_limit"),
        ),
        fetch=_asks(rows.MOVERS),
    ),
    Scenario(
        name="unsettled-cash",
        says="cash that is traded and not settled yet, by account and date",
        params=(_ON, _ACCOUNT, _USER, _ROWS),
        fetch=_asks(rows.UNSETTLED),
    ),
)
