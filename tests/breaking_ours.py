"""Ways to break what stockops watches besides servers: business, books, jobs, drills, itself."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from alerting import running
from breaking import Place, Way, meanwhile

from stockops import health, state
from stockops.books import record
from stockops.books.record import Record
from stockops.drills import history
from stockops.drills.history import Verdict
from stockops.engine.base import Server
from stockops.health import Outcome, Report, State, last
from stockops.jobs import records

DAY_S = 86_400.0


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


# The exporter.


@contextmanager
def exporter_stands_still(place: Place) -> Iterator[None]:
    place.exporter.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        place.exporter.send_signal(signal.SIGCONT)


@contextmanager
def file_is_damaged(place: Place) -> Iterator[None]:
    del place
    path = state.folder("jobs") / "damaged.json"
    path.write_text("{")
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def paused(place: Place) -> Iterator[None]:
    del place
    path = state.folder() / "exporter.stop"
    path.touch()
    try:
        yield
    finally:
        path.unlink()


# What checks came to.


@contextmanager
def checked(place: Place, *, state: State, count: int = 1, age_s: float = 0) -> Iterator[None]:
    """Have checks come to `state`; they are well again after the block."""
    _checks(place, state=state, count=count, at=ago(age_s))
    try:
        yield
    finally:
        _checks(place, state=State.OK, count=1, at=ago(0))


def _checks(place: Place, *, state: State, count: int, at: datetime) -> None:
    [check] = [each for each in health.load(place.target.engine) if each.name == "deadlocks"]
    last.keep(
        Report(
            target=place.name,
            engine=place.target.engine,
            at=at,
            reason="ok",
            outcomes=[
                Outcome(check=replace(check, name=f"check_{n}" if n else check.name), state=state)
                for n in range(count)
            ],
        )
    )


@contextmanager
def too_many_checks(place: Place) -> Iterator[None]:
    with checked(place, state=State.OK, count=3000):
        yield
    path = last.keep(
        Report(target=place.name, engine="", at=datetime.now(UTC), reason="ok", outcomes=[])
    )
    path.unlink()


# The books and the business.


@contextmanager
def books(place: Place, *, age_s: float = 0, violated: int = 0, idle: int = 0) -> Iterator[None]:
    """Have the books be checked `age_s` ago, with this outcome; they hold after the block."""
    record.write(
        place.name,
        Record(checked_at=ago(age_s), held=20, violated=violated, inconclusive=idle),
    )
    try:
        yield
    finally:
        record.write(place.name, Record(checked_at=ago(0), held=20, violated=0, inconclusive=0))


@contextmanager
def ordering(place: Place, *, rejected: bool) -> Iterator[None]:
    """Place orders that rest and meet nobody, or that are rejected."""
    symbol = place.bed.stock(50_000, house=0)
    account = place.bed.account()
    placed: list[int] = []

    def act(server: Server) -> None:
        answer = replace(place.bed, server=server).buy(
            account, symbol, 1, 49_000 if not rejected else 49_001
        )
        if answer.status == "open" and answer.order_id:
            placed.append(answer.order_id)

    with meanwhile(place, act, pause_s=0.05):
        yield
    for number in placed:
        place.bed.cancel(number)


@contextmanager
def an_order_rests(place: Place) -> Iterator[None]:
    symbol = place.bed.stock(50_000, house=0)
    placed = place.bed.buy(place.bed.account(), symbol, 1, 49_000)
    try:
        yield
    finally:
        place.bed.cancel(placed.order_id)


@contextmanager
def a_notice_waits(place: Place) -> Iterator[None]:
    place.bed.account()
    [user] = place.admin.rows("SELECT min(user_id) AS id FROM users")
    place.admin.execute(
        "INSERT INTO notifications (user_id, kind, channel, body, created_at) "
        f"VALUES ({user['id']}, 'ai_warning', 'email', 'x', now() - interval '1' hour)"
    )
    try:
        yield
    finally:
        place.admin.execute("UPDATE notifications SET status = 'sent', sent_at = now()")


# Jobs.


def _job(name: str, *command: str, every: str = "1d") -> None:
    subprocess.run(
        [sys.executable, "-m", "stockops", "job", "run", name, "--every", every, "--", *command],
        check=False, timeout=60, capture_output=True,
    )  # fmt: skip


@contextmanager
def job_fails(place: Place) -> Iterator[None]:
    del place
    _job("fails", "false")
    try:
        yield
    finally:
        _job("fails", "true")


@contextmanager
def job_never_runs(place: Place) -> Iterator[None]:
    del place
    records.expect("never", every_s=86_400)
    try:
        yield
    finally:
        _job("never", "true")
        records.forget("never")


@contextmanager
def job_is_missed(place: Place) -> Iterator[None]:
    del place
    _job("missed", "true", every="1s")  # and never again
    try:
        yield
    finally:
        _job("missed", "true")


@contextmanager
def job_hangs(place: Place) -> Iterator[None]:
    _job("hangs", "true", every="1s")
    command = [sys.executable, "-m", "stockops", "job", "run", "hangs", "--every", "1s", "--"]
    with running([*command, "sleep", "600"], place.folder / "job.log"):
        yield
    _job("hangs", "true")


# Drills.


@contextmanager
def drilled(place: Place, *, verdict: Verdict, age_s: float = 0) -> Iterator[None]:
    """Have a drill have come out so; it passes after the block."""
    _drill(place, verdict, age_s)
    try:
        yield
    finally:
        _drill(place, Verdict.PASS, 0)


def _drill(place: Place, verdict: Verdict, age_s: float) -> None:
    engine, at = place.target.engine, ago(age_s)
    history.write(
        history.Record(
            run=history.new_run("server-killed", engine), drill="server-killed", engine=engine,
            title="x", server_version="1", started_at=at, ended_at=at, verdict=verdict,
            driver="signals", measured=history.Measured(rto_s=3.0, detected_s=1.0, lost=0),
        )
    )  # fmt: skip


WAYS: Mapping[tuple[str, str], Way] = {
    ("CollectorFails", "warning"): file_is_damaged,
    ("CollectionPaused", "warning"): paused,
    ("SeriesDropped", "warning"): too_many_checks,
    ("HealthCheck", "critical"): partial(checked, state=State.CRITICAL),
    ("HealthCheck", "warning"): partial(checked, state=State.WARNING),
    ("HealthCheckUnknown", "warning"): partial(checked, state=State.UNKNOWN),
    ("HealthCheckStale", "warning"): partial(checked, state=State.OK, age_s=8000),
    ("BooksViolated", "critical"): partial(books, violated=1),
    ("BooksNotChecked", "warning"): partial(books, age_s=4000),
    ("BooksInconclusive", "warning"): partial(books, idle=1),
    ("OrdersNotTraded", "critical"): partial(ordering, rejected=False),
    ("OrdersRejected", "warning"): partial(ordering, rejected=True),
    ("OrderStuck", "warning"): an_order_rests,
    ("NoticesUndelivered", "warning"): a_notice_waits,
    ("DrillFailed", "warning"): partial(drilled, verdict=Verdict.FAIL),
    ("DrillOverdue", "warning"): partial(drilled, verdict=Verdict.PASS, age_s=100 * DAY_S),
    ("JobFailed", "warning"): job_fails,
    ("JobNeverSucceeded", "warning"): job_never_runs,
    ("JobMissed", "critical"): job_is_missed,
    ("JobStuck", "warning"): job_hangs,
    ("ExporterDown", "critical"): exporter_stands_still,
}
