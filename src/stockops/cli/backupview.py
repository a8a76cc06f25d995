"""How backups are shown to a person."""

import dataclasses
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from .. import counts, render
from . import backupchains

if TYPE_CHECKING:
    from ..backups.drilling import Drilled, Loss
    from ..backups.manifest import Manifest
    from ..backups.repository import Backup, Evidence
    from ..backups.restoring import Placed, Recovery
    from ..backups.retention import Retention
    from ..backups.taking import Tick
    from ..backups.verifying import Verdict

_LINE_EVERY_S = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """One line of `backup list`."""

    id: str
    target: str
    state: str
    label: str
    started: str
    age: str
    took_s: float | None
    stored: str
    raw: str
    note: str


def progress() -> Callable[["Tick"], None]:
    """Return what shows how far a backup is: a live line, or a line a minute in a log."""
    live = sys.stderr.isatty()
    next_s = _LINE_EVERY_S

    def show(tick: "Tick") -> None:
        nonlocal next_s
        if not live and tick.elapsed_s < next_s:
            return
        next_s = tick.elapsed_s + _LINE_EVERY_S
        rate = tick.raw_bytes / max(tick.elapsed_s, 0.001)
        left = max(tick.expected_bytes - tick.raw_bytes, 0) / max(rate, 1.0)
        words = (
            f"{megabytes(tick.raw_bytes)} of about {megabytes(tick.expected_bytes)} read, "
            f"{megabytes(tick.stored_bytes)} stored, {rate / 1e6:,.0f} MB/s, {left:,.0f} s left"
        )
        click.echo(f"\r\x1b[K{words}" if live else words, err=True, nl=not live)

    return show


def finish() -> None:
    """Take the live line away."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def taken(said: "Manifest", form: render.Format) -> str:
    """Return what came of `backup take`."""
    if form == "json":
        return _json(_brief(said))
    ratio = said.raw_bytes / max(said.stored_bytes, 1)
    lines = [
        f"{said.id} is complete: {megabytes(said.raw_bytes)} in {said.duration_s:.1f} s, "
        f"{megabytes(said.stored_bytes)} stored ({ratio:.1f}:1)",
        *(f"note: {note}" for note in said.notes),
        *_owed(said),
        f"prove it: stockops backup drill {said.id}"
        + (" --identity FILE" if said.recipients else ""),
    ]
    return "\n".join(lines)


def listed(found: Sequence["Backup"], form: render.Format) -> str:
    """Return one line a backup, below what it builds upon, with a plus for each link before it."""
    if form == "json":
        return json.dumps([_backup(each) for each in found], indent=2)
    return render.rows([_line(each, links) for each, links in backupchains.walk(found)], form)


def shown(
    found: "Backup",
    evidence: Sequence["Evidence"],
    chain: backupchains.Chain,
    form: render.Format,
) -> str:
    """Return all that is known of one backup."""
    if form == "json":
        says = {**_backup(found), "evidence": [dataclasses.asdict(each) for each in evidence]}
        return json.dumps({**says, **chain.as_json()}, indent=2)
    said = found.manifest
    lines = [f"{found.id}  {found.state}  {found.note}".rstrip()]
    if said is not None:
        start = {k: v for k, v in dataclasses.asdict(said.start).items() if v is not None}
        stop = {k: v for k, v in dataclasses.asdict(said.stop).items() if v is not None}
        lines += [
            f"  system      {said.system} ({said.engine} {said.server_version})",
            f"  target      {said.target}, from {said.host}, label {said.label or '-'}",
            f"  chain       {chain.as_text()}",
            f"  windows     {chain.windows_as_text()}",
            f"  taken       {said.started_at} to {said.ended_at} ({said.duration_s:.1f} s)",
            f"  log         from {_words(start)} to {_words(stop)}",
            f"  stored      {megabytes(said.stored_bytes)} of {megabytes(said.raw_bytes)}, "
            f"{said.compression}, {_sealed(said)}",
            f"  tables      {_held(said)}; {counts.of(len(said.members), 'file')} inside",
            *(f"  note        {note}" for note in said.notes),
        ]
    for each in evidence:
        verdict = "passed" if each.passed else "FAILED"
        lines.append(f"  {each.what:<10}  {each.at}  {verdict}: {each.summary}")
    return "\n".join(lines)


def _held(said: "Manifest") -> str:
    """Return how many tables a restored copy can be held to, and how many are to be hashed yet."""
    held = sum(each.hash is not None for each in said.content)
    owed = sum(each.owed for each in said.content)
    words = f"{held} of {len(said.content)} held to their rows"
    return f"{words}, {owed} to be hashed yet (stockops backup hash)" if owed else words


def _owed(said: "Manifest") -> list[str]:
    owed = [each.table for each in said.content if each.owed]
    if not owed:
        return []
    words = f"the rows of {', '.join(owed)} are not hashed yet, so that a drill could hold the copy"
    return [f"note: {words} to them: stockops backup hash -t {shlex.quote(said.target)}"]


def verified(verdicts: Sequence["Verdict"], form: render.Format) -> str:
    """Return one line a backup, its findings below it, and the sum."""
    if form == "json":
        return json.dumps([dataclasses.asdict(each) | {"passed": each.passed} for each in verdicts])
    lines = []
    for each in verdicts:
        word = "sound" if each.passed else "BROKEN"
        lines.append(
            f"{word:<7} {each.id}  {each.kind}  {counts.of(each.objects, 'object')}, "
            f"{megabytes(each.stored_bytes)}, {megabytes(each.read_bytes)} read"
        )
        lines += [f"        {finding}" for finding in each.findings]
    sound = sum(each.passed for each in verdicts)
    return "\n".join([*lines, f"{sound} of {len(verdicts)} backups are as they were stored"])


def phase(name: str) -> None:
    """Say on a terminal what is being done, each over the last."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{name} ...", err=True, nl=False)


