"""Digests of slow logs: what is counted, what is not, and that nothing is lost on the way."""

import bz2
import gzip
import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from gettext import GNUTranslations
from pathlib import Path

import psycopg
import pytest
import slowlogs
import zstandard
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from stockops import lab as labs
from stockops.cli.main import main
from stockops.engine import connect
from stockops.slow import formats, histogram, reading, report
from stockops.slow.accounting import Account
from stockops.slow.digest import Digest
from stockops.slow.events import Event
from stockops.slow.formats import Piece, pgprefix
from stockops.slow.formats.mysqlslow import MySQLSlow
from stockops.slow.formats.pgcsv import PgCsv
from stockops.slow.formats.pgjson import PgJson
from stockops.slow.formats.pgstderr import PgStderr
from stockops.slow.reading import Reading

COUNT = 600
TRUTH = slowlogs.made_up(COUNT)


def shown(digest: Digest) -> str:
    """The whole report, the names of the files apart."""
    about = {k: v for k, v in report.summary(digest).items() if k not in {"files", "skipped"}}
    rows = report.classes(digest, by="total")
    return json.dumps([about, list(map(repr, rows))])


def digest_of(
    *files: Path, jobs: int = 1, piece_bytes: int = 1 << 22, range_bytes: int = 1 << 25
) -> Digest:
    read = Reading(files=tuple(map(str, files)), piece_bytes=piece_bytes, range_bytes=range_bytes)
    return reading.digest(read, jobs=jobs)


def read(raw: bytes, account: Account, *, form: formats.Format | None = None) -> list[Event]:
    """All events of a log that is one piece."""
    ends = formats.Ends()
    form = form or formats.detect(raw[: formats.HEAD_BYTES], file="x")
    return [*ends.parsed(form, Piece("x", 0, raw), account), *ends.close(account)]


@pytest.fixture(params=list(slowlogs.FORMATS))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_bytes(slowlogs.FORMATS[request.param](TRUTH))
    return path


def test_what_happened_comes_back_exactly(log: Path) -> None:
    found = digest_of(log)
    assert found.account.understood == 1.0
    assert found.account.read_bytes == log.stat().st_size
    assert sum(each.calls for each in found.classes.values()) == COUNT
    assert not found.admin
    by_time = Counter(each.total_us for each in found.classes.values())
    sums: Counter[int] = Counter()
    for each in TRUTH:
        sums[each.which] += each.duration_us
    assert by_time == Counter(sums.values())
    users = sum((each.users for each in found.classes.values()), Counter())
    assert users == Counter(each.user for each in TRUTH)
    databases = sum((each.databases for each in found.classes.values()), Counter())
    assert databases == Counter(each.database for each in TRUTH)
    slowest = max(TRUTH, key=lambda each: each.duration_us)
    worst = max(
        (each.worst for each in found.classes.values() if each.worst), key=lambda w: w.duration_us
    )
    assert (worst.duration_us, worst.sql) == (slowest.duration_us, slowest.sql)
    assert found.first_us == int(TRUTH[0].at.timestamp()) * 1_000_000


def test_every_cut_of_a_file_gives_the_same(log: Path) -> None:
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 6])  # in the middle of an entry
    whole = shown(digest_of(log))
    draw = random.Random(2)
    for _ in range(8):
        piece, part = draw.randrange(100, 5000), draw.randrange(1000, 20_000)
        assert shown(digest_of(log, piece_bytes=piece, range_bytes=part)) == whole
    assert shown(digest_of(log, jobs=2, range_bytes=9_000)) == whole


