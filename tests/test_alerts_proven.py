"""
Every alert of ours, fired by something that is really broken, and silent again once it is mended.

A real Prometheus scrapes a real exporter, which watches a real server of each engine. What takes
hours or more in life is made short in a copy of the rules, and in nothing else: `hurried` says how.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import breaking_backups
import breaking_mariadb
import breaking_ours
import breaking_pairs
import breaking_postgresql
import pytest
import yaml
from alerting import Manner, Stack, impatient, stack
from breaking import Place, Way
from conftest import eventually
from trading import Bed
from watched import MONITORING, RULES

from stockops import lab as labs
from stockops import migrations, replication
from stockops.backups import repository
from stockops.engine import connect, open_server
from stockops.lab import Lab
from stockops.targets import Target

FIRES_WITHIN_S = 120.0
RANGE = "15s"
OUT = os.environ.get("ALERTS_PROVEN")  # a file for the table of docs/alerts-proven.md

# What is compared with a time that nobody waits for here, or with a size that fills a disk.
SHORTER = {
    "ArchiveLag": {"> 900": "> 5"},
    "MariadbHistoryList": {"> 1000000": "> 100"},
    "MariadbReplicationLag": {"> 60": "> 5", "> 600": "> 10"},
    "MariadbRestarted": {"< 600": "< 20"},
    "PostgresqlReplicationLag": {"> 60": "> 5", "> 600": "> 10"},
    "PostgresqlRestarted": {"< 600": "< 20"},
    "PostgresqlIdleInTransaction": {"> 600": "> 3"},
    "PostgresqlLongTransaction": {"> 3600": "> 3"},
    "OrderStuck": {"> 93600": "> 5"},
    "MariadbOpenFiles": {"> 0.8": "> 0.03"},
    "BackupShrank": {"offset 1d": "offset 40s"},
}
SETTINGS = {
    "postgresql": breaking_postgresql.SETTINGS,
    "mariadb": breaking_mariadb.SETTINGS,
}
WAYS: dict[tuple[str, str, str], Way] = {
    ("postgresql", *key): way for key, way in breaking_postgresql.WAYS.items()
}
WAYS |= {("mariadb", *key): way for key, way in breaking_mariadb.WAYS.items()}
WAYS |= {
    (engine, *key): way
    for ways in (breaking_ours.WAYS, breaking_backups.WAYS)
    for key, way in ways.items()
    for engine in (SETTINGS if ways is breaking_ours.WAYS else ["postgresql"])
}
# Why nothing here fires the others.
NOT_HERE = {
    **dict.fromkeys(
        [("MariadbGaleraNotReady", "critical"), ("MariadbGaleraFlowControl", "warning")],
        "one machine with one MariaDB makes no cluster; only promtool has seen them fire",
    ),
}
# Panels that have nothing to show of these servers.
EMPTY_HERE = {
    ("mariadb-server", "Galera: ready"): "it is no node of Galera",
}
SHOWN_WITHIN_S = 3600


def hurried(content: str) -> str:
    """Return rules that fire at once, look back `RANGE`, and know the times of `SHORTER`."""
    rules = yaml.safe_load(impatient(content))
    for group in rules["groups"]:
        for rule in group["rules"]:
            expr = re.sub(r"\[\d+\w\]", f"[{RANGE}]", rule["expr"])
            for before, after in SHORTER.get(rule.get("alert", ""), {}).items():
                expr = re.sub(rf"{re.escape(before)}\b", after, expr)
            rule["expr"] = expr
    return str(yaml.safe_dump(rules))


def alerts() -> set[tuple[str, str]]:
    return {
        (rule["alert"], rule["labels"]["severity"])
        for path in RULES
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


@dataclass(frozen=True, slots=True)
class Live:
    """What runs, with the place of each engine."""

    stack: Stack
    places: dict[str, Place]

    def is_firing(self, alert: str, severity: str, instance: str) -> bool:
        labels = f'alertname="{alert}",severity="{severity}",instance="{instance}"'
        return self.stack.value(f'ALERTS{{alertstate="firing",{labels}}}') is not None


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    with ExitStack() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKOPS_STATE", str(folder / "state"))
        patch.setenv("PGPASSFILE", os.devnull)
        targets = {}
        for engine, settings in SETTINGS.items():
            lab = running.enter_context(labs.temporary(engine, settings=settings))
            targets[engine] = (Target(name=engine, url=lab.url(), lab=lab.name), lab)
            migrations.up(targets[engine][0])
        config = folder / "stockops.yaml"
        config.write_text(
            json.dumps(
                {
                    "default": "postgresql",
                    "targets": {name: {"url": each.url} for name, (each, _) in targets.items()},
                    "backup": {"repository": breaking_backups.make(folder)},
                }
            )
        )
        manner = Manner(rules=hurried, slow_every_s=1)
        going = running.enter_context(stack(folder, config, [*targets], manner))
        places = {}
        for engine, (target, lab) in targets.items():
            admin = open_server(target, bulk=True)
            bed = Bed(admin, target)
            places[engine] = Place(target, lab, admin, bed, folder, going.exporter)
            breaking_backups.well(places[engine])
        sizes = "count(stockops_backup_last_size_bytes)"
        eventually(lambda: going.value(sizes) == len(places), FIRES_WITHIN_S)
        yield Live(going, places)
        for place in places.values():
            place.admin.close()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A primary and a replica of each engine, and an archive, with nothing else to break them."""
    folder = tmp_path_factory.mktemp("pairs")
    with ExitStack() as running, pytest.MonkeyPatch.context() as patch:
        # In memory MariaDB maps its log, and never waits for its buffer.
        disk = running.enter_context(TemporaryDirectory(dir="/var/tmp", prefix="p-"))
        Path(disk).chmod(0o755)
        patch.setenv("STOCKOPS_LABS", disk)
        patch.setenv("STOCKOPS_STATE", str(folder / "state"))
        patch.setenv("PGPASSFILE", os.devnull)
        beside: dict[str, Lab] = {}
        for engine, settings in breaking_pairs.SETTINGS.items():
            made = labs.temporary(engine, settings=settings, port=engine == "mariadb")
            primary = beside[engine] = running.enter_context(made)
            migrations.up(Target(name=engine, url=primary.url(), lab=primary.name))
            beside[f"{engine}-replica"] = running.enter_context(replication.temporary(primary))
        said = {name: {"url": lab.url()} for name, lab in beside.items()}
        kept = str(folder / breaking_pairs.FOLDER)
        repository.make(kept)
        config = folder / "stockops.yaml"
        config.write_text(
            json.dumps({"default": "postgresql", "targets": said, "backup": {"repository": kept}})
        )
        manner = Manner(rules=hurried, slow_every_s=1)
        going = running.enter_context(stack(folder, config, [*beside], manner))
        places = {}
        for name, lab in beside.items():
            target = Target(name=name, url=lab.url(), lab=lab.name)
            admin = running.enter_context(connect(target))
            places[name] = Place(target, lab, admin, Bed(admin, target), folder, going.exporter)
        for engine in breaking_pairs.SETTINGS:
            primary_place, replica_place = places[engine], places[f"{engine}-replica"]
            primary_place.twin, replica_place.twin = replica_place, primary_place
        yield Live(going, places)


