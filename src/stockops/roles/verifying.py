"""Hold the monitor's role, and who logs in with it, against what they should have."""

from dataclasses import dataclass

from ..engine.base import Server
from . import rights
from .rights import ROLE, Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found about one right of the role, or one login; `finding` is empty for none."""

    who: str
    what: str
    finding: str

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.finding


def verify(server: Server, database: str) -> list[Verdict]:
    """Return a verdict on each right of the role and on each login that has it. Writes nothing."""
    has = rights.held(server)
    found = [
        Verdict(
            who=ROLE,
            what=right.name,
            finding="" if right.name in has else f"it has not: {right.sql}",
        )
        for right in rights.wanted(server.engine, database)
    ]
    members = rights.members(server).values()
    if not members:
        nobody = "nobody logs in with it: stockops roles apply --login NAME"
        found.append(Verdict(who=ROLE, what="logins", finding=nobody))
    for member in members:
        found += [
            Verdict(who=member.name, what="rights", finding=_excess(member)),
            Verdict(who=member.name, what="connections", finding=_limit(member)),
        ]
    return found


def _excess(member: Member) -> str:
    return f"it has more than a monitor needs: {member.too_much}" if member.too_much else ""


def _limit(member: Member) -> str:
    if member.connections_max is None:
        return "nothing limits how many sessions it takes"
    return ""
