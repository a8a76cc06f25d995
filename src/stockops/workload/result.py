"""What came of a run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from .. import __version__
from ..engine import connect
from ..errors import Fault, ServerError, StockopsError
from ..targets import Target
from .board import Board
from .ground import TRADED, Ground, Traded
from .latency import Latency, sample_verdict, summed
from .plan import RunPlan
from .shares import shares
from .stall import Gaps, Stall, longest

__all__ = ["Latency", "RunResult", "Second", "Tally", "Unknowns", "conclude"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error that goes from one process to another: drivers' errors do not travel."""

    kind: str
    message: str
    hint: str | None
    fault: Fault = Fault.OTHER
    code: str = ""

    @classmethod
    def of(cls, exc: StockopsError) -> "Failure":
        """Return `exc` in a form that travels."""
        kind, message = type(exc).__name__, str(exc)
        if isinstance(exc, ServerError):
            return cls(kind=kind, message=message, hint=exc.hint, fault=exc.fault, code=exc.code)
        return cls(kind=kind, message=message, hint=exc.hint)

    @property
    def error(self) -> StockopsError:
        """The error, as it was raised."""
        if self.kind == ServerError.__name__:
            return ServerError(self.message, fault=self.fault, code=self.code, hint=self.hint)
        kinds = {each.__name__: each for each in StockopsError.__subclasses__()}
        return kinds.get(self.kind, StockopsError)(self.message, hint=self.hint)


@dataclass(slots=True)
class Tally:
    """
    What one client counted; tallies add up, but for the gaps.

    `answers` is by (status, reason), `errors` by (fault, code), `seconds` by the second of the run
    in which the answer came; the latencies are counts of microseconds.
    """

    answers: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    accepted_seconds: Counter[int] = field(default_factory=Counter)
    cancels: Counter[str] = field(default_factory=Counter)
    response: Counter[int] = field(default_factory=Counter)
    service: Counter[int] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    gaps: Gaps = field(default_factory=Gaps)
    cpu_us: int = 0
    ended_ns: int = 0
    failure: Failure | None = None

    def add(self, other: "Tally") -> None:
        """Add the numbers of `other`; the first failure stays."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
        self.cpu_us += other.cpu_us
        self.ended_ns = max(self.ended_ns, other.ended_ns)
        self.failure = self.failure or other.failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of a run: how many requests were answered in it, how many of them accepted."""

    second: int
    answered: int
    accepted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknowns:
    """Requests whose answer was lost, and what asking again by the same key said of them."""

    met: int
    committed: int
    not_committed: int
    unsettled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """
    What came of a run.

    `outcomes` is by status, or status/reason; `errors` by fault/code. `offered_per_s` is None in
    a closed loop. `response` counts from when a request was meant to start, `service` from when it
    was sent; both are per call, so per batch where there are batches. `late` requests started more
    than 1 ms after they were meant to, `dropped` ones were due and never started. `trades` and
    `value_won` are what the database traded meanwhile. `shares` is into how many parts of its own
    the issues and accounts were dealt to the clients; 1: every client drew from all of them.

    `elapsed_s` and the numbers of requests are of the whole run. The `warmup_answered` requests
    of its first `warmup_s` are left out of `achieved_per_s`, `response`, `service`, `late` and
    `sample`. `stall` is the longest time after the warm-up without any answer; None where there
    was one every 10 ms.
    """

    run_id: str
    target: str
    engine: str
    server_version: str
    stockops_version: str
    config: Mapping[str, Any]
    settings: Mapping[str, str]
    business_date: str | None
    started_at: str
    elapsed_s: float
    warmup_s: float
    warmup_answered: int
    offered_per_s: float | None
    achieved_per_s: float
    shares: int
    orders: int
    accepted: int
    rejected: int
    cancels: int
    trades: int | None
    value_won: int | None
    outcomes: Mapping[str, int]
    response: Latency
    service: Latency
    late: int
    dropped: int
    retries: int
    errors: Mapping[str, int]
    unknowns: Unknowns
    sample: str
    sealed: int
    client_cpu_us_per_order: float
    journal: str | None
    stall: Stall | None
    series: Sequence[Second]
    interrupted: bool
    failure: StockopsError | None

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON can hold it; the failure is its sentence."""
        shallow = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in ("response", "service", "unknowns", "stall"):
            shallow[name] = shallow[name] and asdict(shallow[name])
        shallow["series"] = [asdict(second) for second in self.series]
        shallow["failure"] = None if self.failure is None else str(self.failure)
        return shallow


def conclude(
    target: Target,
    plan: RunPlan,
    ground: Ground,
    *,
    tallies: Sequence[Tally],
    board: Board,
    identity: tuple[str, datetime, bool],
) -> RunResult:
    """Add up what the clients counted; `identity`: the run's id, its start, whether it was cut."""
    run_id, started_at, interrupted = identity
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    elapsed_s = max(whole.ended_ns - board.started_ns, 0) / 1e9 if board.started_ns else 0.0
    measured_s, warmup = max(elapsed_s - plan.warmup_s, 0.0), whole.events["warmup"]
    answered = sum(whole.answers.values()) + sum(whole.cancels.values())
    traded, failure = _traded(target, ground, whole.failure.error if whole.failure else None)
    return RunResult(
        run_id=run_id,
        target=target.name,
        engine=ground.engine,
        server_version=ground.server_version,
        stockops_version=__version__,
        config=plan.echo,
        settings=ground.settings,
        business_date=None if ground.business_date is None else ground.business_date.isoformat(),
        started_at=started_at.isoformat(timespec="seconds"),
        elapsed_s=round(elapsed_s, 3),
        warmup_s=plan.warmup_s,
        warmup_answered=warmup,
        offered_per_s=plan.rate_per_s,
        achieved_per_s=round((answered - warmup) / measured_s, 1) if measured_s else 0.0,
        shares=shares(ground, plan),
        trades=None if traded is None else traded.trades,
        value_won=None if traded is None else traded.value_won,
        **_counted(whole, offered=plan.rate_per_s is not None),
        sample=sample_verdict(sum(whole.service.values())),
        sealed=board.sealed,
        client_cpu_us_per_order=round(whole.cpu_us / max(answered, 1), 1),
        journal=None if plan.journal is None else str(plan.journal),
        stall=_stall(tallies, plan, board, ended_ns=whole.ended_ns),
        series=[
            Second(second=n, answered=whole.seconds[n], accepted=whole.accepted_seconds[n])
            for n in range(max(whole.seconds, default=-1) + 1)
        ],
        interrupted=interrupted,
        failure=failure,
    )


