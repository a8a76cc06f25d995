"""A drill's file is read strictly, and what is wrong in it is told with its line."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stockops import targets
from stockops.drills import book, head, history, runbook
from stockops.errors import ConfigError, StorageError

CORE_MIN = 12  # what CI runs for each engine

GOOD = """---
id: disk-full
title: The disk is full
engines: [postgresql, mariadb]
fault: disk_full
args: {volume: data, floor_mib: 2, engines: {mariadb: {volume: log}}}
tags: [core, disk]
load: {clients: 3}
steady: {gap_ms: 700, engines: {mariadb: {gap_ms: 900}}}
detect: {within_s: 10, checks: [disk_used], engines: {postgresql: {alerts: [PostgresqlDown]}}}
expect: {rto_s: 2.5, acked_lost: 0, invariants: all, engines: {mariadb: {rto_s: 60}}}
expires_days: 30
---

## What users see

Orders fail.

## Diagnose

1. Look at it:
   `df -h "$DATA"` and
   `stockops health check
   -t "$TARGET"` <!-- check: exit 1, within 5s -->
   - that is `not a command`

## Recover

1. Space comes. <!-- auto: release -->
2. Run this, `really`:

   ```sh
   psql "$URL" -c 'SELECT 1'
   ```

   <!-- auto: within 30s, postgresql -->
3. Start it. <!-- auto: start -->
4. Write the report. <!-- manual -->

## Verify

- `true` <!-- check -->

## Never

