"""`slow explain` shows the plan of a class with real parameters, and leaves nothing behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, fresh_database

from stockops.cli.main import main
from stockops.engine import connect
from stockops.plans import questions
from stockops.targets import Target

TABLES = {
    "postgresql": [
        "CREATE TABLE t (id int PRIMARY KEY, kind text, note text)",
        "INSERT INTO t SELECT g, CASE WHEN g % 100 = 0 THEN 'rare' ELSE 'usual' END, 'x' || g"
        " FROM generate_series(1, 5000) AS g",
        "CREATE INDEX t_kind ON t (kind)",
        "CREATE FUNCTION hidden() RETURNS int LANGUAGE sql AS"
        " 'DELETE FROM t WHERE id = 1 RETURNING id'",
        "VACUUM ANALYZE t",
    ],
    "mariadb": [
        "CREATE TABLE t (id int PRIMARY KEY, kind varchar(9), note varchar(9), KEY t_kind (kind))",
        "INSERT INTO t SELECT seq, IF(seq % 100 = 0, 'rare', 'usual'), concat('x', seq)"
        " FROM seq_1_to_5000",
        "CREATE FUNCTION hidden() RETURNS int BEGIN DELETE FROM t WHERE id = 1; RETURN 1; END",
        "ANALYZE TABLE t",
    ],
}
AT = "2026-01-05 00:00:0{n}.000 UTC [{n}] kim@shop "
POSTGRESQL = [
    (
        "execute s: SELECT count(*) FROM t WHERE kind = $1 AND note <> $2",
        "$1 = 'rare', $2 = 'it''s'",
    ),
    ("statement: UPDATE t SET note = 'gone' WHERE kind = 'rare'", ""),
    ("statement: SELECT hidden()", ""),
    ("execute s: SELECT note FROM t WHERE id = $1", ""),
    ("statement: SELECT 'cut", ""),
    ("statement: SELECT 1; DROP TABLE t", ""),
]
MARIADB = [
    "SELECT count(*) FROM t WHERE kind = 'rare' AND note <> 'it''s'",
    "UPDATE t SET note = 'gone' WHERE kind = 'rare'",
    "SELECT hidden()",
    "SELECT note FROM t WHERE id = 7",
    "SELECT 'cut",
    "SELECT 1; DROP TABLE t",
]


def log_of(engine: str, path: Path) -> list[str]:
    """Write a log of six executions; return their classes, in that order."""
    lines = []
    for n in range(len(MARIADB)):
        if engine == "postgresql":
            sql, detail = POSTGRESQL[n]
            at = AT.format(n=n)
            lines.append(f"{at}LOG:  duration: {90 - n}.000 ms  {sql}")
            lines += [f"{at}DETAIL:  parameters: {detail}"] if detail else []
        else:
            lines.append(
                "# User@Host: kim[kim] @ localhost []\n"
                "# Thread_id: 5  Schema: shop  QC_hit: No\n"
                f"# Query_time: 0.0{90 - n}000  Lock_time: 0.000002  Rows_sent: 1"
                f"  Rows_examined: 9\nSET timestamp={1767571200 + n};\n{MARIADB[n]};"
            )
    path.write_text("\n".join([*lines, ""]), "utf-8")
    ran = CliRunner().invoke(main, ["slow", "digest", "--format", "json", str(path)])
    return [each["class_id"] for each in json.loads(ran.stdout)["classes"]]


@pytest.fixture(scope="module", params=sorted(TABLES))
def shop(request: pytest.FixtureRequest, all_labs: Labs) -> Any:
    """A database with a table of 5,000 rows, 50 of them rare."""
    with fresh_database(all_labs.get(request.param)) as target:
        with connect(target) as server:
            for sql in TABLES[target.engine]:
                server.execute(sql)
        yield target


@pytest.fixture
def log(shop: Target, tmp_path: Path) -> tuple[str, list[str]]:
    path = tmp_path / "slow.log"
    return str(path), log_of(shop.engine, path)


def explain(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["slow", "explain", *map(str, arguments)])


def unchanged(target: Target) -> bool:
    with connect(target) as server:
        [row] = server.rows("SELECT count(*) AS n, sum(note = 'gone') AS gone FROM t"
                            if target.engine == "mariadb" else
                            "SELECT count(*) AS n, count(*) FILTER (WHERE note = 'gone') AS gone"
                            " FROM t")  # fmt: skip
    return (row["n"], int(row["gone"])) == (5000, 0)


def test_a_class_is_explained_with_the_values_of_its_slowest_execution(
    shop: Target, log: tuple[str, list[str]], tmp_path: Path
) -> None:
    path, classes = log
    page = tmp_path / "plan.html"
    ran = explain(classes[0][:6], path, "-t", shop.url, "--format", "json", "--report", page)
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout)
    assert said["class_id"] == classes[0]
    assert said["logged_ms"] == 90.0
    custom = said["plans"][0]
    assert (custom["kind"], custom["analyzed"]) == ("custom", True)
    reads = [each for each in custom["steps"] if "t_kind" in each["step"]]
    assert reads, custom["steps"]
    assert sum(each["came"] or 0 for each in reads) >= 50
    assert custom["execution_ms"] > 0
    if shop.engine == "postgresql":
        assert said["parameters"] == ["rare", "it's"]
        assert [each["kind"] for each in said["plans"]] == ["custom", "generic"]
        generic = said["plans"][1]
        assert any("$1" in str(each["details"]) for each in generic["steps"])
    told = page.read_text("utf-8")
    assert "<script" not in told
    assert "t_kind" in told
    assert told.count('<svg class="plantree"') == len(said["plans"])
    # What was written is read again, as the plan to be compared with.
    saved = tmp_path / "before.json"
    saved.write_text(ran.stdout, "utf-8")
    again = explain("--plan-file", saved, "--beside", saved)
    assert again.exit_code == 0, again.output
    assert "side by side" in again.output
    assert "≠ " not in again.output.partition("only one has")[2]


def test_what_writes_is_refused_and_runs_only_to_be_rolled_back(
    shop: Target, log: tuple[str, list[str]]
) -> None:
    path, classes = log
    for written in classes[1:3]:  # an UPDATE, and a SELECT of a function that deletes
        ran = explain(written, path, "-t", shop.url)
        assert ran.exit_code == 5, ran.output
        assert "--roll-back-writes" in ran.output
        # MariaDB does not even explain, read-only, what calls a function that writes.
        more = ["--roll-back-writes"] if (shop.engine, written) == ("mariadb", classes[2]) else []
        ran = explain(written, path, "-t", shop.url, "--no-analyze", *more)
        assert ran.exit_code == 0, ran.output
        assert "came" not in ran.output
    ran = explain(classes[1], path, "-t", shop.url, "--roll-back-writes")
    assert ran.exit_code == 0, ran.output
    assert "came" in ran.output
    assert unchanged(shop)


def test_what_the_log_does_not_hold_whole_is_one_sentence(
    shop: Target, log: tuple[str, list[str]]
) -> None:
    path, classes = log
    ran = explain(classes[3], path, "-t", shop.url)
    assert ran.exit_code == 0, ran.output
    if shop.engine == "postgresql":
        assert "log_parameter_max_length" in ran.output
        assert "generic plan" in ran.output
        assert "came" not in ran.output  # nothing was run
    for number, words in ((4, "cut off"), (5, "several statements")):
        ran = explain(classes[number], path, "-t", shop.url)
        assert ran.exit_code == 2, ran.output
        assert words in ran.output
        assert "--sql FILE" in ran.output
    assert unchanged(shop)


def test_a_protected_target_has_to_be_named_again(
    shop: Target, log: tuple[str, list[str]], tmp_path: Path
) -> None:
    path, classes = log
    config = tmp_path / "stockops.yaml"
    config.write_text(f"targets:\n  prod: {{url: '{shop.url}', protected: true}}\n")
    asked = (classes[0], path, "-t", "prod", "--config", config)
    assert explain(*asked).exit_code == 5
    assert "--no-analyze" in explain(*asked).output
    assert explain(*asked, "--no-analyze").exit_code == 0
    assert explain(*asked, "--i-mean", "prod").exit_code == 0


def test_a_statement_that_takes_too_long_is_stopped(shop: Target, tmp_path: Path) -> None:
    long = tmp_path / "long.sql"
    long.write_text("SELECT pg_sleep(20)" if shop.engine == "postgresql" else "SELECT sleep(20)")
    ran = explain("--sql", long, "-t", shop.url, "--timeout", 0.3)
    assert ran.exit_code == 1
    assert "was not done within 0.3 s" in ran.output


def test_what_is_asked_in_vain_is_said(log: tuple[str, list[str]], shop: Target) -> None:
    path, classes = log
    other = "mariadb" if shop.engine == "postgresql" else "postgresql"
    for arguments, words in (
        ((), "Name either"),
        ((classes[0],), "Name the logs"),
        (("zz", path, "-t", shop.url), "no class of these logs begins with"),
        (("", path, "-t", shop.url), "6 classes begin with"),
        ((classes[0], path, "-t", f"{other}://x@127.0.0.1/y"), "the logs are of"),
        ((classes[0], path, "--logged"), "the log has no plan"),
        (("--plan-file", path), "no plan that is known"),
        (
            ("--sql", path, "--beside", "/nowhere.json", "-t", "postgresql://x@127.0.0.1:1/y"),
            "'/nowhere.json' cannot be",
        ),
    ):
        ran = explain(*arguments)
        assert ran.exit_code == 2, (arguments, ran.output)
        assert words in ran.output


@pytest.mark.parametrize(
    "text",
    ['{"plans": [{}]}', '{"plans": ["x"]}', '{"plans": 3}', "[" * 100_000],
    ids=["a plan without its words", "a word for a plan", "a number for plans", "no end"],
)
def test_what_is_no_plan_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    ran = explain("--plan-file", path)
    assert (ran.exit_code, "no plan that is known" in ran.output) == (2, True), ran.output


def test_logged_plans_are_drawn_without_a_server(tmp_path: Path) -> None:
    path = tmp_path / "pg.log"
    at = "2026-01-05 00:00:00.000 UTC [7] kim@shop "
    path.write_text(
        f"{at}LOG:  duration: 9.000 ms  statement: SELECT 1 FROM t WHERE a = '<img onerror=x>'\n"
        f"{at}LOG:  duration: 9.000 ms  plan:\n"
        "\tQuery Text: SELECT 1 FROM t WHERE a = '<img onerror=x>'\n"
        "\tSeq Scan on t  (cost=0.00..8.30 rows=1 width=4)"
        " (actual time=0.1..7.5 rows=4000 loops=1)\n"
        "\t  Filter: (a = '<img onerror=x>\x1b[2J'::text)\n"
    )
    page = tmp_path / "plan.html"
    ran = explain("", path, "--logged", "--report", page)
    assert ran.exit_code == 0, ran.output
    assert "worst estimate: 1 row expected, 4,000 came (4,000x): Seq Scan on t" in ran.output
    assert "�[2J" in ran.output  # not the sign that would clear the terminal
    assert "&lt;img" in page.read_text("utf-8")
    assert "<img" not in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("detail", "values"),
    [
        ("$1 = '5', $2 = NULL", ["5", None]),
        ("$1 = 'it''s, $2 = ''x'''", ["it's, $2 = 'x'"]),
        ("$1 = '{1,2}'", ["{1,2}"]),
        ("$1 = 'a\nb'", ["a\nb"]),
        ("$1 = 'abc...'", None),
        ("$2 = '5'", None),
        ("$1 = 5", None),
        ("", None),
    ],
)
def test_values_are_read_as_the_server_wrote_them(
    detail: str, values: list[str | None] | None
) -> None:
    assert questions.parameters(detail) == values
