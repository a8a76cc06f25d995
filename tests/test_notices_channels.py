"""Notices arrive: by mail, webhook, Slack's shape, Alertmanager, apprise, on real receivers."""

import json
import logging
import os
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import eventually
from receivers import Mailbox, listening, mailbox

from stockops import notices
from stockops.lab.servers import free_port
from stockops.notices import Settings, Sighting, sending
from stockops.notices.sending import Delivery
from stockops.notices.telling import tell

CANARY = "c4n4ry:s3cret/with?odd&signs"


@pytest.fixture(autouse=True)
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(sending, "PAUSE_S", 0.01)


def loaded(folder: Path, channels: str, *, more: str = "") -> Settings:
    path = folder / "stockops.yaml"
    path.write_text(f"notify: {{channels: {{{channels}}}{more}}}", "utf-8")
    return notices.load(path)


def secret(folder: Path, content: str, *, name: str = "secret") -> Path:
    path = folder / name
    path.write_text(content + "\n", "utf-8")
    path.chmod(0o600)
    return path


def seen(state: str, *, name: str = "connections") -> Sighting:
    return Sighting(
        name=name, state=cast(Any, state), title="연결 <수>", message="97 of 100",
        runbook="ops/runbooks/connections.md", command="stockops slow top",
    )  # fmt: skip


def only(found: tuple[Delivery, ...]) -> Delivery:
    assert len(found) == 1
    return found[0]


def mails(box: Mailbox) -> list[EmailMessage]:
    return [
        message_from_bytes(cast(bytes, each.content), policy=policy.default) for each in box.mails
    ]


def test_a_mail_arrives_with_its_login(tmp_path: Path) -> None:
    file = secret(tmp_path, CANARY)
    with mailbox() as box:
        known = loaded(
            tmp_path,
            f"ops: {{type: mail, server: '127.0.0.1:{box.port}', security: none, "
            f"from: stockops@example.com, to: 'a@example.com, b@example.com', "
            f"user: ops, password_file: {file}}}",
        )
        found = only(tell(known, [seen("CRITICAL"), seen("WARNING", name="lag")], target="prod"))
        assert found.is_delivered, found
        mail = mails(box)[0]
        assert box.logins == [("ops", CANARY)]
    assert mail["Subject"] == "[stockops] prod: 1 CRITICAL, 1 WARNING"
    assert mail["To"] == "a@example.com, b@example.com"
    assert "CRITICAL prod: 연결 <수>\n  97 of 100" in mail.get_content().replace("\r\n", "\n")
    assert CANARY not in mail.as_string()


def test_a_mail_that_is_refused_says_why_and_shows_no_password(tmp_path: Path) -> None:
    file = secret(tmp_path, CANARY)
    with mailbox() as box:
        box.is_closed = True
        known = loaded(
            tmp_path,
            f"ops: {{type: mail, server: '127.0.0.1:{box.port}', security: none, from: a@b, "
            f"to: a@b, user: ops, password_file: {file}}}",
        )
        found = only(tell(known, [seen("CRITICAL")], target="prod"))
    assert not found.is_delivered
    assert "SMTP 535" in found.why
    assert not found.is_final


def test_a_webhook_gets_json_with_a_key_that_stays(tmp_path: Path) -> None:
    with listening(codes=[503, 200]) as hook:
        file = secret(tmp_path, f"Bearer {CANARY}")
        known = loaded(
            tmp_path,
            f"it: {{type: webhook, url: '{hook.url}/in', authorization_file: {file}}}",
        )
        found = only(tell(known, [seen("CRITICAL")], target="prod"))
    assert (found.is_delivered, found.tries) == (True, 2)
    assert hook.headers[1]["Authorization"] == f"Bearer {CANARY}"
    keys = {each["Idempotency-Key"] for each in hook.headers}
    assert keys == {hook.bodies[1]["notices"][0]["key"]}
    assert hook.bodies[1]["notices"][0]["command"] == "stockops slow top"
    assert CANARY not in json.dumps(hook.bodies)


def test_slack_gets_its_shape_and_its_signs_are_escaped(tmp_path: Path) -> None:
    with listening() as hook:
        file = secret(tmp_path, hook.url + "/services/T0/B0/" + CANARY)
        known = loaded(tmp_path, f"chat: {{type: slack, url_file: {file}}}")
        assert only(tell(known, [seen("CRITICAL")], target="prod")).is_delivered
    body = hook.bodies[0]
    assert body["text"] == "[stockops] CRITICAL prod: 연결 &lt;수&gt;"
    assert body["attachments"][0]["color"] == "#c62828"


def test_one_channel_that_fails_stops_no_other_and_is_told_the_next_time(tmp_path: Path) -> None:
    with listening() as good, listening(codes=[500, 500, 500, 200]) as bad:
        known = loaded(
            tmp_path,
            f"good: {{type: webhook, url: '{good.url}'}}, bad: {{type: webhook, url: '{bad.url}'}},"
            f"gone: {{type: webhook, url: 'http://127.0.0.1:1/'}},"
            "file: {type: log, path: /no/such/folder/log}",
        )
        first = {each.channel: each for each in tell(known, [seen("CRITICAL")], target="prod")}
        again = {each.channel: each for each in tell(known, [seen("CRITICAL")], target="prod")}
    assert {name for name, each in first.items() if each.is_delivered} == {"good"}
    assert first["bad"].why == "rejected: HTTP 500"
    assert first["gone"].why == "refused: nobody listens there"
    assert first["file"].why.startswith("broken: No such file")
    assert sorted(again) == ["bad", "file", "gone"]
    assert again["bad"].is_delivered
    assert len(good.bodies) == 1


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with listening(codes=[302]) as hook:
        known = loaded(tmp_path, f"it: {{type: webhook, url: '{hook.url}'}}")
        assert only(tell(known, [seen("CRITICAL")], target="prod")).why == "rejected: HTTP 302"
    assert len(hook.bodies) == sending.TRIES


