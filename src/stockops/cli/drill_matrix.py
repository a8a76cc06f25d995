"""``stockops drill run --matrix``: the same drill under every combination of settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from .. import disk
from ..lab import place
from ..plan import Step

if TYPE_CHECKING:
    from ..drills.head import Drill
    from ..drills.matrix import Combination


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run that is due: a drill on an engine, and the settings that it tries, if any."""

    drill: "Drill"
    engine: str
    combination: "Combination | None" = None

    @property
    def words(self) -> str:
        """What is run, in words."""
        what = f"{self.drill.id} on {self.engine}"
        if self.combination is None:
            return what
        from ..experiments import changes  # noqa: PLC0415

        return f"{what} with {changes.in_one_line(self.combination.wanted)}"


def crossed(due: "Sequence[tuple[Drill, str]]", words: Sequence[str]) -> list[Run]:
    """
    Return the runs of `due`, each once under every combination that `words` make, if any.

    Servers are asked whether they take them; `ConfigError` where one does not.
    """
    if not words:
        return [Run(drill=drill, engine=engine) for drill, engine in due]
    from ..drills import matrix  # noqa: PLC0415

    wanted = matrix.parsed(words)
    for drill, engine in due:
        matrix.require_free(drill, engine, wanted[0])
    engines = tuple(dict.fromkeys(engine for _, engine in due))
    found = matrix.checked(engines, wanted)
    if disk.in_memory(place.labs_root()):
        click.echo(
            "the labs lie in memory, where a sync costs nothing and MariaDB maps its log: what it "
            "costs and loses on a disk is told with STOCKOPS_LABS on one",
            err=True,
        )
    return [
        Run(drill=drill, engine=engine, combination=each)
        for drill, engine in due
        for each in found[engine]
    ]


def planned(runs: Sequence[Run], times: int) -> list[Step]:
    """Return what the runs that try settings come to; nothing where none does."""
    tried = [each for each in runs if each.combination]
    if not tried:
        return []
    from ..drills import matrix  # noqa: PLC0415

    all_s = times * sum(matrix.expected_s(each.drill, each.engine) for each in tried)
    return [
        *(
            Step(each.words, "a sandbox of its own; first what it can take is measured")
            for each in tried
        ),
        Step(
            f"{len(tried)} combinations, {times} times each",
            f"about {all_s:.0f} s in all, by the runs that are kept",
        ),
    ]
