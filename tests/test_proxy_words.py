"""What a proxy understands: toxics as text, addresses, and two protocols in pieces of any size."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockops import proxy
from stockops.errors import ConfigError
from stockops.proxy.addresses import moved
from stockops.proxy.mariadb import MariaDBTalk
from stockops.proxy.postgresql import PostgreSQLTalk
from stockops.proxy.talk import Asked, Cut, Talk, Told

ANY_TOXIC: list[proxy.Toxic] = [
    proxy.Latency(ms=200, jitter_ms=50.5, way="down"),
    proxy.Bandwidth(kib_per_s=8),
    proxy.Loss(share=0.25, rto_ms=100),
    proxy.BlackHole(way="up", whom="new"),
    proxy.Reset(share=0.5, whom="existing"),
    proxy.Refuse(),
    proxy.SlowClose(ms=10),
    proxy.LostReply(count=5, statement=r"place_order\(|a,b=c:d"),
    proxy.LostRequest(share=0.1),
]


@pytest.mark.parametrize("toxic", ANY_TOXIC, ids=proxy.name_of)
def test_a_toxic_is_read_as_it_is_written(toxic: proxy.Toxic) -> None:
    assert proxy.parse(proxy.said(toxic)) == toxic


def test_every_kind_of_toxic_is_tried_above() -> None:
    assert {proxy.name_of(each) for each in ANY_TOXIC} == {*proxy.KINDS}


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("latancy:ms=1", "no toxic is called 'latancy'", "Did you mean latency?"),
        ("latency", "needs ms", "latency:ms=NUMBER"),
        ("latency:ms=1,jiter_ms=2", "'jiter_ms'", "jitter_ms"),
        ("latency:ms=fast", "ms='fast' is not a number", "ms=1"),
        ("latency:ms=-1", "out of range", "from 0"),
        ("latency:ms=nan", "out of range", "from 0"),
        ("latency:ms=5,jitter_ms=6", "jitter_ms=6 is out of range", "to 5"),
        ("loss:share=1", "out of range", "to 0.9"),
        ("black_hole:way=sideways", "no way is called 'sideways'", "up, down, both"),
        ("reset:whom=nobody", "no whom is called 'nobody'", "existing"),
        ("lost_reply:count=1.5", "not a whole number", "count=1"),
        ("lost_reply:statement=(", "no regular expression", "Escape"),
        ("refuse:all", "no part of refuse is called 'all'", "Known: none"),
    ],
)
def test_a_toxic_that_cannot_be_is_named(text: str, said: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        proxy.parse(text)
    assert said in str(caught.value)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("url", "where", "there"),
    [
        (
            "postgresql://a%40b@localhost:5433/db?host=/run/pg&application_name=x%20y",
            Path("/run/pg/.s.PGSQL.5433"),
            "postgresql://a%40b@localhost:6000/db?application_name=x%20y&host=%2Fp",
        ),
        (
            "postgresql://ops@db1/trading?sslmode=verify-full",
            ("db1", 5432),
            "postgresql://ops@localhost:6000/trading?sslmode=verify-full&host=%2Fp",
        ),
        (
            "mariadb://ops@localhost/trading?unix_socket=/run/my.sock",
            Path("/run/my.sock"),
            "mariadb://ops@localhost/trading?unix_socket=%2Fp%2F.s.PGSQL.6000",
        ),
        (
            "mariadb://ops@10.0.0.1:3307/trading?ssl_ca=/ca.pem",
            ("10.0.0.1", 3307),
            "mariadb://ops@localhost/trading?ssl_ca=%2Fca.pem&unix_socket=%2Fp%2F.s.PGSQL.6000",
        ),
    ],
)
def test_a_url_tells_its_server_and_can_be_moved(
    url: str, where: Path | tuple[str, int], there: str
) -> None:
    assert proxy.server_of(url) == where
    assert moved(url, Path("/p/.s.PGSQL.6000")) == there


def test_the_name_of_a_host_stays_where_certificates_are_looked_up_by_it() -> None:
    url = "postgresql://ops@db1:5432/trading?sslmode=verify-full"
    at = "postgresql://ops@db1:7000/trading?sslmode=verify-full&hostaddr=127.0.0.1"
    assert moved(url, ("127.0.0.1", 7000)) == at
    assert moved("mariadb://a@db2/t", ("127.0.0.1", 7000)) == "mariadb://a@127.0.0.1:7000/t"


def test_several_servers_or_an_odd_socket_are_refused() -> None:
    with pytest.raises(ConfigError, match="several"):
        proxy.server_of("postgresql://a@x,y/db?host=x,y")
    with pytest.raises(ConfigError, match="do not find"):
        moved("postgresql://a@x/db", Path("/tmp/pg.sock"))


def pg(kind: str, body: bytes = b"") -> bytes:
    return kind.encode() + (len(body) + 4).to_bytes(4, "big") + body


def my(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


Said = list[tuple[str, bytes]]  # "up" or "down", and what is sent
PG_LOGIN: Said = [
    ("up", (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")),
    ("down", b"N"),
    ("up", (13).to_bytes(4, "big") + (196608).to_bytes(4, "big") + b"user\0"),
    ("down", pg("R", b"\0\0\0\0") + pg("K", b"12345678") + pg("Z", b"I")),
]
PG_ROW = pg("T", b"x" * 40) + pg("D", b"Z\0\0\0\5I" + b"C" * 6000)
PG_TALK: Said = [
    ("up", pg("P", b"call\0SELECT * FROM place_order($1)\0\0\0") + pg("S")),
    ("down", pg("1") + pg("Z", b"I")),
    ("up", pg("B", b"\0call\0\0\0") + pg("D", b"P\0") + pg("E", b"\0" * 5) + pg("S")),
    ("down", pg("2") + PG_ROW + pg("C", b"SELECT 1\0") + pg("Z", b"I")),
    ("down", pg("N", b"a notice")),
    ("up", pg("Q", b"BEGIN\0")),
    ("down", pg("C", b"BEGIN\0") + pg("Z", b"T")),
    ("up", pg("Q", b"INSERT INTO t VALUES (1)\0")),
    ("down", pg("C", b"INSERT 0 1\0") + pg("Z", b"T")),
    ("up", pg("Q", b"/* end */ commit\0")),
    ("down", pg("C", b"COMMIT\0") + pg("Z", b"I")),
    ("up", pg("Q", b"INSERT INTO t VALUES (1)\0")),
    ("down", pg("E", b"SERROR\0\0") + pg("Z", b"I")),
    ("up", pg("Q", b"COPY t FROM STDIN\0")),
    ("down", pg("G", b"\0\0\0")),
    ("up", pg("d", b"Q" * 9000) + pg("c")),
    ("down", pg("C", b"COPY 1\0") + pg("Z", b"I")),
]
PG_COMMITTED = [False, False, False, False, True, False, True]
PG_MAY = [False, False, False, False, True, True, True]

MY_OK = b"\0\0\0\2\0\0\0"
MY_EOF = b"\xfe\0\0\x0a\0"  # more results follow
MY_HELLO = b"\n10.11.6-MariaDB\0" + b"t" * 12 + b"\0\xff\xf7c\2\0\xff\x81" + b"s" * 30
MY_LOGIN: Said = [
    ("down", my(0, MY_HELLO)),
    ("up", my(1, (0x0200 | 8).to_bytes(4, "little") + b"\0" * 28 + b"ops\0\0")),
    ("down", my(2, MY_OK)),
]  # fmt: skip
MY_ROW = (
    my(1, b"\1") + my(2, b"c" * 40) + my(3, b"\xfe\0\0\2\0") + my(4, b"\xfc\x00\x17" + b"\0" * 5888)
)
MY_TALK: Said = [
    ("up", my(0, b"\x03CALL place_order('k')")),
    ("down", MY_ROW + my(5, MY_EOF) + my(6, MY_OK)),
    ("up", my(0, b"\x16INSERT INTO t VALUES (?)")),
    ("down", my(1, b"\0\7\0\0\0\0\0\1\0\0\0\0") + my(2, b"p" * 30) + my(3, b"\xfe\0\0\2\0")),
    ("up", my(0, b"\x17\7\0\0\0\0\1\0\0\0")),
    ("down", my(1, MY_OK)),
    ("up", my(0, b"\x03START TRANSACTION")),
    ("down", my(1, b"\0\0\0\3\0\0\0")),
    ("up", my(0, b"\x03INSERT INTO t VALUES (1)")),
    ("down", my(1, b"\0\1\0\3\0\0\0")),
    ("up", my(0, b"\x03COMMIT")),
    ("down", my(1, MY_OK)),
    ("up", my(0, b"\x03INSERT INTO t VALUES (1)")),
    ("down", my(1, b"\xff\xff\xff\1\1\0\0\0\0")),  # progress
    ("down", my(2, b"\xff\x26\x04#23000no")),
    ("up", my(0, b"\x03LOAD DATA LOCAL INFILE 'f' INTO TABLE t")),
    ("down", my(1, b"\xfbf")),
    ("up", my(2, b"\x03" * 9000) + my(3, b"")),
    ("down", my(4, MY_OK)),
    ("up", my(0, b"\x09")),
    ("down", my(1, b"Uptime: 1")),
    ("up", my(0, b"\x01")),
]  # fmt: skip
MY_COMMITTED = [True, True, False, False, True, False, True]
MY_MAY = [True, True, False, False, True, True, True]


def heard(talk: Talk, said: Said, sizes: Iterable[int]) -> list[Asked | Told]:
    """Return what `talk` understands of `said`, each piece of it in chunks of `sizes`."""
    found: list[Cut] = []
    steps = iter(sizes)
    for way, data in said:
        at = 0
        while at < len(data):
            step = next(steps, 0) or len(data)
            chunk = data[at : at + step]
            found += talk.up(chunk) if way == "up" else talk.down(chunk)
            at += step
    return [words for _, words in found if words is not None]


def verdicts(
    words: list[Asked | Told], pattern: re.Pattern[str] | None = None
) -> tuple[list[bool], list[bool]]:
    """Return of each answer whether it committed, and of each request whether it may."""
    return (
        [each.has_committed(pattern) for each in words if isinstance(each, Told)],
        [each.may_commit(pattern) for each in words if isinstance(each, Asked)],
    )


SIZES = st.lists(st.integers(1, 4000), max_size=60)


@given(SIZES)
def test_postgresql_is_understood_in_pieces_of_any_size(sizes: list[int]) -> None:
    talk = PostgreSQLTalk()
    heard(talk, PG_LOGIN, ())
    words = heard(talk, PG_TALK, sizes)
    assert verdicts(words) == (PG_COMMITTED, PG_MAY)
    # A SELECT that calls a routine shows only by its text, which was sent long before.
    told, asked = verdicts(words, re.compile("PLACE_ORDER", re.IGNORECASE))
    assert told == asked == [False, True, False, False, False, False, False]
    assert not talk.answering


@given(SIZES)
def test_mariadb_is_understood_in_pieces_of_any_size(sizes: list[int]) -> None:
    talk = MariaDBTalk()
    heard(talk, MY_LOGIN, ())
    assert verdicts(heard(talk, MY_TALK, sizes)) == (MY_COMMITTED, MY_MAY)
    assert not talk.answering


def test_an_encrypted_conversation_is_said_to_be_one() -> None:
    asked_pg, asked_my = PostgreSQLTalk(), MariaDBTalk()
    heard(asked_pg, [PG_LOGIN[0], ("down", b"S"), ("up", b"\x16\3\1")], ())
    tls = (0x0200 | 8 | 1 << 11).to_bytes(4, "little") + b"\0" * 28
    heard(asked_my, [MY_LOGIN[0], ("up", my(1, tls) + b"\x16\3\1")], ())
    assert asked_pg.blind == asked_my.blind == "TLS"
    assert asked_pg.up(b"anything") == [(8, None)]
    direct = PostgreSQLTalk()
    direct.up(b"\x16\3\1\0\5")
    assert direct.blind == "TLS"
