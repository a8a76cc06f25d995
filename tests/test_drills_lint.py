"""What is wrong with a drill is found before it is run; nothing is tried for that on a server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_drills_book import GOOD, written

from stockops import targets
from stockops.cli.drill_lint import ground_here
from stockops.cli.main import main
from stockops.cli.understanding import mistake
from stockops.drills import book, head, lint, shell
from stockops.drills.faults import FAULTS
from stockops.drills.lint import Ground
from stockops.errors import ConfigError


class Full:
    """A fault as `lint` sees one: it wants a volume that there is."""

    without: Mapping[str, str] = {}

    def needs(self, engine: str, args: Mapping[str, Any]) -> None:
        if engine == "postgresql" and args.get("volume") not in {"data", "log"}:
            raise ConfigError("no volume is called so", hint="Write volume: data")


GROUND = Ground(
    faults={"disk_full": Full()},
    checks={"postgresql": {"disk_used", "reachable"}, "mariadb": {"disk_used"}},
    alerts={"PostgresqlDown", "MariadbDown"},
    invariants={"orphans"},
    mistake=mistake,
)


def problems(folder: Path, old: str = "", new: str = "") -> list[str]:
    drill = head.read(written(folder, GOOD.replace(old, new, 1)))
    return [
        f"{Path(each.where).name}: {each.problem} {each.hint}" for each in lint.lint(drill, GROUND)
    ]


def test_a_good_drill_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


WRONG = [
    ("fault: disk_full", "fault: disk_fall", ":5: no fault is called 'disk_fall' Did you mean d"),
    ("volume: data", "volume: dat", ":6: args for postgresql: no volume is called so Write volume"),
    ("[disk_used]", "[reachable]", ":10: detect names 'reachable', which there is not on mariadb"),
    ("[PostgresqlDown]", "[PostgresDown]", "'PostgresDown'" ),
    ("invariants: all", "invariants: [orphan]", ":11: expect names 'orphan'"),
    ("health check\n", "health chek\n", "there is no command 'chek'"),
    ('-t "$TARGET"', '-t "$TARGET" --ony x', "No such option"),
    ('-t "$TARGET"', '-t "$TARGTE"', "nobody sets $TARGTE Did you mean TARGET?"),
    ("SELECT 1'", "SELECT 1", ":30: `psql \"$URL\" -c 'SELECT 1`: the shell would not read it"),
    ("psql ", "mysqlx ", "'mysqlx' is no program that a runbook may count on"),
    (", postgresql -->", " -->", "psql is postgresql's alone End the step with <!-- auto, pos"),
    ("`true` <!-- check -->", "true <!-- check -->", ":42: the step has no command to run"),
    ("- `true` <!-- check -->", "- look <!-- manual -->", ":40: nothing in Verify is a check"),
    ("1. Space comes. <!-- auto: release -->", "1. Space comes. <!-- manual -->", None),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_what_nobody_could_run_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, said: str | None
) -> None:
    assert old in GOOD
    found = problems(tmp_path, old, new)
    assert (not found) if said is None else any(said in each for each in found), found


def test_a_runbook_that_only_a_person_could_follow_is_told(tmp_path: Path) -> None:
    text = GOOD.replace("auto: release", "manual").replace("auto: start", "manual")
    drill = head.read(written(tmp_path, text.replace("auto: within 30s, postgresql", "manual")))
    found = [each.problem for each in lint.lint(drill, GROUND)]
    assert found == [f"nothing in Recover is automatic on {engine}" for engine in drill.engines]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("slow top -t prod --interval 1", None),
        ("slow explain --help", None),
        ("slow top --interval soon", "'soon' is not a valid float"),
        ("health check --format xml", "'xml' is not one of"),
        ("lab", "a verb is missing"),
        ("locks tree extra", "too much: extra"),
        ("drill show", "Missing argument 'NAME'"),
    ],
)
def test_a_line_is_parsed_as_the_program_would(words: str, said: str | None) -> None:
    found = mistake(words.split())
    assert found is None if said is None else said in (found or ""), found


def test_the_words_of_a_command_are_those_that_the_shell_would_call() -> None:
    line = 'test "$(stockops slow kill -t "$TARGET" 2>/dev/null)" = "[]"'
    line += ' && A=1 psql -c "a; b" | grep x >f'
    assert list(shell.calls(line)) == [
        ("stockops", "slow", "kill", "-t", "target"),
        ("test", "it", "=", "[]"),
        ("psql", "-c", "a; b"),
        ("grep", "x"),
    ]
    assert list(shell.calls("psql -c ''\nls")) == [("psql", "-c", ""), ("ls",)]
    loop = 'for x in a b; do\n  if ! df "$x"; then cat f; fi\ndone'
    assert [words[0] for words in shell.calls(loop)] == ["df", "cat"]


def test_what_is_quoted_may_go_on_in_the_next_row(tmp_path: Path) -> None:
    line = "psql -c 'SELECT 1\n  FROM stocks; -- not | a pipe\n' | grep x\ntrue # it's\nls"
    assert [words[0] for words in shell.calls(line)] == ["psql", "grep", "true", "ls"]
    assert next(iter(shell.calls(line)))[2] == "SELECT 1\n  FROM stocks; -- not | a pipe\n"
    block = 'psql "$URL" -c \'SELECT 1'
    assert problems(tmp_path, block, f"{block}\n   FROM stocks") == []
    [found] = problems(tmp_path, block, f"{block}\n   FROM stocks' | mysqlx -c '")
    assert ":30: " in found
    assert "'mysqlx' is no program" in found


def test_what_only_the_shell_reads_is_told_with_its_line(tmp_path: Path) -> None:
    [found] = problems(tmp_path, "SELECT 1'", "SELECT 1'; cat <<X\n   it's\n   X")
    assert ":30: " in found
    assert "a quotation begins that does not end: it's" in found


def test_every_drill_can_be_run_and_followed() -> None:
    drills = [drill for drill in book.load(targets.Config()) if drill.fault in FAULTS]
    ground = ground_here()
    assert drills
    assert not [each for drill in drills for each in lint.lint(drill, ground)]


def test_every_check_and_alert_names_its_drill_or_says_why_there_is_none() -> None:
    drills = book.load(targets.Config())
    assert not list(lint.links(drills, ground_here(), lint.undrilled()))


def test_a_link_that_is_missing_or_too_many_is_told(tmp_path: Path) -> None:
    drill = head.read(written(tmp_path))
    file = tmp_path / "undrilled.yaml"
    file.write_text(
        "one:\n  why: it lasts for months\n  checks: [reachable]\n  alerts: [X, MariadbDown]\n"
        "two:\n  why: so\n  checks: [disk_used]\n"
    )
    found = [
        f"{Path(each.where).name} {each.problem}"
        for each in lint.links([drill], GROUND, lint.undrilled(file))
    ]
    assert found == [
        "undrilled.yaml:4 nothing is called 'X'",
        "undrilled.yaml:7 disk-full makes 'disk_used' tell",
    ]
    file.write_text("one:\n  why: so\n  checks: [reachable]\n")
    found = [each.problem for each in lint.links([drill], GROUND, lint.undrilled(file))]
    assert found == [
        "no reason is given for 'reachable'",
        "no drill makes the check 'reachable' tell",
        "no drill makes the alert 'MariadbDown' tell",
    ]


def test_the_command_leaves_with_1_and_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("fault: disk_full", "fault: lock_stor"))
    said = CliRunner().invoke(main, ["drill", "lint", str(path)])
    assert said.exit_code == 1
    assert f"{path}:5: no fault is called 'lock_stor'" in said.output
    assert "1 drill read, 1 problem" in said.output
