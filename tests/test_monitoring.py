"""No alert of ours is one that cannot fire, and none leaves its reader alone."""

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from watched import MONITORING, RULES, RUNBOOKS, TESTS, runbook, scrape

from stockops import alerts, health
from stockops.alerts import Kind, Verdict
from stockops.cli.main import main
from stockops.cli.understanding import mistake
from stockops.health import last
from stockops.targets import Config, Target

SECTIONS = ["What users see", "Diagnose", "Recover", "Verify", "Never"]
NAME = re.compile(r"(?<![:\w])(?:pg|mysql|stockops)_\w+(?![:\w])")


def rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from group["rules"]


ALERTS = [rule for rule in rules() if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})


def promtool(*args: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool here: scripts/install-test-servers.sh")
    return subprocess.run(
        ["promtool", *map(str, args)], capture_output=True, text=True, timeout=120, check=False
    )


def test_prometheus_takes_every_file_of_rules() -> None:
    done = promtool("check", "rules", *RULES)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_alert_fires_where_it_should_and_nowhere_else(path: Path) -> None:
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_and_each_severity_of_it_has_a_test_with_a_server_that_is_well() -> None:
    proven = defaultdict(set)
    for path in TESTS:
        for block in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            series = [each["series"] for each in block["input_series"]]
            for instance in ("db1", "db2"):
                assert any(f'instance="{instance}"' in each for each in series), block["name"]
            for asked in block["promql_expr_test"]:
                for sample in asked["exp_samples"]:
                    severity = re.search(r'severity="(\w+)"', sample["labels"])
                    assert severity
                    assert f'alertname="{block["name"]}"' in sample["labels"]
                    assert 'instance="db1"' in sample["labels"]
                    proven[block["name"]].add(severity[1])
    wanted = defaultdict(set)
    for rule in ALERTS:
        wanted[rule["alert"]].add(rule["labels"]["severity"])
    assert proven == wanted


def test_an_alert_says_what_where_and_what_next() -> None:
    for rule in ALERTS:
        said = rule["annotations"]
        assert said.keys() == {"summary", "description", "runbook", "next"}, rule["alert"]
        assert "{{ $labels." in said["summary"], rule["alert"]
        assert said["runbook"] == f"ops/runbooks/{rule['alert']}.md"
        assert said["next"].startswith("stockops "), rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_has_its_five_parts_and_leads_somewhere(name: str) -> None:
    text = runbook(name).read_text("utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        assert part.strip()
    for link in re.findall(r"\]\((\w+\.md)\)", text):
        assert (RUNBOOKS / link).is_file(), link


def commands() -> Iterator[tuple[str, str]]:
    """Yield each ``stockops ...`` of an alert or a runbook, with the place where it stands."""
    for rule in ALERTS:
        yield rule["alert"], re.sub(r"\{\{.*?\}\}", "it", rule["annotations"]["next"])
    for path in RUNBOOKS.glob("*.md"):
        text = " ".join(path.read_text("utf-8").split())
        for line in re.findall(r"`(stockops [^`]+)`", text):
            yield path.name, line


def test_every_command_of_an_alert_and_a_runbook_is_one_that_there_is() -> None:
    wrong = [
        f"{place}: {line}: {told}"
        for place, line in commands()
        if (told := mistake(shlex.split(line)[1:])) is not None
    ]
    assert not wrong


@pytest.mark.parametrize("line", ["slow tap -t prod", "slow top --by nothing-takes --x", "slow"])
def test_a_command_that_is_none_would_be_noticed(line: str) -> None:
    assert mistake(line.split())


def test_every_rule_can_say_something_on_its_engine(target: Target, engine: str) -> None:
    known = alerts.known(scrape(target), engine=engine)
    expressions = alerts.brought(engine)
    found = alerts.lint(expressions, known=known)
    dead = [each for each in found if each.verdict is Verdict.DEAD]
    assert not dead
    # What waits are metrics that only appear in some state, and not a value that is misspelt.
    waiting = [each for each in found if each.verdict is Verdict.WAITS]
    assert all("yet: when" in each.problem or " now" in each.problem for each in waiting), waiting
    _a_name_that_goes_is_noticed(expressions, known)


def _a_name_that_goes_is_noticed(expressions: list[alerts.Expression], known: alerts.Known) -> None:
    """A metric that the exporter would no longer have turns this red, whichever it is."""
    recorded = {each.name for each in expressions if each.kind is Kind.RECORD}
    used = {name for each in expressions for name in NAME.findall(each.text)} - recorded
    assert used <= known.metrics.keys() | {"pg_stat_bgwriter_checkpoints_req_total"}
    for name in used & known.metrics.keys():
        rest = {key: metric for key, metric in known.metrics.items() if key != name}
        naming = [each for each in expressions if name in NAME.findall(each.text)]
        found = alerts.lint(naming, known=alerts.Known(rest, known.target))
        assert all(f"no metric {name}" in each.problem for each in found), name


def test_prometheus_takes_its_configuration() -> None:
    done = promtool("check", "config", MONITORING / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def amtool(*args: str | Path) -> str:
    if shutil.which("amtool") is None:
        pytest.skip("there is no amtool here: scripts/install-test-servers.sh")
    done = subprocess.run(
        ["amtool", *map(str, args)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alertmanager_takes_its_configuration_and_knows_who_hears_of_what() -> None:
    file = MONITORING / "alertmanager.yml"
    amtool("check-config", file)
    for severity, receiver in (("critical", "people-now"), ("warning", "people")):
        said = amtool("config", "routes", "test", f"--config.file={file}", f"severity={severity}")
        assert said.strip() == receiver


def test_lint_asks_the_target_itself(target: Target) -> None:
    done = CliRunner().invoke(main, ["alerts", "lint", "-t", target.url])
    assert done.exit_code == 0, done.output
    assert " 0 dead\n" in done.output


def test_what_the_checks_said_is_exported_and_a_run_of_one_keeps_the_others(target: Target) -> None:
    asked = health.load(target.engine, health.Settings())
    two = [check for check in asked if check.name in {"connections", "deadlocks"}]
    last.keep(health.run(target, two, config=Config()))
    last.keep(health.run(target, two[:1], config=Config()))
    text = scrape(target)
    for check in ("connections", "deadlocks"):
        assert f'stockops_check_state{{check="{check}"}} ' in text
    assert "stockops_check_last_run_timestamp_seconds{" in text
    found = alerts.lint(alerts.brought(target.engine), known=alerts.known(text))
    states = {each.verdict for each in found if each.name == "HealthCheck"}
    assert states == {Verdict.LIVES}
