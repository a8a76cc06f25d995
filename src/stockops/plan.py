"""Say what would be done, then do it: the shape of every command that writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .errors import Refused

Lock = Literal["none", "share", "exclusive"]


@dataclass(frozen=True, slots=True)
class Step:
    """One statement or command: what it is for, who waits while it runs, what it destroys."""

    action: str
    why: str
    lock: Lock = "none"
    destroys: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the user said on the command line about steps that block or destroy."""

    yes: bool = False
    meant: str | None = None


def check(steps: Sequence[Step], *, target: str, protected: bool, consent: Consent) -> None:
    """
    Raise `Refused` if a step blocks or destroys and `consent` does not cover it.

    On a protected target ``--yes`` is not enough: the target is named again (``--i-mean NAME``).
    """
    grave = [step for step in steps if step.destroys or step.lock == "exclusive"]
    if not grave:
        return
    what = "destroy data" if any(step.destroys for step in grave) else "block readers and writers"
    if protected and consent.meant != target:
        raise Refused(
            f"{len(grave)} of {len(steps)} steps would {what} on the protected target {target!r}",
            hint=f"Read them with --plan, then run again with --i-mean {target}.",
        )
    if not protected and not consent.yes:
        raise Refused(
            f"{len(grave)} of {len(steps)} steps would {what} on {target!r}",
            hint="Read them with --plan, then run again with --yes.",
        )


def check_named(what: str, *, target: str, protected: bool, consent: Consent) -> None:
    """Raise `Refused` where `target` is protected and was not named again for `what` it does."""
    if protected and consent.meant != target:
        raise Refused(
            f"{what} writes to the protected target {target!r}",
            hint=f"Read what it does with --plan, then run again with --i-mean {target}.",
        )
