"""The root command, and the only place that turns errors into exit codes."""

import errno
import io
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from .. import __version__
from ..errors import StockopsError
from .unheard import forget_stdout

BUG_EXIT_CODE = 70
INTERRUPTED_EXIT_CODE = 130
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

# Each noun is the click command of that name in the module of that name: read when it is used.
NOUNS = {
    "demo": "The whole story on a fresh lab, ending in a report.",
    "lab": "Private servers that stockops starts and stops itself.",
    "migrate": "Versioned SQL files, applied to a database.",
    "seed": "Fill a database with the Korean market.",
    "trade": "Orders: one, many, those that a portfolio needs, and the audit of a run.",
    "report": "What an operator asks: named questions, as a table, JSON, CSV or a page.",
    "research": "Backtests, patterns in prices, recommendations, weekly reports: no order.",
    "books": "The invariants that prove the books.",
    "slow": "What took the time, from the logs of either engine.",
    "backup": "Backups that are restored and proven before they are believed.",
    "locks": "Who waits for whom, and what ends it.",
    "indicators": "Technical indicators of the daily prices: computed, shown, proven.",
    "partitions": "Tables partitioned by date: what the next months want.",
    "storage": "What fills the disk, and what may go without losing anything.",
    "index": "Indexes: what they cost, and which ones should go.",
    "health": "Is all well: checks of the server and of what is kept about it.",
    "exporter": "Metrics for Prometheus, from an exporter that cannot hurt the server.",
    "replica": "Replicas of labs: made, watched, promoted, and led back.",
    "settings": "Advice on a server's settings, with its evidence.",
    "roles": "Who watches: a role with the least rights, and its logins.",
    "privacy": "Personal data: found, masked in a copy, erased; tokens encrypted.",
    "alerts": "Rules that can say something, and whom it reaches.",
    "drill": "Break it on purpose, recover by the runbook, prove what was lost.",
    "proxy": "A bad network before a server: slow, lossy, cut, or without an answer.",
    "job": "Jobs of cron and systemd: alone, in bounded time, and missed.",
}


class Root(click.Group):
    """Load a noun when it is asked for; leave with the exit code of what went wrong."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the nouns, in the order a newcomer meets them."""
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the noun `cmd_name`; None where there is none."""
        if cmd_name not in NOUNS:
            return None
        module = import_module(f"stockops.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of nouns without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(NOUNS.items()))

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command line, and leave with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal may not know Hangul
        try:
            kwargs["standalone_mode"] = False
            code = super().main(*args, **kwargs)
        except StockopsError as exc:
            code = _say(str(exc), exc.hint, exc.exit_code)
        except click.ClickException as exc:
            exc.show()
            code = exc.exit_code
        except (KeyboardInterrupt, click.Abort):
            code = _say("interrupted", None, INTERRUPTED_EXIT_CODE)
        except OSError as exc:
            code = _no_room(exc) if exc.errno in _NO_ROOM else _bug()
        except Exception:
            code = _bug()
        sys.exit(code if isinstance(code, int) else 0)


def _say(message: str, hint: str | None, code: int) -> int:
    """Print what went wrong and what to do next, on stderr."""
    click.echo(f"{click.style('error:', fg='red')} {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return code


def _bug() -> int:
    sys.excepthook(*sys.exc_info())
    return _say("this is a bug in stockops", "Report it with the lines above.", BUG_EXIT_CODE)


def _no_room(exc: OSError) -> int:
    """Say that what this command writes has no room; it may be its answer."""
    forget_stdout()
    said = f"no room for what this command writes: {(exc.strerror or str(exc)).lower()}"
    hint = "Free some where stdout and its files go, then run it again: the answer is not whole."
    return _say(said, hint, StockopsError.exit_code)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stockops")
def main() -> None:
    """
    Database operations for a stock-trading database on PostgreSQL and MariaDB.

    The books balance, and the tool proves it. Start with: stockops demo
    """
