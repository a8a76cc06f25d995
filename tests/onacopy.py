"""Commands that work on a copy of a lab, and the copies there are."""

import os
import subprocess
import sys

from stockops import lab as labs
from stockops.lab import Lab


def started(lab: Lab, verb: str, *arguments: str) -> "subprocess.Popen[str]":
    """Return ``stockops index VERB`` on `lab`, at work in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "stockops", "index", verb, "-t", lab.name, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        start_new_session=True,
    )


def copies() -> list[str]:
    """The names of the labs that somebody made for a while."""
    return [each.name for each in labs.status() if each.name.startswith("temporary-")]