def test_every_alert_is_fired_here_or_it_is_said_why_not() -> None:
    fired = {key[1:] for key in [*WAYS, *breaking_pairs.WAYS]}
    assert fired | NOT_HERE.keys() == alerts()
    assert not fired & NOT_HERE.keys()


@pytest.fixture(autouse=True)
def no_surroundings() -> None:
    """The state is that of the whole module."""


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("key", sorted(WAYS), ids="-".join)
def test_an_alert_fires_and_is_silent_again(live: Live, key: tuple[str, str, str]) -> None:
    fires(live, key, WAYS[key])


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("key", sorted(breaking_pairs.WAYS), ids="-".join)
def test_an_alert_on_a_pair_fires_and_is_silent_again(
    pairs: Live, key: tuple[str, str, str]
) -> None:
    fires(pairs, key, breaking_pairs.WAYS[key])


def fires(live: Live, key: tuple[str, str, str], way: Way) -> None:
    """Have `way` break what the alert `key` is on, and mend it."""
    name, alert, severity = key
    place = live.places[name]
    asked = (alert, severity, place.name)
    eventually(lambda: not live.is_firing(*asked), FIRES_WITHIN_S)
    began = time.monotonic()
    with way(place):
        eventually(lambda: live.is_firing(*asked), FIRES_WITHIN_S)
        fired_s = time.monotonic() - began
    mended = time.monotonic()
    eventually(lambda: not live.is_firing(*asked), FIRES_WITHIN_S)
    silent_s = time.monotonic() - mended
    if OUT:
        with Path(OUT).open("a", encoding="utf-8") as file:
            file.write(f"| {alert} | {severity} | {name} | {fired_s:.0f} | {silent_s:.0f} |\n")


def panels() -> Iterator[tuple[str, str, str]]:
    """Yield each question to Prometheus of a dashboard of ours: board, panel, expression."""
    for path in sorted(MONITORING.joinpath("dashboards").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for asked in panel["targets"]:
                if "expr" in asked:
                    expr = asked["expr"].replace("$__rate_interval", RANGE)
                    yield path.stem, panel["title"], expr.replace("$instance", ".*")


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_every_panel_has_shown_something_by_now(live: Live, pairs: Live) -> None:
    shown: dict[tuple[str, str], bool] = {}
    for board, title, expr in panels():
        has = any(each.stack.series(expr, last_s=SHOWN_WITHIN_S) for each in (live, pairs))
        shown[board, title] = shown.get((board, title), False) or has
    assert {panel for panel, has in shown.items() if not has} == EMPTY_HERE.keys()