def test_a_receiver_that_never_answers_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "CHANNEL_S", 0.5)
    monkeypatch.setattr(sending, "TRY_S", 0.3)
    hold = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent, listening(hold=hold) as slow:
        port = silent.getsockname()[1]
        known = loaded(
            tmp_path,
            f"slow: {{type: webhook, url: '{slow.url}'}},"
            f"ops: {{type: mail, server: '127.0.0.1:{port}', security: none, from: a@b, to: a@b}}",
        )
        found = tell(known, [seen("CRITICAL")], target="prod")
        hold.set()
    assert {each.why.partition(":")[0] for each in found} == {"timeout"}


def test_no_secret_is_in_any_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The receiver repeats what it was sent; the messages of checks hold passwords, too."""
    caplog.set_level(logging.DEBUG)
    leaking = Sighting(
        name="it", state="CRITICAL", title="it", message=f"dsn postgresql://u:{CANARY}@h/d"
    )
    with listening(codes=[400], echo=CANARY) as hook, mailbox() as box:
        box.unknown, box.echo = {"nobody@b"}, CANARY.partition(":")[0]
        slack = secret(tmp_path, hook.url + "/" + CANARY, name="slack")
        allowed = secret(tmp_path, CANARY, name="allowed")
        closed = secret(tmp_path, box.echo, name="closed")
        known = loaded(
            tmp_path,
            f"chat: {{type: slack, url_file: {slack}}},"
            f"it: {{type: webhook, url: '{hook.url}', authorization_file: {allowed}}},"
            f"ops: {{type: mail, server: '127.0.0.1:{box.port}', security: none, from: a@b, "
            f"to: nobody@b, user: u, password_file: {closed}}}",
        )
        found = tell(known, [leaking], target="prod")
    said = repr(found) + repr(known) + json.dumps(hook.bodies) + "".join(capfd.readouterr())
    said += "".join(each.getMessage() for each in caplog.records if each.name != "mail.log")
    said += "".join(path.read_text("utf-8") for path in (tmp_path / "state").rglob("*.json"))
    assert all(not each.is_delivered for each in found)
    assert "no such user here: ***" in repr(found)
    assert CANARY not in said
    assert CANARY.partition(":")[0] not in said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library's own
def test_apprise_delivers_by_its_urls(tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    with listening() as hook:
        url = hook.url.replace("http://", "json://") + "/" + "t0ken"
        known = loaded(tmp_path, f"any: {{type: apprise, url_file: {secret(tmp_path, url)}}}")
        assert only(tell(known, [seen("CRITICAL")], target="prod")).is_delivered
    assert "CRITICAL prod" in hook.bodies[0]["title"]


def test_every_channel_can_be_tried(tmp_path: Path) -> None:
    with listening() as hook:
        known = loaded(
            tmp_path,
            f"it: {{type: webhook, url: '{hook.url}'}}, gone: {{type: slack, url: 'http://127.0.0.1:1'}}",
        )
        found = {each.channel: each.is_delivered for each in notices.try_all(known)}
    assert found == {"it": True, "gone": False}
    assert hook.bodies[0]["notices"][0]["kind"] == "test"


@contextmanager
def alertmanager(folder: Path, hook_url: str) -> Iterator[str]:
    """Run Debian's Alertmanager, which tells `hook_url`; give its address."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        if "CI" in os.environ:
            pytest.fail("there is no prometheus-alertmanager")
        pytest.skip("there is no prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text(
        "route: {receiver: hook, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{hook_url}'}}]}}]\n"
    )
    port = free_port()
    with (folder / "alertmanager.log").open("wb") as log:
        running = subprocess.Popen(
            [program, f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{url}/-/ready"))
        yield url
    finally:
        running.terminate()
        running.wait(60)


def answers(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bytes(answer.read())
    except OSError:
        return None


def test_alertmanager_fires_and_resolves(tmp_path: Path) -> None:
    with listening() as hook, alertmanager(tmp_path, hook.url) as url:
        known = loaded(tmp_path, f"am: {{type: alertmanager, url: '{url}', lasts: 1h}}")

        def active() -> list[str]:
            found = json.loads(answers(f"{url}/api/v2/alerts") or b"[]")
            return [each["labels"]["severity"] for each in found]

        def hooked(status: str, severity: str) -> bool:
            return any(
                (each["status"], each["labels"]["severity"]) == (status, severity)
                for body in hook.bodies
                for each in body["alerts"]
            )

        assert only(tell(known, [seen("WARNING")], target="prod")).is_delivered
        eventually(lambda: hooked("firing", "warning"))
        tell(known, [seen("CRITICAL")], target="prod")
        eventually(lambda: hooked("firing", "critical") and hooked("resolved", "warning"))
        assert active() == ["critical"]
        tell(known, [seen("CRITICAL")], target="prod")  # sent again as long as it lasts
        assert only(tell(known, [seen("OK")], target="prod")).is_delivered
        eventually(lambda: hooked("resolved", "critical"))
        assert active() == []
        assert only(tell(known, [seen("OK")], target="prod")).is_delivered  # kept five minutes
    assert hook.bodies[0]["alerts"][0]["annotations"]["command"] == "stockops slow top"
