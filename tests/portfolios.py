"""Portfolios for tests: on a bed of made issues, and as rows that no server knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading import Bed

from stockops.money import TICKS, Ticks
from stockops.rebalancing import Portfolio, Weight

STEPS = {"KOSPI": Ticks(TICKS)}


def portfolio(
    bed: Bed,
    account: int,
    targets: Mapping[str, int],
    *,
    cash_bp: int | None = None,
    band_bp: int = 300,
) -> int:
    """A portfolio of `account`; without `cash_bp` the issues leave the rest to the cash."""
    number = next(bed.numbers)
    cash = 10_000 - sum(targets.values()) if cash_bp is None else cash_bp
    bed.server.execute(
        "INSERT INTO portfolios (portfolio_id, user_id, account_id, name, band_bp, cash_bp, "
        "created_at) SELECT %(n)s, a.user_id, a.account_id, 'mine', %(band)s, %(cash)s, "
        "'2024-01-01' FROM accounts a WHERE a.account_id = %(account)s",
        {"n": number, "band": band_bp, "cash": cash, "account": account},
    )
    for symbol, weight in targets.items():
        bed.server.execute(
            "INSERT INTO portfolio_targets VALUES (%(n)s, %(symbol)s, %(weight)s)",
            {"n": number, "symbol": symbol, "weight": weight},
        )
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue of a made-up portfolio."""

    target_bp: int
    price_won: int | None = 10_000
    quantity: int = 0
    reserved: int = 0
    status: str = "listed"


def made_of(
    issues: Sequence[Issue], *, cash_won: int, reserved_won: int = 0, band_bp: int = 300
) -> Portfolio:
    """A portfolio of `issues` that pays 0.015 % commission and 0.2 % tax."""
    cash_bp = 10_000 - sum(issue.target_bp for issue in issues)
    return Portfolio(
        tuple(
            Weight(
                portfolio_id=1,
                user_id=1,
                account_id=1,
                portfolio_status="active",
                account_status="active",
                sharing=0,
                band_bp=band_bp,
                cash_bp=cash_bp,
                cash_won=cash_won,
                reserved_won=reserved_won,
                commission_rate=Decimal("0.00015"),
                tax_rate=Decimal("0.002"),
                symbol=f"{number:05d}0",
                market="KOSPI",
                stock_status=issue.status,
                price_won=issue.price_won,
                quantity=issue.quantity,
                reserved_quantity=issue.reserved,
                target_bp=issue.target_bp,
            )
            for number, issue in enumerate(issues, 1)
        )
    )
