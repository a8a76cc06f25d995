"""What others wait for that is no session: a prepared transaction, or nobody the server names."""

from collections.abc import Collection
from dataclasses import dataclass

from ..engine.base import Server
from ..queries import Query

# Works at once, and of locks that are held already; the instrument only of those taken later.
_TO_NAME = "INSTALL SONAME 'metadata_lock_info'"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared transaction, and what ends it."""

    name: str
    ending: str
    database_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What no session is and others wait for, in a sentence, and what to run."""

    what: str
    ending: str


PREPARED = Query("sessions/prepared", Prepared)


def beyond(server: Server, roots: Collection[int | None]) -> list[Beyond]:
    """Return those of `roots` that are no sessions: all prepared transactions, for one of them."""
    found = []
    if 0 in roots:
        found = [
            Beyond(
                what=f"a prepared transaction is in the way, maybe {each.name!r}",
                ending=f"{f'In {each.database_name}: ' if each.database_name else ''}{each.ending}",
            )
            for each in server.fetch(PREPARED)
        ]
    if None in roots:
        what = "the server does not say who holds a lock that others wait for"
        found.append(Beyond(what=what, ending=f"As an administrator: {_TO_NAME}; then ask again"))
    return found
