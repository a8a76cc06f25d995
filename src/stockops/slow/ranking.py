"""What classes of statements are ranked by: a command names it before there is anything to rank."""

from collections.abc import Callable, Mapping

from . import histogram
from .classes import Class

RANKS: Mapping[str, Callable[[Class], float]] = {
    "total": lambda each: each.total_us,
    "calls": lambda each: each.calls,
    "mean": lambda each: each.total_us / max(1, each.calls - each.untimed),
    "p95": lambda each: histogram.quantile_us(each.durations, 0.95),
    "p99": lambda each: histogram.quantile_us(each.durations, 0.99),
    "max": lambda each: each.max_us,
    "lock": lambda each: each.lock_us,
    "rows-sent": lambda each: each.rows_sent,
    "rows-examined": lambda each: each.rows_examined,
    "rows-affected": lambda each: each.rows_affected,
}
