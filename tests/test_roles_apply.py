"""The monitor's role is made and held to its rights, and is enough for all that watches."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs, fresh_database

from stockops import health, migrations, roles
from stockops.books import record
from stockops.books.record import Record
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import ConfigError, Refused, ServerError, StockopsError
from stockops.exporter.collectors import SERVERS
from stockops.exporter.context import Context
from stockops.health import State
from stockops.lab import Lab
from stockops.passwords import Secret
from stockops.roles import Login, hashing
from stockops.roles.rights import CONNECTIONS_MAX
from stockops.targets import Target

ODD = "".join(sorted(set(string.printable) - set(string.whitespace))) + " 가나"


@pytest.fixture(scope="module", params=sorted(ENGINES))
def lab(request: pytest.FixtureRequest, all_labs: Labs) -> Lab:
    return all_labs.get(str(request.param))


@pytest.fixture(scope="module")
def target(lab: Lab) -> Iterator[Target]:
    with fresh_database(lab) as target:
        migrations.up(target)
        yield target


@pytest.fixture
def admin(target: Target) -> Iterator[Server]:
    with connect(target) as server:
        yield server


@contextmanager
def made(admin: Server, target: Target, login: Login) -> Iterator[None]:
    """The login is there for the length of the block."""
    roles.apply(admin, roles.plan(admin, target.database, login))
    try:
        yield
    finally:
        gone = (
            f'ROLE "{login.name}"'
            if admin.engine == "postgresql"
            else f"USER '{login.name}'@'{login.host}'"
        )
        admin.execute(f"DROP {gone}")


def watcher(*, password: str = ODD) -> Login:
    return Login(name=f"watch_{secrets.token_hex(4)}", host="%", password=Secret(password))


def as_login(target: Target, lab: Lab, login: Login) -> Target:
    """The database as `login` reaches it: over TCP, where a password is asked for."""
    url = lab.url(target.database, tcp=True).replace("//stockops@", f"//{login.name}@")
    return replace(target, url=url, password=login.password)


def test_what_is_missing_is_planned_done_and_then_there(
    admin: Server, target: Target, tmp_path: Path
) -> None:
    login = replace(watcher(), host="localhost")
    secret = tmp_path / "watch.pw"
    secret.write_text(ODD)
    secret.chmod(0o600)
    asked = ["roles", "apply", "-t", target.url, "--login", login.name]
    asked += ["--password-file", str(secret)]
    planned = CliRunner().invoke(main, [*asked, "--plan"])
    assert login.name in planned.output
    assert "'***'" in planned.output
    assert "SCRAM" not in planned.output
    assert roles.plan(admin, target.database, login)  # nothing was done
    with made(admin, target, login):
        found = roles.verify(admin, target.database)
        assert {verdict.finding for verdict in found} == {""}
        assert roles.plan(admin, target.database, replace(login, password=None)) == []
        done = CliRunner().invoke(main, ["roles", "verify", "-t", target.url])
        assert done.exit_code == 0
    done = CliRunner().invoke(main, ["roles", "verify", "-t", target.url])
    assert done.exit_code == 1
    assert "nobody logs in with it" in done.output


def test_a_right_that_was_taken_away_is_found_and_given_back(admin: Server, target: Target) -> None:
    roles.apply(admin, roles.plan(admin, target.database))
    if admin.engine == "postgresql":
        admin.execute("REVOKE pg_monitor FROM stockops_monitor")
    else:
        admin.execute("REVOKE PROCESS ON *.* FROM stockops_monitor")
    found = [each for each in roles.verify(admin, target.database) if not each.ok]
    assert any(each.what in {"pg_monitor", "PROCESS ON *.*"} for each in found)
    steps = roles.plan(admin, target.database)
    assert len(steps) == 1
    roles.apply(admin, steps)
    assert roles.plan(admin, target.database) == []


def test_a_login_that_may_too_much_or_take_all_sessions_is_found(
    admin: Server, target: Target
) -> None:
    login = watcher(password="secret9")
    with made(admin, target, login):
        if admin.engine == "postgresql":
            admin.execute(f'ALTER ROLE "{login.name}" SUPERUSER CONNECTION LIMIT -1')
        else:
            admin.execute(f"GRANT SUPER ON *.* TO '{login.name}'@'%'")
            admin.execute(f"ALTER USER '{login.name}'@'%' WITH MAX_USER_CONNECTIONS 0")
        found = {each.what: each.finding for each in roles.verify(admin, target.database)}
        assert "super" in found["rights"].lower()
        assert found["connections"]
        with pytest.raises(Refused, match="is a superuser"):
            roles.plan(admin, target.database, login)


def test_names_that_are_no_login_are_refused(admin: Server, target: Target) -> None:
    for name in ("", "stockops_monitor"):
        with pytest.raises(ConfigError):
            roles.plan(admin, target.database, Login(name=name))
    if admin.engine == "mariadb":
        with pytest.raises(ConfigError, match="needs a password"):
            roles.plan(admin, target.database, Login(name="x", host="%"))
    done = CliRunner().invoke(main, ["roles", "apply", "--password-file", "x", "-t", target.url])
    assert done.exit_code == 2


def test_a_name_with_quotes_is_a_name(admin: Server, target: Target) -> None:
    for name in ("o'brien", 'dou"ble', "b`tick"):
        planned = roles.plan(admin, target.database, Login(name=name, password=Secret("x")))
        roles.apply(admin, planned)
        quoted = f'ROLE "{name.replace(chr(34), chr(34) * 2)}"'
        if admin.engine == "mariadb":
            user = name.replace("'", "''")
            quoted = f"USER '{user}'@'localhost'"
        admin.execute(f"DROP {quoted}")


def test_every_check_and_collector_works_as_the_monitor(
    admin: Server, target: Target, lab: Lab
) -> None:
    login = watcher()
    if target.engine == "mariadb":  # where a column shows to those who have a right to it
        admin.execute("CREATE TABLE nearly (n tinyint AUTO_INCREMENT PRIMARY KEY)")
        admin.execute("INSERT INTO nearly VALUES (126)")
    record.write(
        "watched", Record(checked_at=datetime.now(UTC), held=1, violated=0, inconclusive=0)
    )
    with made(admin, target, login):
        watched = replace(as_login(target, lab, login), name="watched")
        watched = replace(watched, lab=None)  # what is let pass in a lab is looked at
        report = health.run(watched, health.load(target.engine))
        assert report.reason == "ok"
        unknown = {o.check.name: o.message for o in report.outcomes if o.state is State.UNKNOWN}
        nothing_named = {name for name, said in unknown.items() if "no repository" in said}
        assert {name: said for name, said in unknown.items() if name not in nothing_named} == {}
        states = {o.check.name: o.state for o in report.outcomes}
        assert states["role_rights"] is State.OK
        mine = health.run(replace(target, name="watched", lab=None), health.load(target.engine))
        others = {o.check.name: o.state for o in mine.outcomes if states[o.check.name] != o.state}
        assert others.keys() <= {"role_rights"}, (others, report)
        with connect(watched) as server:
            failed = {}
            for collector in SERVERS[target.engine]:
                try:
                    assert list(collector.collect(server, Context(target=watched))) is not None
                except StockopsError as exc:
                    failed[collector.NAME] = str(exc)
            assert failed == {}
            with pytest.raises(ServerError):
                server.rows("SELECT full_name FROM users")


def test_sessions_of_the_monitor_are_few(admin: Server, target: Target, lab: Lab) -> None:
    login = watcher(password="secret9")
    with made(admin, target, login):
        open_now = []
        try:
            with pytest.raises(StockopsError, match=r"too many|max_user_connections"):
                for _ in range(CONNECTIONS_MAX + 1):
                    opened = connect(as_login(target, lab, login))
                    open_now.append((opened, opened.__enter__()))
            assert len(open_now) == CONNECTIONS_MAX
        finally:
            for opened, _ in open_now:
                opened.__exit__(None, None, None)


def test_the_verifier_of_the_standard_is_made() -> None:
    # RFC 7677, section 3: user "user", password "pencil".
    salt = "W22ZaJ0SNY7soEsUEjb6gQ=="
    import base64

    made = hashing.scram(Secret("pencil"), salt=base64.b64decode(salt))
    assert made.startswith(f"SCRAM-SHA-256$4096:{salt}$")
    stored, server = made.rpartition("$")[2].split(":")
    assert server == "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    assert stored == "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    assert hashing.native(Secret("password")) == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
