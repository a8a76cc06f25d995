"""What the health checks of the target last came to, and when: `health check` writes it down."""

from collections.abc import Iterable, Iterator, Sequence

from ...health import last
from ...health.last import Last
from ..context import Context
from ..families import Family, by

NAME = "checks"


def read(context: Context) -> Iterable[Family]:
    """Give the state of each check, when it ran, and the worst of its values by subject."""
    return families(last.read(context.target.name))


def families(found: Sequence[Last]) -> Iterator[Family]:
    """Give `found` as metrics."""
    yield by(
        "check",
        "stockops_check_state",
        "gauge",
        "How a check last was: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
        {each.check: each.state for each in found},
    )
    yield by(
        "check",
        "stockops_check_last_run_timestamp_seconds",
        "gauge",
        "When a check last ran.",
        {each.check: each.at_s for each in found},
    )
    yield Family(
        "stockops_check_value",
        "gauge",
        "What a check last read, the worst of its subjects.",
        tuple(
            ((("check", each.check), ("subject", subject)), value)
            for each in found
            for subject, value in each.values.items()
        ),
    )
