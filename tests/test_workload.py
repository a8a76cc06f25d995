"""Load: what is drawn, how it is paced, what is counted."""

import json
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import eventually
from hypothesis import given
from hypothesis import strategies as st

from stockops import journal, workload
from stockops.cli import main
from stockops.engine import connect
from stockops.errors import ConfigError
from stockops.targets import Target
from stockops.workload import RunPlan, Tick, mix_of
from stockops.workload.ground import Ground, Holding, Marks, Payer, survey
from stockops.workload.latency import coarse, sample_verdict, summed
from stockops.workload.requests import Cancel, Requests
from stockops.workload.result import Failure, RunResult, Tally
from stockops.workload.shares import share, shares
from stockops.workload.stall import Gaps, longest

DAY = date(2025, 1, 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"clients": 0}, "0 clients"),
        ({"clients": 500}, "500 clients cannot be run: it takes 1 to 128"),
        ({"seconds": 0.0}, "0.0 seconds"),
        ({"warmup_s": -1.0}, "a warm-up of -1 seconds"),
        ({"warmup_s": float("nan")}, "a warm-up of nan seconds"),
        ({"orders": 0}, "0 orders"),
        ({"rate_per_s": -1.0}, "not a rate"),
        ({"batch": 1001}, "batch of 1001"),
        ({"mix": {"cancel": 10}}, "holds no orders"),
        ({"skew": "zipff"}, "no skew"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_plan_that_cannot_be_run_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RunPlan(**wrong)  # type: ignore[arg-type]


def test_a_mix_is_read_and_its_mistakes_are_named() -> None:
    assert mix_of("market:30, limit:60,cancel:10") == {"market": 30, "limit": 60, "cancel": 10}
    with pytest.raises(ConfigError, match="markt") as caught:
        mix_of("markt:3")
    assert caught.value.hint == "Did you mean market?"
    for text in ("limit", "limit:-1", "limit:1,limit:2", "limit:x", ""):
        with pytest.raises(ConfigError):
            mix_of(text)


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=50))
def test_counted_latencies_keep_three_digits(values: list[int]) -> None:
    counts = coarse(values)
    assert sum(counts.values()) == len(values)
    assert abs(max(counts) - max(values)) <= max(values) / 1000


def test_percentiles_are_those_of_the_values() -> None:
    latency = summed(coarse(range(1, 10_001)))
    assert latency.answers == 10_000
    for found, wanted in (
        (latency.p50_us, 5_000),
        (latency.p99_us, 9_900),
        (latency.p999_us, 9_990),
        (latency.max_us, 10_000),
    ):
        assert found == pytest.approx(wanted, rel=0.002)
    assert sum(count for _, _, count in latency.histogram) == 10_000
    assert summed({}).answers == 0


def test_a_sample_says_how_far_it_carries() -> None:
    assert "every percentile up to p99.9" in sample_verdict(10_000)
    assert "carry p99;" in sample_verdict(9_999)
    assert "no percentile" in sample_verdict(3)


def test_tallies_add_up_and_the_first_failure_stays() -> None:
    whole = Tally()
    whole.add(Tally(answers=Counter({("open", None): 2}), ended_ns=5))
    whole.add(Tally(answers=Counter({("open", None): 1}), failure=Failure.of(ConfigError("a"))))
    whole.add(Tally(failure=Failure.of(ConfigError("b"))))
    assert whole.answers == {("open", None): 3}
    assert whole.ended_ns == 5
    assert whole.failure is not None
    error = whole.failure.error
    assert (type(error), str(error)) == (ConfigError, "a")


def test_the_same_seed_draws_the_same_orders(market: Target) -> None:
    plan = RunPlan(seed=7, business_date=DAY, skew="zipf")
    with connect(market) as server:
        ground = survey(server, plan)

    def drawn(client: int, sizes: list[int]) -> list[object]:
        requests = Requests(ground, plan, run_id="r", client=client)
        return [each for size in sizes for each in requests.take(size)]

    assert drawn(0, [100]) == drawn(0, [1, 63, 36])
    assert drawn(0, [100]) != drawn(1, [100])
    assert not any(isinstance(each, Cancel) for each in drawn(0, [100]))
    first = Counter(each[1] for each in drawn(0, [2000]) if isinstance(each, tuple))
    assert first.most_common(1)[0][1] > 2000 / len(ground.payers) * 2  # zipf


