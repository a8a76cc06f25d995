"""What a backtest of mean reversion is run with, and which of it cannot be."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ..errors import ConfigError

STRATEGY = "mean_reversion"
WINDOW_MIN, WINDOW_MAX = 2, 500
Z_MAX = Decimal(10)
CASH_MAX = 10**12  # for one issue: the sum over all of them stays a BIGINT
_BP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """
    Buy at `entry` standard deviations below the mean of `window` closes, sell at `exit`.

    `stop_loss` and `take_profit` are in percent of the price that was paid, None for without.
    Each issue has `cash_won` of its own. Dates are inclusive, None for as far as prices go.
    """

    window: int = 20
    entry: Decimal = Decimal(2)
    exit: Decimal = Decimal(0)
    stop_loss: Decimal | None = Decimal(10)
    take_profit: Decimal | None = Decimal(20)
    cash_won: int = 10_000_000
    broker: str = "HANGANG"
    since: date | None = None
    until: date | None = None

    def check(self) -> None:
        """Raise `ConfigError` for what no run can have."""
        if not WINDOW_MIN <= self.window <= WINDOW_MAX:
            raise _wrong("the window", self.window, f"{WINDOW_MIN} to {WINDOW_MAX} days")
        if not 0 < self.entry <= Z_MAX:
            raise _wrong("the entry", self.entry, f"above 0 and at most {Z_MAX}")
        if not -self.entry < self.exit <= Z_MAX:
            raise _wrong("the exit", self.exit, f"above {-self.entry}, the entry, and at most 10")
        if self.stop_loss is not None and not 0 < self.stop_loss < _BP:
            raise _wrong("the stop-loss", self.stop_loss, "above 0 and below 100 percent")
        if self.take_profit is not None and not 0 < self.take_profit <= 10_000:
            raise _wrong("the take-profit", self.take_profit, "above 0 and at most 10000 percent")
        if not 1 <= self.cash_won <= CASH_MAX:
            raise _wrong("the cash", self.cash_won, f"1 to {CASH_MAX} won for each issue")
        if self.since and self.until and self.since > self.until:
            raise _wrong("the first date", self.since, f"{self.until}, the last one, or earlier")

    @property
    def stop_bp(self) -> int:
        """How far the price may fall, in basis points; out of reach where there is no stop."""
        return _bp(self.stop_loss) if self.stop_loss is not None else 2 * _BP * _BP

    @property
    def profit_bp(self) -> int | None:
        """How far the price has to rise, in basis points."""
        return None if self.take_profit is None else _bp(self.take_profit)

    def told(self) -> dict[str, Any]:
        """Return the parameters as they are stored with a simulation."""
        return {
            "window": self.window,
            "entry": str(self.entry.normalize()),
            "exit": str(self.exit.normalize()),
            "stop_loss_percent": _plain(self.stop_loss),
            "take_profit_percent": _plain(self.take_profit),
            "cash_won": self.cash_won,
            "broker": self.broker,
        }


def _bp(percent: Decimal) -> int:
    return int(percent * _BP)


def _plain(percent: Decimal | None) -> str | None:
    return None if percent is None else f"{percent.normalize():f}"


def _wrong(what: str, value: object, fits: str) -> ConfigError:
    return ConfigError(f"{what} of {value} is out of range", hint=f"Give {fits}.")
