"""Whether a role may take a backup: asked before it begins, for a tool finds out in the middle."""

from ..engine.base import Server
from ..errors import Refused
from .manifest import Method
from .questions import RIGHTS

_SHOWN = 5  # of what a role lacks


def require(server: Server, method: Method) -> None:
    """Raise `Refused` where the role of `server` may not take a backup by `method`."""
    lacking = [f"{each.needed} on {each.place}" for each in server.fetch(RIGHTS, method=method)]
    if not lacking:
        return
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    raise Refused(
        f"this role may not take a {method} backup: it lacks {', '.join(lacking[:_SHOWN])}{more}",
        hint="Grant that, or name another role in -t.",
    )