def test_a_closed_loop_answers_every_order(market: Target, tmp_path: Path) -> None:
    ticks: list[Tick] = []
    plan = RunPlan(clients=3, orders=301, journal=tmp_path / "j", business_date=DAY)
    result = workload.run(market, plan, progress=ticks.append)
    assert result.failure is None
    assert result.orders + result.cancels == 301
    assert result.accepted >= 0.9 * result.orders
    assert result.trades
    assert result.value_won
    assert result.response == result.service
    assert result.service.answers == 301
    assert sum(second.answered for second in result.series) == 301
    assert result.unknowns.met == result.retries == result.dropped == 0
    assert set(result.outcomes) & {"filled", "open"}
    assert {"max_connections"} <= result.settings.keys()
    assert result.sealed > 0
    json.dumps(result.as_json())
    with connect(market) as server:
        assert journal.audit(server, tmp_path / "j").clean


@pytest.mark.parametrize("rate_per_s", [None, 2_000.0], ids=["closed loop", "open loop"])
def test_a_run_cut_by_the_clock_and_its_audit_count_the_same(
    market: Target, tmp_path: Path, rate_per_s: float | None
) -> None:
    """A group is written down before its first send: what the end cuts off was never asked."""
    folder, mix = tmp_path / "j", {"limit": 50, "cancel": 50}
    plan = RunPlan(
        clients=1, seconds=2.0, mix=mix, journal=folder, rate_per_s=rate_per_s, business_date=DAY
    )
    result = workload.run(market, plan)
    assert result.failure is None
    with connect(market) as server:
        verdict = journal.audit(server, folder)
    assert verdict.clean
    assert verdict.acknowledged == verdict.in_database == result.orders > 0
    assert verdict.cancels == result.cancels
    assert verdict.cancels_unanswered == 0
    files = [file.read_text() for file in folder.glob("client-*")]
    meant = sum(text.count('["c"') for text in files)
    assert meant == result.cancels + sum(text.count('["v"') for text in files) > 0


def test_batches_answer_every_order(market: Target, tmp_path: Path) -> None:
    plan = RunPlan(clients=2, orders=300, batch=50, journal=tmp_path / "j", business_date=DAY)
    result = workload.run(market, plan)
    assert result.failure is None
    assert result.orders + result.cancels == 300
    assert result.service.answers < 60
    assert result.shares == result.as_json()["shares"] == 2
    with connect(market) as server:
        assert journal.audit(server, tmp_path / "j").clean


@given(st.integers(1, 12), st.integers(1, 40), st.integers(1, 40))
def test_clients_with_batches_share_out_the_market(
    clients: int, issues: int, accounts: int
) -> None:
    ground = made_up(issues, accounts)
    plan = RunPlan(clients=clients, batch=10)
    count = shares(ground, plan)
    assert count == min(clients, issues, accounts)
    mine = [share(ground, plan, client) for client in range(clients)]
    for name in ("symbols", "payers"):
        dealt = [each for ground in mine[:count] for each in getattr(ground, name)]
        assert sorted(map(str, dealt)) == sorted(map(str, getattr(ground, name)))  # once each
    for n, part in enumerate(mine):
        assert part == mine[n % count]
        assert [ladder[0] for ladder in part.ladders] == [int(s) for s in part.symbols]
        ours = {payer.account_id for payer in part.payers}
        assert part.holdings == [
            h for h in ground.holdings if h.symbol in part.symbols and h.account_id in ours
        ]
        alone = replace(plan, batch=1)
        assert (shares(ground, alone), share(ground, alone, n)) == (1, ground)


def made_up(issues: int, accounts: int) -> Ground:
    symbols = [f"{n:06d}" for n in range(1, issues + 1)]
    return Ground(
        engine="postgresql",
        server_version="18",
        settings={},
        business_date=DAY,
        symbols=symbols,
        ladders=[[int(symbol)] for symbol in symbols],
        payers=[Payer(1000 + n, 1_000_000) for n in range(accounts)],
        holdings=[
            Holding(1000 + n, symbols[(n * 7 + turn) % issues], 100)
            for n in range(accounts)
            for turn in range(2)
        ],
        marks=Marks(0, 0),
    )


