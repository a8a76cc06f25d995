"""
Every PostgreSQL that we support is watched like the newest, which the other tests are about.

15 is Debian's; 16 and 17 are where scripts/install-test-servers.sh puts them.
"""

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

PROGRAMS = {
    "15": Path("/usr/lib/postgresql/15/bin"),
    "16": Path("/opt/stockops-tests/postgresql-16/bin"),
    "17": Path("/opt/stockops-tests/postgresql-17/bin"),
}


@pytest.fixture(scope="module", params=PROGRAMS)
def old(request: pytest.FixtureRequest) -> Iterator[Target]:
    programs = PROGRAMS[request.param]
    if not (programs / "initdb").exists():
        pytest.skip(f"PostgreSQL {request.param} is not installed")
    settings = {"shared_preload_libraries": "pg_stat_statements"}
    with labs.temporary("postgresql", bin_directory=programs, settings=settings) as lab:
        target = Target(name=request.param, url=lab.url(), lab=lab.name)
        migrations.up(target)
        yield target


def test_each_collector_answers_and_no_alert_or_panel_is_dead(old: Target) -> None:
    text = scrape(old)
    assert f'short_version="{old.name}.' in text
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
