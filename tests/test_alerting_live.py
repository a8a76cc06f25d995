"""Something breaks, a person is told; it is mended, the person is told: with the real programs."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alerting import stack
from conftest import Labs, fresh_database

from stockops.engine import connect
from stockops.engine.base import Server
from stockops.targets import Target

PASSWORD = "a'b c%d"
MAKE = {
    "postgresql": ["CREATE ROLE {role} LOGIN PASSWORD '{password}'", "GRANT pg_monitor TO {role}"],
    "mariadb": [
        "CREATE USER {role} IDENTIFIED BY '{password}'",
        "GRANT SELECT, PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.* TO {role}",
    ],
}
LOCK = {
    "postgresql": [
        "ALTER ROLE {role} NOLOGIN",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'",
    ],
    "mariadb": ["ALTER USER {role} ACCOUNT LOCK", "KILL USER {role}"],
}
UNLOCK = {
    "postgresql": ["ALTER ROLE {role} LOGIN"],
    "mariadb": ["ALTER USER {role} ACCOUNT UNLOCK"],
}
UNMAKE = {
    "postgresql": ["DROP OWNED BY {role}", "DROP ROLE {role}"],
    "mariadb": ["DROP USER {role}"],
}
DOWN = {"postgresql": "PostgresqlDown", "mariadb": "MariadbDown"}


class Watcher:
    """A role that watches a server, and that the server can turn away."""

    def __init__(self, server: Server, target: Target, role: str) -> None:
        self.server, self.target, self.role = server, target, role

    def do(self, statements: list[str]) -> None:
        for statement in statements:
            self.server.execute(
                statement.format(role=self.role, password=PASSWORD.replace("'", "''"))
            )


@contextmanager
def watcher(all_labs: Labs, engine: str) -> Iterator[Watcher]:
    lab = all_labs.get(engine)
    role = f"w_{secrets.token_hex(4)}"
    with (
        fresh_database(lab) as target,
        connect(Target(name="admin", url=lab.url(), lab=lab.name)) as server,
    ):
        tcp = lab.url(target.database, tcp=True)
        owner = tcp.partition("//")[2].partition("@")[0]
        made = Watcher(server, Target(name=engine, url=tcp.replace(owner, role, 1)), role)
        made.do(MAKE[engine])
        try:
            yield made
        finally:
            made.do(LOCK[engine])
            made.do(UNMAKE[engine])


def test_a_server_that_turns_us_away_is_told_to_a_person_and_so_is_its_return(
    all_labs: Labs, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    with watcher(all_labs, "postgresql") as pg, watcher(all_labs, "mariadb") as my:
        both = {"postgresql": pg, "mariadb": my}
        config = tmp_path / "stockops.yaml"
        config.write_text(
            json.dumps(
                {
                    "default": "postgresql",
                    "targets": {
                        name: {"url": each.target.url, "password_file": str(secret)}
                        for name, each in both.items()
                    },
                }
            )
        )
        with stack(tmp_path, config, [*both]) as live:
            for name, each in both.items():
                each.do(LOCK[name])
            for name in both:
                live.person.hears(DOWN[name], name, "firing")
            for name, each in both.items():
                each.do(UNLOCK[name])
            for name in both:
                live.person.hears(DOWN[name], name, "resolved")
