"""
The process that asks our own health checks again and again while a drill runs.

    python -m stockops.drills.watcher ORDERS FILE

ORDERS is JSON: the target, the replica beside it, the names of the checks, the repository. Each
look is a line of JSON that is added to FILE. It ends when its input does.
"""

import json
import select
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import health
from ..health import Bounds, State, ranges
from ..health.outcome import Outcome
from ..targets import Backup, Config, Target

PAUSE_S = 0.2
_BOUNDS = Bounds(connect_s=2.0, fast_s=2.0, slow_s=5.0, all_s=8.0)


def watch(said: dict[str, Any], file: Path) -> None:
    """Look until nobody holds our input any more."""
    target = Target(name=said["name"], url=said["url"], lab=said["lab"])
    beside = said["beside"]
    targets = [target, *([Target(lab=beside["name"], **beside)] if beside else [])]
    config = Config(backup=Backup(repository=said["repository"]))
    limits = {name: ranges.parse(text) for name, text in said["thresholds"].items()}
    checks = [
        replace(each, warning=limits.get(each.name, each.warning))
        for each in health.load(target.engine)
        if each.name in said["checks"]
    ]
    with file.open("a", encoding="utf-8", buffering=1) as lines:
        while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
            began_ns = time.perf_counter_ns()
            reports = [
                health.run(each, checks, config=config, bounds=_BOUNDS, who=f"drill {each.name}")
                for each in targets
            ]
            # What is worst comes last, and counts; whether there is a session, the first one says.
            outcomes = sorted((o for each in reports for o in each.outcomes), key=_badness)
            look = {
                "began_ns": began_ns,
                "ended_ns": time.perf_counter_ns(),
                "reason": reports[0].reason,
                "states": {each.check.name: int(each.state) for each in outcomes},
                "messages": {each.check.name: each.message for each in outcomes if each.state},
            }
            lines.write(json.dumps(look) + "\n")


def _badness(outcome: Outcome) -> tuple[bool, int]:
    return outcome.state in {State.WARNING, State.CRITICAL}, outcome.state


if __name__ == "__main__":
    watch(json.loads(sys.argv[1]), Path(sys.argv[2]))
