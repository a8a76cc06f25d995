"""Reading by the thousand gives what reading entry by entry does, whatever stands in the log."""

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
import slowlogs

from stockops.slow import formats, reading
from stockops.slow.accounting import Account
from stockops.slow.batches import Batch
from stockops.slow.digest import Digest
from stockops.slow.formats import Columnar, Ends, Format, Piece, pglines
from stockops.slow.reading import Filter, Reading
from stockops.statements import Dialect, classify, classify_all

TRUTH = slowlogs.made_up(400)
ROUNDS = 50
# What logs hold beside plain executions, and what somebody might write to be taken for one.
ANYWHERE = [
    b"\n", b"\r\n", b"\r", b"\t", b"\0", b"'", b'"', b"\\", b",", b";\n", b"/* a='b' */",
    b"\xff\xfe", "한글".encode(), "한".encode()[:2], b"}\n{", b"999999999999999999999999",
    b"somebody else wrote this\n", b"\tthis goes on\n", b"# Time: 260105 00:00:00\n",
]  # fmt: skip
MYSQL = [
    b"# User@Host: a[b] @ c [d]\n# Query_time: 1.0 Lock_time: 0\nSET timestamp=1767571200;\n",
    b"# User@Host: a[b] @ c [d]\n# Query_time: 1.000000  Lock_time: 0.000000  Rows_sent: 1  "
    b"Rows_examined: 2\nuse `x`;\nSET timestamp=1767571200.123456;\nSELECT 'x\n",
    b"# administrator command: Quit;\n", b"# administrator command: Ping",
    b"SET timestamp=1767571200;\n", b"use other;\n", b"# Query_time: 9.000000  Lock_time: 9\n",
    b"#\n# explain: id\tselect_type\ttable\trows\n# explain: 1\tSIMPLE\tt\t7\n#\n",
    b"# Tmp_tables: 1  Tmp_disk_tables: 0  Tmp_table_sizes: 0\n# Full_scan: Yes  Full_join: No\n",
    b"# Log_slow_rate_type: query  Log_slow_rate_limit: 10\n", b"SELECT \"it's\", 'a\\'b';\n",
    b"/usr/sbin/mysqld, Version: 8.0.1. started with:\nTime  Id Command  Argument\n",
    b"mysqld, Version: 8.0.1. started with:\nTcp port: 0\nTime\tId\tCommand\tArgument\n",
]  # fmt: skip
SAID = [
    b"duration: 7.000 ms  execute <unnamed>: SELECT $1", b"duration: 7.000 ms  parse s1: SELECT 2",
    b"duration: 7.000 ms  bind s1/p: SELECT 2", b"duration: 7.000 ms  execute fetch from c: SELECT",
    b"duration: 7.000 ms  plan:\nQuery Text: SELECT 1\nSeq Scan on t  (cost=0 rows=1)",
    b"duration: 7.000 ms", b"statement: SELECT 5", b"execute a,b: SELECT 6", b"deadlock detected",
    b'duration: 1.000 ms  fastpath function call: "x": y', b"duration: 1.000 ms  execute a,b: S",
    b"duration: 1.000 ms  execute a b: SELECT", b"duration: 1.000 ms  execute a: b: SELECT 'it''s'",
]  # fmt: skip
_AT = b"2026-01-05 00:00:07.000 "
_MORE = b'"app","client backend",,77\n'
CSV = [
    b'%b%b,"kim","shop",7,"h:1",s.7,1,"x",%bUTC,3/1,0,LOG,00000,%b,%b,,,,,,,,%b'
    % (_AT, zone, _AT, said, detail, _MORE)
    for zone in (b"UTC", b"KST", b"XYZ", b"+05:30")
    for said in [*SAID, *(b'"' + each.replace(b'"', b'""') + b'"' for each in SAID)]
    for detail in (b"", b"\"parameters: $1 = '7'\"")
]
_PREFIX = b"2026-01-05 00:00:07.000 UTC [%b] kim@shop "
STDERR = [
    _PREFIX % pid + label + each.replace(b"\n", b"\n\t") + b"\n"
    for pid in (b"101", b"7")
    for label, them in (
        (b"LOG:  ", SAID),
        ("로그:  ".encode(), SAID),
        (b"ERROR:  ", SAID[:1]),
        (b"DETAIL:  ", [b"parameters: $1 = 'a\nb'", b"something else"]),
        (b"STATEMENT:  ", [b"SELECT 1"]),
        (b"HINT:  ", [b"look"]),
    )
    for each in them
]
STDERR += [
    _PREFIX % pid + b"LOG:  duration: 9000.000 ms  execute s1: SELECT $1\n\t, 2\n"
    + _PREFIX % other + b"DETAIL:  parameters: $1 = 'x\n\ty'\n"
    for pid in (b"101", b"7") for other in (b"101", b"7")
] * 5  # fmt: skip
JSON = [
    json.dumps({**said, "message": each.decode(), "detail": "parameters: $1 = 1"}).encode() + b"\n"
    for said in (
        {"timestamp": "2026-01-05 00:00:00.000 UTC", "error_severity": "LOG", "query_id": 7},
        {"timestamp": "2026-01-05 00:00:00.000 KST", "error_severity": "ERROR", "dbname": "x"},
        {"timestamp": "never", "error_severity": "LOG"},
    )
    for each in [*SAID, b"duration: 1.000 ms  statement: SELECT '\\ud800'"]
] + [
    b'{"timestamp": "2026-01-05 00:00:00.000 UTC", "message": '
    b'"duration: 1.000 ms  statement: SELECT \\ud800"}\n'
]  # fmt: skip
FORGED: dict[str, list[bytes]] = {
    "jsonlog": JSON, "operator": JSON,
    "stderr": STDERR, "korean stderr": STDERR,
    "mariadb": MYSQL, "mysql8": MYSQL, "csvlog": CSV, "korean csvlog": CSV,
}  # fmt: skip


