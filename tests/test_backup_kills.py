"""Whoever is killed, and whenever: no backup is whole that is not, and nothing proven is lost."""

import os
import secrets
import shutil
from collections.abc import Iterator

import pytest
from killing import CASES, MORE, Ground, ground, kill
from s3site import serving

from stockops.backups import drilling, restoring
from stockops.backups.archive import spool
from stockops.errors import ConfigError

SEED = int(os.environ.get("STOCKOPS_KILLS_SEED", "0")) or secrets.randbelow(10**9)
FEW = len(CASES)  # each once; of two engines that is twenty
SOAKED = 100
SOAKED_ON_S3 = int(os.environ.get("STOCKOPS_KILLS", "30"))


@pytest.fixture
def here(engine: str) -> Iterator[Ground]:
    try:
        with ground(engine, SEED) as made:
            yield made
    except ConfigError as exc:
        if "CI" in os.environ:
            raise
        pytest.skip(f"no lab of {engine}: {exc}")


def test_a_few_kills_break_no_promise(here: Ground) -> None:
    """Others in every run; `make soak` has a hundred of them."""
    for what, victim in here.draw.sample(CASES, FEW):
        kill(here, what, victim)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thirty_kills_on_s3_break_no_promise(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    cases = [each for each in MORE if engine == "postgresql" or "push" not in each[0]]
    with serving() as site, ground(engine, SEED, store=site.place(part_mb="5")) as here:
        word_left = spool.spool_of(here.repo, here.system, encrypted=False).parent
        try:
            for _ in range(SOAKED_ON_S3):
                kill(here, *here.draw.choice(cases))
            print(dict(here.seen))  # noqa: T201
        finally:
            shutil.rmtree(word_left, ignore_errors=True)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_kills_break_no_promise(here: Ground) -> None:
    cases = [each for each in MORE if here.lab.engine == "postgresql" or "push" not in each[0]]
    for _ in range(SOAKED):
        kill(here, *here.draw.choice(cases))
    print(dict(here.seen))  # noqa: T201
    for backup in here.repo.backups(here.system):
        if backup.manifest and backup.manifest.method == "physical":
            aim = restoring.Aim("backup")
            recovery = restoring.plan(here.repo, aim, system=here.system, start=backup)
            drilled = drilling.drill(here.repo, recovery)
            assert drilled.passed, drilled.summary