def test_packed_and_shuffled_files_give_the_same(log: Path, tmp_path: Path) -> None:
    whole = shown(digest_of(log))
    raw = log.read_bytes()
    packed: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress, "bz2": bz2.compress, "zst": zstandard.ZstdCompressor().compress,
    }  # fmt: skip
    for suffix, pack in packed.items():
        path = tmp_path / f"packed.{suffix}"
        path.write_bytes(pack(raw))
        assert shown(digest_of(path, piece_bytes=3000)) == whole
    form = formats.detect(raw[: formats.HEAD_BYTES], file=str(log))
    half = form.start(raw, len(raw) // 2, len(raw))
    for name, part in (("2.log", raw[:half]), ("1.log", raw[half:])):
        (tmp_path / name).write_bytes(part)
    assert shown(digest_of(tmp_path / "1.log", tmp_path / "2.log")) == whole


def test_quantiles_are_within_the_stated_error(log: Path) -> None:
    times: dict[float, list[int]] = {}
    for which in range(len(slowlogs.STATEMENTS)):
        of = sorted(each.duration_us for each in TRUTH if each.which == which)
        times[round(sum(of) / 10**6, 6)] = of
    for row in report.classes(digest_of(log), by="total"):
        of = times[row.total_s or 0]
        for share, said in ((0.5, row.p50_ms), (0.95, row.p95_ms), (0.99, row.p99_ms)):
            true = of[math.ceil(share * len(of)) - 1] / 1000
            assert said == pytest.approx(true, rel=histogram.RELATIVE_ERROR * 1.001, abs=0.001)


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_near_one_of_the_durations(durations: list[int], share: float) -> None:
    counts = Counter(map(histogram.bucket, durations))
    true = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]
    assert histogram.quantile_us(counts, share) == pytest.approx(
        true, rel=histogram.RELATIVE_ERROR * 1.001
    )


HEADERS = {
    "percona": b"""# Time: 2026-01-05T00:00:00.000001Z
# User@Host: app[app] @ web1 [10.0.0.7]  Id:    12
# Schema: shop  Last_errno: 0  Killed: 0
# Query_time: 1.500000  Lock_time: 0.000100  Rows_sent: 1  Rows_examined: 10  Rows_affected: 0
# Bytes_sent: 60
# Log_slow_rate_type: query  Log_slow_rate_limit: 10
SET timestamp=1767571200;
SELECT 1;
""",
    "mysql 5.7 without a time": b"""# User@Host: app[app] @ web1 [10.0.0.7]  Id:    12
# Query_time: 1.500000  Lock_time: 0.000100 Rows_sent: 1  Rows_examined: 10
use shop;
SET timestamp=1767571200;
SELECT 1;
""",
    "mysql 8 extra": b"""# Time: 2026-01-05T00:00:00.000001Z
# User@Host: app[app] @ web1 [10.0.0.7]  Id:    12
# Query_time: 1.500000  Lock_time: 0.000100 Rows_sent: 1  Rows_examined: 10 Thread_id: 12 Errno: 0
use shop;
SET timestamp=1767571200;
SELECT 1;
""",
}


@pytest.mark.parametrize("name", list(HEADERS))
def test_headers_of_other_servers_are_read(name: str) -> None:
    raw = HEADERS[name]
    account = Account()
    [event] = formats.detect(raw, file=name).parse(Piece(name, 0, raw), account)
    assert (event.user, event.host, event.session) == ("app", "10.0.0.7", "12")
    assert (event.duration_us, event.lock_us, event.rows_examined) == (1_500_000, 100, 10)
    assert (event.database, event.sql, event.at_us) == ("shop", "SELECT 1", 1_767_571_200_000_000)
    assert event.weight == (10 if name == "percona" else 1)
    assert account.skipped_bytes == 0


def test_a_duration_from_a_clock_that_went_back_is_none() -> None:
    raw = HEADERS["percona"].replace(b"1.500000", b"18446744073708.796870.000036", 1)
    [event] = formats.detect(raw, file="x").parse(Piece("x", 0, raw), Account())
    assert event.duration_us == 0


ASKED = "LOG:  duration: 1.000 ms  statement: SELECT 1"
FORGED = f"SELECT 'x\n2026-01-05 00:00:00.000 UTC [1] kim@shop {ASKED.replace('1.', '9999999.')}'"


def test_what_a_literal_says_is_not_believed(tmp_path: Path) -> None:
    """PostgreSQL indents, quotes and escapes; MySQL does not, so a whole header is asked for."""
    for name in ("stderr", "csvlog", "jsonlog", "mariadb"):
        forged = FORGED.replace("2026", "# Time: 260105 00:00:00\n# Query_time: 99.0 2026", 1)
        them = [slowlogs.Execution(1, 0, slowlogs.START, 1000, forged, "kim", "shop", 1)] * 3
        path = tmp_path / name
        path.write_bytes(slowlogs.FORMATS[name](them))
        found = digest_of(path)
        assert [(each.calls, each.total_us) for each in found.classes.values()] == [(3, 3000)], name
        assert found.account.understood == 1.0