def test_an_open_loop_counts_from_the_intended_start(market: Target) -> None:
    plan = RunPlan(clients=2, seconds=2.0, rate_per_s=5_000.0, business_date=DAY, seal=False)
    result = workload.run(market, plan)
    assert result.failure is None
    assert result.offered_per_s == 5_000.0
    # Far more than it can take: most is late or dropped, and the response says so.
    assert result.late > 0.9 * result.service.answers
    assert 7_000 < result.orders + result.cancels + result.dropped < 13_000
    assert result.response.p90_us > 5 * result.service.p50_us


def test_more_clients_than_connections_are_refused(market: Target) -> None:
    with connect(market) as server:
        room = server.fetch(workload.ground.ROOM)[0]
    if room.connections_max > 128:
        pytest.skip("this server has room for every number of clients")
    with pytest.raises(ConfigError, match=f"of the server's {room.connections_max} are free"):
        workload.run(market, RunPlan(clients=128))


def test_a_warm_up_is_left_out_of_the_times_and_not_of_the_orders(
    market: Target, tmp_path: Path
) -> None:
    folder = tmp_path / "j"
    plan = RunPlan(clients=2, warmup_s=1.5, seconds=1.5, journal=folder, business_date=DAY)
    result = workload.run(market, plan)
    assert result.failure is None
    assert 2.9 < result.elapsed_s < 30.0  # 3 s were asked for; a busy machine begins late
    assert result.warmup_answered > 0
    requests = result.orders + result.cancels
    assert result.service.answers == requests - result.warmup_answered > 0
    measured_s = result.elapsed_s - 1.5
    assert result.achieved_per_s == pytest.approx(result.service.answers / measured_s, rel=0.01)
    assert sum(second.answered for second in result.series) == requests
    said = result.as_json()
    assert (said["warmup_s"], said["warmup_answered"]) == (1.5, result.warmup_answered)
    with connect(market) as server:
        assert journal.audit(server, folder).acknowledged == result.orders


def test_a_run_that_ends_within_its_warm_up_has_measured_nothing(market: Target) -> None:
    said = CliRunner().invoke(
        main,
        ["trade", "run", "-t", market.url, "--orders", "5", "--warmup", "60", "--no-journal"],
    )
    assert said.exit_code == 1
    assert "over within its warm-up of 60 s" in said.stderr
    assert "5 answers are left out" in said.stdout


def test_a_run_on_a_saturday_is_no_success(market: Target) -> None:
    done = CliRunner().invoke(
        main,
        ["trade", "run", "-t", market.url, "--orders", "5", "--date", "2026-12-26", "--no-journal"],
    )
    assert done.exit_code == 1, done.stderr
    assert "no order was accepted: 5 of 5 were rejected/closed_session" in done.stderr


def test_a_stubborn_run_outlives_errors_that_end_another(market: Target, tmp_path: Path) -> None:
    """The ticks of prices are gone for a while, as the room on a disk may be."""
    with ExitStack() as back:
        ticks: list[Tick] = []

        def take_away(tick: Tick) -> None:
            ticks.append(tick)
            if len(ticks) == 1:
                server = back.enter_context(connect(market))
                server.execute("ALTER TABLE tick_sizes RENAME TO tick_sizes_gone")
                back.callback(server.execute, "ALTER TABLE tick_sizes_gone RENAME TO tick_sizes")
            elif len(ticks) == 2:
                back.close()

        plan = RunPlan(
            clients=2,
            seconds=4.0,
            rate_per_s=50.0,
            journal=tmp_path / "j",
            business_date=DAY,
            moments=tmp_path,
            stubborn=True,
        )
        result = workload.run(market, plan, progress=take_away)
    assert result.failure is None
    assert sum(result.errors.values()) >= 2
    seen = [*workload.Reader(tmp_path).new()]
    answered = [each for each in seen if isinstance(each, workload.Answered)]
    failed = [each for each in seen if isinstance(each, workload.Failed)]
    assert len(answered) == result.orders + result.cancels
    assert {each.fault for each in failed} == {"other"}
    assert len(failed) == result.retries
    assert max(each.ended_ns for each in answered) > max(each.at_ns for each in failed)
    with connect(market) as server:
        assert journal.audit(server, tmp_path / "j").clean


