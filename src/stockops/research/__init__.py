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
from .recommending import TOP, Lists, Moment, recommend
from .recommending import steps as recommend_steps
from .spotting import KINDS, Asked, Pattern, Spotted, patterns, spot
from .spotting import steps as spot_steps
from .weekfigures import Position
from .weekly import Report, Reports, Week, week_of, weekly
from .weekly import line as week_line
from .weekly import steps as weekly_steps

__all__ = [
    "KINDS",
    "TOP",
    "Asked",
    "Backtest",
    "Lists",
    "Moment",
    "Parameters",
    "Pattern",
    "Position",
    "Report",
    "Reports",
    "Simulation",
    "Spotted",
    "Week",
    "backtest",
    "backtest_steps",
    "days_of",
    "patterns",
    "recommend",
    "recommend_steps",
    "simulation",
    "simulations",
    "spot",
    "spot_steps",
    "store",
    "trades_of",
    "week_line",
    "week_of",
    "weekly",
    "weekly_steps",
]