PREFIXES = {
    "%t:%r:%u@%d:[%p]:": [
        f"2026-01-05 10:00:00 UTC:10.0.0.5(4321):kim@shop:[77]:{ASKED}",
        "2026-01-05 10:00:01 UTC::@:[99]:LOG:  checkpoint starting: time",
    ],
    "%m [%p] %q%u@%d/%a ": [
        f"2026-01-05 10:00:00.000 UTC [77] kim@shop/My App 2.1 {ASKED}",
        "2026-01-05 10:00:01.000 UTC [99] LOG:  checkpoint starting: time",
    ],
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ": [
        f"2026-01-05 10:00:00 UTC [77]: user=kim,db=shop,app=My App 2.1,client=10.0.0.5 {ASKED}",
        "2026-01-05 10:00:01 UTC [99]: user=,db=,app=,client= LOG:  checkpoint starting: time",
    ],
    "%n %p %c ": [f"1767607200.000 77 65a1b2c3.4d {ASKED}"],
    "": [ASKED],
}


@pytest.mark.parametrize("template", list(PREFIXES))
def test_the_prefix_is_found_out(template: str) -> None:
    raw = "\n".join([*PREFIXES[template], ""]).encode()
    prefix = pgprefix.infer(raw.splitlines())
    assert prefix is not None
    assert (prefix.template, prefix.share) == (template, 1.0)
    account = Account()
    events = read(raw, account)
    [event] = [each for each in events if each.source == "execution"]
    assert event.duration_us == 1000
    if "%u" in template:
        assert (event.user, event.database) == ("kim", "shop")
    if "%a" in template:
        assert event.application == "My App 2.1"
    assert account.skipped_bytes == 0


@pytest.mark.parametrize(
    "start", [b"", b"# Time: 260105 00:00:00\n# User@Host: ", b"2026-01-05 00:00:00.000 UTC,"]
)
@settings(max_examples=40, deadline=2000)
@given(data=st.data())
def test_no_bytes_bring_it_down(start: bytes, data: st.DataObject) -> None:
    """Whatever is in a log, each byte of it is accounted for, and it ends."""
    sound = [make(TRUTH[:4]) for make in slowlogs.FORMATS.values()]
    raw = data.draw(st.one_of(st.binary(max_size=400), st.sampled_from(sound)))
    cut = data.draw(st.integers(0, len(raw)))
    raw = start + raw[:cut] + data.draw(st.binary(max_size=20)) + raw[cut:]
    for form in (
        MySQLSlow(),
        PgCsv(),
        PgJson(),
        PgStderr(pgprefix.Prefix("%m [%p] ", 1.0)),
    ):
        account, whole = Account(), Digest()
        for event in read(raw, account, form=form):
            whole.event(event)
        assert account.read_bytes == len(raw)
        assert account.skipped_bytes <= account.read_bytes
        assert 0 <= form.start(raw, len(raw) // 2, len(raw)) <= len(raw)


CATALOGUE = Path("/usr/share/locale/ko/LC_MESSAGES/postgres-15.mo")


@pytest.mark.skipif(not CATALOGUE.exists(), reason="no Korean messages of PostgreSQL 15 here")
def test_the_korean_words_are_those_of_the_server() -> None:
    with CATALOGUE.open("rb") as file:
        said = GNUTranslations(file).gettext
    log_, named = said("LOG"), ("s1", "/", "c1", "SELECT 1")
    raw = [
        f"{log_}:  {said('duration: %s ms  statement: %s') % ('1.000', 'SELECT 1')}",
        f"{log_}:  {said('duration: %s ms  parse %s: %s') % ('2.000', '<unnamed>', 'SELECT 1')}",
        f"{log_}:  {said('duration: %s ms  bind %s%s%s: %s') % ('3.000', *named)}",
        f"{log_}:  {said('duration: %s ms  %s %s%s%s: %s') % ('4.000', said('execute'), *named)}",
        f"{said('DETAIL:  ')}{said('parameters: %s') % '$1 = 7'}",
        f"{said('ERROR')}:  {said('deadlock detected')}",
    ]
    log = "\n".join([*raw, ""]).encode()
    account = Account()
    events = read(log, account)
    assert [(each.source, each.kind, each.duration_us) for each in events] == [
        ("execution", "", 1000), ("preparation", "", 2000), ("preparation", "", 3000),
        ("execution", "", 4000), ("notice", "deadlock", 0),
    ]  # fmt: skip
    assert events[3].parameters == "$1 = 7"
    assert {each.sql for each in events[:4]} == {"SELECT 1"}


def test_what_is_not_understood_is_said_and_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    sound = slowlogs.stderr(TRUTH[:20])
    path.write_bytes(sound + b"somebody else wrote this\n" * 20)
    ran = CliRunner().invoke(main, ["slow", "digest", str(path)])
    assert ran.exit_code == 1
    assert "500 of" in ran.output
    assert f"at byte {len(sound):,}: somebody else" in ran.output


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "there is no entry"),
        (
            b"2026-01-05 00:00:00.000 UTC [1] LOG:  checkpoint starting: time\n",
            "other messages only",
        ),
        (b"2026-01-05 00:00:00.000 UTC [1] LOG:  duration: 1.000 ms\n", "without their statements"),
        (slowlogs.stderr(TRUTH[:3]), "the filters left out all of 3"),
    ],
    ids=["an empty file", "no statement", "durations alone", "all filtered"],
)
def test_an_empty_report_says_why(tmp_path: Path, raw: bytes, why: str) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(raw)
    ran = CliRunner().invoke(
        main,
        ["slow", "digest", *(["--database", "nowhere"] if "filters" in why else []), str(path)],
    )
    assert ran.exit_code == 1
    assert why in ran.output


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("program", b"\x7fELF\0\0\0", "NUL bytes"),
        ("prose", b"dear diary\n", "no log in a format that is known"),
        ("cut.gz", gzip.compress(slowlogs.stderr(TRUTH))[:900], "cannot be unpacked"),
        (None, b"", "there is no file"),
    ],
    ids=["a binary", "prose", "a cut archive", "nothing"],
)
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, name: str | None, raw: bytes, why: str
) -> None:
    path = tmp_path / (name or "missing")
    if name:
        path.write_bytes(raw)
    ran = CliRunner().invoke(main, ["slow", "digest", str(path)])
    assert ran.exit_code == 2
    assert why in ran.output


