"""
What is found out and not traded: backtests, patterns in prices, recommendations, weekly reports.

Nothing here places an order. What is stored is stored once, however often it is asked for.
"""

from .backtesting import (
    Backtest,
    Simulation,
    backtest,
    days_of,
    simulation,
    simulations,
    store,
    trades_of,
)
from .backtesting import steps as backtest_steps
from .parameters import Parameters
from .spotting import KINDS, Asked, Pattern, Spotted, patterns, spot
from .spotting import steps as spot_steps

__all__ = [
    "KINDS",
    "Asked",
    "Backtest",
    "Parameters",
    "Pattern",
    "Simulation",
    "Spotted",
    "backtest",
    "backtest_steps",
    "days_of",
    "patterns",
    "simulation",
    "simulations",
    "spot",
    "spot_steps",
    "store",
    "trades_of",
]