def restored(
    recovery: "Recovery", name: str, phases: Mapping[str, float], form: render.Format
) -> str:
    """Return what came of `backup restore`."""
    if form == "json":
        return _json({"lab": name, "aim": str(recovery.aim), "phases": dict(phases)})
    return "\n".join(
        [
            _recovered(recovery),
            f"  {_seconds(phases)}",
            f"the lab {name!r} is up: stockops books check -t {name}; "
            f"stockops lab shell --name {name}",
        ]
    )


def _recovered(recovery: "Recovery") -> str:
    logs = counts.of(len(recovery.logs), "log")
    return f"{recovery.links[-1].id} and {logs}, up to {recovery.aim}"


def _sealed(said: "Manifest") -> str:
    count = len(said.recipients)
    return f"encrypted to {counts.of(count, 'key')}" if count else "not encrypted"


def placed(
    recovery: "Recovery", said: "Placed", phases: Mapping[str, float], form: render.Format
) -> str:
    """Return what came of a restore into a directory."""
    if form == "json":
        says = {**dataclasses.asdict(said), "aim": str(recovery.aim), "phases": dict(phases)}
        return _json(says)
    lines = [
        _recovered(recovery),
        f"  {_seconds(phases)}",
        f"{said.directory} is ready to be started",
    ]
    lines += [f"{said.kept} is what was there before"] if said.kept else []
    return "\n".join([*lines, *(f"note: {note}" for note in said.notes)])


def loaded(dump: "Backup", name: str, phases: Mapping[str, float], form: render.Format) -> str:
    """Return what came of `backup restore` of a dump."""
    if form == "json":
        return _json({"lab": name, "backup": dump.id, "phases": dict(phases)})
    return f"{dump.id} is loaded into the lab {name!r}, which is up\n  {_seconds(phases)}"