def sound(name: str, draw: random.Random) -> bytes:
    return slowlogs.FORMATS[name](draw.sample(TRUTH, draw.randrange(1, 50)))


def hostile(name: str, draw: random.Random) -> bytes:
    """A log, cut and glued, with what does not belong there set in between."""
    raw = sound(name, draw)
    for _ in range(draw.randrange(6)):
        at = draw.randrange(len(raw) + 1)
        if draw.random() < 0.5:  # at the start of a line
            at = raw.rfind(b"\n", 0, at) + 1
        gone = draw.choice([0, 0, 0, 1, 5, 200])
        put = draw.choice([*ANYWHERE, *FORGED.get(name, []) * 2, sound(name, draw), b""])
        raw = raw[:at] + put + raw[at + gone :]
    return raw


def pieces(form: Format, raw: bytes, draw: random.Random) -> list[Piece]:
    """`raw`, cut where entries begin."""
    cuts = [0]
    while cuts[-1] < len(raw):
        at = min(cuts[-1] + draw.choice([50, 2000, 20_000]), len(raw))
        cuts.append(form.start(raw, at, len(raw)))
    return [Piece("x", at, raw[at:end]) for at, end in pairwise(cuts)]


def both(head: bytes, raw: bytes, draw: random.Random) -> tuple[Digest, Digest, int]:
    """The digests of `raw`, entry by entry and by columns, and how many were in batches."""
    in_batches = 0
    digests = []
    them = pieces(formats.detect(head, file="x"), raw, draw)
    for way in (Ends.parsed, Ends.told):
        form = formats.detect(head, file="x")
        assert isinstance(form, Columnar)
        digest, ends = Digest(form.dialect), Ends()
        for piece in them:
            for told in way(ends, form, piece, digest.account):
                if isinstance(told, Batch):
                    digest.batch(told)
                    in_batches += len(told.sql)
                else:
                    digest.event(told)
        for event in ends.close(digest.account):
            digest.event(event)
        digests.append(digest)
    return digests[0], digests[1], in_batches


COLUMNAR = [
    "mariadb",
    "mysql8",
    "csvlog",
    "korean csvlog",
    "stderr",
    "korean stderr",
    "jsonlog",
    "operator",
]


@pytest.mark.parametrize(
    ("name", "reach_bytes"),
    [*((name, 200) for name in COLUMNAR), ("stderr", pglines.REACH_BYTES)],
)
def test_whatever_is_in_a_log_both_ways_read_the_same(
    name: str, reach_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pglines, "REACH_BYTES", reach_bytes)
    draw = random.Random(name)
    in_batches = 0
    for _ in range(ROUNDS):
        raw = hostile(name, draw)
        plain, fast, count = both(sound(name, draw), raw, draw)
        assert fast == plain, raw
        in_batches += count
    assert in_batches > ROUNDS // 2


