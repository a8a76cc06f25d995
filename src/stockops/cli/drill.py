"""``stockops drill``."""

import click

from .drill_book import due_command, list_command, show_command
from .drill_controls import controls_command
from .drill_doctor import doctor_command
from .drill_game import game_command
from .drill_lint import lint_command
from .drill_report import report_command
from .drill_run import run_command
from .drill_undo import undo_command


@click.group()
def drill() -> None:
    """Break it on purpose, recover by the runbook, and prove what was lost."""


drill.add_command(list_command)
drill.add_command(show_command)
drill.add_command(lint_command)
drill.add_command(due_command)
drill.add_command(run_command)
drill.add_command(undo_command)
drill.add_command(doctor_command)
drill.add_command(report_command)
drill.add_command(controls_command)
drill.add_command(game_command)
