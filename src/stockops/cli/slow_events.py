"""``stockops slow events``."""

import dataclasses
import json
import sys
from typing import Any

import click

from ..slow import reading, report
from ..slow.accounting import Account
from ..slow.digest import Digest
from ..slow.events import Event
from ..statements import classify
from .slow_files import asked_for, leave, what_to_read


@click.command("events")
@what_to_read
@click.pass_context
def events_command(ctx: click.Context, /, files: tuple[str, ...], **chosen: Any) -> None:
    """
    Write each execution of the logs as one JSON object a line.

    `at` is UTC, `duration_s` and `lock_s` are seconds; what the log does not say is null.

    \b
    Examples:
      stockops slow events slow.log | jq -c 'select(.duration_s > 1)'
      stockops slow events pg.csv | duckdb -c "from read_json('/dev/stdin') limit 5"
    """  # noqa: D301  click reads \b as a character
    account, told = Account(), 0
    read = dataclasses.replace(asked_for(files, chosen), full=True)
    for event, dialect in reading.events(read, account):
        if event.source == "execution":
            told += 1
            sys.stdout.write(json.dumps(_record(event, dialect)) + "\n")
    whole = Digest(account=account)
    leave(ctx, [each for each in report.findings(whole) if told == 0 or "bytes are" in each])


def _record(event: Event, dialect: Any) -> dict[str, Any]:
    return {
        "at": report.instant(event.at_us) or None,
        "user": event.user or None,
        "host": event.host or None,
        "database": event.database or None,
        "application": event.application or None,
        "session": event.session or None,
        "duration_s": event.duration_us / 1_000_000 if event.timed else None,
        "lock_s": event.lock_us / 1_000_000 if event.timed else None,
        "rows_sent": event.rows_sent,
        "rows_examined": event.rows_examined,
        "rows_affected": event.rows_affected,
        "sql": event.sql,
        "parameters": event.parameters or None,
        "class": None if event.admin else classify(event.sql, dialect=dialect).class_id,
        "admin": event.admin,
        "weight": event.weight,
        **event.more,
    }