- Delete WAL.
"""


def written(folder: Path, text: str = GOOD, name: str = "disk-full") -> Path:
    path = folder / f"{name}.md"
    path.write_text(text, "utf-8")
    return path


def test_a_good_file_says_everything_for_each_engine(tmp_path: Path) -> None:
    drill = head.read(written(tmp_path))
    assert (drill.id, drill.fault, drill.tags) == ("disk-full", "disk_full", ("core", "disk"))
    assert drill.expires_days == 30
    on = drill.on("postgresql")
    assert on.args == {"volume": "data", "floor_mib": 2}
    assert (on.load.clients, on.load.rate_per_s) == (3, 60)
    assert on.detect.alerts == ("PostgresqlDown",)
    assert (on.expect.rto_s, on.expect.acked_lost, on.expect.invariants) == (2.5, 0, ())
    other = drill.on("mariadb")
    assert other.args == {"volume": "log", "floor_mib": 2}
    assert (on.steady.gap_ms, other.steady.gap_ms) == (700, 900)
    assert other.expect.rto_s == 60
    assert (other.detect.checks, other.detect.alerts) == (("disk_used",), ())


def test_the_steps_are_those_that_a_person_reads(tmp_path: Path) -> None:
    book_ = head.read(written(tmp_path)).runbook
    [look] = book_.of("mariadb", runbook.DIAGNOSE)
    assert look.commands == ('df -h "$DATA"', 'stockops health check -t "$TARGET"')
    assert (look.mark, look.exit_code, look.within_s) == (runbook.Mark.CHECK, 1, 5)
    assert GOOD.splitlines()[look.line - 1] == "1. Look at it:"
    release, block, start, manual = book_.of("postgresql", runbook.RECOVER)
    assert (release.does, start.does) == (runbook.Does.RELEASE, runbook.Does.START)
    assert block.commands == ("psql \"$URL\" -c 'SELECT 1'",)
    assert (block.within_s, block.engine) == (30, "postgresql")
    assert block.text == "Run this, `really`:"
    assert manual.mark is runbook.Mark.MANUAL
    assert len(book_.of("mariadb", runbook.RECOVER)) == 3
    assert book_.sections[runbook.NEVER] == "- Delete WAL."


WRONG = [
    ("title: The", "titel: The", 3, "unknown key 'titel'", "Did you mean title?"),
    ("gap_ms: 700,", "gap: 700,", 9, "unknown key 'gap' in steady", "Did you mean gap_ms?"),
    ("clients: 3", "clients: 3.5", 8, "'3.5', which is not a whole number", "from 1 to 64"),
    ("gap_ms: 700,", "gap_ms: 0,", 9, "out of range", "from 1 to 60,000 milliseconds"),
    ("rto_s: 2.5, ", "", 11, "expect.rto_s is missing for postgresql", "rto_s"),
    ("rto_s: 2.5", "rto_s: soon", 11, "'soon', which is not a number", "3,600 seconds"),
    ("rto_s: 2.5", "rto_s: nan", 11, "out of range", "seconds"),
    ("{mariadb: {gap_ms", "{maria: {gap_ms", 9, "unknown key 'maria'", "Did you mean mariadb?"),
    ("[postgresql, mariadb]", "[postgres]", 4, "no engine is called", "Did you mean postgresql?"),
    ("id: disk-full", "id: disk-ful", 2, "not the file's name", "Write id: disk-full"),
    ("expires_days: 30", "expires_days: 0", 12, "out of range", "from 1 to 366 days"),
    ("[core, disk]", "{core: disk}", 7, "'tags' wants a list of words", "Write tags:"),
    ("fault: disk_full", "fault: Disk Full", 5, "not a name", "small letters"),
    ("tags: [core", "id: [core", 7, "'id' is there twice", "Keep one"),
    (" <!-- manual -->", "", 38, "the step has no mark", "End it with one."),
    ("<!-- manual -->", "<!-- manual --> <!-- auto -->", 38, "2 marks", "End it with one."),
    ("<!-- manual -->", "<!-- later -->", 38, "no mark is called 'later'", "Marks: auto"),
    ("auto: release", "auto: releas", 29, "what nobody knows: 'releas'", "auto: release"),
    ("30s, postgresql", "30s, postgres", 30, "what nobody knows: 'postgres'", "engine"),
    ("30s, postgresql", "30s, postgresql, mariadb", 30, "knows: 'mariadb'", "engine"),
    ("within 30s", "within 3h", 30, "out of bounds", "600 seconds"),
    ("## Never", "## Nevr", 44, "no section is called 'Nevr'", "Did you mean Never?"),
    ("## Verify", "## Recover", 40, "'Recover' is there twice", "Keep one"),
    ("## Verify\n\n- `true` <!-- check -->\n\n", "", 14, "'Verify' is missing", "## Verify"),
]


@pytest.mark.parametrize(("old", "new", "line", "said", "hint"), WRONG)
def test_what_is_wrong_is_told_with_its_line_and_the_nearest_name(
    tmp_path: Path, old: str, new: str, line: int, said: str, hint: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError, match=re.escape(said)) as told:
        head.read(path)
    assert str(told.value).startswith(f"{path}:{line}: ")
    assert hint in (told.value.hint or "")


def test_a_file_without_a_head_is_told(tmp_path: Path) -> None:
    for text in ("", "# Title\n", "---\nid: disk-full\n"):
        with pytest.raises(ConfigError, match="no head between two lines"):
            head.read(written(tmp_path, text))


def test_drills_of_ones_own_stand_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    written(tmp_path / "mine")
    file = tmp_path / "stockops.yaml"
    file.write_text("drills: {folder: mine}\n")
    config = targets.load(file)
    drills = book.load(config)
    assert {"disk-full", "server-killed"} <= {drill.id for drill in drills}
    assert [drill.id for drill in book.chosen(drills, names=["disk-full"])] == ["disk-full"]
    assert "server-killed" in {drill.id for drill in book.chosen(drills, tags=["core"])}
    with pytest.raises(ConfigError, match="no tag is called") as told:
        book.chosen(drills, tags=["cor"])
    assert told.value.hint == "Did you mean core?"
    with pytest.raises(ConfigError, match="no drill is called") as told:
        book.one("disk-ful", config)
    assert told.value.hint == "Did you mean disk-full?"
    written(tmp_path / "mine", GOOD.replace("id: disk-full", "id: server-killed"), "server-killed")
    with pytest.raises(ConfigError, match=r"mine/server-killed\.md:2: there is a drill"):
        book.load(config)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "stockops.yaml"
    file.write_text("drills: {folder: mine}\n")
    with pytest.raises(ConfigError, match=r"stockops\.yaml:1: there is no folder"):
        book.load(targets.load(file))


def record(drill: str = "disk-full", engine: str = "postgresql", **said: Any) -> history.Record:
    now = datetime.now(UTC)
    known: dict[str, Any] = {
        "run": history.new_run(drill, engine),
        "drill": drill,
        "engine": engine,
        "title": "The disk is full",
        "server_version": "18.1",
        "started_at": now - timedelta(seconds=40),
        "ended_at": now,
        "verdict": history.Verdict.PASS,
        "driver": "namespace",
        "states": (history.State(name="PLAN", at_s=0.0, took_s=0.1),),
        "measured": history.Measured(rto_s=2.5, lost=0, acknowledged=700),
        "steps": (
            history.StepRun(
                text="Start", section="Recover", mark="auto", at_s=3.0, took_s=0.5, exit_code=0
            ),
        ),
        "timeline": (history.Moment(at_s=-1.0, per_s=60.0, p99_ms=4.5),),
        "expected": {"rto_s": 30},
        "machine": history.Machine(cores=2, memory_bytes=8 << 30, in_memory_disk=False),
    }
    return history.Record(**known | said)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))


def test_a_run_that_was_kept_is_read_back_whole() -> None:
    kept = record()
    path = history.write(kept)
    assert history.read(path) == kept
    assert history.last("disk-full", "postgresql") == kept
    assert history.last("disk-full", "mariadb") is None
    assert history.every("disk-full") == [kept]


def test_a_run_that_a_later_version_kept_is_read() -> None:
    path = history.write(record())
    says = json.loads(path.read_text())
    says["moon"] = "full"
    says["measured"]["moon_s"] = 1.0
    path.write_text(json.dumps(says))
    found = history.read(path)
    assert found is not None
    assert found.measured.rto_s == 2.5


def test_a_damaged_run_is_told(tmp_path: Path) -> None:
    path = history.write(record())
    for text in ("{", "[]", "{}", '{"verdict": 3}'):
        path.write_text(text)
        with pytest.raises(StorageError, match=path.name):
            history.every()


def test_old_runs_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT_MAX", 2)
    runs = [f"2026010{day}T000000-disk-full-postgresql-aaaa" for day in range(1, 5)]
    other = record(engine="mariadb")
    history.write(other)
    for run in runs:
        history.write(record(run=run))
    assert [one.run for one in history.names()] == [*runs[2:], other.run]


def test_what_is_due_says_why(tmp_path: Path) -> None:
    drill = head.read(written(tmp_path))
    due = book.due(drill, "postgresql")
    assert due.why == "it was never run here"
    assert due.next == "stockops drill run disk-full --engine postgresql"
    kept = record(file_sha256=drill.sha256)
    history.write(kept)
    assert book.due(drill, "postgresql").why is None
    late = kept.ended_at + timedelta(days=30)
    assert "expired" in (book.due(drill, "postgresql", now=late).why or "")
    written(tmp_path, GOOD + "- Panic.\n")
    changed = book.due(head.read(tmp_path / "disk-full.md"), "postgresql").why
    assert changed == "its file was changed after the last run"
    bad = [verdict for verdict in history.Verdict if verdict is not history.Verdict.PASS]
    for year, verdict in enumerate(bad, 2090):
        run = f"{year}0101T000000-disk-full-postgresql-0000"
        history.write(record(run=run, verdict=verdict, reasons=("3 orders lost",)))
        why = book.due(drill, "postgresql").why
        assert why == f"the last run came out {verdict.value}: 3 orders lost"


def test_every_drill_that_comes_with_stockops_reads() -> None:
    drills = book.load(targets.Config())
    assert drills
    assert {drill.path.stem for drill in drills} == {drill.id for drill in drills}


@pytest.mark.parametrize("engine", targets.ENGINES)
def test_the_core_has_a_dozen_drills_for_each_engine(engine: str) -> None:
    core = book.chosen(book.load(targets.Config()), tags=["core"], engine=engine)
    assert len(core) >= CORE_MIN
