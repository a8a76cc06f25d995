"""Who is not let in any more, though nobody changed a program."""

from ...engine import connect
from ...engine.reasons import reason_of
from ...errors import StockopsError
from .. import clients
from ..inverse import Sql
from .base import Needs, Ordinary, Spot
from .processes import is_of_applications

_WHO = "stockops drill"
_LAPSED = {
    "postgresql": "ALTER ROLE app VALID UNTIL 'yesterday'",
    "mariadb": "ALTER USER app@localhost PASSWORD EXPIRE",
}


class PasswordExpired(Ordinary):
    """
    The password of the role by which every order comes has expired.

    Who is connected goes on; each new session is refused. So the sessions are ended, too, as an
    application server does by itself after a while.
    """

    name = "password_expired"
    title = "The password of the applications has expired"
    wants = Needs(login=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Have it expire, and end the sessions that were let in by it."""
        del driver
        with connect(spot.target, application=_WHO) as server:
            renewed = "ALTER ROLE app VALID UNTIL 'infinity'"
            if spot.engine == "mariadb":  # what has expired is renewed by setting it again
                row = server.rows("SHOW CREATE USER app@localhost")[0]
                renewed = str(next(iter(row.values()))).replace("CREATE", "ALTER", 1)
            step = Sql(url=spot.target.url, statement=renewed, lab=spot.lab.directory, lasts=True)
            spot.memory["renewed"] = step, spot.undo.arm(step)
            server.execute(_LAPSED[spot.engine])
        # One that is in a routine passes for the routine's owner: by name not all of them are met.
        clients.soon(
            lambda: not clients.dismissed(spot, is_of_applications),
            "sessions of the applications stay, or come in without a password",
        )

    def bites(self, spot: Spot) -> str | None:
        """Return what a new session of the applications is told."""
        try:
            with connect(spot.login or spot.front, application=_WHO):
                return None
        except StockopsError as exc:
            return str(exc) if reason_of(exc) == "auth" else None

    def lift(self, spot: Spot) -> None:
        """Renew it, where nobody did."""
        step, token = spot.memory.pop("renewed", (None, None))
        if step is not None:
            step.undo(spot.folder)
            spot.undo.undone(token)
