"""
The crontab of this user: our jobs as a block of their own, everything else as it was.

A line sets no variable, for that would count for the lines of others below it.
"""

import re
import shlex
import subprocess
from collections.abc import Sequence

from ..errors import ConfigError, StorageError
from .entries import Planned

BEGIN = "# BEGIN stockops jobs: written by `stockops job crontab --install`"
END = "# END stockops jobs"
COMMAND_CHARACTERS_MAX = 998  # of Debian's cron, and of vixie's
SECONDS_MAX = 20.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # cron's has no sbin
_OURS = re.compile(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n", re.MULTILINE | re.DOTALL)


def lines(jobs: Sequence[Planned]) -> str:
    """Return the block of `jobs`, or raise `ConfigError` where cron would cut a line."""
    parts = [BEGIN]
    for job in jobs:
        parts += [f"# {job.title}", f"{job.at} {_command(job)}"]
    return "\n".join([*parts, END]) + "\n"


def _command(job: Planned) -> str:
    variables = [f"{name}={shlex.quote(value)}" for name, value in job.environment]
    words = " ".join([f"PATH={PATH}", *variables, shlex.join(job.argv)])
    command = words.replace("%", r"\%")  # else cron makes a new line of it
    if len(command.encode()) > COMMAND_CHARACTERS_MAX or "\n" in command:
        raise ConfigError(
            f"the line of the job {job.name!r} is too long for cron: "
            f"{len(command.encode()):,} bytes, and it takes {COMMAND_CHARACTERS_MAX}",
            hint="Put stockops.yaml at a shorter path, or use: stockops job timers",
        )
    return command


def merged(table: str, block: str) -> str:
    """
    Return `table` with `block` in the place of ours, or at its end; an empty one takes ours out.

    Every other line stays as it is. Raises `ConfigError` where our block has lost an end.
    """
    begins, ends = (len(re.findall(rf"^{re.escape(mark)}$", table, re.M)) for mark in (BEGIN, END))
    found = [*_OURS.finditer(table if table.endswith("\n") else table + "\n")]
    if begins > 1 or begins != ends or len(found) != begins:
        raise ConfigError(
            "the block of stockops in the crontab has lost its first or its last line",
            hint="Repair it, or take it out: crontab -e",
        )
    if found:
        return table[: found[0].start()] + block + table[found[0].end() :]
    if not block:
        return table
    return f"{table}\n{block}" if table and not table.endswith("\n") else table + block


def current() -> str:
    """Return the crontab of this user; empty where there is none."""
    done = _run(["crontab", "-l"], None)
    if done.returncode != 0:
        if "no crontab for" in done.stderr:
            return ""
        raise _failed("read", done.stderr)
    return done.stdout


def install(table: str) -> None:
    """Make `table` the crontab of this user; cron reads it within a minute."""
    done = _run(["crontab", "-"], table)
    if done.returncode != 0:
        raise _failed("written", done.stderr)


def _run(argv: list[str], given: str | None) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            argv,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",  # what others wrote stays as it is
            env=None,
        )
    except FileNotFoundError:
        raise ConfigError(
            "there is no cron here: no program is called crontab",
            hint="Install it (apt-get install cron), or use: stockops job timers",
        ) from None
    except subprocess.TimeoutExpired:
        raise _failed("changed", f"no answer within {SECONDS_MAX:.0f} s") from None


def _failed(what: str, said: str) -> StorageError:
    return StorageError(
        f"the crontab cannot be {what}: {' '.join(said.split())}", hint="Look: crontab -l"
    )