def test_events_are_one_object_a_line(tmp_path: Path) -> None:
    path = tmp_path / "slow.log"
    path.write_bytes(slowlogs.mariadb(TRUTH[:9]))
    ran = CliRunner().invoke(main, ["slow", "events", "--user", "kim", str(path)])
    assert ran.exit_code == 0, ran.output
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    asked = [each for each in TRUTH[:9] if each.user == "kim"]
    assert [each["sql"] for each in told] == [each.sql for each in asked]
    assert [each["duration_s"] for each in told] == [each.duration_us / 10**6 for each in asked]
    assert {each["bytes_sent"] for each in told} == {"64"}


PG_SETTINGS = {
    "logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_directory": "said",
    "log_filename": "pg.log", "log_min_duration_statement": "0", "log_temp_files": "0",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ", "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0", "auto_explain.log_analyze": "on",
}  # fmt: skip


@pytest.fixture(scope="module")
def pg_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one server wrote in three formats at once: 10 selects, 5 prepared, 1 forged, 1 error."""
    folder = tmp_path_factory.mktemp("said")
    with labs.temporary("postgresql", settings=PG_SETTINGS) as lab:
        with psycopg.connect(lab.url(), autocommit=True) as session:
            session.execute(
                "CREATE TABLE t AS SELECT g AS id, 'x' || g AS s FROM generate_series(1, 200) AS g"
            )
            for n in range(10):
                session.execute(
                    f"SELECT count(*) FROM t WHERE s = 'it''s {n}' OR id IN ({n}, {n + 1})",
                    prepare=False,
                )
            for n in range(5):
                session.execute("SELECT s FROM t WHERE id = %s", (n,))
            session.execute("SELECT 'x\nduration: 9999999.000 ms  statement: y'")
            with pytest.raises(psycopg.Error):
                session.execute("SELECT 1 / 0")
        labs.stop(lab)
        for path in (lab.data / "said").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_one_server_in_three_formats_is_one_digest(pg_logs: Path) -> None:
    found = [digest_of(pg_logs / f"pg.{suffix}") for suffix in ("log", "csv", "json")]
    calls = [
        {each.text: each.calls for each in one.classes.values() if each.entries} for one in found
    ]
    assert calls[0] == calls[1] == calls[2]
    assert sorted(calls[0].values()) == [1, 1, 5, 10]
    for one in found:
        assert one.account.understood == 1.0
        # A server that is asked while it starts says so, too.
        assert [e.text for e in one.examples["error"]].count("division by zero") == 1
        assert max(each.max_us for each in one.classes.values()) < 60_000_000
        [prepared] = [each for each in one.classes.values() if each.calls == 5]
        assert prepared.prepared_us > 0
        assert prepared.worst is not None
        assert prepared.worst.parameters.startswith("$1 = ")
        assert sum(seen.calls for seen in prepared.plans.values()) == 5


def test_a_slow_log_of_a_real_mariadb_comes_back(tmp_path: Path) -> None:
    settings = {
        "slow_query_log": "1", "slow_query_log_file": "slow.log", "long_query_time": "0",
        "log_slow_verbosity": "query_plan,explain,innodb",
    }  # fmt: skip
    path = tmp_path / "slow.log"
    with labs.temporary("mariadb", settings=settings) as lab:
        with connect(lab.url()) as server:
            server.execute(
                "CREATE TABLE t AS SELECT seq AS id, concat('x', seq) AS s FROM seq_1_to_200"
            )
            for n in range(10):
                server.rows(
                    f"SELECT count(*) FROM t WHERE s = 'it''s \\'{n}' OR id IN ({n}, {n + 1})"
                )
            server.rows("SELECT 'x\n# Time: 260101 10:00:00\n# User@Host: a[a] @ b []\ny'")
        path.write_bytes((lab.data / "slow.log").read_bytes())
    found = digest_of(path)
    assert found.account.understood == 1.0
    [asked] = [
        each
        for each in found.classes.values()
        if "from t" in each.text.lower() and each.verb == "SELECT"
    ]
    assert (asked.calls, asked.rows_sent, asked.rows_examined) == (10, 10, 2000)
    [plan] = asked.plans.values()
    assert plan.calls == 10
    assert "ALL" in plan.text
    assert "CREATE" in {each.verb for each in found.classes.values()}


def snapshot(tmp_path: Path, name: str, them: list[slowlogs.Execution]) -> Path:
    log = tmp_path / f"{name}.log"
    log.write_bytes(slowlogs.csvlog(them))
    path = tmp_path / f"{name}.json"
    ran = CliRunner().invoke(main, ["slow", "snapshot", str(path), str(log)])
    assert ran.exit_code == 0, ran.output
    return path


def test_what_became_slower_is_named_and_nothing_else(tmp_path: Path) -> None:
    """A class that takes thrice as long is worse; draws of the same are the same."""
    steady = [replace(each, duration_us=1000 + each.number % 50) for each in TRUTH]
    slower = [replace(e, duration_us=3 * e.duration_us) if e.which == 1 else e for e in steady]
    other = [replace(each, duration_us=1000 + each.number % 49) for each in TRUTH]
    before, after, again = (
        snapshot(tmp_path, name, them)
        for name, them in (("before", steady), ("after", slower), ("again", other))
    )
    ran = CliRunner().invoke(main, ["slow", "compare", str(before), str(after), "--format=json"])
    assert ran.exit_code == 1
    rows = json.loads(ran.stdout)
    assert [row["verdict"] for row in rows] == ["worse", *["same"] * (len(slowlogs.STATEMENTS) - 1)]
    assert rows[0]["low"] < rows[0]["ratio"] < rows[0]["high"]
    assert rows[0]["ratio"] == pytest.approx(3, rel=0.01)
    assert "took 3.00 times as long" in ran.stderr
    assert CliRunner().invoke(main, ["slow", "compare", str(before), str(again)]).exit_code == 0
    back = CliRunner().invoke(main, ["slow", "compare", str(after), str(before)])
    assert (back.exit_code, "better" in back.stdout) == (0, True)


def test_few_calls_say_nothing_and_no_class_in_common_is_a_finding(tmp_path: Path) -> None:
    one = snapshot(tmp_path, "one", [TRUTH[0]])
    other = snapshot(tmp_path, "other", [replace(TRUTH[0], duration_us=10**9)])
    foreign = snapshot(tmp_path, "foreign", [replace(TRUTH[0], sql="SELECT something_else")])
    ran = CliRunner().invoke(main, ["slow", "compare", str(one), str(other)])
    assert (ran.exit_code, "unknown" in ran.stdout) == (1, True)
    assert "nothing can be said" in ran.stderr
    ran = CliRunner().invoke(main, ["slow", "compare", str(one), str(foreign)])
    assert (ran.exit_code, "no class in common" in ran.stderr) == (1, True)
    assert {"new", "gone"} <= set(ran.stdout.split())


def test_what_is_no_snapshot_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for text in ("", "[]", "{}", '{"stockops_slow_snapshot": 9}'):
        path.write_text(text)
        ran = CliRunner().invoke(main, ["slow", "compare", str(path), str(path)])
        assert (ran.exit_code, "is no snapshot" in ran.output) == (2, True)
    sound = tmp_path / "server.log"
    sound.write_bytes(slowlogs.csvlog(TRUTH[:9]))
    ran = CliRunner().invoke(main, ["slow", "snapshot", str(tmp_path / "no" / "x"), str(sound)])
    assert (ran.exit_code, "cannot be written" in ran.output) == (2, True)


def test_a_snapshot_is_never_written_over_a_log(tmp_path: Path) -> None:
    """``slow snapshot *.log`` names a log where the snapshot is to be."""
    log = tmp_path / "monday.log"
    log.write_bytes(slowlogs.csvlog(TRUTH[:9]))
    ran = CliRunner().invoke(main, ["slow", "snapshot", str(log), str(log)])
    assert (ran.exit_code, "it is not written over" in ran.output) == (2, True)
    assert log.read_bytes() == slowlogs.csvlog(TRUTH[:9])
    kept = snapshot(tmp_path, "kept", TRUTH[:9])
    assert snapshot(tmp_path, "kept", TRUTH[:5]) == kept


@pytest.mark.parametrize("named", [name for name in formats.NAMES if name != "stderr"])
def test_a_format_that_is_named_wrongly_is_one_sentence(tmp_path: Path, named: str) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(slowlogs.stderr(TRUTH[:5]))
    ran = CliRunner().invoke(main, ["slow", "digest", "--log-format", named, str(path)])
    assert ran.exit_code == 2
    assert f"does not begin as a {named} log does" in ran.output
    assert "It looks like stderr: leave out --log-format." in ran.output


def test_a_log_cut_within_a_character_loses_that_character_alone(log: Path) -> None:
    """A file that was copied while it grew may end anywhere, and be cut off anywhere in front."""
    raw = log.read_bytes()
    within = raw.find("글".encode()) + 1
    if not within:  # the json log writes what is not ASCII as \\u
        pytest.skip("no character of several bytes in it")
    log.write_bytes(raw[:within])
    found = digest_of(log)
    assert found.account.skipped_bytes <= len(raw[:within].splitlines()[-1])
    assert found.account.read_bytes == within


def test_a_prefix_of_which_nothing_is_known_is_no_endless_search() -> None:
    """As the fuzzer found: what has no end of its own was searched for with each other."""
    noise = " ".join(f"w{n}@x[" for n in range(40))
    lines = [f"{noise}{n} LOG:  duration: 1.000 ms".encode() for n in range(200)]
    begun = time.process_time()
    assert pgprefix.infer(lines) is not None
    assert time.process_time() - begun < 5
    twice = [b"kim@shop LOG:  x", b"kim@shop lee@shop LOG:  x"]
    assert pgprefix.infer(twice) is not None  # a name of a group was given twice


def test_what_is_not_understood_is_told_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    entry = "2026-01-05 09:00:0{}.000 UTC [7] LOG:  duration: 1.5 ms  statement: SELECT {}\n"
    log.write_text("The files belong to x.\nSo does y.\n" + "".join(
        entry.format(n, n) for n in range(9)
    ))  # fmt: skip
    told = CliRunner().invoke(main, ["slow", "digest", str(log)]).stdout
    [line] = [each for each in told.splitlines() if each.startswith("not understood")]
    assert "The files belong to x. So does y." in line


def test_one_log_in_several_formats_is_not_counted_twice_in_silence(tmp_path: Path) -> None:
    stderr = "2026-01-05 09:00:00.000 UTC [7] LOG:  duration: 1.500 ms  statement: SELECT 1\n"
    csv = (
        '2026-01-05 09:00:00.000 UTC,"u","d",7,"[local]",695b5c80.7,1,"SELECT",'
        '2026-01-05 08:00:00 UTC,3/4,0,LOG,00000,"duration: 1.500 ms  statement: SELECT 1"'
        ',,,,,,,,,"","client backend",,0\n'
    )
    (tmp_path / "pg.log").write_text(stderr * 40)
    (tmp_path / "pg.csv").write_text(csv * 40)
    both = CliRunner().invoke(main, ["slow", "digest", str(tmp_path)])
    assert both.exit_code == 1
    assert "pg.csv and " in both.stderr
    assert "is counted 2 times" in both.stderr
    (tmp_path / "pg.log").write_text(stderr * 2)  # as small as what csvlog leaves to stderr
    assert CliRunner().invoke(main, ["slow", "digest", str(tmp_path)]).exit_code == 0
