"""
Bring a server back as a data directory for somebody else to start, or in the place of one.

All of it happens in a private lab first: the data get their place when the server has started on
them, has reached the moment and was stopped in good order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ... import lab as labs
from ...engine import connect
from ...errors import Refused
from ...lab import Lab
from ...plan import Consent, Step, check
from .. import archive
from ..keys import Identities
from ..repository import Repository
from ..store import DirectoryStore
from .filling import filling, finish, require_room
from .planning import Recovery
from .tools import Phases


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where the data shall be, and the consent to it; `lab` is whose data directory that is.

    `target` is the protected target whose data the backups say that these are.
    """

    directory: Path
    in_place: bool = False
    lab: str | None = None
    protected: bool = False
    target: str | None = None
    consent: Consent = field(default_factory=Consent)

    @property
    def name(self) -> str:
        """What it is called where consent is asked for."""
        return self.target or self.lab or str(self.directory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the data are, where what was there before is, and what to know before a start."""

    directory: str
    kept: str | None
    notes: Sequence[str] = field(default_factory=tuple)


def of_lab(name: str, *, protected: bool, consent: Consent) -> Place:
    """Return the place of the data of the lab `name`, which must be down."""
    lab = labs.require(name)
    if lab.pid is not None:
        raise Refused(
            f"the lab {name!r} is up, and its data would be replaced",
            hint=f"stockops lab down --name {name}",
        )
    return Place(directory=lab.data, in_place=True, lab=name, protected=protected, consent=consent)


def steps(repo: Repository, recovery: Recovery, place: Place) -> list[Step]:
    """Return what `into` would do, or raise what stands in the way."""
    if isinstance(repo.store, DirectoryStore) and place.directory.is_relative_to(
        repo.store.root.resolve()
    ):
        raise Refused(
            f"{str(place.directory)!r} lies in the repository {repo.store.place!r}",
            hint="Name a directory outside of it: there, it would be neither kept nor pruned.",
        )
    labs.require_place(place.directory, engine=recovery.last.engine, in_place=place.in_place)
    require_room(recovery)
    found = recovery.steps("a private lab")
    found.append(Step(action="stop it in good order", why="it has reached the moment"))
    if place.in_place and place.directory.exists():
        found.append(
            Step(
                action=f"mv {place.directory} {labs.aside(place.directory)}",
                why="what is there now is kept",
                lock="exclusive",
                destroys=True,
            )
        )
    found.append(Step(action=f"give the data the name {place.directory}", why="nothing is copied"))
    return found


def into(
    repo: Repository,
    recovery: Recovery,
    place: Place,
    *,
    identities: Identities = (),
    bin_directory: Path | None = None,
    phases: Phases | None = None,
) -> Placed:
    """Restore as `recovery` says, and put the data into `place`; nobody starts a server there."""
    planned = steps(repo, recovery, place)
    guarded = place.protected or place.target is not None
    check(planned, target=place.name, protected=guarded, consent=place.consent)
    phases = phases or Phases()
    own = recovery.tail
    kept_logs = [archive.keep(repo, log) if log in own else log for log in recovery.logs]
    recovery = replace(recovery, logs=kept_logs)
    fill = filling(repo, recovery, identities=identities, phases=phases)
    said = recovery.last
    with labs.temporary(
        said.engine, version=said.major, bin_directory=bin_directory, fill=fill
    ) as copy:
        finish(copy, recovery, phases=phases)
        notes = _notes(copy, recovery)
        with phases.of("hand over"):
            _require_still(repo, recovery)
            kept = labs.hand_over(copy, place.directory, of=place.lab)
    return Placed(directory=str(place.directory), kept=str(kept) if kept else None, notes=notes)


def _require_still(repo: Repository, recovery: Recovery) -> None:
    """Raise where the server that is to be replaced has run since the restore was planned."""
    before = recovery.stopped
    if before is None:
        return
    now = archive.stopped(repo, before.directory, system=recovery.last.system)
    if now is None or now.end != before.end:
        raise Refused(
            f"the server of {str(before.directory)!r} was started meanwhile, and has more log than "
            "was brought along",
            hint="Nothing was replaced. See to it that nothing starts it, stop it, do it again.",
        )


def _notes(copy: Lab, recovery: Recovery) -> list[str]:
    said = recovery.last
    if copy.engine == "mariadb":
        with connect(copy.url("mysql")) as server:
            state = server.rows("SELECT @@global.gtid_binlog_state AS state")[0]["state"]
        return [
            "its binary log begins anew, in the data directory; where log_bin names another place, "
            f"say first where it goes on: SET GLOBAL gtid_binlog_state = '{state}'",
            "no log goes on from the backups there are: take one when it is up",
        ]
    notes = ["it archives nothing until somebody says so: stockops backup archive start"]
    outside = [
        path
        for name in ("config_file", "hba_file")
        if not (path := said.settings.get(name, "")).startswith(said.settings["data_directory"])
    ]
    if outside:
        notes.append(f"its configuration lay elsewhere, and is in no backup: {', '.join(outside)}")
    return notes
