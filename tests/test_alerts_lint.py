"""Alerts that can never fire are found, and what can fire is left alone."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stockops import alerts
from stockops.alerts import Kind, Linted, Verdict, parts
from stockops.cli.main import main
from stockops.errors import ConfigError

# As an exporter answers for a primary with two databases, PostgreSQL 17 or newer.
SCRAPE = """\
# TYPE pg_up gauge
pg_up 1
# TYPE pg_locks_count gauge
pg_locks_count{datname="trading",mode="exclusivelock"} 0
pg_locks_count{datname="trading",mode="accesssharelock"} 2
pg_locks_count{datname="postgres",mode="exclusivelock"} 0
pg_locks_count{datname="postgres",mode="accesssharelock"} 0
# TYPE pg_settings_max_connections gauge
pg_settings_max_connections 100
# TYPE pg_settings_max_locks_per_transaction gauge
pg_settings_max_locks_per_transaction 64
# TYPE pg_stat_activity_count gauge
pg_stat_activity_count{datname="trading",state="active",usename="app",wait_event=""} 3
pg_stat_activity_count{datname="trading",state="idle",usename="app",wait_event="ClientRead"} 5
pg_stat_activity_count{datname="postgres",state="idle",usename="ops",wait_event="ClientRead"} 1
# TYPE pg_stat_database_xact_commit untyped
pg_stat_database_xact_commit{datid="5",datname="trading"} 10
pg_stat_database_xact_commit{datid="6",datname="postgres"} 10
# TYPE pg_stat_database_numbackends untyped
pg_stat_database_numbackends{datid="5",datname="trading"} 10
pg_stat_database_numbackends{datid="6",datname="postgres"} 10
# TYPE pg_stat_checkpointer_num_requested_total counter
pg_stat_checkpointer_num_requested_total 4
# TYPE pg_stat_user_tables_last_autovacuum gauge
pg_stat_user_tables_last_autovacuum{datname="trading",schemaname="public",relname="orders"} 0
pg_stat_user_tables_last_autovacuum{datname="trading",schemaname="public",relname="trades"} 0
# TYPE h_bucket untyped
h_bucket{le="1"} 3
h_bucket{le="+Inf"} 3
"""


@pytest.fixture(scope="module")
def known() -> alerts.Known:
    return alerts.known(SCRAPE, engine="postgresql")


def verdict(text: str, known: alerts.Known, kind: Kind = Kind.ALERT) -> Linted:
    return alerts.lint([parts.Expression("here", kind, "it", text)], known=known)[0]


DEAD = {
    "a metric that never was": ("pg_txid_current > 1", "no metric pg_txid_current"),
    "a metric that was renamed": ("pg_replication_lag > 3600", "no metric pg_replication_lag"),
    "what PostgreSQL 17 moved": (
        "rate(pg_stat_bgwriter_checkpoints_req_total[5m]) > 1",
        "no metric pg_stat_bgwriter_checkpoints_req_total",
    ),
    "a label that never was": ('pg_locks_count{granted="false"} > 0', "no label granted"),
    "a value in other letters": ('pg_locks_count{mode="ExclusiveLock"} > 0', "has mode="),
    "sides with other labels": (
        "sum by (datname) (pg_stat_activity_count) > pg_settings_max_connections * 0.8",
        "never match: datname only on the left",
    ),
    "an on() that one side lacks": (
        "sum(pg_stat_activity_count) / on(datname) pg_stat_database_numbackends > 1",
        "never match",
    ),
    "many on both sides": (
        "pg_locks_count / on(datname) pg_stat_activity_count > 1",
        "several series on the left",
    ),
    "several on the side of one": (
        "pg_locks_count / on(datname) group_left pg_stat_activity_count > 1",
        "several series on the right",
    ),
    "an and that never meets": ("pg_stat_database_xact_commit > 1 and pg_up == 1", "never match"),
    "absent() of what never was": ("absent(pg_txid_current)", "always true"),
    "a broken expression": ("rate(pg_up[5m)", "no PromQL"),
    "both sides of or": ("pg_txid_current > 1 or pg_bloat_x > 2", "no metric pg_txid_current"),
}


@pytest.mark.parametrize(("text", "said"), DEAD.values(), ids=DEAD)
def test_an_expression_is_dead_by(text: str, said: str, known: alerts.Known) -> None:
    found = verdict(text, known)
    assert (found.verdict, said in found.problem) == (Verdict.DEAD, True), found


LIVES = {
    "sums of either side": "sum(pg_stat_activity_count) > sum(pg_settings_max_connections) * 0.8",
    "a scalar product": "pg_settings_max_locks_per_transaction * pg_settings_max_connections > 1",
    "one to many": "pg_locks_count / on() group_left pg_settings_max_connections > 0.8",
    "on instance": "sum by (instance) (pg_locks_count) > on(instance) pg_settings_max_connections",
    "rates": "rate(pg_stat_database_xact_commit[5m]) / pg_stat_database_numbackends > 1",
    "and on()": "pg_stat_database_xact_commit > 1 and on(instance) pg_up == 1",
    "absent of what is there": "absent(pg_up)",
    "a quantile": "histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m]))) > 1",
    "label_replace": 'label_replace(pg_locks_count, "db", "$1", "datname", "(.*)") > 0',
    "a label that is empty": 'pg_stat_activity_count{wait_event=""} > 0',
    "a label that nothing has, for nothing": 'pg_up{release=""} == 0',
    "the age of a timestamp": "time() - pg_stat_user_tables_last_autovacuum > 86400",
    "a subquery": "max_over_time(sum(pg_locks_count)[1h:1m]) > 100",
    "by name": '{__name__=~"pg_locks_.*"} > 1',
    "topk": "topk(3, pg_locks_count) > 1",
    "what Prometheus makes itself": "up == 0 or on(instance) pg_up == 0",
    "unless": "pg_locks_count > 1 unless on(instance) pg_up == 0",
    "unless without words": "pg_locks_count > 1 unless pg_up == 0",
    "a number alone": "vector(1) > 0",
}


@pytest.mark.parametrize("text", LIVES.values(), ids=LIVES)
def test_an_expression_lives_with(text: str, known: alerts.Known) -> None:
    found = verdict(text, known)
    assert (found.verdict, found.problem) == (Verdict.LIVES, "")


WAITS = {
    "a value that may come": 'pg_stat_activity_count{state="idle in transaction"} > 0',
    "a pattern that may come": 'pg_stat_activity_count{usename=~"batch_.*"} > 0',
    "what a replica has": "pg_replication_lag_seconds > 60 and on(instance) pg_up == 1",
    "what a slot has": "pg_replication_slots_active{slot_name='x'} == 0",
    "what a job leaves": "time() - stockops_job_last_success_timestamp_seconds > 2 * "
    "stockops_job_expected_interval_seconds",
    "one side of or": "pg_txid_current > 1 or pg_up == 0",
    "absent of what may come": "pg_up == 0 unless pg_nothing > 1",
}


@pytest.mark.parametrize("text", WAITS.values(), ids=WAITS)
def test_an_expression_waits_for(text: str, known: alerts.Known) -> None:
    found = verdict(text, known)
    assert found.verdict is Verdict.WAITS, found
    assert found.problem


def test_what_was_renamed_is_said(known: alerts.Known) -> None:
    found = verdict("pg_replication_lag > 3600", known)
    assert found.hint == "It is pg_replication_lag_seconds."
    assert "pg_settings_max_connections" in verdict("pg_setting_max_connections > 1", known).hint


def test_a_label_of_the_scrape_configuration_has_to_be_named() -> None:
    text = 'pg_up{release="blue"} == 0'
    assert verdict(text, alerts.known(SCRAPE)).verdict is Verdict.DEAD
    named = alerts.known(SCRAPE, target_labels=["release"])
    assert verdict(text, named).verdict is Verdict.LIVES


def test_a_recording_rule_is_known_to_the_rules_after_it(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(
        "groups:\n- name: a\n  rules:\n"
        "  - {record: 'db:locks:sum', expr: 'sum by (datname) (pg_locks_count)'}\n"
        "  - {alert: Locked, expr: 'db:locks:sum{datname=\"trading\"} > 5'}\n"
        "  - {alert: Wrong, expr: 'db:locks:sum{mode=\"x\"} > 5'}\n"
    )
    found = alerts.lint(parts.of_rules(file), known=alerts.known(SCRAPE))
    assert [(each.name, each.verdict.value) for each in found] == [
        ("db:locks:sum", "lives"),
        ("Locked", "lives"),
        ("Wrong", "dead"),
    ]


def test_metrics_of_the_other_engine_do_not_wait_here(known: alerts.Known) -> None:
    assert verdict("mysql_slave_status_sql_delay > 1", known).verdict is Verdict.DEAD


DASHBOARD = {
    "templating": {
        "list": [
            {"name": "db", "type": "query", "query": "label_values(pg_locks_count, datname)"},
            {
                "name": "mode",
                "type": "query",
                "query": {"query": 'label_values(pg_locks_count{datname="$db"}, granted)'},
            },
            {"name": "source", "type": "datasource", "query": "prometheus"},
        ]
    },
    "panels": [
        {
            "title": "Locks",
            "targets": [
                {"expr": 'sum(rate(pg_locks_count{datname=~"$db",mode=~"${mode:regex}"}'
                '[$__rate_interval])) by (mode)'},
            ],
        },
        {
            "type": "row",
            "panels": [
                {"title": "Checkpoints", "targets": [{"expr": "pg_stat_bgwriter_x[[range]]"}]},
                {"title": "Text", "targets": [{"rawSql": "SELECT 1"}]},
            ],
        },
    ],
}  # fmt: skip


def test_the_empty_panels_of_a_dashboard_are_named(tmp_path: Path, known: alerts.Known) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps(DASHBOARD))
    found = alerts.lint(parts.of_dashboard(file), known=known)
    assert [(each.kind.value, each.name, each.verdict.value) for each in found] == [
        ("variable", "db", "lives"),
        ("variable", "mode", "dead"),
        ("panel", "Locks", "lives"),
        ("panel", "Checkpoints", "dead"),
    ]


WRONG = {
    "no YAML": ("a: [", "is no YAML"),
    "no groups": ("a: 1", "has no groups of rules"),
    "a rule without expr": ("groups: [{rules: [{alert: A}]}]", "has a rule without expr"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_file_of_rules_with_an_error_is_said_in_a_sentence(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        parts.of_rules(file)


@pytest.mark.parametrize("text", ["not { a scrape", "", "<html></html>"])
def test_what_is_no_scrape_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match=r"no scrape|no metric"):
        alerts.known(text)


def lint(*args: str) -> Result:
    return CliRunner().invoke(main, ["alerts", "lint", *args])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "scrape.txt").write_text(SCRAPE)
    (tmp_path / "good.yml").write_text(
        "groups: [{name: a, rules: [{alert: Down, expr: pg_up == 0}]}]\n"
    )
    (tmp_path / "bad.yml").write_text(
        "groups: [{name: a, rules: [{alert: Never, expr: pg_down > 0}]}]\n"
    )
    (tmp_path / "empty.yml").write_text("groups: []\n")
    return tmp_path


def test_the_command_leaves_with_1_when_something_is_dead(files: Path) -> None:
    scrape = f"--metrics={files}/scrape.txt"
    good, bad = str(files / "good.yml"), str(files / "bad.yml")
    assert lint(good, scrape).exit_code == 0
    done = lint(good, bad, scrape)
    assert done.exit_code == 1
    assert "there is no metric pg_down" in done.output
    assert "2 looked at: 1 live, 0 wait, 1 dead" in done.output
    assert "Down" not in done.output
    rows = json.loads(lint(good, bad, scrape, "--format=json").output)
    assert [(row["name"], row["verdict"]) for row in rows] == [("Down", "lives"), ("Never", "dead")]


def test_nothing_to_look_at_is_not_fine(files: Path) -> None:
    assert lint(str(files / "empty.yml"), f"--metrics={files}/scrape.txt").exit_code == 1


@pytest.fixture
def exporter() -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SCRAPE.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()
        thread.join(10)


def test_metrics_are_read_from_an_exporter(files: Path, exporter: str) -> None:
    assert lint(str(files / "good.yml"), f"--metrics={exporter}").exit_code == 0


def test_an_exporter_that_is_not_there_is_exit_code_3(files: Path) -> None:
    done = lint(str(files / "good.yml"), "--metrics=http://127.0.0.1:1/metrics")
    assert done.exit_code == 3
