"""What customers want and were told at the start: portfolios, predictions, conditions, notices."""

from datetime import timedelta

from ..draws import draws
from ..money import tick_down
from .opening import FIRST_ID, owners
from .plan import Material

EVERY = 5  # one account in five has a portfolio and a condition, one user in five a notice
TARGETS = 3
_CHANNELS = ("push", "email", "sms")
_QUARANTINED_PERCENT = 5


def portfolios(made_of: Material, first: int, count: int) -> list[str]:
    """Return lines: portfolio_id, user_id, account_id, name, band_bp, cash_bp, status, when."""
    opened = made_of.plan.on
    weights = _weights(made_of, first, count)
    return [
        f"{number + 1}\t{owner}\t{FIRST_ID + row}\t{_PORTFOLIO_NAMES[x % len(_PORTFOLIO_NAMES)]}"
        f"\t{200 + x % 5 * 100}\t{10_000 - sum(weights[number - first])}\tactive"
        f"\t{opened} 00:00:00\n"
        for number, row, owner, x in _some_accounts(made_of, first, count)
    ]


_PORTFOLIO_NAMES = ("안정형", "성장형", "배당형", "균형형")


def targets(made_of: Material, first: int, count: int) -> list[str]:
    """Return lines, up to three a portfolio: portfolio_id, symbol, weight_bp."""
    issues = made_of.holdings
    lines = []
    for number, weights in enumerate(_weights(made_of, first, count), first):
        each = len(weights)
        symbols = sorted(
            issues[(number * each + turn) % len(issues)].symbol for turn in range(each)
        )
        lines += [
            f"{number + 1}\t{symbol}\t{weight}\n"
            for symbol, weight in zip(symbols, weights, strict=True)
        ]
    return lines


def _weights(made_of: Material, first: int, count: int) -> list[list[int]]:
    """Return the weights of each portfolio's issues; what they leave is cash."""
    each = min(TARGETS, len(made_of.holdings))
    return [
        [1000 + (x >> turn * 16) % 2001 for turn in range(each)]
        for x in draws(made_of.plan.seed, "targets", first, count)
    ]


def predictions(made_of: Material, first: int, count: int) -> list[str]:
    """
    Return lines, one for every second user.

    Columns: prediction_id, user_id, symbol, model_version, side, confidence, target_won, status,
    reason, predicted_at, expires_at. One in twenty is quarantined: the model named no issue.
    """
    on = made_of.plan.on
    times = f"{on} 00:30:00\t{on + timedelta(days=30)} 00:30:00\n"
    lines = []
    for number, x in enumerate(draws(made_of.plan.seed, "predictions", first, count), first):
        issue = made_of.issues[(x >> 8) % len(made_of.issues)]
        head = f"{number + 1}\t{FIRST_ID + number * 2}"
        side = "buy" if x & 1 else "sell"
        confidence = f"0.{5000 + (x >> 24) % 5000:04d}"
        if (x >> 40) % 100 < _QUARANTINED_PERCENT:
            lines.append(
                f"{head}\t\\N\tsample-1\t{side}\t{confidence}\t\\N\tquarantined\tno issue\t{times}"
            )
            continue
        target = tick_down(issue.close_won * (9_000 + (x >> 48) % 2_000) // 10_000)
        lines.append(
            f"{head}\t{issue.symbol}\tsample-1\t{side}\t{confidence}\t{target}\tvalid\t\\N\t{times}"
        )
    return lines


def conditions(made_of: Material, first: int, count: int) -> list[str]:
    """
    Return lines: condition_id, user_id, account_id, symbol, rule, status, expires_at, created_at.

    The rule is written as PostgreSQL's jsonb would: short keys first.
    """
    on = made_of.plan.on
    times = f"{on + timedelta(days=90)} 00:00:00\t{on} 00:00:00\n"
    issues = made_of.issues
    return [
        f"{number + 1}\t{owner}\t{FIRST_ID + row}\t{issues[(x >> 8) % len(issues)].symbol}"
        f'\t{{"side": "{"buy" if x >> 24 & 1 else "sell"}", "quantity": {1 + (x >> 25) % 50}, '
        f'"price_band_bp": {100 + (x >> 32) % 5 * 100}, '
        f'"min_confidence": 0.{6 + (x >> 40) % 4}}}\tactive\t{times}'
        for number, row, owner, x in _some_accounts(made_of, first, count)
    ]


def notices(made_of: Material, first: int, count: int) -> list[str]:
    """Return lines: notification_id, user_id, kind, channel, body, status, created_at, sent_at."""
    on = made_of.plan.on
    lines = []
    for number, x in enumerate(draws(made_of.plan.seed, "notices", first, count), first):
        issue = made_of.holdings[(x >> 8) % len(made_of.holdings)]
        sent = f"{on} 00:40:00" if x & 3 else "\\N"
        lines.append(
            f"{number + 1}\t{FIRST_ID + number * EVERY}\tai_warning"
            f"\t{_CHANNELS[(x >> 2) % len(_CHANNELS)]}\t{issue.symbol} 예측 신뢰도가 낮아졌습니다"
            f"\t{'sent' if x & 3 else 'queued'}\t{on} 00:35:00\t{sent}\n"
        )
    return lines


def _some_accounts(made_of: Material, first: int, count: int) -> list[tuple[int, int, int, int]]:
    """Return number, account row, owner and draw of every fifth account."""
    span = min(made_of.plan.accounts - first * EVERY, (count - 1) * EVERY + 1)
    rows = list(owners(made_of, first * EVERY, span))[::EVERY]
    return [(first + place, row, owner, x) for place, (row, owner, x) in enumerate(rows)]