def drilled(said: "Drilled", form: render.Format) -> str:
    """Return what came of `backup drill`."""
    if form == "json":
        return _json(said.as_json())
    lines = [
        f"{said.backup} to {said.aim}: {counts.of(said.links, 'backup')}, "
        f"{counts.of(said.logs, 'log')}, "
        f"{megabytes(said.restored_bytes)}",
        f"  {_seconds(said.phases)}",
    ]
    for level in said.levels:
        word = {True: "passed", False: "FAILED", None: "unknown"}[level.passed]
        looked = f"{level.looked_at:,} {level.what}" if not level.unknown else level.unknown
        lines.append(
            f"  {level.name}  {word:<7}  {level.title:<16}  {looked}  ({level.seconds:.1f} s)"
        )
        lines += [f"        {finding}" for finding in level.findings]
    if said.loss is not None:
        lines.append(f"  RPO  {_lost(said.loss)}")
    if said.rto_s:
        lines.append(f"  RTO  {said.rto_s:.1f} s; {said.predicted_s:.1f} s were predicted")
    verdict = "proven" if said.passed else "NOT PROVEN"
    return "\n".join([*lines, f"{verdict}: {said.summary}"])


def _lost(loss: "Loss") -> str:
    words = "no heartbeat to measure by"
    if loss.seconds is not None:
        words = f"{loss.seconds:.1f} s before the target ({loss.reached_at})"
    if loss.orders is not None:
        words += f"; {loss.orders:,} of {loss.acknowledged:,} acknowledged orders are lost"
        words += f", {loss.cancels:,} cancels" if loss.cancels else ""
        words += f", {loss.won:,} won" if loss.won else ""
    return words


def _seconds(phases: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in phases.items())


def pruned(plans: Sequence["Retention"], form: render.Format, *, done: bool) -> str:
    """Return what stays and why, and what goes."""
    removed = [removal for each in plans for removal in each.removed]
    kept = {name: why for each in plans for name, why in each.kept.items()}
    notes = [note for each in plans for note in each.notes]
    if form == "json":
        gone = [dataclasses.asdict(each) for each in removed]
        return _json({"kept": kept, "removed": gone, "notes": notes, "done": done})
    lines = [f"kept     {name}  ({why})" for name, why in sorted(kept.items())]
    word = "removed " if done else "would go"
    lines += [f"{word} {each.what} {each.name}  ({each.why})" for each in removed]
    freed = sum(each.stored_bytes for each in removed)
    lines.append(f"{len(removed)} {'removed' if done else 'to remove'}, {megabytes(freed)}")
    lines += [f"note: {note}" for note in notes]
    return "\n".join(lines)


def megabytes(count: int) -> str:
    """Return a number of bytes, as a person reads it."""
    if count < 1_000_000:
        return f"{count / 1e3:,.0f} kB"
    return f"{count / 1e6:,.0f} MB" if count < 10_000_000_000 else f"{count / 1e9:,.1f} GB"


def _line(backup: "Backup", links: int) -> Listed:
    said = backup.manifest
    return Listed(
        id=f"{'+' * links} {backup.id}".lstrip(),
        target=backup.target or "-",
        state=backup.state,
        label=(said.label or "-") if said else "-",
        started=said.started_at[:19] if said else "-",
        age=_age(said.started_at) if said else "-",
        took_s=said.duration_s if said else None,
        stored=megabytes(said.stored_bytes) if said else "-",
        raw=megabytes(said.raw_bytes) if said else "-",
        note=backup.note,
    )


def _backup(backup: "Backup") -> dict[str, Any]:
    return {
        "id": backup.id,
        "system": backup.system,
        "target": backup.target,
        "state": backup.state,
        "note": backup.note,
        "manifest": _brief(backup.manifest) if backup.manifest else None,
    }


def _brief(said: "Manifest") -> dict[str, Any]:
    says = dataclasses.asdict(said)
    says["members"] = len(said.members)
    says["owners"] = sorted(set(said.owners.values()))
    says["owed"] = [each.table for each in said.content if each.owed]
    return {**says, "stored_bytes": said.stored_bytes, "raw_bytes": said.raw_bytes}


def _json(says: dict[str, Any]) -> str:
    return json.dumps(says, indent=2)


def _age(at: str) -> str:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _words(says: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in says.items()) or "-"
