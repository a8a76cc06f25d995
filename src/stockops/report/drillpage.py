"""The evidence of a recovery drill, for a file: HTML, Markdown or JSON, as its name ends."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import counts
from ..errors import ConfigError
from .page import check, templates, write_text

FORMS = (".html", ".md", ".json")


def check_drill(path: Path) -> None:
    """Raise `ConfigError` where `write_drill` could not write `path`."""
    if path.suffix not in FORMS:
        raise ConfigError(
            f"{str(path)!r} does not say in which form the evidence is wanted",
            hint=f"Let it end with one of {', '.join(FORMS)}.",
        )
    check(path)


def write_drill(
    says: Mapping[str, Any],
    path: Path,
    *,
    history: Sequence[Mapping[str, Any]] = (),
    signed_off: str | None = None,
) -> None:
    """Write what `Drilled.as_json` says to `path`; `history` holds earlier verdicts."""
    check_drill(path)
    digest = hashlib.sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()
    if path.suffix == ".json":
        text = json.dumps({**says, "signed_off": signed_off, "sha256": digest}, indent=1) + "\n"
    elif path.suffix == ".md":
        text = _markdown(says, signed_off, digest)
    else:
        text = (
            templates()
            .get_template("drill.html")
            .render(drill=says, history=history, signed_off=signed_off, digest=digest)
        )
    write_text(text, path)


def _markdown(says: Mapping[str, Any], signed_off: str | None, digest: str) -> str:
    loss = says["loss"] or {}
    verdict = "proven" if says["passed"] else "NOT PROVEN"
    lines = [
        f"# Recovery drill of {says['backup']}: {verdict}",
        "",
        f"- system: {says['system']} ({says['engine']}), up to {says['aim']}",
        f"- when: {says['at']}, {says['seconds']:.1f} s in all",
        f"- RTO: {says['rto_s']:.1f} s measured, {says['predicted_s']:.1f} s predicted",
        f"- RPO: {_or(loss.get('seconds'), 'unknown')} s before the target; "
        f"{_or(loss.get('orders'), 'not measured')} acknowledged orders and "
        f"{_or(loss.get('cancels'), 'not measured')} cancels lost, "
        f"{_or(loss.get('won'), '-')} won",
        f"- restored: {counts.of(says['links'], 'backup')}, {counts.of(says['logs'], 'log')}, "
        f"{says['restored_bytes']:,} bytes",
        f"- summary: {says['summary']}",
        "",
        "| level | what | verdict | looked at | seconds |",
        "|---|---|---|---|---|",
    ]
    for level in says["levels"]:
        word = {True: "passed", False: "failed", None: "unknown"}[level["passed"]]
        looked = level["unknown"] or f"{level['looked_at']:,} {level['what']}"
        lines.append(
            f"| {level['name']} | {level['title']} | {word} | {looked} | {level['seconds']:.1f} |"
        )
        lines += [f"| | {finding} | | | |" for finding in level["findings"]]
    lines += ["", "| phase | seconds |", "|---|---|"]
    lines += [f"| {name} | {took:.1f} |" for name, took in says["phases"].items()]
    lines += [
        "",
        f"Signed off by {signed_off or 'nobody yet'}. SHA-256 of the evidence: `{digest}`",
    ]
    return "\n".join(lines) + "\n"


def _or(value: object, otherwise: str) -> str:
    return otherwise if value is None else str(value)
