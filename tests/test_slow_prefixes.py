"""Lines that are looked up by what they begin with are read as their own pattern reads them."""

import random
import re
from pathlib import Path

import pytest

from stockops.slow import reading
from stockops.slow.accounting import Account
from stockops.slow.batches import Batch
from stockops.slow.formats import Piece
from stockops.slow.formats.pgprefix import LABEL, Prefix
from stockops.slow.formats.pgstderr import PgStderr
from stockops.slow.reading import Reading

TIME = "2026-01-05 00:00:07"
# What stands for an escape: plain, and as somebody would name a role to be taken for another.
VALUES = {
    "%p": ["77", "7"], "%c": ["65a1b2c3.4d"], "%h": ["10.0.0.5", "", "[local]"],
    "%r": ["10.0.0.5(5000)", "[local]"], "%e": ["00000", "57014"],
    "%m": [f"{TIME}.123 UTC", f"{TIME}.999 KST"], "%t": [f"{TIME} UTC", f"{TIME} +05:30"],
}  # fmt: skip
WORDS = [
    "kim",
    "",
    "[unknown]",
    "a b",
    "x LOG:  y",
    "DETAIL",
    ",db=a",
    "@b",
    "kim@shop LOG: ",
    "한",
]
TEMPLATES = [
    "%m [%p] user=%u,db=%d,app=%a,client=%h ", "%m [%p] %q%u@%d/%a ", "%t:%r:%u@%d:[%p]:",
    "%m [%p] ", "%t %c %a %e ", "%m %u%d ", "%t [%p]: %u, %d, %u, %a ", "%m [%p] %q[%u] %w LOG ",
]  # fmt: skip
SAID = ["duration: 1.000 ms  statement: SELECT 1", "x kim@shop LOG:  y", "", ",db=b@c LOG:  "]
LABELS = ["LOG", "로그", "DETAIL", "치명적오류", "ERROR"]


def begun(template: str, draw: random.Random) -> str:
    """What a server with that prefix writes before a label, maybe without what %q leaves out."""
    must, _, may = template.partition("%q")
    return "".join(
        draw.choice(VALUES.get(part, WORDS)) if part[:1] == "%" else part
        for part in re.split(r"(%[a-z])", must + (may if draw.random() < 0.8 else ""))
    )


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_looked_up_is_what_the_line_says(template: str) -> None:
    prefix, draw = Prefix(template, 1.0), random.Random(template)
    line, after_time = prefix.line(), prefix.after_time()
    if "%u%d" in template:  # where the one ends and the other begins nothing says
        assert after_time is None
        return
    assert after_time is not None
    looked_up = 0
    for _ in range(3000):
        head = f"{begun(template, draw)}{draw.choice(LABELS)}:  "
        digits = 23 if template.startswith("%m") else 19
        found = after_time.fullmatch(head[digits:].encode())
        if found is None:
            continue
        looked_up += 1
        for said in SAID:
            whole = line.match(f"{head}{said}".encode())
            assert whole is not None
            assert whole.end() == len(head.encode()), head
            mine, theirs = found.groupdict(), whole.groupdict()
            assert mine.pop("zone") == theirs.pop("time")[digits:]
            assert mine == theirs
    assert looked_up > 300


@pytest.mark.parametrize("template", ["%m [%l] %u ", "%p %m ", "%m %x ", "%n %u ", ""])
def test_what_is_another_thing_in_each_line_is_not_looked_up(template: str) -> None:
    assert Prefix(template, 1.0).after_time() is None


ENTRIES = [
    "LOG:  duration: 7.000 ms  execute s1: SELECT $1", "LOG:  duration: 1.5 ms  statement: SELECT",
    "LOG:  duration: 7.000 ms  statement: SELECT 1\n\tFROM t", "DETAIL:  parameters: $1 = '7\n\t8'",
    "LOG:  duration: 1234567890123456.000 ms  statement: SELECT 1", "HINT:  look",
    "LOG:  duration: 7.000 ms  statement: SELECT 1\nsomebody else\n\twho goes on",
    "LOG:  duration: 7.000 ms  parse s1: SELECT $1", "ERROR:  a: b: c", "STATEMENT:  SELECT 5",
    "LOG:  duration: x ms  statement: SELECT 1", "LOG:  duration: 7.000 ms", "LOG:  a: b: c",
    "로그:  실행시간: 7.000 ms  명령 구문: SELECT '한글'", "상세정보:  parameters: $1 = '7'",
    "LOG:  duration: 7.000 ms  statement: SELECT 'LOG:  duration: 9.000 ms  statement: x'",
]  # fmt: skip
BETWEEN = ["20 files were copied\n", "\n", "2026-13-45 10:00:00 UTC \n", "\tgoes on\n", "\r\n"]


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut within the last line"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_lines_of_any_prefix_give_the_same_both_ways(
    template: str, cut: bool, tmp_path: Path
) -> None:
    draw, path = random.Random(template), tmp_path / "server.log"
    asked = "".join(
        f"{begun(template, random.Random(1))}LOG:  duration: 1.000 ms  statement: SELECT {each}\n"
        for each in range(40)
    )
    for _ in range(25):
        raw = asked
        for _ in range(draw.randrange(1, 60)):
            if draw.random() < 0.1:
                raw += draw.choice(BETWEEN)
            raw += f"{begun(template, draw)}{draw.choice(ENTRIES)}\n"
        whole = raw.encode()
        path.write_bytes(whole[: -draw.randrange(1, 30)] if cut else whole)
        plain, fast = (
            reading.digest(
                Reading(files=(str(path),), batches=batches, piece_bytes=800, range_bytes=1_600)
            )
            for batches in (False, True)
        )
        assert fast == plain, raw


def test_lines_that_are_not_looked_up_cost_no_memory() -> None:
    form = PgStderr(Prefix("%m [%p] ", 1.0))
    usual = f"{TIME}.123 UTC [7] LOG:  duration: 1.000 ms  statement: SELECT 1\n".encode()
    odd = b"".join(
        b"%b.123 UTC [7] LOG:  %b: 1.000 ms  %b: x\n%b.123 UTC %b\n"
        % (TIME.encode(), b"a" * each, b"b" * each, TIME.encode(), b"c" * each)
        for each in range(2_000, 2_200)
    )
    raw = (usual + odd) * 3 + usual * 20_000
    told = list(form.columns(Piece("x", 0, raw), Account()))
    assert sum(len(each.sql) for each in told if isinstance(each, Batch)) > 15_000
    heads = form._heads
    assert heads is not None
    assert len(heads) < 10
    assert sum(len(head.kinds) for head in heads.values()) < 10


def test_a_label_says_where_it_ends() -> None:
    """As `after_time` takes it: with what stands behind it in a usual line."""
    for label in LABELS:
        found = re.compile(LABEL).fullmatch(f"{label}:  ")
        assert found is not None
        assert found["label"] == label
