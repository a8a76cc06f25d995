"""
A masked copy for development: a new lab that never held an original.

The source is copied whole into a lab for a while, masked there, dumped, and the dump loaded into
the new lab. What masking leaves behind in files (old versions of rows, logs) goes with the first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .. import books, queries, scratch
from .. import lab as labs
from ..backups import repository, taking
from ..backups.restoring import loading
from ..backups.streams import Form
from ..backups.taking import Request
from ..engine import connect
from ..errors import Finding, Refused
from ..experiments.copying import Copy
from ..lab import Lab
from ..lab.place import check_name
from ..plan import Step
from . import masking, scanning
from .declarations import Declarations
from .pseudonyms import Pseudonyms
from .scanning import Scanned
from .shapes import INSIDE

Seen = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A masked copy: what it is of, what was masked, what became of the chain and the books."""

    lab: str
    source: str
    columns: int
    values: int
    scrubbed_rows: int
    logins_shut: int
    audit_chain: str
    books: str


def steps(words: str, name: str, declared: Declarations) -> list[Step]:
    """Return what `make` would do."""
    masked = ", ".join(sorted(declared.personal))
    looked = ", ".join(sorted(n for n, each in declared.excused.items() if each.scrub))
    return [
        Step(action=f"copy {words}", why="the source is only read"),
        Step(action="privacy scan", why="what is not declared would not be masked: it ends here"),
        Step(action=f"mask {masked}", why="by a secret that is thrown away unless it is given"),
        Step(action=f"look through {looked}", why="for addresses, numbers and masked words"),
        Step(action="take the passwords of logins away", why="they are those of the source"),
        Step(action=f"dump the copy, load it into the lab {name}", why="no file held an original"),
        Step(action="books check", why="a copy whose books do not balance is removed"),
    ]


def require_new(name: str) -> None:
    """Raise `Refused` where there is a lab `name`, and `ConfigError` where there could be none."""
    check_name(name)
    if labs.read(name) is not None:
        raise Refused(
            f"there is a lab {name!r} already",
            hint="Take another name: a masked copy replaces nothing.",
        )


def make(copy: Copy, name: str, declared: Declarations, names: Pseudonyms, *, seen: Seen) -> Made:
    """
    Mask `copy`, and load what it is then into the new lab `name`, which stays up.

    Raises `Finding` where the scan finds what is not declared, and where the books of the new lab
    do not balance; the lab is removed then.
    """
    require_new(name)
    seen("looking for what is not declared")
    with connect(copy.target) as server:
        found = [
            each
            for each in scanning.scan(server, declared).findings
            if not _is_scrubbed(each, declared)
        ]
        if found:
            raise Finding(
                f"{len(found)} columns would not be masked: "
                + ", ".join(each.column for each in found[:5]),
                hint=f"Declare them in {declared.path}: stockops privacy scan",
            )
    masked = masking.mask(copy.target, declared, names, seen=seen)
    with scratch.directory("mask") as work:
        seen("dumping the masked copy")
        repo = repository.make(str(work / "repository"))
        request = Request(method="logical", form=Form(compression="lz4"))
        said = taking.take(repo, copy.target, request)
        backup = next(each for each in repo.backups(said.system) if each.id == said.id)
        seen(f"loading it into the lab {name}")
        lab = labs.up(name, engine=copy.engine, bin_directory=copy.lab.programs)
        try:
            target = loading.load(repo, backup, lab)
            held = _proven(copy, lab, target.url)
        except BaseException:
            labs.destroy(name)
            raise
    return Made(
        lab=name,
        source=copy.source,
        columns=masked.columns,
        values=masked.values,
        scrubbed_rows=masked.scrubbed_rows,
        logins_shut=masked.logins,
        audit_chain=f"sealed anew, {masked.resealed_rows} rows"
        if masked.resealed_rows
        else "verified as it was",
        books=f"{held} invariants held",
    )


def _is_scrubbed(found: Scanned, declared: Declarations) -> bool:
    """Tell whether what was found is looked for by masking, value by value."""
    excused = declared.excused.get(found.column)
    return excused is not None and excused.scrub and found.kind in INSIDE


def _proven(copy: Copy, lab: Lab, url: str) -> int:
    """Let the copy's own owner go, gather statistics, and return how many invariants held."""
    if farewell := labs.ENGINES[lab.engine].farewell(copy.lab):
        labs.run_sql(lab, farewell, database="mysql")
    with connect(url) as server:
        server.execute(queries.text(server.engine, "masking/analyze", server.version[0]))
        results = books.check(server)
    if bad := [each.name for each in results if each.state == "violated"]:
        raise Finding(
            f"the books of the masked copy do not balance: {', '.join(bad)}",
            hint="Check those of the source: stockops books check",
        )
    return sum(each.state == "held" for each in results)
