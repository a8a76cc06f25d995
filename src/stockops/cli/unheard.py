"""Answers that nobody can take: the reader is gone, or there is no room."""

import os
import sys


def forget_stdout() -> None:
    """Let what stdout still holds go nowhere: Python would complain again as it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
