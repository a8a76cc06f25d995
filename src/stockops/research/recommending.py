"""
What users are advised, from valid predictions: ranked for each user and business date.

A list is stored once; a run later on the day replaces those that came out different. The database
refuses a recommendation by a quarantined prediction, and takes back those of one that is
quarantined afterwards.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from .. import advisory, counts, market, queries
from ..engine.base import Server
from ..errors import ConfigError
from ..plan import Step
from ..queries import Query
from .backtesting import line_of
from .weekfigures import User

TOP = 5
_STALE_AFTER = timedelta(days=1)  # of a prediction that names no end
_WAIT_S = 5.0
_COLUMNS = (
    "user_id", "business_date", "rank_no", "prediction_id", "symbol", "side", "score", "reason",
    "recommended_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Advised:
    """What a user is to be advised, and what it follows from; `expected_percent` is a gain."""

    user_id: int
    rank_no: int
    prediction_id: int
    symbol: str
    name: str
    side: str
    score: Decimal
    model_version: str
    confidence: Decimal
    target_won: int | None
    price_won: int
    expected_percent: Decimal
    shares: int

    @property
    def reason(self) -> str:
        """Why, in words."""
        sure = f"with confidence {self.confidence}"
        held = f"; {self.shares} shares are held" if self.side == "sell" else ""
        if self.target_won is None:
            return f"{self.model_version} says {self.side} and names no price, {sure}{held}"
        way = "above" if self.side == "buy" else "below"
        return (
            f"{self.model_version} expects {self.target_won} won, {self.expected_percent:.2f} % "
            f"{way} the last price of {self.price_won} won, {sure}{held}"
        )


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One line of the list of a user and a date."""

    user_id: int
    rank_no: int
    prediction_id: int
    symbol: str
    side: str
    score: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The business date and the instant that advice is for."""

    on: date
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """All lists of a date: the lines, and of how many users they are new, changed or taken back."""

    lines: Sequence[Recommendation]
    new: int
    changed: int
    gone: int
    kept: int


RECOMMENDED = Query("research/recommended", Advised)
STORED = Query("research/recommendations_stored", Recommendation)
USER = Query("research/user", User)


def recommend(
    server: Server,
    moment: Moment,
    *,
    user_id: int | None = None,
    top: int = TOP,
    write: bool = True,
) -> Lists:
    """
    Rank what is valid at `moment` and store it, in one transaction; without `write` only rank.

    The connection has to be one for bulk loads. Raises `Refused` on a day when the market is
    closed, and `ConfigError` where there is no such user.
    """
    market.require_business_day(server, moment.on)
    if user_id is not None and not server.fetch(USER, user_id=user_id):
        raise ConfigError(f"there is no user {user_id}", hint="Name the user by number.")
    if not write:
        return _lists(server, moment, user_id, top)[0]
    with (
        advisory.alone(server, "run of recommendations", wait_s=_WAIT_S),
        server.transaction(isolation="read committed"),
    ):
        lists, other = _lists(server, moment, user_id, top)
        forget = queries.text(server.engine, "researching/forget_advice", server.version[0])
        for user in other:
            server.execute(forget, {"user_id": user, "on": moment.on})
        at = _said(moment.at)
        rows = (
            {**asdict(line), "business_date": moment.on, "recommended_at": at}
            for lines in other.values()
            for line in lines
        )
        server.load(
            "ai_recommendations", _COLUMNS, (line_of([row[c] for c in _COLUMNS]) for row in rows)
        )
    return lists


def steps(lists: Lists, moment: Moment) -> list[Step]:
    """Return what would be written, from a run without `write`."""
    said = (
        (lists.new, "store the list of {}", "valid predictions advise them"),
        (lists.changed, "replace the list of {}", "predictions or prices are other ones"),
        (lists.gone, "take back the list of {}", "nothing that is valid advises them"),
    )
    return [
        Step(action=f"{words.format(counts.of(count, 'user'))} for {moment.on}", why=why)
        for count, words, why in said
        if count
    ]


def _lists(
    server: Server, moment: Moment, user_id: int | None, top: int
) -> tuple[Lists, Mapping[int, list[Recommendation]]]:
    """Return all lists, and by user those that are not stored like that."""
    advised = server.fetch(
        RECOMMENDED,
        user_id=user_id,
        on=moment.on,
        at=_said(moment.at),
        stale_at=_said(moment.at - _STALE_AFTER),
        top=top,
    )
    lines = [
        Recommendation(
            each.user_id, each.rank_no, each.prediction_id, each.symbol, each.side, each.score,
            each.reason,
        )
        for each in advised
    ]  # fmt: skip
    found = _by_user(lines)
    stored = _by_user(server.fetch(STORED, on=moment.on, user_id=user_id))
    other = {
        user: found.get(user, [])
        for user in sorted(found.keys() | stored.keys())
        if found.get(user) != stored.get(user)
    }
    lists = Lists(
        lines=lines,
        new=len(found.keys() - stored.keys()),
        changed=len(other.keys() & found.keys() & stored.keys()),
        gone=len(stored.keys() - found.keys()),
        kept=len(found.keys() - other.keys()),
    )
    return lists, other


def _by_user(lines: Sequence[Recommendation]) -> dict[int, list[Recommendation]]:
    return {user: [*group] for user, group in itertools.groupby(lines, attrgetter("user_id"))}


def _said(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