@pytest.mark.parametrize("name", COLUMNAR)
def test_what_is_usual_is_read_in_batches(name: str) -> None:
    raw = slowlogs.FORMATS[name](TRUTH)
    [whole] = [Piece("x", 0, raw)]
    form = formats.detect(raw, file="x")
    assert isinstance(form, Columnar)
    told = list(form.columns(whole, Account()))
    in_batches = sum(len(each.sql) for each in told if isinstance(each, Batch))
    # The last of each of the seven sessions may go on, and the first may be a banner's.
    assert in_batches >= len(TRUTH) - 7


@pytest.mark.parametrize("name", COLUMNAR)
@pytest.mark.parametrize(
    "keep",
    [
        Filter(users=frozenset({"kim"})),
        Filter(databases=frozenset({"shop"}), min_us=3000),
        Filter(since_us=1_767_571_300_000_000, until_us=1_767_571_400_000_000),
        Filter(applications=frozenset({"another"})),
    ],
    ids=["a user", "a database, and slow", "a window", "an application"],
)
def test_filters_leave_out_the_same(name: str, keep: Filter, tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(slowlogs.FORMATS[name](TRUTH))
    answers = [
        reading.digest(Reading(files=(str(path),), keep=keep, batches=batches))
        for batches in (True, False)
    ]
    assert answers[0] == answers[1]
    assert 0 < answers[0].filtered <= len(TRUTH)


TEXTS = [
    "", "SELECT 1", "SELECT 'a'", "SELECT 'it''s'", "SELECT 'open", "SELECT 'a\\'b'", "SELECT $1",
    "SELECT /* x */ 1", "SELECT 1 /* a='b' */", "SELECT -- '\n 2", "SELECT \"a\" FROM t1",
    "SELECT * FROM orders_2024", "SELECT * FROM orders_2025", "SELECT 0x1F, 1e5, t.1", "SELECT `a`",
    "INSERT INTO t VALUES " + ", ".join(["(1, 'x')"] * 300), "SELECT '한글'", "SELECT E'a\\'b'",
    "SELECT \0", "SELECT '\0', 5", "SELECT $$ ' $$", "SELECT '" + "x" * 5000 + "'", "SELECT 100000",
    "/* it's */ SELECT 1", "SELECT $$a /* x */", "SELECT $$a$$ /* b='c' */;", "/*! SELECT */ 1",
    "SELECT 1 /* a='b',c='%20d' */ ; ", "/**/", "/*/", "SELECT 'a' /* x */ /* y */", "/* a='b' */",
    "SELECT 1 /*+ hint */", "SELECT '/* a=''b'' */'", "SELECT 1 -- /* x */", "SELECT # /* x */\n1",
    "SELECT /* a */ 1", "SELECT /* a */ 'x'", "SELECT /* it's */ 1, 'x' /* it's */", "SELECT /*/ 1",
    'SELECT "a /* b", 1, "c */ d"', 'SELECT "a /* b */", 1', "SELECT /* /* a */ */ 1",
    'SELECT /* " */ 1',
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"])
def test_the_classes_of_many_are_those_of_each(dialect: Dialect) -> None:
    draw = random.Random(3)
    for _ in range(60):
        raw = [draw.choice(TEXTS).encode() for _ in range(draw.randrange(60))]
        raw += [text[: draw.randrange(len(text) + 1)] + b"\xff" for text in raw[:5]]
        draw.shuffle(raw)
        each = [classify(text.decode("utf-8", "replace"), dialect=dialect) for text in raw]
        assert classify_all(raw, dialect=dialect) == each


def test_accounts_of_both_ways_name_the_same_bytes(tmp_path: Path) -> None:
    for name in COLUMNAR:
        form = formats.detect(slowlogs.FORMATS[name](TRUTH[:5]), file="x")
        assert isinstance(form, Columnar)
        account = Account()
        raw = b"dear diary\n" + slowlogs.FORMATS[name](TRUTH[:5])
        list(form.columns(Piece("x", 100, raw), account))
        assert (account.read_bytes, account.entries) == (len(raw), 5)
        if name != "mariadb":  # where a banner follows, all before it is told of as one
            assert [(each.offset, each.length) for each in account.examples] == [(100, 11)]
