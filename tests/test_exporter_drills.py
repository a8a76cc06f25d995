"""The exporter gives what drills showed, of the engine that is scraped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stockops import exporter, targets
from stockops.drills import head, history
from stockops.drills.history import Measured, Record, Verdict
from stockops.exporter.collectors import drills
from stockops.exporter.context import Context
from stockops.resources import folder
from stockops.targets import Target

NOW = datetime.now(UTC)
KILLED = head.read(folder("chaos") / "server-killed.md")


def ran(engine: str, verdict: Verdict, *, days_ago: float = 0, **measured: float) -> Record:
    ended = NOW - timedelta(days=days_ago)
    drill = KILLED.id
    return Record(
        run=f"{ended:%Y%m%dT%H%M%S}-{drill}-{engine}-00ff", drill=drill, engine=engine,
        title=KILLED.title, server_version="1", started_at=ended, ended_at=ended, verdict=verdict,
        driver="signals", file_sha256=KILLED.sha256,
        measured=Measured(**measured),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path))


def context(engine: str) -> Context:
    return Context(target=Target(name="it", url=f"{engine}://"), config=targets.Config())


def said(asked: Context) -> dict[str, float]:
    """Return what is given, by name and what it is told apart by besides the drill."""
    text = exporter.plain(drills.read(asked)).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert (sample.labels["drill"], sample.labels["engine"]) == (
                KILLED.id,
                asked.target.engine,
            )
            name = sample.name.removeprefix("stockops_drill_")
            verdict = sample.labels.get("verdict")
            found[f"{name} {verdict}" if verdict else name] = sample.value
    return found


def test_the_last_run_of_a_drill_is_told_on_the_engine_that_is_asked_about() -> None:
    history.write(ran("postgresql", Verdict.FAIL, days_ago=2, rto_s=99.0, lost=3))
    history.write(ran("postgresql", Verdict.PASS, days_ago=1, rto_s=2.5, lost=0, detected_s=0.7))
    history.write(ran("mariadb", Verdict.FAIL, rto_s=61.0, lost=1))
    found = said(context("postgresql"))
    at = NOW.timestamp() - 86_400
    assert found.pop("last_run_timestamp_seconds") == pytest.approx(at, abs=1)
    assert {name: value for name, value in found.items() if value} == {
        "verdict PASS": 1, "rto_seconds": 2.5, "detection_seconds": 0.7,
    }  # fmt: skip
    assert len([name for name in found if name.startswith("verdict")]) == len(Verdict)
    assert found["due"] == found["acked_lost"] == 0
    other = said(context("mariadb"))
    assert (other["verdict FAIL"], other["due"], other["acked_lost"]) == (1, 1, 1)
    assert "detection_seconds" not in other


def test_a_drill_is_due_when_it_has_expired_and_a_new_run_is_seen_at_once() -> None:
    asked = context("postgresql")
    assert said(asked) == {}
    history.write(ran("postgresql", Verdict.PASS, days_ago=KILLED.expires_days + 1))
    assert said(asked)["due"] == 1
    history.write(ran("postgresql", Verdict.PASS))
    assert said(asked)["due"] == 0


def test_a_drill_whose_file_is_gone_is_told_and_is_not_due() -> None:
    gone = replace(ran("postgresql", Verdict.PASS), drill="gone")
    history.write(replace(gone, run=gone.run.replace(KILLED.id, "gone")))
    names = [each.name for each in drills.read(context("postgresql")) if each.samples]
    assert "stockops_drill_last_run_timestamp_seconds" in names
    text = exporter.plain(drills.read(context("postgresql"))).decode()
    assert 'stockops_drill_verdict{drill="gone",engine="postgresql",verdict="PASS"} 1' in text
    assert "stockops_drill_due{" not in text
