"""The trading load of experiments: what a short run says of a server."""

import pytest
from conftest import Labs

from stockops.engine import connect
from stockops.errors import Finding
from stockops.experiments import load
from stockops.experiments.load import Load
from stockops.targets import Target


def measured(target: Target) -> Load:
    """The shortest load in which this machine answers anything."""
    for seconds in (1.5, 8.0):
        try:
            return load.measure(target, seconds=seconds, clients=2, warmup_s=0.2)
        except Finding:
            continue
    pytest.fail("no order was answered in 8 s")


def test_a_short_load_says_what_it_did_and_what_it_cost(market: Target) -> None:
    with connect(market) as server:
        load.settle(server)
        before = server.rows("SELECT count(*) AS n FROM orders")[0]["n"]
    found = measured(market)
    with connect(market) as server:
        placed = server.rows("SELECT count(*) AS n FROM orders")[0]["n"] - before
    assert 1.4 < found.seconds < 12
    assert 0 < found.accepted <= found.orders
    assert found.accepted <= placed  # some are refused without a row
    assert found.orders_per_s == pytest.approx(
        (found.orders + found.cancels) / (found.seconds + 0.2), rel=0.5
    )
    assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms
    assert 200 < found.log_bytes_per_order < 200_000
    assert all(moved >= 0 for moved in found.counters.values())
    assert found.counters.get("hot_updates", 0) <= found.counters.get("updates", 0)


def test_the_bytes_of_the_log_are_those_that_the_server_wrote(all_labs: Labs) -> None:
    lab = all_labs.get("mariadb")
    with connect(lab.url()) as server:
        server.execute("CREATE OR REPLACE TABLE written (said LONGTEXT)")
        before = load.counted(server)
        server.execute("INSERT INTO written SELECT repeat('x', 1000000)")
        server.execute("FLUSH BINARY LOGS")  # a new file: its positions begin anew
        after = load.counted(server)
        server.execute("DROP TABLE written")
    moved = {name: after[name] - before[name] for name in after}
    assert 1_000_000 < moved["binlog_bytes"] < 1_200_000
    assert 1_000_000 < moved["redo_bytes"] < 1_500_000