def locked_for_two_ticks(market: Target) -> tuple[RunResult, list[Tick]]:
    """Run orders, every issue locked from the first tick after an answer, for two ticks."""
    with ExitStack() as locks:
        ticks: list[Tick] = []

        def lock(tick: Tick) -> None:
            if not tick.answered:  # a busy machine: the clients have only just begun
                return
            ticks.append(tick)
            if len(ticks) == 1:
                server = locks.enter_context(connect(market))
                locks.enter_context(server.transaction())
                server.rows("SELECT symbol FROM stock_inventory FOR UPDATE")
            elif len(ticks) == 3:
                locks.close()

        plan = RunPlan(
            clients=3,
            seconds=6.0,
            rate_per_s=150.0,
            mix={"limit": 1},
            business_date=DAY,
            seal=False,
        )
        return workload.run(market, plan, progress=lock), ticks


def test_a_stall_is_measured_where_it_was(market: Target) -> None:
    for _ in range(3):
        result, ticks = locked_for_two_ticks(market)
        if ticks[0].elapsed_s < 1.5:
            break  # else the clients took longer to begin than the lock was held
    assert result.failure is None
    assert result.stall is not None
    locked_s = ticks[2].elapsed_s - ticks[0].elapsed_s
    assert ticks[0].elapsed_s - 0.1 < result.stall.start_s < ticks[1].elapsed_s
    assert locked_s - 0.5 < result.stall.length_s < locked_s + 1.0
    assert result.as_json()["stall"] == {
        "start_s": result.stall.start_s,
        "length_s": result.stall.length_s,
    }


@given(
    st.lists(st.lists(st.integers(0, 2_000), max_size=30), min_size=1, max_size=4),
    st.integers(0, 500),
    st.integers(500, 2_000),
)
def test_the_longest_stall_is_that_of_all_clients_together(
    clients: list[list[int]], begin: int, end: int
) -> None:
    ms = 1_000_000
    every: list[Gaps] = []
    for answers in clients:
        gaps = Gaps()
        gaps.answered(at * ms for at in sorted(answers))
        every.append(gaps)
    found = longest(every, measured=(begin * ms, end * ms), start_ns=0)
    inside = {at for answers in clients for at in answers if begin <= at <= end}
    lengths = [b - a for a, b in pairwise(sorted({begin, *inside, end}))]
    if max(lengths, default=0) < 10:
        assert found is None
    else:
        assert found is not None
        assert found.length_s == pytest.approx(max(lengths) / 1000)


def test_an_empty_database_names_the_way_to_fill_it(market: Target) -> None:
    with connect(market) as server:
        server.execute("UPDATE stocks SET status = 'halted'")
    with pytest.raises(ConfigError, match="no issue takes orders"):
        workload.run(market, RunPlan(business_date=DAY))


def test_ctrl_c_and_sigterm_print_the_result_and_leave_no_process(
    market: Target, tmp_path: Path
) -> None:
    number = signal.SIGINT if market.engine == "postgresql" else signal.SIGTERM
    command = [sys.executable, "-m", "stockops", "trade", "run", "-t", market.url]
    command += ["--seconds", "60", "--journal", str(tmp_path / "j"), "--format", "json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True
    )
    try:
        eventually(lambda: list((tmp_path / "j").glob("client-*")))
        eventually(lambda: '"a"' in (tmp_path / "j" / "client-000.jsonl").read_text())
        children = Path("/proc") / str(process.pid) / "task" / str(process.pid) / "children"
        pids = children.read_text().split()
        assert len(pids) >= 4
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    said = json.loads(out)
    assert said["interrupted"]
    assert said["orders"] > 0
    assert "interrupted" in err
    assert not any((Path("/proc") / pid).exists() for pid in pids)
    with connect(market) as server:
        assert journal.audit(server, tmp_path / "j").clean
