"""What is said to be on disk is there: a file's name is, once its directory was synced."""

import os
from pathlib import Path


def sync(directory: Path) -> None:
    """Return when the names in `directory` are durable; what is in its files is synced by them."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
