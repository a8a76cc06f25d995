"""Which listing a word on the command line means."""

from datetime import date
from pathlib import Path

from . import csvfile, krx, sample
from .issue import Listing


def read(source: str, *, on: date) -> Listing:
    """
    Return the listing that `source` names: ``sample``, ``krx``, or the path of a CSV file.

    `on` is the date that ``krx`` is asked for; the others hold the day they hold.
    """
    match source:
        case "sample":
            return sample.read()
        case "krx":
            return krx.read(on)
        case _:
            return csvfile.read(Path(source))
