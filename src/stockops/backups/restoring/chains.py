"""Which backups a restore needs, from the full one on."""

from collections.abc import Sequence

from ...errors import Refused, StorageError
from ..repository import Backup, Repository


def chain(
    repo: Repository, backup: Backup, *, among: Sequence[Backup] | None = None
) -> list[Backup]:
    """
    Return what must be restored for `backup`: a full one, then each link that builds upon it.

    Who has read the backups of its system already gives them as `among`. Raises `StorageError`
    where a link is missing, or cannot be believed.
    """
    known = repo.backups(backup.system) if among is None else among
    there = {each.id: each for each in known if each.system == backup.system}
    links = [backup]
    while (said := links[0].manifest) is not None and said.parent is not None:
        parent = there.get(said.parent)
        if parent is None or parent.manifest is None or parent in links:
            raise StorageError(
                f"{backup.id} builds upon {said.parent}, which is not there",
                hint="Take one whose chain is whole: stockops backup list",
            )
        links.insert(0, parent)
    if links[0].manifest is None:
        raise StorageError(
            f"{backup.id} is no backup that can be restored: {links[0].note or links[0].state}",
            hint="Take another one: stockops backup list",
        )
    return links


def require_sound(links: Sequence[Backup]) -> None:
    """Raise `Refused` where one of `links` was found to be broken."""
    for link in links:
        if link.state == "broken":
            raise Refused(
                f"{link.id} is broken: {link.note}",
                hint="Take one whose chain is whole: stockops backup list; or prove that it is "
                f"whole again: stockops backup verify --again; stockops backup drill {link.id}",
            )
