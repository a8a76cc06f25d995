"""
A first statement that may fail half way, sent so that it is known whether it did anything.

MariaDB has no transaction for DDL, so what a refused block, CALL or list of objects has left is not
to be read from its text. It is sent after a savepoint: any commit on its way, its own or that of
DDL, takes the savepoint with it. Where it is still there, all of it is rolled back.
"""

import re

from ..engine.base import Server
from ..errors import ServerError
from ..sqlscripts import Statement
from . import effects

# SET TRANSACTION and XA are refused inside of a transaction, and a COMMIT is meant.
_ITS_OWN = re.compile(r"\b(?:TRANSACTION|COMMIT|XA|AUTOCOMMIT)\b", re.IGNORECASE)
_NOT_ROLLED_BACK = 1196  # a table of an engine without transactions was written


class Undone(ServerError):
    """The server refused a statement, and nothing of it is left."""


def is_for(engine: str, statement: Statement) -> bool:
    """Return whether only a trial can tell what `statement` leaves where it is refused."""
    return (
        engine == "mariadb"
        and statement.number == 1
        and not effects.leaves_nothing(engine, statement)
        and not _ITS_OWN.search(statement.text)
    )


def execute(server: Server, statement: Statement) -> None:
    """Run `statement`; raise `Undone` where it is refused and nothing of it is left."""
    with server.transaction():
        server.execute("SAVEPOINT stockops_migrate")
        try:
            server.execute(statement.text)
        except ServerError as exc:
            if _is_rolled_back(server):
                raise Undone(str(exc), fault=exc.fault, code=exc.code, hint=exc.hint) from exc
            raise


def _is_rolled_back(server: Server) -> bool:
    try:
        server.execute("ROLLBACK TO SAVEPOINT stockops_migrate")
        return all(row["Code"] != _NOT_ROLLED_BACK for row in server.rows("SHOW WARNINGS"))
    except ServerError:  # the savepoint is gone, or the session is
        return False
