"""Verify that the history, the files and the journal tell the same story."""

from dataclasses import dataclass
from pathlib import Path

from ..engine.base import Server
from ..sqlscripts import split
from . import files, history, planning
from .history import Run, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found about one applied migration; `finding` is empty where all is well."""

    migration: str
    file: str
    finding: str

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.finding


def verify(server: Server, *, folder: Path | None = None) -> list[Verdict]:
    """
    Return a verdict on every migration that the history holds. Writes nothing.

    Looked at: the file against what was applied, the stored text against its own checksum, the
    journal against the statements of that text, and whether anything stopped half way. No
    verdicts at all means that nothing was applied, which is no success.
    """
    comparison = planning.compare(server, folder=folder)
    journal: dict[int, list[Step]] = {}
    for step in history.steps(server):
        journal.setdefault(step.run_id, []).append(step)
    known = {migration.key: migration for migration in comparison.migrations}
    states = {status.migration: status for status in comparison.statuses()}
    verdicts = []
    for key, run in comparison.applied.items():
        status = states[key]
        if key in known and not planning.same(known[key], run) and run.state == "applied":
            finding = "the file is not the one that was applied"
        elif status.state in ("half applied", "running", "missing"):
            finding = f"{status.state}: {status.note}"
        else:
            finding = _finding(server.engine, run, journal.get(run.id, []))
        verdicts.append(Verdict(migration=key, file=run.name, finding=finding))
    return verdicts


def _finding(engine: str, run: Run, steps: list[Step]) -> str:
    if run.checksum_algorithm != files.CHECKSUM_ALGORITHM:
        return f"its checksum is of an unknown kind: {run.checksum_algorithm}"
    if files.checksum(run.content) != run.checksum:
        return "the stored text does not fit its own checksum"
    expected = [(s.number, s.sha256) for s in split(engine, run.content, name=run.name)]
    if [(step.statement_no, step.checksum) for step in steps] != expected:
        return "the journal does not list the statements of the stored text"
    if any(step.state != "done" for step in steps):
        return "the journal has a statement that was never confirmed"
    return ""
