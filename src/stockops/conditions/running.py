"""
Find the conditions that are met, and execute each in one transaction.

What is met is found by one statement over all conditions. Each is then executed by the routine
``execute_condition``, which looks again under the locks of the issue and the condition: a runner
that comes second finds it done, and one that is killed leaves either everything or nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .. import queries
from ..engine.base import Server
from ..errors import Fault, ServerError
from ..orders import Clock
from ..queries import Query

DUE_MAX = 1_000_000
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Due:
    """A condition that is met, by a prediction or, where there is none, by the last price."""

    condition_id: int
    prediction_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """
    What became of a condition that was met.

    `status` is that of its order; ``skipped`` where another runner was first or it is met no more,
    and ``paused`` where no order can be made of it: `reason` says why.
    """

    condition_id: int
    prediction_id: int | None
    status: str
    reason: str | None
    order_id: int | None
    filled_quantity: int
    filled_value_won: int


DUE = Query("conditions/due", Due)


def due(server: Server, *, clock: Clock) -> list[Due]:
    """Return the conditions that are met at `clock`, each with its best prediction, by number."""
    return server.fetch(DUE, at=clock.cells[1], row_limit=DUE_MAX)


def run(
    server: Server, *, clock: Clock, seen: Callable[[Executed], None] = lambda _: None
) -> list[Executed]:
    """
    End the conditions whose time is over, then execute those that are met.

    Killed and run again, or run by several at a time, each places its order once.
    """
    expire(server, clock=clock)
    done = []
    for each in due(server, clock=clock):
        done.append(execute(server, each, clock=clock))
        seen(done[-1])
    return done


def expire(server: Server, *, clock: Clock) -> None:
    """End the conditions whose time is over, in one transaction."""
    sql = queries.text(server.engine, "signals/expire_conditions", server.version[0])
    with server.transaction(isolation="read committed"):
        server.rows(sql, _moment(clock))


def execute(server: Server, wanted: Due, *, clock: Clock) -> Executed:
    """Execute one condition that is met, in one transaction; it is looked at again under locks."""
    sql = queries.text(server.engine, "signals/execute_condition", server.version[0])
    asked = {
        "condition_id": wanted.condition_id,
        "prediction_id": wanted.prediction_id,
        **_moment(clock),
    }
    for left in reversed(range(_TRIES)):
        try:
            row = server.rows(sql, asked)[0]
            break
        except ServerError as exc:
            if exc.fault is not Fault.RETRY or not left:
                raise
    return Executed(condition_id=wanted.condition_id, prediction_id=wanted.prediction_id, **row)


def _moment(clock: Clock) -> dict[str, str | None]:
    business_date, at = clock.cells
    return {"date": business_date, "at": at}
