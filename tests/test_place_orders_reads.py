"""What a batch reads does not grow with the orders that are there and that it does not meet."""

from collections.abc import Iterator

import pytest
from conftest import Labs
from trading import CLOCK, Bed, bed_of

from stockops import orders
from stockops.engine import ENGINES
from stockops.orders import Order

BESIDE = 600
READ = {
    "postgresql": (
        "SELECT sum(idx_tup_fetch) AS n FROM pg_stat_user_tables WHERE relname = 'orders'"
    ),
    "mariadb": (
        "SELECT sum(variable_value) AS n FROM information_schema.session_status "
        "WHERE variable_name LIKE 'Handler_read%%'"
    ),
}


@pytest.fixture(params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with bed_of(all_labs.get(str(request.param))) as made:
        yield made


def rows_read(bed: Bed, wanted: list[Order]) -> int:
    """Place a batch, which is filled; return how many rows were read for it."""
    counts = []
    for placed in (False, True):
        if placed:
            answers = orders.place_many(bed.server, wanted, clock=CLOCK)
            assert {answer.status for answer in answers} == {"filled"}
        if bed.engine == "postgresql":
            bed.server.rows("SELECT pg_stat_force_next_flush()")
        counts.append(int(bed.one(READ[bed.engine])))
    return counts[1] - counts[0]


def test_a_batch_reads_no_orders_that_it_cannot_meet(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    seller = bed.account(holds={symbol: 10 * BESIDE})
    buyer = bed.account(10_000_000_000)

    def batch() -> list[Order]:
        return [bed.order(buyer, "buy", symbol, 1) for _ in range(3)]

    def resting(count: int, limit_won: int) -> None:
        asked = [bed.order(seller, "sell", symbol, 1, limit_won) for _ in range(count)]
        answers = orders.place_many(bed.server, asked, clock=CLOCK)
        assert {answer.status for answer in answers} == {"open"}

    resting(5, 60_000)
    few = rows_read(bed, batch())
    # Else the house would buy at the last price what is to rest.
    bed.server.execute("UPDATE stock_inventory SET last_won = 50000")
    # The session keeps the plans that it made while there were few orders.
    resting(BESIDE, 60_100)
    resting(5, 60_000)
    many = rows_read(bed, batch())
    assert few <= many < few + 100
