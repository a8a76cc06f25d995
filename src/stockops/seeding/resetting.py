"""Empty a seeded database: customers, orders and books go, reference data and the house stay."""

from .. import queries
from ..engine import connect
from ..engine.base import Server
from ..errors import Fault, ServerError
from ..plan import Consent, Step, check
from ..targets import Target
from . import state

_LOCK_TIMEOUT_S = 30.0


def steps(server: Server) -> list[Step]:
    """Return what a reset would run."""
    sql = queries.text(server.engine, "seeding/reset", server.version[0])
    statement = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    return [
        Step(
            action=statement.strip(),
            why="empty every table that customers, their orders and their books fill",
            lock="exclusive",
            destroys=True,
        )
    ]


def reset(target: Target, *, consent: Consent) -> bool:
    """
    Empty the tables of `target`; return False where there was nothing to remove.

    Raises `Refused` without the `consent` that a protected or an unprotected target needs.
    """
    with connect(target, lock_timeout_s=_LOCK_TIMEOUT_S) as server:
        if state.read(server).stage == "empty":
            return False
        todo = steps(server)
        check(todo, target=target.name, protected=target.protected, consent=consent)
        with state.lock(server):
            try:
                for step in todo:
                    server.execute(step.action)
            except ServerError as exc:
                if exc.fault is not Fault.DENIED:
                    raise
                raise ServerError(
                    f"this database user may not empty the tables: {exc}",
                    fault=exc.fault,
                    code=exc.code,
                    hint="Empty them as who applies the migrations: no role of ours may drop rows.",
                ) from exc
    return True
