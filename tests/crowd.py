"""Sessions that block each other: what a test of activity, waits and kills looks at."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from conftest import eventually

from stockops import sessions
from stockops.engine import connect, open_server
from stockops.engine.base import Server
from stockops.errors import StockopsError
from stockops.sessions import SessionRow
from stockops.targets import Target

Seat = Literal["holder", "waiter"]
PAUSE = {"postgresql": "SELECT pg_sleep({})", "mariadb": "SELECT sleep({})"}


@dataclass(slots=True)
class Crowd:
    """Sessions of one ordinary user on a table ``held`` of ten rows; `login` is that user."""

    admin: Server
    target: Target
    login: str
    stack: ExitStack
    seats: list[Server] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def sit(self, application: str = "crowd") -> Server:
        """Open one more session of the user."""
        seat = open_server(self.target, application=application, lock_timeout_s=60)
        self.stack.callback(seat.close)
        self.seats.append(seat)
        return seat

    def hold(self, row: int, seat: Server | None = None) -> Server:
        """Have a session update `row` in a transaction, and stay in it."""
        seat = seat or self.sit()
        seat.execute("BEGIN")
        seat.execute(f"UPDATE held SET n = n + 1 WHERE id = {row}")
        eventually(lambda: (now := self.at(seat)) and now.state == "idle in transaction")
        return seat

    def start(self, seat: Server, sql: str) -> None:
        """Run `sql` beside the test, and come back as soon as the server runs it."""

        def run() -> None:
            try:
                seat.rows(sql) if sql.startswith("SELECT") else seat.execute(sql)
            except StockopsError as exc:
                self.errors.append(str(exc))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)
        eventually(lambda: (now := self.at(seat)) and now.state == "active" and now.sql_text == sql)

    def pause(self, seat: Server, length_s: float = 30) -> None:
        """Have `seat` run a statement that does nothing for so long."""
        self.start(seat, PAUSE[self.admin.engine].format(length_s))

    def want(self, row: int, seat: Server | None = None) -> Server:
        """Have a session wait for `row`, which another one holds."""
        seat = seat or self.sit()
        self.start(seat, f"UPDATE held SET n = n + 1 WHERE id = {row}")
        eventually(lambda: (now := self.at(seat)) and now.wait.startswith("Lock"))
        return seat

    def at(self, seat: Server) -> SessionRow | None:
        """Return what the server says of `seat`."""
        found = sessions.activity(self.admin)
        return next((row for row in found if row.session_id == seat.session_id), None)

    def settle(self) -> None:
        """Wait until nothing runs beside the test any more."""
        for thread in self.threads:
            thread.join(30)


@contextmanager
def crowd_on(target: Target) -> Iterator[Crowd]:
    """Give a crowd on `target`; whatever is left of it is ended after the block."""
    login = f"crowd_{secrets.token_hex(4)}"
    postgresql = target.engine == "postgresql"
    account = login if postgresql else f"{login}@localhost"
    with ExitStack() as stack:
        admin = stack.enter_context(connect(target))
        admin.execute("CREATE TABLE held (id INT PRIMARY KEY, n INT NOT NULL)")
        admin.execute("INSERT INTO held VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
        if postgresql:
            admin.execute(f"CREATE ROLE {login} LOGIN")
            admin.execute(f"GRANT SELECT, UPDATE ON held TO {login}")
        else:
            admin.execute(f"CREATE USER {account}")
            admin.execute(f"GRANT SELECT, UPDATE ON {target.database}.* TO {account}")
        own = replace(target, url=target.url.replace("//stockops@", f"//{login}@"))
        crowd = Crowd(admin, own, login, stack)
        try:
            yield crowd
        finally:
            end = "SELECT pg_terminate_backend({})" if postgresql else "KILL {}"
            for seat in crowd.seats:
                with suppress(StockopsError):
                    admin.execute(end.format(seat.session_id))
            crowd.settle()
            if postgresql:
                admin.execute(f"DROP OWNED BY {login}")
            admin.execute(f"DROP ROLE {login}" if postgresql else f"DROP USER {account}")
