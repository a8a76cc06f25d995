"""Logged plans: the moment one changed, and the estimate that explains it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from stockops.cli.main import main
from stockops.slow import planned, reading, report

CAME = "(actual time=0.1..7.5 rows=4000 loops=1)"
INDEX = f"""Index Scan using t_a on t  (cost=0.29..8.30 rows=1 width=4) {CAME}
  Index Cond: (a = {{a}})"""
SEQ = f"""Seq Scan on t  (cost=0.00..180.00 rows=2 width=4) {CAME}
  Filter: (a = {{a}})"""
COLUMNS = "id select_type table type possible_keys key key_len ref rows r_rows filtered r_filtered"
TABLE = "\t".join([*COLUMNS.split(), "Extra\n"])


def as_text(kind: str, number: int) -> str:
    sql = f"Query Text: SELECT * FROM t WHERE a = {number}\n"
    tree = (INDEX if kind == "index" else SEQ).format(a=number)
    return sql + tree


def as_json(kind: str, number: int) -> str:
    node = {"Node Type": "Seq Scan", "Relation Name": "t", "Alias": "t", "Plan Rows": 2}
    if kind == "index":
        node |= {"Node Type": "Index Scan", "Index Name": "t_a", "Plan Rows": 1}
    node |= {"Actual Rows": 4000, "Actual Loops": 1, "Actual Total Time": 7.5, "Total Cost": number}
    return json.dumps({"Query Text": f"SELECT * FROM t WHERE a = {number}", "Plan": node}, indent=2)


def postgresql(make: Callable[[str, int], str]) -> Callable[[list[tuple[str, int]]], bytes]:
    def log(entries: list[tuple[str, int]]) -> bytes:
        lines = []
        for second, (kind, ms) in enumerate(entries):
            text = make(kind, second).replace("\n", "\n\t")
            at = f"2026-01-05 00:{second // 60:02}:{second % 60:02}.000 UTC [7] kim@shop "
            lines += [
                f"{at}LOG:  duration: {ms}.000 ms  plan:\n\t{text}",
                f"{at}LOG:  duration: {ms}.000 ms  statement: SELECT * FROM t WHERE a = {second}",
            ]
        return "\n".join([*lines, ""]).encode()

    return log


def mariadb(entries: list[tuple[str, int]]) -> bytes:
    lines = []
    for second, (kind, ms) in enumerate(entries):
        access = (
            "ref\tt_a\tt_a\t5\tconst\t1" if kind == "index" else "ALL\tNULL\tNULL\tNULL\tNULL\t2"
        )
        row = f"1\tSIMPLE\tt\t{access}\t4000.00\t100.00\t100.00\tNULL\n"
        told = "".join(f"# explain: {line}\n" for line in (TABLE + row).splitlines())
        lines.append(
            "# User@Host: kim[kim] @ localhost []\n"
            "# Thread_id: 5  Schema: shop  QC_hit: No\n"
            f"# Query_time: 0.{ms:03}000  Lock_time: 0.000002  Rows_sent: 1  Rows_examined: 9\n"
            f"#\n{told}#\nSET timestamp={1767571200 + second};\n"
            f"SELECT * FROM t WHERE a = {second};\n"
        )
    return "".join(lines).encode()


LOGS = {"text": postgresql(as_text), "json": postgresql(as_json), "mariadb": mariadb}


@pytest.mark.parametrize("form", LOGS)
def test_the_moment_a_plan_changed_is_named_with_what_explains_it(
    form: str, tmp_path: Path
) -> None:
    log = tmp_path / "slow.log"
    log.write_bytes(LOGS[form]([("index", 2)] * 5 + [("seq", 900)] * 3))
    found = reading.digest(reading.prepare([str(log)]))
    [row] = [each for each in report.classes(found, by="total") if each.plans]
    index, seq = row.plans
    assert (index.calls, seq.calls) == (5, 3)
    assert (index.mean_ms, seq.mean_ms) == (2.0, 900.0)
    assert index.change == ""
    assert seq.change == f"instead of {index.shape}"
    assert seq.first == "2026-01-05T00:00:05.000000Z"
    assert (index.error, seq.error) == (4000.0, 2000.0)
    assert seq.misjudged.startswith("2 rows expected, 4,000 came (2,000x): ")
    ran = CliRunner().invoke(main, ["slow", "digest", str(log)])
    assert (
        f"instead of {index.shape}, 3 calls, 900.000 ms on average; 2 rows expected" in ran.output
    )


def test_plans_that_take_turns_are_beside_each_other(tmp_path: Path) -> None:
    log = tmp_path / "slow.log"
    log.write_bytes(mariadb([("index", 2), ("seq", 900), ("index", 2)]))
    found = reading.digest(reading.prepare([str(log)]))
    [row] = [each for each in report.classes(found, by="total") if each.plans]
    assert [each.change for each in row.plans] == ["", f"beside {row.plans[0].shape}"]


def test_a_change_within_one_second_of_a_log_is_a_change(tmp_path: Path) -> None:
    log = tmp_path / "slow.log"
    entries = mariadb([("index", 2), ("seq", 900), ("seq", 900)]).decode()
    log.write_text(entries.replace("timestamp=1767571201", "timestamp=1767571200"))
    found = reading.digest(reading.prepare([str(log)]))
    [row] = [each for each in report.classes(found, by="total") if each.plans]
    assert [each.change for each in row.plans] == ["", f"instead of {row.plans[0].shape}"]


def test_numbers_make_no_new_plan_and_what_is_no_plan_is_kept() -> None:
    for make in (as_text, as_json):
        text = make("index", 1).partition("\n" if make is as_text else "\0")
        first = text[2] or text[0]
        assert planned.shape_of(first)[0] == planned.shape_of(first.replace("4000", "7"))[0]
    assert planned.shape_of("<explain>") == (planned.shape_of("<explain>")[0], "<explain>")
