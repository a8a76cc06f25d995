"""What a run came to: all that the page shows, and what ``--format json`` prints."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from ..queries import Query

State = Literal["held", "violated", "inconclusive", "unchanged"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what ran: a setting, a version, a part of the machine."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class TableRows:
    """How many rows the seed put into one table."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class Second:
    """Orders and cancellations answered within one second of the run; the first one is 0."""

    second: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """The longest time without any answer, counted from the start of the orders."""

    start_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many answers took from `from_us` up to, but not, `to_us` microseconds."""

    from_us: float
    to_us: float
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles of the response time, in microseconds."""

    p50_us: int
    p95_us: int
    p99_us: int
    max_us: int
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many orders ended in `status`, for `reason` where there is one."""

    status: str
    reason: str | None
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolTrades:
    """What was traded in one issue."""

    symbol: str
    name: str
    trades: int
    shares: int
    value_won: int


SYMBOLS = Query("report_symbols", SymbolTrades)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """What the check of the books found about one invariant."""

    name: str
    title: str
    state: State
    looked_at: int
    violations: int
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTried:
    """
    An index, and one query without it and with it; with 95 % certainty it takes `low` to `high`
    of the time, or nobody can tell.
    """

    statement: str
    query: str
    size_bytes: int
    before_us: float
    after_us: float
    low: float | None
    high: float | None
    same_rows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """One step of the run: when it began, counted from the start, and how long it took."""

    name: str
    title: str
    started_s: float
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """
    One run of the demo, whole.

    `orders` were answered, and `outcomes` add up to them; cancellations come on top, in `seconds`
    and in `latency`. `trades` and `value_won` are what the database holds. `stall` is None where
    none was worth naming.
    """

    engine: str
    server_version: str
    stockops_version: str
    started_at: datetime  # UTC
    facts: tuple[Fact, ...]
    users: int
    accounts: int
    seeded: tuple[TableRows, ...]  # with the house's own user and accounts
    content_sha256: str
    orders: int
    trades: int
    value_won: int
    ran_s: float
    orders_per_s: float
    seconds: tuple[Second, ...]
    latency: Latency
    outcomes: tuple[Outcome, ...]
    symbols: tuple[SymbolTrades, ...]
    books: tuple[Invariant, ...]
    steps: tuple[StepTime, ...]
    stall: Stall | None = None
    index: IndexTried | None = None
    lab: str | None = None  # the lab that was kept
    report: Path | None = None

    @property
    def checked(self) -> int:
        """How many invariants had rows to look at."""
        return sum(line.state != "inconclusive" for line in self.books)

    @property
    def held(self) -> int:
        """How many invariants held."""
        return sum(line.state == "held" for line in self.books)

    @property
    def balanced(self) -> bool:
        """Whether every invariant held, and there was one at all; inconclusive is not held."""
        return bool(self.books) and self.held == len(self.books)

    @property
    def took_s(self) -> float:
        """How long the whole run took."""
        return max((step.started_s + step.took_s for step in self.steps), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Return all fields and the verdict as JSON can hold them."""
        plain = {
            "started_at": self.started_at.isoformat(),
            "report": None if self.report is None else str(self.report),
        }
        verdict = {"balanced": self.balanced, "held": self.held, "checked": self.checked}
        return {**asdict(self), **plain, **verdict}

    def rejected(self) -> tuple[Outcome, ...]:
        """Return the rejections, the commonest first."""
        return _by_number(each for each in self.outcomes if each.status == "rejected")

    def ended(self) -> tuple[Outcome, ...]:
        """Return how many orders ended in each status, whatever the reason, commonest first."""
        statuses = sorted({each.status for each in self.outcomes})
        return _by_number(
            Outcome(
                status=status,
                reason=None,
                orders=sum(each.orders for each in self.outcomes if each.status == status),
            )
            for status in statuses
        )


def _by_number(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(sorted(outcomes, key=lambda each: (-each.orders, each.reason or "")))
