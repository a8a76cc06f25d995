import time

from stockops import market as kst
from stockops.engine import connect
from stockops.targets import Target


def test_the_small_market_is_there(market: Target) -> None:
    with connect(market) as server:
        assert kst.next_business_date(server) is not None


def test_a_second_copy(market: Target) -> None:
    with connect(market) as server:
        assert server.rows("SELECT count(*) AS n FROM accounts")[0]["n"] == 45
