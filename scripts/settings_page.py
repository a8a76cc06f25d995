"""Write docs/settings.md: every rule of `stockops settings advise`, from the rules themselves."""

from pathlib import Path

from stockops.settings import RULES

FILE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}

_HEAD = """\
# Settings

`stockops settings advise -t TARGET` asks every rule below of a server and writes nothing. Each
answers with advice, with satisfied, or with unknown and what to do about that.

```sh
stockops settings advise -t prod                                    # what should change, and why
stockops settings advise -t prod --memory 64GB --cpus 16 --disk ssd # a server elsewhere
stockops settings advise -t prod --rule work_mem --format json      # one rule, with all it saw
stockops settings compare -t prod --advised                         # a load with it and without
stockops settings apply -t prod --plan                              # what would be told to it
stockops settings revert -t prod                                    # as it was before
```

## What a rule rests on

- **Counters with their window.** A counter that has counted for less than an hour
  (`--window`) proves nothing: the rule is unknown, not satisfied. What is looked at is in the JSON.
- **The machine.** Memory, CPUs and the kind of disk are looked up where the process of the server
  is found on this machine: what listens at the socket or serves the session, started when the
  server says it was. The limits of its control groups count. Of a server elsewhere, behind a
  forwarded port or a pooler, nothing is known: say it with `--memory`, `--cpus`, `--disk`. A
  virtual disk does not say what it is.
- **Rights.** A count of what a role may see would be no answer: the rule is unknown, and names the
  grant. `pg_read_all_settings` and `pg_read_all_stats` are enough on PostgreSQL, `PROCESS` and
  `SELECT ON mysql.user` on MariaDB.

## Followed, and put back

`settings apply` tells a running server what is advised (`ALTER SYSTEM`, `ALTER DATABASE`, `SET
GLOBAL`), all of it or nothing: where one statement is refused, those before it are taken back. What
takes more than a statement is left and named. What stood there is written down first, in
`settings/` of `$STOCKOPS_STATE` (`/var/lib/stockops` for root, else `~/.local/state/stockops`), by
the identity of the server: its system identifier, or MariaDB's host and data directory.

`settings revert` puts it back from there. A setting that was written down nowhere before is written
down nowhere again; what somebody else has changed since is left, and named, unless `--yes` says
otherwise. A run that was killed on the way has its record, too. MariaDB writes nothing down itself:
what `SET GLOBAL` said is gone at the next start, so the line for the option file is printed.

## What holds for all of it

Rules are asked in the order below, and each sees what the rules before it have proposed. So:

- no two rules speak of one setting;
- advice that was followed is followed by no other advice, as long as the counters are the same;
- what is proposed and kept fits into memory together, in the worst case: all connections used, each
  with one of every buffer, and all workers of autovacuum at work. One plan may still take several
  times `work_mem` or `join_buffer_size`, which is why the parts below leave room.

Tests hold this for any settings, any load and machines from 256 MB to 1 TB, and a real server of
each engine takes every statement, starts again with it, and has the values that were proposed.

| part of memory | PostgreSQL | MariaDB |
|---|---|---|
| cache of the engine | 35 % at most, 25 % proposed | 65 % at most, 60 % proposed |
| sessions, all connections used | 40 % | 20 % |
| vacuum, building of indexes | 15 % | - |
| performance_schema | - | 5 % |
| other caches | - | 5 % |
| left to the system | 10 % | 5 % |

Severity: a **risk** is data or a server that may be lost, **waste** is paid for and not used, a
**hint** is the rest.
"""


def page() -> str:
    """Return the text of the page."""
    parts = [_HEAD]
    for engine, rules in RULES.items():
        parts += [f"## {_NAMES[engine]}: {len(rules)} rules\n"]
        rows = ["| rule | what it holds | severity | formula | what changes | source |"]
        rows += ["|---|---|---|---|---|---|"]
        rows += [
            f"| `{rule.name}` | {rule.title} | {rule.severity} | {rule.formula} | {rule.effect}"
            f" | {rule.source.partition(', ')[2]} |"
            for rule in rules
        ]
        parts += ["\n".join(rows) + "\n"]
    sources = "the PostgreSQL manual, or the documentation of MariaDB"
    return "\n".join([*parts, f"Sources are sections of {sources}.\n"])


if __name__ == "__main__":
    FILE.write_text(page(), "utf-8")
