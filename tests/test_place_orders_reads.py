"""What a batch reads does not grow with the orders that are there and that it does not meet."""

from collections.abc import Iterator

import pytest
from conftest import Labs
from trading import CLOCK, Bed, bed_of, rows_read

from stockops import orders
from stockops.engine import ENGINES
from stockops.orders import Order

BESIDE = 600


@pytest.fixture(params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with bed_of(all_labs.get(str(request.param))) as made:
        yield made


def rows_read_by(bed: Bed, wanted: list[Order]) -> int:
    """Place a batch, which is filled; return how many rows were read for it."""
    before = rows_read(bed.server)
    answers = orders.place_many(bed.server, wanted, clock=CLOCK)
    assert {answer.status for answer in answers} == {"filled"}
    return rows_read(bed.server) - before


def test_a_batch_reads_no_orders_that_it_cannot_meet(bed: Bed) -> None:
    symbol, another = bed.stock(50_000), bed.stock(50_000)
    seller = bed.account(holds={symbol: 10 * BESIDE, another: BESIDE})
    buyer = bed.account(10_000_000_000)

    def batch() -> list[Order]:
        return [bed.order(buyer, "buy", symbol, 1) for _ in range(3)]

    def resting(count: int, limit_won: int, of: str = symbol) -> None:
        asked = [bed.order(seller, "sell", of, 1, limit_won) for _ in range(count)]
        answers = orders.place_many(bed.server, asked, clock=CLOCK)
        assert {answer.status for answer in answers} == {"open"}

    resting(5, 60_000)
    # The session keeps the plans that it makes now, in a small database that is known to be small.
    if bed.engine == "postgresql":
        bed.server.execute("ANALYZE")
    few = rows_read_by(bed, batch())
    # Else the house would buy at the last price what is to rest.
    bed.server.execute("UPDATE stock_inventory SET last_won = 50000")
    resting(BESIDE, 60_100)
    resting(BESIDE, 60_100, of=another)
    resting(5, 60_000)
    many = rows_read_by(bed, batch())
    assert few <= many < few + 100