def _stall(tallies: Sequence[Tally], plan: RunPlan, board: Board, *, ended_ns: int) -> Stall | None:
    start_ns = board.started_ns
    if not start_ns:
        return None
    measured = start_ns + int(plan.warmup_s * 1e9), ended_ns
    return longest((tally.gaps for tally in tallies), measured=measured, start_ns=start_ns)


def _traded(
    target: Target, ground: Ground, failure: StockopsError | None
) -> tuple[Traded | None, StockopsError | None]:
    """Ask what was traded; a server that is gone by now is a failure of the run too."""
    try:
        with connect(target, application="stockops trade") as server:
            return server.fetch(TRADED, trade_id=ground.marks.trade_id)[0], failure
    except StockopsError as exc:
        return None, failure or exc


def _counted(whole: Tally, *, offered: bool) -> dict[str, Any]:
    """Return the fields of a result that are counts or latencies of all clients together."""
    service = summed(whole.service)
    orders = sum(whole.answers.values())
    rejected = sum(n for (status, _), n in whole.answers.items() if status == "rejected")
    return {
        "orders": orders,
        "accepted": orders - rejected,
        "rejected": rejected,
        "cancels": sum(whole.cancels.values()),
        "outcomes": {
            f"{status}/{reason}" if reason else status: count
            for (status, reason), count in whole.answers.most_common()
        },
        "response": summed(whole.response) if offered else service,
        "service": service,
        "late": whole.events["late"],
        "dropped": whole.events["dropped"],
        "retries": whole.events["retries"],
        "errors": {f"{fault}/{code}": count for (fault, code), count in whole.errors.most_common()},
        "unknowns": Unknowns(
            met=whole.events["unknown"],
            committed=whole.events["settled_committed"],
            not_committed=whole.events["settled_absent"],
            unsettled=whole.events["unsettled"],
        ),
    }
