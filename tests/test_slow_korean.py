"""One real server that speaks Korean, in four formats at once: the same digest as in English."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pgrows
import psycopg
import pytest

from stockops import lab as labs
from stockops.slow import reading
from stockops.slow.digest import Digest
from stockops.slow.reading import Filter, Reading

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
CATALOGUE = Path("/usr/share/locale/ko/LC_MESSAGES/postgres-15.mo")
LOCALE = "ko_KR.UTF-8"
SETTINGS = {
    "logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_directory": "said",
    "log_filename": "pg.log", "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_statement": "all", "log_duration": "on",
}  # fmt: skip
LABELLED = ("LOG:", "로그:", "ERROR:", "오류:", "FATAL:")

pytestmark = pytest.mark.skipif(
    not (PROGRAMS.exists() and CATALOGUE.exists() and shutil.which("localedef")),
    reason="no PostgreSQL 15 with its Korean messages here",
)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a server in Korean, where one session asked for English."""
    folder = tmp_path_factory.mktemp("korean")
    place = folder / "locales"
    place.mkdir()
    subprocess.run(
        ["localedef", "-i", "ko_KR", "-f", "UTF-8", place / LOCALE], check=True, timeout=60
    )
    for above in (place, *place.parents):
        if above in Path(tempfile.gettempdir()).parents:
            break
        above.chmod(above.stat().st_mode | 0o011)
    for inside in place.rglob("*"):
        inside.chmod(inside.stat().st_mode | 0o055)
    with labs.temporary("postgresql", bin_directory=PROGRAMS, settings=SETTINGS) as lab:
        labs.stop(lab)
        shutil.rmtree(lab.data / "said")
        with (lab.data / "postgresql.auto.conf").open("a") as file:
            file.write(f"lc_messages = '{LOCALE}'\n")
        lab = labs.start(lab, through=["/usr/bin/env", f"LOCPATH={place}"])
        for name, options in (("korean", ""), ("english", "-c lc_messages=C")):
            ask(lab.url(), name=name, options=options)
        labs.stop(lab)
        for path in (lab.data / "said").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "pg.syslog").write_bytes(as_syslog((folder / "pg.log").read_text("utf-8")))
    return folder


def ask(url: str, *, name: str, options: str) -> None:
    with psycopg.connect(url, autocommit=True, application_name=name, options=options) as session:
        for n in range(6):
            session.execute(f"SELECT '한글 it''s {n}',\n\t{n} AS n", prepare=False)
        for n in range(4):
            session.execute("SELECT %s::int + 1", (n,))
        session.execute("SELECT 'x\nLOG:  duration: 9999999.000 ms  statement: y'", prepare=False)
        with pytest.raises(psycopg.Error):
            session.execute("SELECT 1 / 0", prepare=False)


def as_syslog(said: str) -> bytes:
    """As syslog would have had it: each entry cut and numbered, its process in the envelope."""
    entries: list[str] = []
    for line in said.splitlines():
        if any(f" {label}  " in line for label in LABELLED) and not line.startswith("\t"):
            entries.append(line)
        else:
            entries[-1] += f"\n{line}"
    out = []
    for number, entry in enumerate(entries, 1):
        process = entry.split("[", 1)[1].split("]", 1)[0]
        for part in pgrows.parts(entry, number, split=True):
            text = part.replace("\t", "#011")
            out.append(f"Jan  5 09:00:00 db1 postgres[{process}]: {text}\n")
    return "".join(out).encode()


def digest_of(path: Path, application: str) -> Digest:
    keep = Filter(applications=frozenset({application}))
    return reading.digest(Reading(files=(str(path),), keep=keep))


def told(digest: Digest) -> dict[str, tuple[Any, ...]]:
    return {
        each.text: (each.calls, each.total_us, each.users, each.databases, each.worst)
        for each in digest.classes.values()
        if each.entries
    }


@pytest.mark.parametrize("language", ["korean", "english"])
def test_four_formats_of_one_run_are_one_digest(logs: Path, language: str) -> None:
    found = [digest_of(logs / f"pg.{kind}", language) for kind in ("csv", "json", "log", "syslog")]
    first = told(found[0])
    assert sorted(calls for calls, *_ in first.values()) == [1, 4, 6]
    for one in found:
        assert told(one) == first
        assert one.account.understood == 1.0
        assert [each.sql for each in one.examples["error"]].count("SELECT 1 / 0") == 1
        # Parse and bind stand alone; the failed statement has no duration.
        assert (one.notices["duration"], one.notices["statement"]) == (8, 1)
        assert max(each.max_us for each in one.classes.values()) < 60_000_000


def test_korean_and_english_are_the_same_digest(logs: Path) -> None:
    assert "로그:  명령 구문: " in (logs / "pg.log").read_text("utf-8")
    for kind in ("csv", "json", "log", "syslog"):
        korean, english = (
            {
                text: calls
                for text, (calls, *_) in told(digest_of(logs / f"pg.{kind}", each)).items()
            }
            for each in ("korean", "english")
        )
        assert korean == english, kind
