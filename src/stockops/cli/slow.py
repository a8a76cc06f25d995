"""``stockops slow``."""

import click

from .deferred import Deferred


@click.group(
    cls=Deferred,
    modules={
        "compare": "slow_snapshot", "digest": "slow_digest", "events": "slow_events",
        "explain": "slow_explain", "kill": "slow_kill", "snapshot": "slow_snapshot",
        "top": "slow_top",
    },
)  # fmt: skip
def slow() -> None:
    """Find what is slow, in the logs of either engine."""
