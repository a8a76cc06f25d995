"""When something is told, to whom, and what is never in it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockops import notices
from stockops.configfile import read
from stockops.errors import ConfigError
from stockops.notices import Sighting, deciding, settings, windows
from stockops.notices.deciding import Memory, Policy
from stockops.notices.notice import Kind, Notice, State, clean, headline, redacted, text

CANARY = "c4n4ry-s3cret"
MINUTE = 60.0
STATES: list[State] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]


def sighting(state: State) -> Sighting:
    return Sighting(name="connections", state=state, title="Connections", message="97 of 100")


def told(
    states: list[State], policy: Policy | None = None, *, least: State = "UNKNOWN"
) -> list[Kind | None]:
    """Return what a channel says of one check that is seen once a minute."""
    policy = policy or Policy(remind_s=0, flapping_changes=0)
    memory: Memory | None = None
    said: list[Kind | None] = []
    for minute, state in enumerate(states):
        now_s = 1000.0 + minute * MINUTE
        memory = deciding.remember(memory, sighting(state), policy, now_s=now_s)
        kind = deciding.due(memory, "ops", least=least, policy=policy, now_s=now_s)
        if kind:
            memory = deciding.marked(memory, "ops", least=least, now_s=now_s)
        said.append(kind)
    return said


OK: State = "OK"
W: State = "WARNING"
C: State = "CRITICAL"


def test_a_state_is_told_once_when_it_changes_and_once_when_it_is_over() -> None:
    assert told([OK, C, C, C, OK, OK]) == [None, "problem", None, None, "recovered", None]


def test_a_warning_that_becomes_critical_is_told_again() -> None:
    assert told([W, C, W, OK]) == ["problem", "problem", "problem", "recovered"]


def test_what_lasts_is_told_again_after_the_interval() -> None:
    said = told([C] * 7, Policy(remind_s=180, flapping_changes=0))
    assert said == ["problem", None, None, "reminder", None, None, "reminder"]


def test_one_bad_run_is_not_believed_where_three_are_asked_for() -> None:
    policy = Policy(remind_s=0, after_runs=3, flapping_changes=0)
    assert told([C, OK, C, C, OK], policy) == [None] * 5
    assert told([C, C, C, OK], policy) == [None, None, "problem", "recovered"]


def test_who_wants_the_worst_only_hears_the_end_of_it_too() -> None:
    said = told([W, C, W, OK], least="CRITICAL")
    assert said == [None, "problem", "recovered", None]


def test_what_flaps_is_told_once_and_again_when_it_holds_still() -> None:
    policy = Policy(remind_s=0, flapping_changes=4, flapping_s=600)
    said = told([C, OK, C, OK, C, OK, C] + [C] * 12, policy)
    assert said[:4] == ["problem", "recovered", "problem", "flapping"]
    assert said[4:7] == [None] * 3
    assert [kind for kind in said[7:] if kind] == ["problem"]


def test_what_flaps_is_calm_when_it_changes_half_as_often_and_not_before() -> None:
    policy = Policy(remind_s=0, flapping_changes=4, flapping_s=600)
    said = told([C, OK, C, OK, C] + [C] * 12, policy)
    # Changes in minutes 0 to 4: ten minutes later fewer than two are left in the window.
    assert [minute for minute, kind in enumerate(said) if kind] == [0, 1, 2, 3, 13]


def test_what_goes_on_flapping_is_told_again_after_the_interval() -> None:
    policy = Policy(remind_s=300, flapping_changes=4, flapping_s=600)
    said = told([C, OK] * 6, policy)
    assert [minute for minute, kind in enumerate(said) if kind == "flapping"] == [3, 8]


@given(st.lists(st.sampled_from(STATES), max_size=30))
def test_the_last_thing_told_is_the_state(states: list[State]) -> None:
    said = told(states)
    changes = [at for at, kind in enumerate(said) if kind]
    last = states[changes[-1]] if changes else "OK"
    assert not states or last == states[-1]


@given(st.lists(st.sampled_from(STATES), max_size=20))
def test_what_is_remembered_comes_back_from_json(states: list[State]) -> None:
    memory: Memory | None = None
    for at, state in enumerate(states):
        memory = deciding.remember(memory, sighting(state), Policy(), now_s=float(at))
        memory = deciding.marked(memory, "ops", least="WARNING", now_s=float(at))
    known = {"connections": memory} if memory else {}
    kept = json.loads(json.dumps(deciding.to_json(known)))
    assert deciding.from_json(kept, channels=["ops"]) == known


def written(folder: Path, content: str) -> Path:
    path = folder / "stockops.yaml"
    path.write_text(content, "utf-8")
    return path


def windows_of(folder: Path, content: str) -> windows.Window:
    path = written(folder, f"w: {{{content}}}")
    return windows.read(read(path))[0]


@pytest.mark.parametrize(
    ("window", "at", "is_open"),
    [
        ('from: "02:00", until: "04:00"', "2026-11-22T02:00", True),
        ('from: "02:00", until: "04:00"', "2026-11-22T04:00", False),
        ("from: 22:00, until: 02:00", "2026-11-22T01:59", True),
        ("from: 22:00, until: 02:00, days: sat", "2026-11-22T01:00", True),  # a Sunday
        ("from: 22:00, until: 02:00, days: sun", "2026-11-22T01:00", False),
        ("from: 02:00, until: 04:00, zone: Asia/Seoul", "2026-11-22T17:30", True),
        ("from: 2026-11-22 01:00, until: 2026-11-22 03:00", "2026-11-22T02:00", True),
        ("from: 2026-11-22 01:00, until: 2026-11-22 03:00", "2026-11-23T02:00", False),
    ],
)
def test_a_window_is_open_when_it_says(tmp_path: Path, window: str, at: str, is_open: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert windows_of(tmp_path, window).is_open(moment) is is_open


def test_a_window_covers_the_checks_and_targets_it_names(tmp_path: Path) -> None:
    found = windows_of(tmp_path, 'from: "00:00", until: "00:00", targets: prod*, checks: "repl*"')
    now = datetime.now(UTC)
    assert found.covers("prod2", "replication_lag", now)
    assert not found.covers("lab", "replication_lag", now)
    assert not found.covers("prod2", "connections", now)


HOOK = "notify: {channels: {it: {type: webhook, url: 'http://127.0.0.1:1/'}}, "


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("notify: {chanels: {}}", "unknown key 'chanels'"),
        ("notify: {channels: {it: {}}}", "has no type"),
        ("notify: {channels: {it: {type: slak}}}", "no type of channel is called 'slak'"),
        ("notify: {channels: {it: {type: webhook}}}", "needs one of url and url_file"),
        ("notify: {channels: {it: {type: webhook, url: ftp://x/}}}", "is malformed"),
        ("notify: {channels: {it: {type: webhook, url: 'http://a:b@x/'}}}", "holds a login"),
        ("notify: {channels: {it: {type: webhook, url: 'http://x:y/'}}}", "is malformed"),
        ("notify: {channels: {it: {type: mail, server: x}}}", "has no from"),
        ("notify: {channels: {it: {type: log, path: /x, least: BAD}}}", "no state is called 'BAD'"),
        ("notify: {channels: {it: {type: slack, url_file: /no/such}}}", "there is no file"),
        (HOOK + "messages: {email: other}}", "no channel is called 'other'"),
        (HOOK + "messages: {fax: it}}", "unknown key 'fax'"),
        (HOOK + "remind: often}", "is no length of time"),
        (HOOK + "after: -1}", "is negative"),
        (HOOK + "maintenance: {w: {from: '02:00'}}}", "has no until"),
        (HOOK + "maintenance: {w: {from: '25:00', until: '02:00'}}}", "is no time"),
        (HOOK + "maintenance: {w: {from: 2026-01-02, until: '02:00'}}}", "mixes a date"),
        (HOOK + "maintenance: {w: {from: 2026-01-02, until: 2026-01-01}}}", "ends before"),
        (HOOK + "maintenance: {w: {from: '1:00', until: '02:00', zone: X/Y}}}", "no time zone"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        notices.load(written(tmp_path, content))
    assert "stockops.yaml:1" in str(raised.value)
    assert raised.value.hint


def test_a_customer_is_not_written_to_in_a_room(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "notify: {channels: {am: {type: alertmanager, url: 'http://x/'}}, messages: {sms: am}}",
    )
    with pytest.raises(ConfigError, match="cannot write to a customer"):
        notices.load(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "url"
    secret.write_text("https://hooks.example.com/T0/B0/" + CANARY, "utf-8")
    secret.chmod(mode)
    path = written(tmp_path, f"notify: {{channels: {{it: {{type: slack, url_file: {secret}}}}}}}")
    with pytest.raises(ConfigError, match="can read or write the file") as raised:
        notices.load(path)
    assert CANARY not in str(raised.value)


@pytest.fixture
def problem() -> Notice:
    now = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
    return Notice(
        kind="problem", target="prod", name="connections", state="CRITICAL", title="Connections",
        message="97 of 100 connections are in use", since=now, at=now, command="stockops slow top",
        runbook="ops/runbooks/connections.md",
    )  # fmt: skip


def test_a_person_reads_what_where_since_when_and_what_next(problem: Notice) -> None:
    assert headline([problem]) == "[stockops] CRITICAL prod: Connections"
    assert text([problem]) == (
        "CRITICAL prod: Connections\n"
        "  97 of 100 connections are in use\n"
        "  since 2026-11-22 05:00:00+00:00, was OK\n"
        "  runbook: ops/runbooks/connections.md\n"
        "  next: stockops slow top"
    )


def test_many_are_one_message_with_the_worst_first(problem: Notice) -> None:
    over = replace(problem, kind="recovered", state="OK", name="lag", title="Lag")
    assert headline([over, problem]) == "[stockops] prod: 1 CRITICAL, 1 recovered"
    assert text([over, problem]).startswith("CRITICAL prod")
    many = text([replace(problem, name=str(n)) for n in range(200)])
    assert many.endswith("and 150 more: stockops health check")


@pytest.mark.parametrize(
    "leak",
    [
        f"host=db password={CANARY} user=x",
        f"host=db password='{CANARY}'",
        f"postgresql://ops:{CANARY}@db1/trading",
        f"https://{CANARY}@hooks.example.com/",
        f"PGPASSWORD: x, pwd={CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"api_key={CANARY}&x=1",
    ],
)
def test_what_looks_like_a_secret_is_in_no_notice(problem: Notice, leak: str) -> None:
    assert CANARY not in redacted(leak)
    sent = clean(replace(problem, message=leak, title=leak, command=leak))
    assert CANARY not in text([sent]) + headline([sent])


def test_a_notice_is_bounded_and_has_no_control_characters(problem: Notice) -> None:
    sent = clean(replace(problem, message="\x1b[31m" + "x" * 5000, title="a\r\nBcc: b"))
    assert len(sent.message) == 1000
    assert "\x1b" not in sent.message
    assert "\n" not in sent.title
    assert "\r" not in sent.title


@pytest.fixture
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    return tmp_path


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_change_goes_to_the_log_and_the_next_run_knows_it(remembered: Path) -> None:
    log = remembered / "notices.log"
    known = settings.load(
        written(remembered, f"notify: {{channels: {{file: {{type: log, path: {log}}}}}}}")
    )
    for at, state in enumerate([OK, C, C, OK]):
        notices.tell(known, [sighting(state)], target="pg://it", now_s=1000.0 + at)
    assert [line["kind"] for line in lines(log)] == ["problem", "recovered"]


def test_nothing_is_told_in_a_window_and_what_is_left_of_it_is_told_after(
    remembered: Path,
) -> None:
    log = remembered / "notices.log"
    path = written(
        remembered,
        f"notify: {{channels: {{file: {{type: log, path: {log}}}}}, "
        "maintenance: {night: {from: 1970-01-01 00:00, until: 1970-01-01 01:00}}}",
    )
    known = settings.load(path)
    notices.tell(known, [sighting(C)], target="prod", now_s=3500.0)
    assert not log.exists()
    notices.tell(known, [sighting(C)], target="prod", now_s=3700.0)
    assert [(line["kind"], line["since"]) for line in lines(log)] == [
        ("problem", "1970-01-01T00:58:20+00:00")
    ]
