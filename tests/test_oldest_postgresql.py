"""The oldest PostgreSQL that we support is watched like the newest: Debian's 15."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from watched import scrape

from stockops import alerts, health, migrations
from stockops import lab as labs
from stockops.alerts import Verdict
from stockops.health import State
from stockops.targets import Target

pytestmark = pytest.mark.skipif(
    not Path("/usr/lib/postgresql/15/bin/initdb").exists(), reason="PostgreSQL 15 is not installed"
)


@pytest.fixture(scope="module")
def old() -> Iterator[Target]:
    settings = {"shared_preload_libraries": "pg_stat_statements"}
    with labs.temporary("postgresql", version="15", settings=settings) as lab:
        target = Target(name="old", url=lab.url(), lab=lab.name)
        migrations.up(target)
        yield target


def test_each_collector_answers_and_no_alert_or_panel_is_dead(old: Target) -> None:
    text = scrape(old)
    assert 'short_version="15.' in text
    told = re.findall(r'^stockops_exporter_collector_success{collector="(\w+)"} (\d)', text, re.M)
    assert {"statements", "trading", "status"} <= {name for name, _ in told}
    assert {value for _, value in told} == {"1"}, told
    found = alerts.lint(alerts.brought("postgresql"), known=alerts.known(text))
    assert not [each for each in found if each.verdict is Verdict.DEAD]


def test_each_check_is_answered(old: Target) -> None:
    report = health.run(old, health.load("postgresql"))
    unknown = {each.check.name for each in report.outcomes if each.state is State.UNKNOWN}
    # Nobody has checked these books.
    assert unknown == {"books_age", "books_inconclusive", "books_violated"}
    assert not [each for each in report.outcomes if each.state is State.CRITICAL]
