"""Messages to customers leave the database once, whoever is killed or refuses."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import eventually
from receivers import Hook, Mailbox, listening, mailbox

from stockops.cli.main import main
from stockops.engine import connect
from stockops.targets import Target

STATUS = "SELECT status, count(*) AS n FROM notifications GROUP BY status ORDER BY status"


class Place:
    """A database with messages, a file of targets, and the receivers that it names."""

    def __init__(self, market: Target, folder: Path, hook: Hook, box: Mailbox) -> None:
        self.market, self.folder, self.hook, self.box = market, folder, hook, box
        self.routes = "messages: {email: post, push: hook, sms: hook}"

    def file(self) -> str:
        path = self.folder / "stockops.yaml"
        path.write_text(
            f"targets: {{it: {{url: '{self.market.url}'}}}}\n"
            f"notify: {{channels: {{hook: {{type: webhook, url: '{self.hook.url}'}}, "
            f"post: {{type: mail, server: '127.0.0.1:{self.box.port}', security: none, "
            f"from: desk@example.com}}}}, {self.routes}}}\n"
        )
        return str(path)

    def arguments(self, *more: str) -> list[str]:
        return ["alerts", "notify", "-t", "it", "--config", self.file(), "--format", "json", *more]

    def start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "stockops", *self.arguments()],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
        )  # fmt: skip

    def run(self, *more: str) -> tuple[int, list[dict[str, object]]]:
        done = CliRunner().invoke(main, self.arguments(*more))
        return done.exit_code, json.loads(done.stdout or "[]")

    def counts(self) -> dict[str, int]:
        with connect(self.market) as server:
            return {str(row["status"]): int(row["n"]) for row in server.rows(STATUS)}

    def only(self, rows: str) -> None:
        """Leave `rows` as the only messages, all of them queued."""
        with connect(self.market) as server:
            server.execute("DELETE FROM notifications")
            server.execute(
                "INSERT INTO notifications (notification_id, user_id, kind, channel, body, "
                f"created_at) VALUES {rows}"
            )


@pytest.fixture
def place(market: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    with ExitStack() as stack:
        hook, box = stack.enter_context(listening()), stack.enter_context(mailbox())
        yield Place(market, tmp_path, hook, box)


def row(number: int, channel: str, kind: str = "ai_warning") -> str:
    user = "(SELECT max(user_id) FROM users)"
    return f"({number}, {user}, '{kind}', '{channel}', '말 {number}', '2026-01-02 03:04:05')"


def test_each_message_goes_once_by_its_way(place: Place) -> None:
    place.only(", ".join(row(n, ("email", "push", "sms")[n % 3]) for n in range(1, 10)))
    code, planned = place.run("--plan")
    assert (code, len(planned)) == (0, 3)
    assert place.counts() == {"queued": 9}
    # Two at once share them; the second finds what the first has not.
    runs = [place.start(), place.start()]
    said = [json.loads(run.communicate(timeout=120)[0] or b"[]") for run in runs]
    assert sum(each["sent"] for answer in said for each in answer) == 9
    assert place.counts() == {"sent": 9}
    numbers = [body["notices"][0]["number"] for body in place.hook.bodies]
    assert sorted(numbers) == [1, 2, 4, 5, 7, 8]
    assert len(place.box.mails) == 3
    assert place.run() == (0, [])
    with connect(place.market) as server:
        user = server.rows("SELECT email, phone FROM users ORDER BY user_id DESC LIMIT 1")[0]
    assert {mail.rcpt_tos[0] for mail in place.box.mails} == {user["email"]}
    assert {body["notices"][0]["to"] for body in place.hook.bodies} == {user["phone"], None}


def test_what_is_refused_for_good_is_failed_and_what_is_not_waits(place: Place) -> None:
    place.only(", ".join([row(1, "push"), row(2, "push"), row(3, "email"), row(4, "sms")]))
    place.hook.codes = [422, 500]
    place.routes = "messages: {email: post, push: hook}"
    with connect(place.market) as server:
        place.box.unknown = {str(u["email"]) for u in server.rows("SELECT email FROM users")}
    code, said = place.run()
    found = {each["channel"]: each for each in said}
    assert code == 1
    assert (found["push"]["refused"], found["push"]["waits"]) == (1, 1)
    assert (found["email"]["refused"], found["email"]["waits"]) == (1, 0)
    assert "no channel: write notify: {messages: {sms: CHANNEL}}" in str(found["sms"]["why"])
    assert place.counts() == {"failed": 2, "queued": 2}


def test_a_kill_between_the_sending_and_the_mark_sends_again_with_the_same_key(
    place: Place,
) -> None:
    place.only(row(7, "push"))
    place.hook.hold = threading.Event()
    with place.start() as running:
        eventually(lambda: place.hook.bodies)
        running.send_signal(signal.SIGKILL)
        running.wait(60)
    place.hook.hold.set()
    place.hook.hold = None
    # The server needs a moment to see that nobody is there, and to let go of the row.
    eventually(lambda: place.run()[0] == 0 and place.counts() == {"sent": 1})
    keys = [headers["Idempotency-Key"] for headers in place.hook.headers]
    assert keys == ["it/notifications/7"] * 2


def test_a_file_without_channels_says_what_to_write(tmp_path: Path) -> None:
    file = tmp_path / "stockops.yaml"
    file.write_text("default: lab\n")
    done = CliRunner().invoke(main, ["alerts", "notify", "--test", "--config", str(file)])
    assert done.exit_code == 2
    assert "Write notify: {channels:" in done.stderr


def ran(place: Place, *arguments: str) -> int:
    """Run a check with ``--notify`` and return what it left with."""
    named = [*arguments, "-t", "it", "--notify", "--config", place.file()]
    return CliRunner().invoke(main, named).exit_code


def test_a_failed_check_of_the_books_reaches_a_person_and_its_end_too(place: Place) -> None:
    def check() -> int:
        return ran(place, "books", "check", "--only", "cash")

    def shift(won: int) -> None:
        with connect(place.market) as server:
            sql = "UPDATE accounts SET cash_won = cash_won + %(won)s WHERE account_id = 1001"
            server.execute(sql, {"won": won})

    place.routes = "remind: 4h"
    assert check() == 0
    shift(1)
    assert check() == 1
    assert check() == 1
    shift(-1)
    assert check() == 0
    told = [body["notices"][0] for body in place.hook.bodies]
    assert "1 row violates cash" in told[0]["message"]
    assert [(each["kind"], each["name"]) for each in told] == [
        ("problem", "books_check:cash"),
        ("recovered", "books_check:cash"),
    ]


def test_a_check_that_turns_bad_reaches_a_person_within_one_run(place: Place) -> None:
    def check(*more: str) -> int:
        return ran(place, "health", "check", "reachable", *more)

    place.routes = "remind: 4h"
    assert check() == 0
    there = place.market
    place.market = Target(name="it", url=there.url.replace(there.database, "no_such_database"))
    assert check() == 3
    assert check("--format", "nagios") == 2
    place.market = there
    assert check() == 0
    told = [body["notices"][0] for body in place.hook.bodies]
    assert [(each["kind"], each["name"], each["state"]) for each in told] == [
        ("problem", "reachable", "CRITICAL"),
        ("recovered", "reachable", "OK"),
    ]
