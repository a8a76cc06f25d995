"""What an exporter of ours answers, and the files under monitoring/ that are made for it."""

from pathlib import Path

from stockops import exporter, resources
from stockops.targets import Target

MONITORING = resources.folder("monitoring")
RULES = sorted(MONITORING.joinpath("rules").glob("*.yml"))
TESTS = sorted(MONITORING.joinpath("tests").glob("*.yml"))
RUNBOOKS = resources.folder("ops") / "runbooks"


def scrape(target: Target) -> str:
    """Return what the exporter answers for `target` now."""
    watch = exporter.Watch(
        lambda: target,
        name=target.name,
        engine=target.engine,
        manner=exporter.Manner(),
    )
    try:
        return exporter.render(watch.scrape(within_s=60, whole=True)).body.decode()
    finally:
        watch.close()


def runbook(alert: str) -> Path:
    """Return where the runbook of `alert` should be."""
    return RUNBOOKS / f"{alert}.md"
